package resolver_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"faultzone/resolver"

	"github.com/miekg/dns"
)

var inside = resolver.Peer{Addr: netip.MustParseAddrPort("10.0.2.100:40000"), Local: netip.MustParseAddrPort("10.0.1.10:53"), Network: "udp"}

func packed(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	must(t, err)
	return b
}

// serve gives the replies to a packed query.
func (c *client) serve(query []byte, from resolver.Peer) (replies [][]byte) {
	c.w.t.Helper()
	must(c.w.t, c.w.clock.Run(func() {
		must(c.w.t, c.r.Serve(context.Background(), query, from, func(b []byte) error {
			replies = append(replies, b)
			return nil
		}))
	}))
	return replies
}

func (c *client) serveOne(query []byte, from resolver.Peer) *dns.Msg {
	c.w.t.Helper()
	replies := c.serve(query, from)
	if len(replies) != 1 {
		c.w.t.Fatalf("%d replies", len(replies))
	}
	m := new(dns.Msg)
	must(c.w.t, m.Unpack(replies[0]))
	return m
}

// What is in the cache is answered without waiting, with the question as it was asked.
func TestAnswerNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	q := query("wWw.Example.cOm A +do")
	if _, ok := c.r.AnswerNow(packed(t, q), inside); ok {
		t.Fatal("answered at once what is not known")
	}
	first := c.serveOne(packed(t, q), inside)
	w.asked()
	b, ok := c.r.AnswerNow(packed(t, q), inside)
	if !ok {
		t.Fatal("not answered at once")
	}
	m := new(dns.Msg)
	must(t, m.Unpack(b))
	if brief(m) != brief(first) || m.Id != 4711 || m.Question[0] != q.Question[0] || !m.RecursionAvailable || !m.RecursionDesired ||
		!m.Response || m.Authoritative || sigs(m.Answer) != 1 || !m.IsEdns0().Do() {
		t.Errorf("got %v", m)
	}
	// A chain, a denial and a failure too.
	for _, question := range []string{"abroad.example.com A", "nosuch.example.com A", "loop1.example.com A"} {
		c.ask(question)
		_, ok := c.r.AnswerNow(packed(t, query(question)), inside)
		if !ok {
			t.Errorf("%s is not answered at once", question)
		}
	}
}

func TestACL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) { cfg.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.2.0/24")} })
	outside := inside
	outside.Addr = netip.MustParseAddrPort("10.0.5.20:40000")
	mapped := inside
	mapped.Addr = netip.MustParseAddrPort("[::ffff:10.0.2.7]:40000")
	q := packed(t, query("www.example.com A"))
	if got := brief(c.serveOne(q, outside)); got != "REFUSED ede=18" {
		t.Errorf("outside: %s", got)
	}
	if b, ok := c.r.AnswerNow(q, outside); !ok || b[3]&0xF != dns.RcodeRefused {
		t.Error("a refusal needs no waiting")
	}
	for _, from := range []resolver.Peer{inside, mapped} {
		if got := brief(c.serveOne(q, from)); got != "NOERROR ad 300 192.0.2.80" {
			t.Errorf("inside, as %v: %s", from.Addr, got)
		}
	}
	c.r.SetAllow([]netip.Prefix{})
	if got := brief(c.serveOne(q, inside)); got != "REFUSED ede=18" {
		t.Errorf("nobody may ask: %s", got)
	}
	if allow := c.r.Allow(); allow == nil || len(allow) != 0 {
		t.Errorf("Allow is %v", allow)
	}
	c.r.SetAllow(nil)
	if got := brief(c.serveOne(q, outside)); got != "NOERROR ad 300 192.0.2.80" || c.r.Allow() != nil {
		t.Errorf("everybody may ask: %s", got)
	}
}

