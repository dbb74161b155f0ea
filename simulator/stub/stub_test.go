package stub

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/simulator/clock"
)

const api = "api.solvethenetwork.com."

// TestWaits has what real glibc (2.36, Debian 12) was measured to cost in each of these situations, by getaddrinfo.
func TestWaits(t *testing.T) {
	t.Parallel()
	fine, servfail, refused := knows(api), says(dns.RcodeServerFailure), says(dns.RcodeRefused)
	for _, c := range []struct {
		name    string
		servers map[string]behaviour
		options string
		list    []string
		want    time.Duration
		asked   int
		kind    Kind // 0: answered
		cause   error
	}{
		{"first silent, defaults", map[string]behaviour{one: silent, two: fine}, "", []string{one, two}, 5 * time.Second, 2, 0, nil},
		{"first silent, timeout:1", map[string]behaviour{one: silent, two: fine}, "timeout:1", []string{one, two}, time.Second, 2, 0, nil},
		{"first silent, timeout:2 attempts:3", map[string]behaviour{one: silent, two: fine}, "timeout:2 attempts:3", []string{one, two}, 2 * time.Second, 2, 0, nil},
		{"first refuses", map[string]behaviour{two: fine}, "timeout:2", []string{one, two}, 0, 2, 0, nil},
		{"both silent, timeout:1", map[string]behaviour{one: silent, two: silent}, "timeout:1", []string{one, two}, 4 * time.Second, 4, TryAgain, syscall.ETIMEDOUT},
		{"both silent, timeout:1 attempts:3", map[string]behaviour{one: silent, two: silent}, "timeout:1 attempts:3", []string{one, two}, 6 * time.Second, 6, TryAgain, syscall.ETIMEDOUT},
		{"both silent, timeout:2 attempts:1", map[string]behaviour{one: silent, two: silent}, "timeout:2 attempts:1", []string{one, two}, 4 * time.Second, 2, TryAgain, syscall.ETIMEDOUT},
		{"three silent, timeout:3 attempts:1: 3, 2 and 4 s", map[string]behaviour{one: silent, two: silent, three: silent}, "timeout:3 attempts:1", []string{one, two, three}, 9 * time.Second, 3, TryAgain, syscall.ETIMEDOUT},
		{"a fourth server is not seen", map[string]behaviour{three: fine}, "attempts:1", []string{one, two, one, three}, 0, 3, TryAgain, syscall.ECONNREFUSED},
		{"all refuse", nil, "", []string{one, two}, 0, 4, TryAgain, syscall.ECONNREFUSED},
		{"one silent, one refuses", map[string]behaviour{one: silent}, "timeout:1", []string{one, two}, 2 * time.Second, 4, TryAgain, syscall.ETIMEDOUT},
		{"SERVFAIL moves on", map[string]behaviour{one: servfail, two: fine}, "", []string{one, two}, 0, 2, 0, nil},
		{"REFUSED moves on", map[string]behaviour{one: refused, two: fine}, "", []string{one, two}, 0, 2, 0, nil},
		{"NOTIMP moves on", map[string]behaviour{one: says(dns.RcodeNotImplemented), two: fine}, "", []string{one, two}, 0, 2, 0, nil},
		{"NXDOMAIN does not", map[string]behaviour{one: knows(), two: fine}, "", []string{one, two}, 0, 1, HostNotFound, nil},
		{"FORMERR does not", map[string]behaviour{one: says(dns.RcodeFormatError), two: fine}, "", []string{one, two}, 0, 1, NoRecovery, nil},
		{"SERVFAIL, then silence, timeout:1", map[string]behaviour{one: servfail, two: silent}, "timeout:1", []string{one, two}, 2 * time.Second, 4, TryAgain, nil},
		{"timeout:0 is a second", map[string]behaviour{one: silent, two: fine}, "timeout:0", []string{one, two}, time.Second, 2, 0, nil},
		{"attempts:0 asks nobody", map[string]behaviour{one: fine}, "attempts:0", []string{one}, 0, 0, TryAgain, syscall.ECONNREFUSED},
		{"use-vc, a dropped SYN", map[string]behaviour{one: silent, two: fine}, "use-vc timeout:1", []string{one, two}, TCPTimeout, 2, 0, nil},
		{"use-vc takes SERVFAIL for an answer", map[string]behaviour{one: servfail, two: fine}, "use-vc", []string{one, two}, 0, 1, TryAgain, nil},
		{"use-vc asks each server once", nil, "use-vc attempts:5", []string{one, two}, 0, 2, TryAgain, syscall.ECONNREFUSED},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, c.servers, Config{Nameservers: addresses(c.list...), Options: c.options})
			r := h.query(api, dns.TypeA)
			if r.Elapsed != c.want || len(r.Asked) != c.asked {
				t.Errorf("took %v with %d queries, want %v with %d: %+v", r.Elapsed, len(r.Asked), c.want, c.asked, r.Asked)
			}
			checkError(t, r.Err, c.kind, c.cause)
			if c.kind == 0 && (r.Reply == nil || len(r.Reply.Answer) != 1 || !r.Server.IsValid()) {
				t.Errorf("no answer: %v from %v", r.Reply, r.Server)
			}
		})
	}
}

