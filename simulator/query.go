package simulator

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator/network"
	"faultzone/simulator/stub"
)

// dig's habits.
const (
	digTimeout = 5 * time.Second
	digTries   = 3
	digSize    = 1232
)

// Result is what a question came to.
type Result struct {
	// Reply is nil when none came; Err then says why.
	Reply *dns.Msg
	Err   error
	// Server is the address that answered, or was asked last.
	Server netip.Addr
	// Elapsed is the world time from the question to its end.
	Elapsed time.Duration
	// Traces are the paths that resolvers which were asked for it took, in order, with Options.Trace.
	Traces []*Trace
	// From and To are the journal's entries between which the question was under way; [World.Path] reads them.
	From, To int
}

// Failure names the kind of error that kept the answer away: "timeout", "refused", "unreachable", "" when there is a
// reply or the error is another.
func (r Result) Failure() string {
	var timeout interface{ Timeout() bool }
	switch {
	case r.Reply != nil || r.Err == nil:
		return ""
	case errors.Is(r.Err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(r.Err, syscall.EHOSTUNREACH):
		return "unreachable"
	case errors.As(r.Err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return ""
}

// Query asks one question and waits for its end in world time: through a client's stub, or like dig at an address. It
// fails only when the question makes no sense in this world; what the world makes of it is in the result.
func (w *World) Query(ctx context.Context, q scenarios.QueryStep) (Result, error) {
	return w.QueryAt(ctx, Moment{}, q)
}

// QueryAt is Query at a moment to come.
func (w *World) QueryAt(ctx context.Context, at Moment, q scenarios.QueryStep) (Result, error) {
	ask, err := w.asker(q)
	if err != nil {
		return Result{}, err
	}
	var r Result
	waitErr, err := w.at(ctx, at, func(ctx context.Context) {
		from, start := w.journal.Len(), w.Now()
		r = w.traced(q, func() Result { return ask(ctx) })
		r.Elapsed = w.Now().Sub(start)
		r.From, r.To = from, w.journal.Len()
	})
	if waitErr != nil {
		r.Err = waitErr
	}
	return r, err
}

// asker prepares a question.
func (w *World) asker(q scenarios.QueryStep) (func(context.Context) Result, error) {
	if q.Client != "" {
		n, err := w.node(q.Client)
		if err != nil {
			return nil, err
		}
		if n.client == nil {
			return nil, fmt.Errorf("%s is no client", q.Client)
		}
		return func(ctx context.Context) Result { return fromStub(n.client.Query(ctx, q.Name, q.Type)) }, nil
	}
	socket, err := w.source(q.From)
	if err != nil {
		return nil, err
	}
	server, err := w.destination(q.Via, socket)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) Result { return w.dig(ctx, socket, server, q) }, nil
}

func fromStub(s stub.Result) Result {
	r := Result{Reply: s.Reply, Err: s.Err, Server: s.Server}
	if r.Reply == nil && len(s.Asked) > 0 {
		last := s.Asked[len(s.Asked)-1]
		r.Server = last.Server
		if last.Err != nil {
			r.Err = last.Err
		}
	}
	return r
}

// source is the way out of where a question comes from: the vantage, a node, or any address.
func (w *World) source(from string) (*network.Socket, error) {
	if from == "" {
		return w.vantage, nil
	}
	if n := w.nodes[from]; n != nil {
		return n.socket, nil
	}
	a, err := netip.ParseAddr(from)
	if err != nil {
		return nil, fmt.Errorf("from %q: neither a node of the world nor an address", from)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sockets[a] == nil {
		w.sockets[a] = w.net.SocketFrom(stream(w.seed, "ports/"+a.String()), a)
	}
	return w.sockets[a], nil
}

// destination is the address that a question goes to: of a node, the one in the source's scope.
func (w *World) destination(via string, from *network.Socket) (netip.AddrPort, error) {
	if n := w.nodes[via]; n != nil {
		a, err := from.Reach(n.host)
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("via %s: %w", via, err)
		}
		return netip.AddrPortFrom(a, network.Port), nil
	}
	a, err := netip.ParseAddr(via)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("via %q: neither a node of the world nor an address", via)
	}
	return netip.AddrPortFrom(a, network.Port), nil
}

// dig asks as dig does: RD, AD and EDNS unless switched off, five seconds, three tries, TCP after truncation.
func (w *World) dig(ctx context.Context, socket *network.Socket, server netip.AddrPort, q scenarios.QueryStep) Result {
	r := Result{Server: server.Addr()}
	packed, err := packQuery(socket.ID(), q)
	if err != nil {
		r.Err = err
		return r
	}
	proto := "udp"
	if q.TCP {
		proto = "tcp"
	}
	for try := 0; try < digTries; {
		reply, err := socket.Exchange(ctx, server, proto, packed, digTimeout, func(b []byte) bool { return sameQuestion(b, packed) })
		r.Err = err
		if err == nil {
			r.Reply = new(dns.Msg)
			if r.Err = r.Reply.Unpack(reply); r.Err != nil {
				r.Reply = nil
				return r
			}
			if !r.Reply.Truncated || proto == "tcp" {
				return r
			}
			proto = "tcp"
			continue
		}
		try++
	}
	return r
}

// packQuery is the query that dig sends.
func packQuery(id uint16, q scenarios.QueryStep) ([]byte, error) {
	const header, tail, opt = 12, 4, 11
	name := dns.Fqdn(q.Name)
	b := make([]byte, header+len(name)+1+tail+opt)
	binary.BigEndian.PutUint16(b, id)
	if !q.NoRD {
		b[2] |= 0x01
	}
	if !q.NoAD {
		b[3] |= 0x20
	}
	if q.CD {
		b[3] |= 0x10
	}
	b[5] = 1 // one question
	end, err := dns.PackDomainName(name, b, header, nil, false)
	if err != nil {
		return nil, fmt.Errorf("the name %q: %w", q.Name, err)
	}
	b = binary.BigEndian.AppendUint16(b[:end], q.Type)
	b = binary.BigEndian.AppendUint16(b, dns.ClassINET)
	if q.NoEDNS {
		return b, nil
	}
	b[11] = 1 // one additional record: OPT (RFC 6891 section 6.1.2)
	b = append(b, 0, 0, byte(dns.TypeOPT))
	b = binary.BigEndian.AppendUint16(b, digSize)
	flags := uint16(0)
	if q.DO {
		flags = 0x8000
	}
	b = binary.BigEndian.AppendUint16(append(b, 0, 0), flags)
	return append(b, 0, 0), nil
}

// sameQuestion tells whether a packed message is a reply to a packed query: ID, QR and, where it has one, question.
func sameQuestion(reply, query []byte) bool {
	if len(reply) < 12 || reply[0] != query[0] || reply[1] != query[1] || reply[2]&0x80 == 0 {
		return false
	}
	if reply[4] == 0 && reply[5] == 0 {
		return true // an error that echoes no question
	}
	end := 12
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5
	if end > len(query) || end > len(reply) {
		return false
	}
	for i := 12; i < end; i++ {
		a, b := reply[i], query[i]
		if a != b && (a|0x20 != b|0x20 || a|0x20 < 'a' || a|0x20 > 'z') {
			return false
		}
	}
	return true
}

// Path is what happened in the world while a question was under way, for a person to read.
func (w *World) Path(r Result) []string {
	var lines []string
	for _, e := range w.journal.between(r.From, r.To) {
		lines = append(lines, e.String())
	}
	return lines
}
