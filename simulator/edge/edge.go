// Package edge puts the nodes of a live world onto real sockets of this machine.
//
// Three kinds: Ports gives each node a port of 127.0.0.1 and works everywhere; Loopback gives each address 10.a.b.c the
// address 127.a.b.c, all on one port, and takes a client bound to 127.a.b.c for 10.a.b.c; Exact opens every address as it
// is, where a network namespace has them all. What arrives goes through the network's rules to the node's program. A node's
// state shows on its sockets: a program that is gone has closed ones, and a host that is dark opens no TCP connections (on
// Linux; elsewhere they open, and nothing answers). A client that a rule keeps away gets no answer; its TCP connections open.
// Sockets are on loopback only. Close closes all of them and waits for what runs on them.
package edge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"faultzone/simulator/network"
)

// Node is a node to be put onto sockets.
type Node struct {
	Name      string
	Addresses []netip.Addr // in the world
	Service   *network.Service
}

// Config says what to put where.
type Config struct {
	Network *network.Network
	Nodes   []Node
	// As are the world addresses that a real client is taken for: the one in the scope of the node it asks.
	As []netip.Addr
	// Port is, for Ports, the first node's (the others follow), and for Loopback that of all; 0: Ports takes free
	// ones, Loopback 5300.
	Port uint16
	// Others are hosts with sockets of another kind, whose addresses Exact wants to be there too.
	Others []Node
	// Report is told of sockets that could not be opened again after their node had come back.
	Report func(error)
}

// DefaultLoopbackPort is the port of the loopback edge.
const DefaultLoopbackPort = 5300

// Door is one real address with the world address behind it.
type Door struct {
	Node  string
	World netip.Addr     // where what arrives is taken to have been sent
	Real  netip.AddrPort // UDP and TCP
}