func checkError(t *testing.T, err error, kind Kind, cause error) {
	t.Helper()
	var e *Error
	if errors.As(err, &e) != (kind != 0) || e != nil && (e.Kind != kind || e.Cause != cause) {
		t.Errorf("error %v, want kind %v, cause %v", err, kind, cause)
	}
	if e != nil && e.Timeout() != (cause == syscall.ETIMEDOUT) {
		t.Errorf("%v: Timeout() is %v", e, e.Timeout())
	}
}

// TestRotate: each lookup begins with the next server, so that with one of two dead every second lookup waits.
func TestRotate(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]behaviour{one: silent, two: knows(api)}, Config{Nameservers: addresses(one, two), Options: "timeout:1 rotate"})
	var took []time.Duration
	for range 4 {
		took = append(took, h.query(api, dns.TypeA).Elapsed)
	}
	if took[0]+took[1] != time.Second || took[0] != took[2] || took[1] != took[3] {
		t.Errorf("took %v, want 0 and 1 s in turns", took)
	}
}

// TestRotateWait: a server's wait goes by its place in resolv.conf, not by its turn.
func TestRotateWait(t *testing.T) {
	t.Parallel()
	all := map[string]behaviour{one: silent, two: silent, three: silent}
	h := newHost(t, all, Config{Nameservers: addresses(one, two, three), Options: "timeout:3 attempts:1 rotate"})
	want := map[string]time.Duration{one: 3 * time.Second, two: 2 * time.Second, three: 4 * time.Second}
	for range 3 {
		for _, a := range h.query(api, dns.TypeA).Asked {
			if a.Timeout != want[a.Server.String()] || a.Took != a.Timeout {
				t.Errorf("%v was waited for %v of %v, want %v", a.Server, a.Took, a.Timeout, want[a.Server.String()])
			}
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	failing := func(on string, rcode int) behaviour {
		return func(q *dns.Msg, network string) ([]byte, error) {
			if q.Question[0].Name == on {
				return says(rcode)(q, network)
			}
			return knows(api, "api.b.test.", "host.")(q, network)
		}
	}
	for _, c := range []struct {
		what, options, name string
		search              []string
		server              behaviour
		asked               []string // each asked until it has an answer that counts, so the servers tried twice stand twice
		kind                Kind
	}{
		{"relative, completed", "", "api", []string{"solvethenetwork.com"}, knows(api), []string{api}, 0},
		{"ndots reached: as it is first", "", "api.solvethenetwork.com", []string{"solvethenetwork.com"}, knows(api), []string{api}, 0},
		{"ndots reached, not found: then the list", "", "x.y", []string{"a.test"}, knows(), []string{"x.y.", "x.y.a.test."}, HostNotFound},
		{"ndots not reached: the list, then as it is", "ndots:5", "api.solvethenetwork.com", []string{"a.test", "b.test"}, knows(api),
			[]string{"api.solvethenetwork.com.a.test.", "api.solvethenetwork.com.b.test.", api}, 0},
		{"a dot at the end: only as it is", "ndots:5", api, []string{"a.test"}, knows(), []string{api}, HostNotFound},
		{"no search list", "", "host", nil, knows("host."), []string{"host."}, 0},
		{"not found anywhere", "", "nosuch", []string{"a.test", "b.test"}, knows(), []string{"nosuch.a.test.", "nosuch.b.test.", "nosuch."}, HostNotFound},
		{"no-tld-query", "no-tld-query", "nosuch", []string{"a.test"}, knows(), []string{"nosuch.a.test."}, HostNotFound},
		{"the root on the list", "", "nosuch", []string{"a.test", "."}, knows(), []string{"nosuch.a.test.", "nosuch."}, HostNotFound},
		{"SERVFAIL goes on to the next domain", "attempts:1", "api", []string{"a.test", "b.test"}, failing("api.a.test.", dns.RcodeServerFailure),
			[]string{"api.a.test.", "api.b.test."}, 0},
		{"REFUSED ends the list (measured)", "ndots:5 attempts:1", "a.test", []string{"x.test", "y.test"}, says(dns.RcodeRefused),
			[]string{"a.test.x.test.", "a.test."}, TryAgain},
		{"SERVFAIL counts over a later NXDOMAIN", "attempts:1", "nosuch", []string{"a.test", "b.test"}, failing("nosuch.a.test.", dns.RcodeServerFailure),
			[]string{"nosuch.a.test.", "nosuch.b.test.", "nosuch."}, TryAgain},
		{"silence ends the list", "attempts:1", "host", []string{"a.test", "b.test"}, func(q *dns.Msg, n string) ([]byte, error) {
			if q.Question[0].Name == "host." {
				return knows("host.")(q, n)
			}
			return nil, nil
		}, []string{"host.a.test.", "host."}, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, map[string]behaviour{one: c.server}, Config{Nameservers: addresses(one), Search: c.search, Options: c.options})
			r := h.query(c.name, dns.TypeA)
			var asked []string
			for _, a := range r.Asked {
				asked = append(asked, a.Name)
			}
			if !slices.Equal(asked, c.asked) {
				t.Errorf("asked %q, want %q", asked, c.asked)
			}
			checkError(t, r.Err, c.kind, nil)
		})
	}
}

