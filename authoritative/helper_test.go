package authoritative

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"
	"faultzone/simulator/clock"

	"github.com/miekg/dns"
)

// start is when the tests' worlds begin: a good moment of the base world's calendar.
var start = time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC)

const (
	primaryAddr   = "10.0.1.20"
	secondaryAddr = "10.0.3.20"
	clientAddr    = "10.0.2.100"
)

var transferKey = TSIGKey{Name: "internal-transfer.", Algorithm: "hmac-sha256", Secret: []byte("0123456789abcdef0123456789abcdef")}

// lab is a few servers and the wires between them.
type lab struct {
	t       testing.TB
	clock   *clock.Virtual
	servers map[netip.Addr]*Server

	mu     sync.Mutex
	events []string
	broken map[netip.Addr]error // servers that cannot be reached, and how
	lost   func(query []byte) bool
	alter  func(reply []byte) []byte
	// fakes answer in place of servers at their addresses, whatever they like.
	fakes map[netip.Addr]func(q *dns.Msg, network string) []*dns.Msg
}

func newLab(t testing.TB) *lab {
	l := &lab{t: t, clock: clock.NewVirtual(start), servers: map[netip.Addr]*Server{}, broken: map[netip.Addr]error{},
		fakes: map[netip.Addr]func(*dns.Msg, string) []*dns.Msg{}}
	t.Cleanup(func() {
		if err := l.clock.Close(); err != nil {
			t.Errorf("closing the clock: %v", err)
		}
	})
	return l
}

// server makes a server at addr.
func (l *lab) server(addr string, c Config) *Server {
	l.t.Helper()
	a := netip.MustParseAddr(addr)
	c.Name, c.Clock, c.Exchanger = addr, l.clock, &wires{l, a}
	c.Rand = rand.New(rand.NewPCG(7, uint64(len(l.servers))))
	c.Report = func(e Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, fmt.Sprintf("%s %s %s: %s", l.clock.Now().Format("01-02T15:04:05"), addr, e.Kind, e.Text))
	}
	s, err := New(c)
	if err != nil {
		l.t.Fatalf("New: %v", err)
	}
	l.servers[a] = s
	return s
}

// start starts s; the returned function stops it.
func (l *lab) start(s *Server) (stop func()) {
	ctx, cancel := l.clock.WithTimeout(context.Background(), 0)
	s.Start(ctx)
	return cancel
}

func (l *lab) advance(d time.Duration) {
	l.t.Helper()
	if err := l.clock.Advance(d); err != nil {
		l.t.Fatalf("Advance(%s): %v", d, err)
	}
}

// cut makes addr answer with err, or with nothing for errTimeout; nil mends it.
func (l *lab) cut(addr string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken[netip.MustParseAddr(addr)] = err
}

// heard tells whether an event of that kind has been reported since the last call of forget.
func (l *lab) heard(kind string) bool { return l.event(kind) != "" }

// event returns the last event of that kind, or "".
func (l *lab) event(kind string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range slices.Backward(l.events) {
		if strings.Contains(e, " "+kind+": ") {
			return e
		}
	}
	return ""
}

func (l *lab) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = nil
}

func (l *lab) dump() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.events, "\n")
}

type timeoutError struct{}

func (timeoutError) Error() string { return "timed out" }
func (timeoutError) Timeout() bool { return true }

var errTimeout error = timeoutError{}

// wires is one server's way to the others.
type wires struct {
	lab  *lab
	self netip.Addr
}

// latency is one way.
const latency = 5 * time.Millisecond

func (w *wires) reach(ctx context.Context, to netip.AddrPort, query []byte, timeout time.Duration) (*Server, error) {
	w.lab.mu.Lock()
	broken, lost := w.lab.broken[to.Addr()], w.lab.lost
	w.lab.mu.Unlock()
	s := w.lab.servers[to.Addr()]
	if f := w.lab.fakes[to.Addr()]; f != nil {
		return nil, w.lab.clock.Sleep(ctx, latency)
	}
	if s == nil || broken == errTimeout || lost != nil && lost(query) {
		if err := w.lab.clock.Sleep(ctx, timeout); err != nil {
			return nil, err
		}
		return nil, errTimeout
	}
	if err := w.lab.clock.Sleep(ctx, latency); err != nil {
		return nil, err
	}
	return s, broken
}