// Edge is a set of open doors.
type Edge struct {
	config Config
	doors  []*door
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// ErrPortsEnd is Ports' error for a first port that leaves too few behind it.
var ErrPortsEnd = errors.New("ports end at 65535")

// Ports opens a port of 127.0.0.1 for each node. An error says which port could not be had; errors.Is tells
// syscall.EADDRINUSE and syscall.EACCES.
func Ports(c Config) (*Edge, error) {
	e := &Edge{config: c}
	for i, n := range c.Nodes {
		port := c.Port
		if port != 0 {
			if int(port)+i > 65535 {
				return nil, errors.Join(fmt.Errorf("%d: the world has %d nodes with a port each, and %w", port, len(c.Nodes), ErrPortsEnd), e.Close())
			}
			port += uint16(i)
		}
		real := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
		if err := e.openForVantage(n, real); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	return e, nil
}

// Loopback opens 127.a.b.c for each address 10.a.b.c, and a free port of 127.0.0.1 for nodes without one.
func Loopback(c Config) (*Edge, error) {
	if c.Port == 0 {
		c.Port = DefaultLoopbackPort
	}
	e := &Edge{config: c}
	for _, n := range c.Nodes {
		inside := false
		for _, a := range n.Addresses {
			if !a.Is4() || a.As4()[0] != 10 {
				continue
			}
			inside = true
			b := a.As4()
			b[0] = 127
			if err := e.openForBound(n, a, netip.AddrPortFrom(netip.AddrFrom4(b), c.Port)); err != nil {
				return nil, errors.Join(err, e.Close())
			}
		}
		if inside {
			continue
		}
		free := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
		if err := e.openForVantage(n, free); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	return e, nil
}

// source says, for a real client's address, which world address it is taken for.
type source func(client netip.AddrPort) netip.AddrPort

// vantage picks, of the addresses that clients are taken for and those of a node, the pair in one scope.
func (e *Edge) vantage(addresses []netip.Addr) (from, to netip.Addr) {
	from, to = netip.AddrFrom4([4]byte{127, 0, 0, 1}), addresses[0]
	for _, a := range addresses {
		if source, ok := network.Source(e.config.As, a); ok {
			from, to = source, a
			if source.IsPrivate() == a.IsPrivate() {
				break
			}
		}
	}
	return from, to
}

// openForVantage takes every client for the vantage, in the node's scope.
func (e *Edge) openForVantage(n Node, real netip.AddrPort) error {
	from, to := e.vantage(n.Addresses)
	return e.open(n, to, real, func(client netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(from, client.Port())
	})
}

// openForBound takes a client at 127.a.b.c for 10.a.b.c, and one at 127.0.0.1 for the vantage.
func (e *Edge) openForBound(n Node, to netip.Addr, real netip.AddrPort) error {
	from, _ := e.vantage([]netip.Addr{to})
	return e.open(n, to, real, func(client netip.AddrPort) netip.AddrPort {
		b := client.Addr().Unmap().As4()
		if b == [4]byte{127, 0, 0, 1} {
			return netip.AddrPortFrom(from, client.Port())
		}
		b[0] = 10
		return netip.AddrPortFrom(netip.AddrFrom4(b), client.Port())
	})
}

func (e *Edge) open(n Node, world netip.Addr, real netip.AddrPort, as source) error {
	d := &door{edge: e, name: n.Name, world: world, real: real, source: as}
	d.behind.Store(&behind{e.config.Network, n.Service})
	if err := d.listen(); err != nil {
		return fmt.Errorf("%s: %w%s", n.Name, err, advice(err))
	}
	e.doors = append(e.doors, d)
	d.lead(e.config.Network, n)
	return nil
}

// Move has every door lead to the node of its name in another network: a world that takes the place of the one before,
// at the same addresses. Nothing that is on its way in the old one comes back after the doors are moved and it is closed.
// It fails, with nothing moved, when a door's node is not among the nodes.
func (e *Edge) Move(n *network.Network, nodes []Node) error {
	named := map[string]Node{}
	for _, node := range nodes {
		named[node.Name] = node
	}
	for _, d := range e.doors {
		if _, ok := named[d.name]; !ok {
			return fmt.Errorf("the other world has no node %s for the door at %s", d.name, d.address())
		}
	}
	for _, d := range e.doors {
		d.lead(n, named[d.name])
	}
	return nil
}

// advice is the next step after a socket could not be opened.
func advice(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "; another program has it: choose another with --port, or leave that out for free ports"
	case errors.Is(err, syscall.EACCES):
		return "; ports below 1024 need a privilege: choose a higher one with --port"
	}
	return ""
}

// Doors are the open doors, in the order of the nodes.
func (e *Edge) Doors() []Door {
	list := make([]Door, len(e.doors))
	for i, d := range e.doors {
		list[i] = Door{Node: d.name, World: d.world, Real: d.address()}
	}
	return list
}

// Close closes every socket and returns when nothing runs on them any more.
func (e *Edge) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	for _, d := range e.doors {
		d.shut()
	}
	e.wg.Wait()
	return nil
}

// listenBoth opens UDP and TCP at one address; with port 0 at a port that is free for both.
func listenBoth(at netip.AddrPort) (*net.UDPConn, *net.TCPListener, error) {
	const tries = 20
	family := "4"
	if at.Addr().Is6() {
		family = "6"
	}
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // its sockets take no filters
	for try := 1; ; try++ {
		u, err := net.ListenUDP("udp"+family, net.UDPAddrFromAddrPort(at))
		if err != nil {
			return nil, nil, fmt.Errorf("listen on %s, UDP: %w", at, err)
		}
		port := u.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		t, err := plain.Listen(context.Background(), "tcp"+family, netip.AddrPortFrom(at.Addr(), port).String())
		if err == nil {
			return u, t.(*net.TCPListener), nil
		}
		u.Close()
		if at.Port() != 0 || try == tries {
			return nil, nil, fmt.Errorf("listen on %s, TCP: %w", netip.AddrPortFrom(at.Addr(), port), err)
		}
	}
}