// TestSearchWaits: ndots:5 with two search domains and a dead first server costs three waits (measured: 3.0 s); when
// nobody is there at all the first refusal ends it.
func TestSearchWaits(t *testing.T) {
	t.Parallel()
	c := Config{Nameservers: addresses(one, two), Search: []string{"a.test", "b.test"}, Options: "timeout:1 ndots:5"}
	if r := newHost(t, map[string]behaviour{one: silent, two: knows(api)}, c).query(api[:len(api)-1], dns.TypeA); r.Elapsed != 3*time.Second || r.Err != nil {
		t.Errorf("took %v, %v", r.Elapsed, r.Err)
	}
	if r := newHost(t, nil, c).query("host", dns.TypeA); len(r.Asked) != 4 {
		t.Errorf("asked %d times, want 2 servers twice, for one name: %+v", len(r.Asked), r.Asked)
	}
}

func TestNoData(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]behaviour{one: knows(api)}, Config{Nameservers: addresses(one), Search: []string{"a.test"}})
	checkError(t, h.query(api, dns.TypeAAAA).Err, NoData, nil)
	h = newHost(t, nil, Config{Nameservers: addresses(one), Options: "no-aaaa"})
	r := h.query(api, dns.TypeAAAA)
	if checkError(t, r.Err, NoData, nil); len(r.Asked) != 0 {
		t.Errorf("no-aaaa asked %v", r.Asked)
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]behaviour{one: knows(api)}, Config{Nameservers: addresses(one), Hosts: []Host{
		{addresses("10.0.9.9")[0], []string{"api.solvethenetwork.com", "api"}},
		{addresses("fd00::9")[0], []string{"six"}},
	}})
	for _, c := range []struct {
		name  string
		qtype uint16
		want  string
		asked bool
	}{
		{"api", dns.TypeA, "10.0.9.9", false},
		{"API.SolveTheNetwork.com", dns.TypeA, "10.0.9.9", false},
		{"six", dns.TypeAAAA, "fd00::9", false},
		{"api.solvethenetwork.com.", dns.TypeA, "10.0.2.50", true}, // glibc compares the name with its dot
		{"api", dns.TypeAAAA, "", true},
		{"api", dns.TypeTXT, "", true},
	} {
		r := h.query(c.name, c.qtype)
		got := ""
		if r.Err == nil {
			switch rr := r.Reply.Answer[0].(type) {
			case *dns.A:
				got = rr.A.String()
			case *dns.AAAA:
				got = rr.AAAA.String()
			}
		}
		if got != c.want || (len(r.Asked) > 0) != c.asked || r.Server.IsValid() != (c.asked && c.want != "") && r.Err == nil {
			t.Errorf("%s %s: %q, asked %v, from %v", c.name, dns.Type(c.qtype), got, r.Asked, r.Server)
		}
	}
}