func (w *wires) Exchange(ctx context.Context, to netip.AddrPort, network string, query []byte,
	timeout time.Duration, accept func([]byte) bool) ([]byte, error) {
	s, err := w.reach(ctx, to, query, timeout)
	if err != nil {
		return nil, err
	}
	var replies [][]byte
	_ = w.serve(ctx, s, slices.Clone(query), w.peer(to, network), func(b []byte) error {
		replies = append(replies, b)
		return nil
	})
	if err := w.lab.clock.Sleep(ctx, latency); err != nil {
		return nil, err
	}
	for _, b := range replies {
		if w.lab.alter != nil {
			b = w.lab.alter(b)
		}
		if accept(b) {
			return b, nil
		}
	}
	if err := w.lab.clock.Sleep(ctx, timeout-2*latency); err != nil {
		return nil, err
	}
	return nil, errTimeout
}

func (w *wires) Transfer(ctx context.Context, to netip.AddrPort, query []byte, timeout time.Duration,
	receive func([]byte) (bool, error)) error {
	s, err := w.reach(ctx, to, query, timeout)
	if err != nil {
		return err
	}
	var end error
	more := true
	err = w.serve(ctx, s, slices.Clone(query), w.peer(to, "tcp"), func(b []byte) error {
		if w.lab.alter != nil {
			b = w.lab.alter(b)
		}
		if !more {
			return syscall.EPIPE
		}
		if err := w.lab.clock.Sleep(ctx, latency); err != nil {
			return err
		}
		more, end = receive(b)
		return end
	})
	if end == nil && err == nil && more {
		return io.ErrUnexpectedEOF // the connection is closed
	}
	if end != nil {
		return end
	}
	return err
}

// serve has the server answer, or the fake in its place.
func (w *wires) serve(ctx context.Context, s *Server, query []byte, peer Peer, send func([]byte) error) error {
	f := w.lab.fakes[peer.Local.Addr()]
	if f == nil {
		return s.Serve(ctx, query, peer, send)
	}
	q := new(dns.Msg)
	if err := q.Unpack(query); err != nil {
		return err
	}
	for _, m := range f(q, peer.Network) {
		m.Id, m.Opcode, m.Response = q.Id, q.Opcode, true
		if err := send(pack(w.lab.t, m)); err != nil {
			return err
		}
	}
	return nil
}

func (w *wires) peer(to netip.AddrPort, network string) Peer {
	return Peer{Addr: netip.AddrPortFrom(w.self, 40000), Local: to, Network: network}
}

// at53 is the address with port 53.
func at53(addr string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(addr), 53) }

func from(addr, network string) Peer {
	return Peer{Addr: netip.AddrPortFrom(netip.MustParseAddr(addr), 40000), Local: at53(primaryAddr), Network: network}
}

const soaText = "@ 3600 IN SOA ns1 hostmaster 2024040201 3600 900 604800 300\n"

const smallZone = soaText + `
@      86400 IN NS   ns1
@      86400 IN NS   ns2
ns1    86400 IN A    10.0.1.20
ns2    86400 IN A    10.0.3.20
api    60    IN A    10.0.2.50
www    300   IN CNAME api
*.wild 60    IN A    10.0.2.51
sub    3600  IN NS   ns.sub
sub    3600  IN NS   ns.other.example.
ns.sub 3600  IN A    10.0.4.1
`

func parseZone(t testing.TB, origin, text string) *zone.Zone {
	t.Helper()
	rrs, err := zone.Parse(strings.NewReader("$TTL 3600\n"+text), origin, "test")
	if err != nil {
		t.Fatalf("parsing %s: %v", origin, err)
	}
	z, err := zone.New(origin, rrs)
	if err != nil {
		t.Fatalf("zone %s: %v", origin, err)
	}
	return z
}

