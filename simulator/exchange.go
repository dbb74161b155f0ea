package simulator

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator/network"
)

// Exchange is a packed message that somebody sends into the world.
type Exchange struct {
	// From is where it comes from: a node's name or any address; empty: the world's vantage.
	From string
	// To is where it goes: a node's name or an address, always port 53.
	To      string
	Network string // "udp" or "tcp"
	Query   []byte // at least a header
	// Timeout is how long a reply is waited for, in world time.
	Timeout time.Duration
}

// Exchanged is what came of an [Exchange].
type Exchanged struct {
	// Reply is the first message that came back with the query's ID; nil when none did. Err then says why: errors.Is tells
	// syscall.ECONNREFUSED and EHOSTUNREACH, errors.As a Timeout().
	Reply []byte
	Err   error
	// Elapsed is the world time from the question to its end.
	Elapsed time.Duration
	// Traces are the paths that resolvers took, with Options.Trace.
	Traces []*Trace
	// From and To are the journal's entries between which it was under way.
	From, To int
}

// Exchange sends a message as it is and waits for the end of it in world time. On its way it has an ID from the world's
// own random numbers; the reply comes back with the query's. The error is of one that makes no sense in this world.
func (w *World) Exchange(ctx context.Context, x Exchange) (Exchanged, error) {
	socket, err := w.source(x.From)
	if err != nil {
		return Exchanged{}, err
	}
	server, err := w.destination(x.To, socket)
	if err != nil {
		return Exchanged{}, err
	}
	if len(x.Query) < 12 {
		return Exchanged{}, fmt.Errorf("a message of %d octets: a DNS message has 12 at least", len(x.Query))
	}
	var out Exchanged
	err = w.driver.Run(func() {
		if ctx.Done() != nil { // so that it ends a wait, in a world whose time stands still too
			inside, cancel := w.driver.WithTimeout(ctx, 0)
			defer cancel()
			ctx = inside
		}
		from, start := w.journal.Len(), w.Now()
		r := w.traced(scenarios.QueryStep{From: x.From}, func() Result {
			out.Reply, out.Err = x.send(ctx, socket, server)
			return Result{}
		})
		out.Traces = r.Traces
		out.Elapsed = w.Now().Sub(start)
		out.From, out.To = from, w.journal.Len()
	})
	return out, err
}

// send puts the world's ID on the query, and the query's on the reply.
func (x *Exchange) send(ctx context.Context, socket *network.Socket, server netip.AddrPort) ([]byte, error) {
	id := socket.ID()
	query := append([]byte{byte(id >> 8), byte(id)}, x.Query[2:]...)
	reply, err := socket.Exchange(ctx, server, x.Network, query, x.Timeout, func(b []byte) bool {
		return len(b) >= 12 && b[0] == query[0] && b[1] == query[1] && b[2]&0x80 != 0
	})
	if err != nil {
		return nil, err
	}
	return append([]byte{x.Query[0], x.Query[1]}, reply[2:]...), nil
}