// TestQuery is what glibc puts into a query, and what it lets through of a reply.
func TestQuery(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		options string
		ad      bool
		edns    uint16
	}{{"", false, 0}, {"edns0", false, 1200}, {"trust-ad", true, 0}, {"edns0 trust-ad", true, 1200}} {
		var seen *dns.Msg
		h := newHost(t, map[string]behaviour{one: func(q *dns.Msg, n string) ([]byte, error) {
			seen = q
			return knows(api)(q, n)
		}}, Config{Nameservers: addresses(one), Options: c.options})
		r := h.query(api, dns.TypeA)
		edns := uint16(0)
		if o := seen.IsEdns0(); o != nil {
			edns = o.UDPSize()
		}
		if !seen.RecursionDesired || seen.AuthenticatedData != c.ad || edns != c.edns || r.Reply.AuthenticatedData != c.ad {
			t.Errorf("%q: sent %v, got %v", c.options, seen, r.Reply)
		}
	}
}

// TestTruncated: TC has the same server asked over TCP, and from then on no other over UDP.
func TestTruncated(t *testing.T) {
	t.Parallel()
	cut := func(overTCP behaviour) behaviour {
		return func(q *dns.Msg, network string) ([]byte, error) {
			if network == "tcp" {
				return overTCP(q, network)
			}
			m := new(dns.Msg).SetReply(q)
			m.Truncated, m.RecursionAvailable = true, true
			return m.Pack()
		}
	}
	h := newHost(t, map[string]behaviour{one: cut(knows(api)), two: knows(api)}, Config{Nameservers: addresses(one, two)})
	r := h.query(api, dns.TypeA)
	if r.Err != nil || len(r.Asked) != 2 || r.Asked[1].Network != "tcp" || r.Server.String() != one {
		t.Errorf("%v: %+v", r.Err, r.Asked)
	}
	h = newHost(t, map[string]behaviour{one: cut(func(*dns.Msg, string) ([]byte, error) { return nil, syscall.ECONNREFUSED }), two: knows(api)},
		Config{Nameservers: addresses(one, two)})
	if r = h.query(api, dns.TypeA); r.Err != nil || len(r.Asked) != 3 || r.Asked[2].Network != "tcp" || r.Server.String() != two {
		t.Errorf("%v: %+v", r.Err, r.Asked)
	}
}