func match(t testing.TB, words ...string) Match {
	t.Helper()
	m, err := ParseMatch(words)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func signing(t testing.TB, origin string) *Signing {
	t.Helper()
	var keys []*sign.Key
	for _, flags := range []uint16{257, 256} {
		k, err := sign.DeriveKey(origin, flags, dns.ECDSAP256SHA256, []byte("seed"), "test")
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return &Signing{
		Params: sign.Params{Keys: keys}, Validity: 15 * 24 * time.Hour, Refresh: 5 * 24 * time.Hour,
		Epoch: time.Date(2026, 3, 26, 12, 0, 0, 0, time.UTC),
	}
}

// query is a question with RD, as a client sends it.
func query(name string, qtype uint16) *dns.Msg {
	m := &dns.Msg{Question: []dns.Question{{Name: name, Qtype: qtype, Qclass: dns.ClassINET}}}
	m.Id, m.RecursionDesired = 4711, true
	return m
}

func withEDNS(m *dns.Msg, size uint16, do bool) *dns.Msg {
	m.SetEdns0(size, do)
	return m
}

func pack(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ask sends wire through Serve and returns the unpacked answers.
func ask(t testing.TB, s *Server, wire []byte, peer Peer) []*dns.Msg {
	t.Helper()
	var replies []*dns.Msg
	err := s.Serve(context.Background(), wire, peer, func(b []byte) error {
		m := new(dns.Msg)
		if err := m.Unpack(b); err != nil {
			t.Fatalf("the answer cannot be unpacked: %v", err)
		}
		replies = append(replies, m)
		return nil
	})
	if err != nil {
		t.Fatalf("Serve: %v", err)
	}
	return replies
}

// ask1 expects one answer.
func ask1(t testing.TB, s *Server, m *dns.Msg, peer Peer) *dns.Msg {
	t.Helper()
	replies := ask(t, s, pack(t, m), peer)
	if len(replies) != 1 {
		t.Fatalf("%d answers, want 1", len(replies))
	}
	return replies[0]
}

func wantRcode(t testing.TB, m *dns.Msg, rcode int) {
	t.Helper()
	if m.Rcode != rcode {
		t.Fatalf("rcode %s, want %s:\n%s", dns.RcodeToString[m.Rcode], dns.RcodeToString[rcode], m)
	}
}

// ede returns the answer's Extended DNS Error code, or -1.
func ede(m *dns.Msg) int {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				return int(e.InfoCode)
			}
		}
	}
	return -1
}

func firstA(m *dns.Msg) string {
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			return a.A.String()
		}
	}
	return ""
}

// pair is a primary and its secondary of example.com under TSIG.
func pair(t testing.TB, text string) (l *lab, primary, secondary *Server) {
	l = newLab(t)
	primary = l.server(primaryAddr, Config{
		Keys: []TSIGKey{transferKey},
		Views: []View{{Zones: []Zone{{
			Origin: "example.com.", Data: parseZone(t, "example.com.", text),
			Transfer: match(t, "key internal-transfer"),
			Notify:   []Primary{{Addr: at53(secondaryAddr), Key: "internal-transfer"}},
		}}}},
	})
	secondary = l.server(secondaryAddr, Config{
		Keys: []TSIGKey{transferKey},
		Views: []View{{Zones: []Zone{{
			Origin: "example.com.", Primaries: []Primary{{Addr: at53(primaryAddr), Key: "internal-transfer"}},
		}}}},
	})
	return l, primary, secondary
}

func rr(t testing.TB, text string) dns.RR {
	t.Helper()
	r, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func status(t testing.TB, s *Server) Status {
	t.Helper()
	st, err := s.Status("", "example.com.")
	if err != nil {
		t.Fatal(err)
	}
	return st
}
