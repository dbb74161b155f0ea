package simtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/clock"
	"faultzone/simulator/stub"
)

// attemptTimeout is how long Go's resolver waits for one reply.
const attemptTimeout = 5 * time.Second

// Resolver is a *net.Resolver that asks a node of the world: its name, its address, or the address of nobody, where each
// lookup runs into what such an address is worth. With a client's name it looks names up as that host does: its name
// servers in their order, with its waits, its search list for names with fewer dots than its ndots, and its /etc/hosts.
//
// The questions come from the world's vantage, or from Options.From. Asking for the same node again gives the same resolver.
func (w *World) Resolver(node string) *net.Resolver {
	w.t.Helper()
	r, err := w.resolver(node)
	if err != nil {
		w.t.Fatalf("a resolver: %v", err)
	}
	return r
}

func (w *World) resolver(name string) (*net.Resolver, error) {
	w.mu.Lock()
	r := w.views[name]
	w.mu.Unlock()
	if r != nil {
		return r, nil
	}
	v, err := w.view(name)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.views[name] == nil {
		w.views[name] = &net.Resolver{PreferGo: true, Dial: v.dial}
	}
	return w.views[name], nil
}

// view is the world as it is seen through a node, an address or a client.
func (w *World) view(name string) (*view, error) {
	n, err := w.target(name)
	if err != nil {
		return nil, err
	}
	v := &view{w: w, machine: theMachine(), to: name, failed: map[question]*failure{}, large: map[question][]byte{}, ends: map[int64]time.Time{}}
	switch {
	case n.Role == simulator.RoleClient:
		v.client, v.ndots = n.Name, w.ndots(n.Name)
	case n.Name != name:
		v.to = n.Addresses[0].String()
	}
	if w.options.Live && n.Name != "" && v.client == "" {
		d, err := w.door(n.Name)
		if err != nil {
			return nil, err
		}
		if n.Name == name || slices.Contains(n.Addresses, d.World) { // another address of the node is asked in memory
			v.real = d.Real.String()
		}
	}
	return v, nil
}

// ndots is that of a client's resolv.conf.
func (w *World) ndots(client string) int {
	for _, c := range w.world.Scenario().World.Clients {
		if c.Name == client {
			o, _ := stub.ParseOptions(c.Options)
			return o.Ndots
		}
	}
	return 1
}

// view is the world as one resolver's asker sees it.
type view struct {
	w       *World
	machine machine
	to      string // a node or an address
	client  string // or the client whose stub is asked
	ndots   int    // the client's
	real    string // the node's socket in a live world

	mu sync.Mutex
	// failed has what the last attempt at a question came to where that was no answer: Go's resolver makes the same
	// attempt at each of the machine's servers, and they all are the one node here.
	failed map[question]*failure
	// large are a client's answers that do not fit into a datagram, for the connection over TCP that asks again.
	large map[question][]byte
	// ends are the world times at which deadlines of the test's contexts are over.
	ends map[int64]time.Time
}

type question struct {
	name    string
	rrtype  uint16
	network string
}

// failure is an attempt that brought nothing, or a client's whole lookup.
type failure struct {
	server string // of the machine: the one that the attempt was meant for
	reply  []byte // SERVFAIL, REFUSED and the like
	err    error
	left   int   // how many attempts it still stands for, of a client's lookup
	acts   int64 // World.acts at that time
}

// dial is net.Resolver's Dial. server is one of the machine's.
func (v *view) dial(ctx context.Context, network, server string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if v.real != "" {
		var d net.Dialer
		return d.DialContext(ctx, network, v.real)
	}
	return newConn(ctx, network, server, v.answer), nil
}

// answer is what comes back for a packed query before a deadline of the wall.
func (v *view) answer(ctx context.Context, network, server string, query []byte, deadline time.Time) ([]byte, error) {
	var m dns.Msg
	if err := m.Unpack(query); err != nil || len(m.Question) != 1 {
		return nil, fmt.Errorf("a query that cannot be read, or asks other than one thing: %v", err)
	}
	q := question{dns.CanonicalName(m.Question[0].Name), m.Question[0].Qtype, network}
	if v.madeUp(q.name) {
		reply, err := new(dns.Msg).SetRcode(&m, dns.RcodeNameError).Pack()
		return reply, err
	}
	if f := v.known(q, server); f != nil {
		return withID(f.reply, query), f.err
	}
	if err := v.w.steps.catchUp(); err != nil {
		return nil, err
	}
	var reply []byte
	var err error
	if timeout := v.allowance(deadline); timeout <= 0 {
		err = os.ErrDeadlineExceeded
	} else if v.client != "" {
		reply, err = v.lookup(ctx, &m, q)
	} else {
		reply, err = v.w.exchange(ctx, simulator.Exchange{To: v.to, Network: network, Query: query, Timeout: timeout})
	}
	v.remember(q, server, reply, err)
	return withID(reply, query), err
}