// TestStrangeReplies: what is not the reply is not seen, and what is too short or a bare header moves on.
func TestStrangeReplies(t *testing.T) {
	t.Parallel()
	edit := func(f func(m *dns.Msg)) behaviour {
		return func(q *dns.Msg, n string) ([]byte, error) {
			m := new(dns.Msg)
			raw, _ := knows(api)(q, n)
			if err := m.Unpack(raw); err != nil {
				return nil, err
			}
			f(m)
			return m.Pack()
		}
	}
	for _, c := range []struct {
		what   string
		server behaviour
		want   time.Duration // before the second server answers
	}{
		{"another ID", edit(func(m *dns.Msg) { m.Id++ }), time.Second},
		{"another name", edit(func(m *dns.Msg) { m.Question[0].Name = "x." }), time.Second},
		{"another type", edit(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeMX }), time.Second},
		{"no question", edit(func(m *dns.Msg) { m.Question = nil }), time.Second},
		{"shorter than a header", func(*dns.Msg, string) ([]byte, error) { return []byte{1, 2, 3}, nil }, 0},
		{"a bare header with REFUSED", edit(func(m *dns.Msg) { m.Question, m.Answer, m.Rcode = nil, nil, dns.RcodeRefused }), 0},
		{"an upward referral's empty NOERROR", edit(func(m *dns.Msg) { m.Answer, m.RecursionAvailable = nil, false }), 0},
	} {
		h := newHost(t, map[string]behaviour{one: c.server, two: knows(api)}, Config{Nameservers: addresses(one, two), Options: "timeout:1"})
		if r := h.query(api, dns.TypeA); r.Err != nil || r.Elapsed != c.want || r.Server.String() != two {
			t.Errorf("%s: %v after %v from %v", c.what, r.Err, r.Elapsed, r.Server)
		}
	}
	garbled := func(q *dns.Msg, n string) ([]byte, error) {
		raw, err := knows(api)(q, n)
		return raw[:len(raw)-3], err
	}
	h := newHost(t, map[string]behaviour{one: garbled, two: knows(api)}, Config{Nameservers: addresses(one, two)})
	checkError(t, h.query(api, dns.TypeA).Err, NoRecovery, errUnreadable)
}

func TestBadNames(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]behaviour{one: knows()}, Config{Nameservers: addresses(one)})
	for _, name := range []string{"a..b.", string(make([]byte, 70)) + ".", "..", string(slices.Repeat([]byte("abcdefg."), 40))} {
		r := h.query(name, dns.TypeA)
		var e *Error
		if !errors.As(r.Err, &e) || e.Kind != NoRecovery {
			t.Errorf("%q: %v", name, r.Err)
		}
	}
}

// TestCancelled: a lookup ends with its context, and says so.
func TestCancelled(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]behaviour{one: silent}, Config{Nameservers: addresses(one), Search: []string{"a.test"}})
	var r Result
	err := h.clock.Run(func() {
		ctx, cancel := h.clock.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		r = h.stub.Query(ctx, "api", dns.TypeA)
	})
	if err != nil || !errors.Is(r.Err, context.DeadlineExceeded) || r.Elapsed != 3*time.Second {
		t.Errorf("%v: %v after %v", err, r.Err, r.Elapsed)
	}
}

// TestDefaultServer: resolv.conf without a nameserver means the host itself.
func TestDefaultServer(t *testing.T) {
	t.Parallel()
	h := newHost(t, map[string]behaviour{"127.0.0.1": knows(api)}, Config{})
	if r := h.query(api, dns.TypeA); r.Err != nil {
		t.Error(r.Err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil {
		t.Error("a stub without a clock was made")
	}
	if _, err := NewLocal(LocalConfig{}); err == nil {
		t.Error("a forwarder without anything was made")
	}
}

func BenchmarkQuery(b *testing.B) {
	v := clock.NewVirtual(time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC))
	defer v.Close()
	answer, err := knows(api)(&dns.Msg{Question: []dns.Question{{Name: api, Qtype: dns.TypeA, Qclass: dns.ClassINET}}}, "udp")
	if err != nil {
		b.Fatal(err)
	}
	s, err := New(Config{Nameservers: addresses(one), Options: "timeout:2 attempts:3", Clock: v, Exchanger: canned(answer),
		Rand: rand.New(rand.NewPCG(1, 2))})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if r := s.Query(context.Background(), api, dns.TypeA); r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}