func TestOddQueries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	tests := []struct {
		name   string
		change func(*dns.Msg)
		want   string // "" for no reply at all
	}{
		{"a reply", func(m *dns.Msg) { m.Response = true }, ""},
		{"NOTIFY", func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }, "NOTIMP"},
		{"UPDATE", func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }, "NOTIMP"},
		{"no question", func(m *dns.Msg) { m.Question = nil }, "FORMERR"},
		{"two questions", func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, "FORMERR"},
		{"CHAOS", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, "REFUSED"},
		{"EDNS version 1", func(m *dns.Msg) { m.IsEdns0().SetVersion(1) }, "BADSIG"}, // 16, as BADVERS is
		{"two OPT records", func(m *dns.Msg) { m.Extra = append(m.Extra, edns(1232, false)) }, "FORMERR"},
		{"TSIG as a question", func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTSIG }, "NOTIMP"},
		{"an option that nobody knows", func(m *dns.Msg) {
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "24a5ac1223344556"}}
		}, "NOERROR ad 300 192.0.2.80"},
		{"a record of its own", func(m *dns.Msg) { m.Extra = append(m.Extra, rr("x. 1 IN A 10.0.0.1")) }, "NOERROR ad 300 192.0.2.80"},
	}
	for _, test := range tests {
		q := query("www.example.com A")
		test.change(q)
		replies := c.serve(packed(t, q), inside)
		if test.want == "" {
			if len(replies) > 0 {
				t.Errorf("%s is answered", test.name)
			}
			continue
		}
		m := new(dns.Msg)
		must(t, m.Unpack(replies[0]))
		if got := brief(m); got != test.want || m.Id != q.Id || m.Opcode != q.Opcode {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	if replies := c.serve([]byte{1, 2, 3}, inside); len(replies) > 0 {
		t.Error("three octets are answered")
	}
	garbage := append(packed(t, query("www.example.com A"))[:12], 0xFF, 0xFF)
	if m := c.serveOne(garbage, inside); m.Rcode != dns.RcodeFormatError || m.Id != 4711 {
		t.Errorf("garbage: %s", brief(m))
	}
}

// What is too large for UDP is left for TCP, down to the client's own size.
func TestTruncation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	tcp := inside
	tcp.Network = "tcp"
	q := query("nosuch.nsec3.com A +noad")
	for _, size := range []uint16{512, 100} { // less than 512 counts as 512, RFC 6891 section 6.2.3
		q.Extra = []dns.RR{edns(size, true)}
		if m := c.serveOne(packed(t, q), inside); !m.Truncated || len(m.Answer)+len(m.Ns) > 0 || m.IsEdns0() == nil {
			t.Errorf("three NSEC3 with signatures in %d octets: %v", size, m)
		}
	}
	if m := c.serveOne(packed(t, q), tcp); m.Truncated || sigs(m.Ns) < 3 {
		t.Errorf("the same over TCP: %v", m)
	}
	q.Extra = []dns.RR{edns(4096, true)} // more than 1232 counts as 1232
	if m := c.serveOne(packed(t, q), inside); m.Truncated || m.IsEdns0().UDPSize() != 1232 {
		t.Errorf("the same in 1232 octets: %v", m)
	}
	without := query("big.example.com TXT +noedns")
	if m := c.serveOne(packed(t, without), inside); m.Truncated || len(m.Answer) != 1 {
		t.Errorf("what fits into 512 octets: %v", m)
	}
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := resolver.New(resolver.Config{TrustAnchors: []dns.RR{rr(". 1 IN A 10.0.0.1")}, MinTTL: 2, MaxTTL: 1})
	if err == nil {
		t.Fatal("an empty configuration is taken")
	}
	for _, part := range []string{"Clock", "Exchanger", "trust anchor", "MinTTL"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
	w := newWorld(t)
	for _, hints := range [][]dns.RR{nil, hints()[:2], {rr(". 1 IN NS a."), rr("a. 1 IN AAAA 2001:db8::1")}} {
		if _, err := resolver.New(resolver.Config{Hints: hints, Clock: w.clock, Exchanger: w}); err == nil {
			t.Errorf("hints %v are taken", hints)
		}
	}
}
