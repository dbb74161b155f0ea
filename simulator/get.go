package simulator

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator/network"
)

// getPatience is for how long a client waits for an HTTP answer, in world time, once it knows the address.
const getPatience = 10 * time.Second

// Got is what came of an HTTP request.
type Got struct {
	// Status is 0 when no answer came; Err then says why.
	Status int
	Err    error
	// NameErr is set when it was the name that could not be looked up, or has no address.
	NameErr bool
	// Server is where the request went; not valid when it went nowhere.
	Server netip.AddrPort
	// Elapsed is the world time from the lookup to the answer.
	Elapsed time.Duration
	// From and To are the journal's entries between which it was under way.
	From, To int
}

// Failure names what kept the answer away: "name", "timeout", "refused", "unreachable", "" when there is an answer or the
// error is another.
func (g Got) Failure() string {
	if g.NameErr {
		return "name"
	}
	return Result{Err: g.Err}.Failure()
}

// GetAt makes an HTTP request from a client at a moment to come (zero: now), as [World.QueryAt] asks a question: over the
// world's network, so latency and faults act on it in virtual time too.
func (w *World) GetAt(ctx context.Context, at time.Time, began func(), g scenarios.GetStep) (Got, error) {
	n, err := w.node(g.Client)
	if err != nil {
		return Got{}, err
	}
	if n.client == nil {
		return Got{}, fmt.Errorf("%s is no client", g.Client)
	}
	var got Got
	err = w.driver.Run(func() {
		ctx, cancel := w.driver.WithTimeout(ctx, 0)
		defer cancel()
		if wait := at.Sub(w.Now()); !at.IsZero() && wait > 0 {
			if got.Err = w.driver.Sleep(ctx, wait); got.Err != nil {
				return
			}
		}
		if began != nil {
			began()
		}
		from, start := w.journal.Len(), w.Now()
		got = n.get(ctx, g)
		got.Elapsed = w.Now().Sub(start)
		got.From, got.To = from, w.journal.Len()
	})
	return got, err
}

// get looks the name up and asks.
func (n *node) get(ctx context.Context, g scenarios.GetStep) Got {
	address := g.Address
	host := netip.AddrPortFrom(address, g.Port).String()
	if g.Name != "" {
		var err error
		if address, err = n.lookUp(ctx, g.Name); err != nil {
			return Got{NameErr: true, Err: err}
		}
		host = g.Name
	}
	got := Got{Server: netip.AddrPortFrom(address, g.Port)}
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: faultzone\r\nConnection: close\r\n\r\n", g.Path, host)
	reply, err := n.socket.Exchange(ctx, got.Server, "tcp", []byte(request), getPatience, func([]byte) bool { return true })
	if err != nil {
		got.Err = err
		if errors.Is(err, io.ErrUnexpectedEOF) {
			got.Err = fmt.Errorf("%s closed the connection: %w", got.Server, syscall.ECONNRESET)
		}
		return got
	}
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(reply)), nil)
	if err != nil {
		got.Err = fmt.Errorf("the answer of %s: %w", got.Server, err)
		return got
	}
	answer.Body.Close()
	got.Status = answer.StatusCode
	return got
}

// lookUp finds an address of a name, as the host's programs do: IPv4 before IPv6, of which the host needs to have one.
func (n *node) lookUp(ctx context.Context, name string) (netip.Addr, error) {
	var why error
	for _, rrtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		r := fromStub(n.client.Query(ctx, name, rrtype))
		if r.Reply == nil {
			return netip.Addr{}, fmt.Errorf("%s %s: %w", name, dns.Type(rrtype), r.Err)
		}
		for _, rr := range r.Reply.Answer {
			var a netip.Addr
			switch rr := rr.(type) {
			case *dns.A:
				a, _ = netip.AddrFromSlice(rr.A.To4())
			case *dns.AAAA:
				a, _ = netip.AddrFromSlice(rr.AAAA.To16())
			}
			if _, reachable := network.Source(n.host.Addresses(), a); a.IsValid() && reachable {
				return a, nil
			}
		}
		if why = r.Err; why == nil {
			why = fmt.Errorf("%s has no address that could be reached from here (%s)", name, dns.RcodeToString[r.Reply.Rcode])
		}
	}
	return netip.Addr{}, why
}

// PathOf is what happened in the world while a request was under way, for a person to read.
func (w *World) PathOf(g Got) []string { return w.Path(Result{From: g.From, To: g.To}) }

// AnswerNow implements [network.Handler].
func (s *site) AnswerNow(network.Message) ([]byte, bool) { return nil, false }

// Serve implements [network.Handler]: it answers an HTTP request that comes over the world's network.
func (s *site) Serve(_ context.Context, m network.Message, send func([]byte) error) error {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(m.Data)))
	if err != nil {
		return fmt.Errorf("%s sent %s no HTTP request: %w", m.From, s.name, err)
	}
	r.RemoteAddr = m.From.String()
	out := recorder{head: http.Header{}}
	s.ServeHTTP(&out, r)
	var packed bytes.Buffer
	answer := http.Response{StatusCode: out.status, ProtoMajor: 1, ProtoMinor: 1, Header: out.head, Request: r,
		ContentLength: int64(out.body.Len()), Body: io.NopCloser(&out.body)}
	if err := answer.Write(&packed); err != nil {
		return err
	}
	return send(packed.Bytes())
}

// recorder keeps an answer.
type recorder struct {
	status int
	head   http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.head }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
