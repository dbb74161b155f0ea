package simtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"faultzone/simulator"
	"faultzone/simulator/network"
)

// Dialer resolves names as one node of the world has them, and connects to what stands for their addresses.
type Dialer struct {
	w        *World
	resolver *net.Resolver
	from     string // a node or an address
}

// Dialer is one whose names are resolved by a node, or by a client's stub, as [World.Resolver] has it.
// What it dials comes from the world's vantage, from Options.From or, with a client's name, from that client.
func (w *World) Dialer(node string) *Dialer {
	w.t.Helper()
	d := &Dialer{w, w.Resolver(node), w.options.From}
	if n, _ := w.node(node); n.Role == simulator.RoleClient {
		d.from = node
	}
	return d
}

// DialContext is a Dialer's, with the names resolved by Options.Resolver:
//
//	client := &http.Client{Transport: &http.Transport{DialContext: w.DialContext}}
func (w *World) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d := &Dialer{w: w, from: w.options.From}
	if name := w.firstResolver(); name != "" {
		var err error
		if d.resolver, err = w.resolver(name); err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
	}
	return d.DialContext(ctx, network, address)
}

// firstResolver is the node that DialContext asks.
func (w *World) firstResolver() string {
	if w.options.Resolver != "" {
		return w.options.Resolver
	}
	for _, n := range w.world.Nodes() {
		if n.Role == simulator.RoleResolver {
			return n.Name
		}
	}
	return ""
}

// DialContext connects to HOST:PORT over "tcp", "tcp4" or "tcp6": it tries the addresses that the world has for the host,
// IPv4 before IPv6, in their order. With port 53 and a node's address it is a way to ask that node, also over "udp".
//
// Connections meet the world's faults where they open: a node that is silent, a network that is cut. A web host of the
// scenario is reached without any Backend, which takes its place where there is one.
//
// Errors are a *net.OpError around what a socket would say: a *net.DNSError, ECONNREFUSED where the host exists in the
// world and nobody stands for that port, EHOSTUNREACH where there is no such host, a timeout where nothing comes back.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Net: network, Err: err} }
	transport := strings.TrimRight(network, "46")
	if transport != "tcp" && transport != "udp" {
		return fail(net.UnknownNetworkError(network))
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return fail(err)
	}
	port, err := net.DefaultResolver.LookupPort(ctx, network, service) // of names, this machine's list
	if err != nil {
		return fail(err)
	}
	addresses, err := d.lookup(ctx, network, host)
	if err != nil {
		return fail(err)
	}
	var first error
	for _, a := range addresses {
		at := netip.AddrPortFrom(a, uint16(port))
		c, err := d.connect(ctx, transport, at)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(at), Err: err}
		}
	}
	return nil, first
}

// Dial is DialContext over TCP with the signature that grpc.WithContextDialer takes. The target is then written
// "passthrough:///HOST:PORT", so that the name comes here whole.
func (d *Dialer) Dial(ctx context.Context, address string) (net.Conn, error) {
	return d.DialContext(ctx, "tcp", address)
}

// lookup gives a host's addresses of the network's families.
func (d *Dialer) lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	family := "ip"
	if last := network[len(network)-1]; last == '4' || last == '6' {
		family += string(last)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if a = a.Unmap(); family == "ip4" && !a.Is4() || family == "ip6" && !a.Is6() {
			return nil, &net.AddrError{Err: "not an address of " + network, Addr: host}
		}
		return []netip.Addr{a}, nil
	}
	if d.resolver == nil {
		return nil, fmt.Errorf("look up %s: the world has no resolver; name with Options.Resolver who is to be asked", host)
	}
	list, err := d.resolver.LookupNetIP(ctx, family, host)
	for i := range list {
		list[i] = list[i].Unmap()
	}
	slices.SortStableFunc(list, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return list, err
}

// connect opens a connection to what stands for an address of the world.
func (d *Dialer) connect(ctx context.Context, transport string, at netip.AddrPort) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := d.w
	if at.Port() == network.Port && w.world.Network().Owner(at.Addr()) != "" {
		return newConn(ctx, transport, at.String(), w.ask(at.Addr())), nil
	}
	if at.Addr().IsLoopback() {
		return nil, fmt.Errorf("%w: a world does not dial out to this machine; say with World.Backend which address of the world the server stands for", syscall.ECONNREFUSED)
	}
	backend, hostExists := w.backend(at)
	if transport != "tcp" {
		backend = ""
	}
	site, isSite := w.site(at)
	fate, source, err := w.visit(ctx, d.from, at)
	switch {
	case err != nil:
		return nil, err
	case fate == network.Dropped:
		return nil, w.expire(ctx)
	case isSite && fate == network.Refused:
	case backend != "":
		return w.reach(ctx, backend, source)
	case isSite && transport == "tcp" && fate == network.Delivered:
		return w.reach(ctx, w.host(site, at), source)
	case !hostExists:
		return nil, os.NewSyscallError("connect", syscall.EHOSTUNREACH)
	}
	return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
}

// ask is what carries messages to an address of the world.
func (w *World) ask(to netip.Addr) answerer {
	return func(ctx context.Context, transport, _ string, query []byte, deadline time.Time) ([]byte, error) {
		if err := w.steps.catchUp(); err != nil {
			return nil, err
		}
		v := view{w: w, machine: machine{timeout: attemptTimeout}, ends: map[int64]time.Time{}}
		return w.exchange(ctx, simulator.Exchange{To: to.String(), Network: transport, Query: query, Timeout: max(v.allowance(deadline), 1)})
	}
}

// backend is what stands for an address, "" for none, and whether its host exists.
func (w *World) backend(at netip.AddrPort) (listener string, hostExists bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if listener = w.backends[at]; listener != "" {
		return listener, true
	}
	for other := range w.backends {
		if other.Addr() == at.Addr() {
			return "", true
		}
	}
	return "", w.world.Network().Owner(at.Addr()) != ""
}

// errBackend is an address that cannot stand for one of the world's.
var errBackend = errors.New("want an address and port of the world, such as 10.0.2.50:80, and the address of a listener on loopback")