// madeUp tells whether a name is the machine's search list's work: something below one of its domains, of which the
// world has no zone.
func (v *view) madeUp(name string) bool {
	domain := v.machine.searched(name)
	if domain == "" {
		return false
	}
	for _, s := range v.w.world.Scenario().World.Servers {
		for _, view := range s.Views {
			for _, z := range view.Zones {
				if z.Origin == domain || dns.CountLabel(z.Origin) > 1 && dns.IsSubDomain(z.Origin, domain) || dns.IsSubDomain(domain, z.Origin) {
					return false
				}
			}
		}
	}
	return true
}

// known is the failure that this attempt would only repeat, or nil.
func (v *view) known(q question, server string) *failure {
	v.mu.Lock()
	defer v.mu.Unlock()
	f := v.failed[q]
	if f == nil {
		return nil
	}
	if f.acts != v.w.acts.Load() || f.left == 0 && f.server == server {
		delete(v.failed, q)
		return nil
	}
	if f.left > 0 {
		if f.left--; f.left == 0 {
			delete(v.failed, q)
		}
	}
	return f
}

// remember notes what an attempt came to.
func (v *view) remember(q question, server string, reply []byte, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err == nil && (len(reply) < 4 || rcodeOf(reply) == dns.RcodeSuccess || rcodeOf(reply) == dns.RcodeNameError) {
		delete(v.failed, q)
		return
	}
	f := &failure{server: server, reply: reply, err: err, acts: v.w.acts.Load()}
	if v.client != "" { // a stub has tried all that it would
		if f.left = v.machine.attempts*v.machine.servers - 1; f.left == 0 {
			return
		}
	}
	v.failed[q] = f
}

// allowance is the world time that a question has until a deadline of the wall. One that is as far away as the resolver
// sets it for each attempt is the resolver's; a nearer one is the test's own, and world time is taken off it from the
// moment that it is first seen.
func (v *view) allowance(deadline time.Time) time.Duration {
	var wall clock.Wall
	left := deadline.Sub(wall.Now())
	if deadline.IsZero() || left > min(v.machine.timeout, attemptTimeout)*8/10 {
		return attemptTimeout
	}
	const grain = 50 * time.Millisecond // for what the machine took to get here
	left = (left + grain - 1) / grain * grain
	v.mu.Lock()
	defer v.mu.Unlock()
	key := deadline.UnixNano()
	end, seen := v.ends[key]
	if !seen {
		end = v.w.world.Now().Add(left)
		v.ends[key] = end
	}
	return end.Sub(v.w.world.Now())
}

// lookup has a client's stub look a name up.
func (v *view) lookup(ctx context.Context, query *dns.Msg, q question) ([]byte, error) {
	if reply := v.fetched(q); reply != nil {
		return reply, nil
	}
	name := query.Question[0].Name
	if short := strings.TrimSuffix(name, "."); strings.Count(short, ".") < v.ndots {
		name = short // the client's search list completes it
	}
	r, err := v.w.world.Query(v.w.inside(ctx), scenarios.QueryStep{Client: v.client, Name: name, Type: query.Question[0].Qtype})
	if err != nil {
		return nil, err
	}
	v.w.tell(r.From, r.To, r.Traces)
	if r.Reply == nil {
		return nil, socketError(r.Err)
	}
	r.Reply.Id, r.Reply.Question = query.Id, query.Question
	r.Reply.RecursionAvailable = true // an answer from /etc/hosts says nothing of it
	packed, err := r.Reply.Pack()
	if err != nil || len(packed) <= datagram || q.network == "tcp" {
		return packed, err
	}
	v.mu.Lock()
	v.large[question{q.name, q.rrtype, "tcp"}] = packed
	v.mu.Unlock()
	truncated := new(dns.Msg).SetReply(query)
	truncated.Truncated, truncated.RecursionAvailable = true, true
	return truncated.Pack()
}

// datagram is the largest that Go's resolver takes.
const datagram = 1232

// fetched is a large answer that was asked for over UDP before.
func (v *view) fetched(q question) []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	reply := v.large[q]
	delete(v.large, q)
	return reply
}

// exchange sends a packed message into the world, from where the test's questions come from.
func (w *World) exchange(ctx context.Context, x simulator.Exchange) ([]byte, error) {
	x.From = w.options.From
	r, err := w.world.Exchange(w.inside(ctx), x)
	if err != nil {
		return nil, err
	}
	w.tell(r.From, r.To, r.Traces)
	return r.Reply, socketError(r.Err)
}

// inside is a context for the world's time. A virtual world takes none of the wall's time, so that what ends a context
// there would be chance.
func (w *World) inside(ctx context.Context) context.Context {
	if w.options.Live {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// socketError is an error of the world's network as a real socket has it.
func socketError(err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.NewSyscallError("read", syscall.ECONNREFUSED)
	case errors.Is(err, syscall.EHOSTUNREACH):
		return os.NewSyscallError("write", syscall.EHOSTUNREACH)
	case errors.As(err, &timeout) && timeout.Timeout():
		return os.ErrDeadlineExceeded
	}
	return err
}

func rcodeOf(packed []byte) int { return int(packed[3] & 0x0f) }

// withID is a reply with the ID of a query; it may be one that another query got.
func withID(reply, query []byte) []byte {
	if len(reply) < 2 {
		return reply
	}
	return append([]byte{query[0], query[1]}, reply[2:]...)
}
