package stub

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/simulator/clock"
)

// newLocal returns a forwarder and what asks it a question over UDP: the reply, and how long it took.
func newLocal(t *testing.T, servers map[string]behaviour, list ...string) (*Local, func(m *dns.Msg, network string) (*dns.Msg, time.Duration)) {
	t.Helper()
	h := newHost(t, servers, Config{})
	l, err := NewLocal(LocalConfig{Servers: addresses(list...), Clock: h.clock, Exchanger: h.net, Rand: rand.New(rand.NewPCG(3, 4))})
	if err != nil {
		t.Fatal(err)
	}
	return l, func(q *dns.Msg, network string) (*dns.Msg, time.Duration) {
		t.Helper()
		raw, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		var reply *dns.Msg
		start := h.clock.Now()
		if err := h.clock.Run(func() {
			err := l.Serve(context.Background(), raw, network, func(b []byte) error {
				reply = new(dns.Msg)
				return reply.Unpack(b)
			})
			if err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
		return reply, h.clock.Now().Sub(start)
	}
}

func ask(name string) *dns.Msg {
	return &dns.Msg{MsgHdr: dns.MsgHdr{Id: 4711, RecursionDesired: true},
		Question: []dns.Question{{Name: name, Qtype: dns.TypeA, Qclass: dns.ClassINET}}}
}

func TestLocalRelays(t *testing.T) {
	t.Parallel()
	var id uint16
	_, query := newLocal(t, map[string]behaviour{one: func(q *dns.Msg, n string) ([]byte, error) {
		id = q.Id
		return knows(api)(q, n)
	}}, one, two)
	r, took := query(ask(api), "udp")
	if r.Id != 4711 || len(r.Answer) != 1 || !r.AuthenticatedData || took != 0 {
		t.Errorf("after %v: %v", took, r)
	}
	if id == 4711 {
		t.Error("the ID was forwarded too")
	}
	if r, _ := query(ask("nosuch."), "udp"); r.Rcode != dns.RcodeNameError {
		t.Errorf("want NXDOMAIN: %v", r)
	}
}

// TestLocalSticks: after a failure the next server is used, and goes on being used when the first is back.
func TestLocalSticks(t *testing.T) {
	t.Parallel()
	servers := map[string]behaviour{one: silent, two: knows(api)}
	l, query := newLocal(t, servers, one, two)
	if r, took := query(ask(api), "udp"); len(r.Answer) != 1 || took != 5*time.Second {
		t.Errorf("the first lookup took %v: %v", took, r)
	}
	servers[one] = knows(api)
	if _, took := query(ask(api), "udp"); took != 0 || l.Current().String() != two {
		t.Errorf("the second took %v, now at %v", took, l.Current())
	}
	delete(servers, two)
	if r, took := query(ask(api), "udp"); len(r.Answer) != 1 || took != 0 || l.Current().String() != one {
		t.Errorf("the third took %v, now at %v: %v", took, l.Current(), r)
	}
}

func TestLocalFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what    string
		servers map[string]behaviour
		rcode   int
		took    time.Duration
	}{
		{"nobody there", nil, dns.RcodeServerFailure, 0},
		{"silence", map[string]behaviour{one: silent, two: silent}, dns.RcodeServerFailure, 20 * time.Second},
		{"REFUSED by one", map[string]behaviour{one: says(dns.RcodeRefused), two: knows(api)}, dns.RcodeSuccess, 0},
		{"REFUSED by all", map[string]behaviour{one: says(dns.RcodeRefused), two: says(dns.RcodeRefused)}, dns.RcodeRefused, 0},
		{"SERVFAIL is relayed", map[string]behaviour{one: says(dns.RcodeServerFailure), two: knows(api)}, dns.RcodeServerFailure, 0},
	} {
		_, query := newLocal(t, c.servers, one, two)
		r, took := query(ask(api), "udp")
		if r == nil || r.Rcode != c.rcode || took != c.took || r.Id != 4711 || !r.Response || !r.RecursionDesired || r.Question[0].Name != api {
			t.Errorf("%s: after %v: %v", c.what, took, r)
		}
	}
}

// TestHostWithLocalStub puts glibc's stub and the forwarder together, as on a host with systemd-resolved: the first
// lookup after the first server went silent costs the forwarder's wait, though the application's stub has asked again
// meanwhile; the next costs nothing.
func TestHostWithLocalStub(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"edns0 trust-ad", "timeout:2 attempts:3"} {
		servers := map[string]behaviour{one: silent, two: knows(api)}
		h := newHost(t, servers, Config{Nameservers: addresses("127.0.0.53"), Options: options})
		l, err := NewLocal(LocalConfig{Servers: addresses(one, two), Clock: h.clock, Exchanger: h.net, Rand: rand.New(rand.NewPCG(3, 4))})
		if err != nil {
			t.Fatal(err)
		}
		h.stub.config.Exchanger = listener{l, h.net}
		if r := h.query(api, dns.TypeA); r.Err != nil || r.Elapsed != 5*time.Second {
			t.Errorf("%s: the first took %v: %v", options, r.Elapsed, r.Err)
		}
		if r := h.query(api, dns.TypeA); r.Err != nil || r.Elapsed != 0 {
			t.Errorf("%s: the second took %v: %v", options, r.Elapsed, r.Err)
		}
	}
}

// listener is a host's way to its own forwarder: each query is served by an activity of its own.
type listener struct {
	local *Local
	net   *fakeNetwork
}

func (l listener) Exchange(ctx context.Context, _ netip.AddrPort, network string, query []byte,
	timeout time.Duration, accept func([]byte) bool) ([]byte, error) {
	var reply []byte
	done, fire := l.net.clock.Signal()
	l.net.clock.Go(func() {
		l.local.Serve(context.Background(), query, network, func(b []byte) error {
			reply = b
			fire()
			return nil
		})
	})
	ctx, cancel := l.net.clock.WithTimeout(ctx, timeout)
	defer cancel()
	if l.net.clock.Await(ctx, done) != nil || !accept(reply) {
		return nil, fakeTimeout{}
	}
	return reply, nil
}

func TestLocalTCP(t *testing.T) {
	t.Parallel()
	_, query := newLocal(t, map[string]behaviour{one: func(q *dns.Msg, network string) ([]byte, error) {
		m := new(dns.Msg).SetReply(q)
		m.Truncated = network == "udp"
		return m.Pack()
	}}, one)
	if r, _ := query(ask(api), "udp"); !r.Truncated {
		t.Errorf("TC got lost: %v", r)
	}
	if r, _ := query(ask(api), "tcp"); r.Truncated {
		t.Errorf("over TCP: %v", r)
	}
}

func TestLocalMalformed(t *testing.T) {
	t.Parallel()
	l, query := newLocal(t, nil, one)
	if r, _ := query(&dns.Msg{MsgHdr: dns.MsgHdr{Id: 4711}}, "udp"); r == nil || r.Rcode != dns.RcodeFormatError || r.Id != 4711 {
		t.Errorf("no question: %v", r)
	}
	answer := ask(api)
	answer.Response = true
	if r, _ := query(answer, "udp"); r != nil {
		t.Errorf("a reply was answered: %v", r)
	}
	cut := []byte{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'a'}
	if err := l.Serve(context.Background(), cut, "udp", func(b []byte) error {
		if rcode(b) != dns.RcodeFormatError || header16(b, 4) != 0 {
			t.Errorf("a question cut short: %x", b)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func FuzzLocalServe(f *testing.F) {
	raw, err := ask(api).Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1})
	v := clock.NewVirtual(time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC))
	f.Cleanup(func() { v.Close() })
	l, err := NewLocal(LocalConfig{Servers: addresses(one), Clock: v, Exchanger: nobody{}, Rand: rand.New(rand.NewPCG(3, 4))})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query []byte) {
		sent := 0
		err := l.Serve(context.Background(), query, "udp", func(b []byte) error {
			sent++
			if len(b) < headerSize || b[2]&0x80 == 0 || b[0] != query[0] || b[1] != query[1] {
				t.Errorf("%x was answered by %x", query, b)
			}
			return nil
		})
		if err != nil || sent > 1 {
			t.Errorf("%v, %d replies", err, sent)
		}
	})
}

func FuzzMatches(f *testing.F) {
	raw, err := ask(api).Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(raw[:headerSize])
	question := ask(api).Question[0]
	f.Fuzz(func(t *testing.T, reply []byte) {
		if matches(reply, raw, "udp", question) && len(reply) > headerSize && !matches(reply, raw, "tcp", question) {
			t.Errorf("%x is a reply over UDP and none over TCP", reply)
		}
	})
}
