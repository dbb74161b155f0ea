package resolver_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"faultzone/resolver"
)

// The zones of RFC 2181 section 5.4.1's cases: plain.com. on 10.0.0.3 and what others say about it.

// Glue finds servers and answers nobody (RFC 2181 section 5.4.1): who asks for the name server's address gets it from the zone.
func TestGlueIsNotAnAnswer2181(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.delegates("plain.com. 172800 IN NS ns.plain.com.", "ns.plain.com. 172800 IN A 10.0.0.3")
	c := w.plainly(nil)
	c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
	if got := c.held("ns.plain.com.", dns.TypeA); got != "positive additional" {
		t.Errorf("the glue is held as %q", got)
	}
	w.asked()
	c.want("ns.plain.com A", "NOERROR 3600 10.0.0.3")
	w.wantAsked(t, "10.0.0.3 udp ns.plain.com. A")
	if got := c.held("ns.plain.com.", dns.TypeA); got != "positive answer" {
		t.Errorf("the answer is held as %q", got)
	}
}

// What is lower ranked replaces nothing higher: neither a referral's NS nor its glue (RFC 2181 section 5.4.1). With
// AuthorityNS, what an answer says in its authority section is above the parent's.
func TestRanking2181(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host("10.0.0.3", "plain.com.", `@ 3600 IN SOA ns admin 1 3600 900 604800 300
@ 3600 IN NS ns
@ 3600 IN NS ns2
ns 3600 IN A 10.0.0.3
ns2 3600 IN A 10.0.0.5
www 300 IN A 192.0.2.70`)
	c := w.plainly(func(cfg *resolver.Config) { cfg.AuthorityNS = true })
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
		return say(q, "aa", "an "+q.Question[0].Name+" 300 IN A 10.0.0.3", "ns plain.com. 3600 IN NS ns.plain.com.", "ns plain.com. 3600 IN NS ns2.plain.com.")
	})
	c.ask("ns.plain.com A")
	if got := c.held("plain.com.", dns.TypeNS); got != "positive authority" {
		t.Fatalf("the zone's own NS is held as %q", got)
	}
	// Another child of com. has the delegation told again, with other servers and glue.
	w.delegates("plain.com. 172800 IN NS ns.elsewhere.com.", "www.plain.com. 172800 IN NS x.plain.com.",
		"ns.plain.com. 172800 IN A 10.9.9.9", "other.com. 172800 IN NS ns.plain.com.")
	w.says("10.9.9.9", func(q *dns.Msg) *dns.Msg { return say(q, "aa", "an "+q.Question[0].Name+" 300 IN A 203.0.113.66") })
	c.ask("www.other.com A")
	if got := c.held("plain.com.", dns.TypeNS); got != "positive authority" {
		t.Errorf("then as %q", got)
	}
	if got := c.held("ns.plain.com.", dns.TypeA); got != "positive answer" {
		t.Errorf("ns.plain.com is held as %q", got)
	}
	c.hasNot("10.9.9.9", "elsewhere", "203.0.113.66")
}

// An NS RRset that nobody asked for is taken from no answer that somebody could have forged: who guesses right once would
// have the whole zone. With a cookie, or over TCP, nobody guesses.
func TestAuthorityNSIsNotTaken(t *testing.T) {
	t.Parallel()
	for way, want := range map[string]string{"plain": "positive referral", "tcp": "positive authority", "cookie": "positive authority"} {
		w := newWorld(t)
		w.break_("10.0.0.3", func(q *dns.Msg, network string, _ func() *dns.Msg) act {
			m := say(q, "aa", "an www.plain.com. 300 IN A 192.0.2.70", "ns plain.com. 3600 IN NS ns.plain.com.")
			switch {
			case way == "tcp" && network == "udp":
				m = say(q, "aa tc")
			case way == "cookie":
				m = withOPT(m, cookie(cookieOf(q)[:16]+serverCookie))
			}
			return act{reply: m}
		})
		c := w.plainly(func(cfg *resolver.Config) { cfg.Cookies = way == "cookie" })
		c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
		if got := c.held("plain.com.", dns.TypeNS); got != want {
			t.Errorf("%s: the zone's NS is held as %q, want %q", way, got, want)
		}
	}
}

// Each row is a reply of plain.com's server with more in it than it has a say in; nothing of that stays (RFC 2181 section
// 5.4.1, RFC 5452 section 6).
func TestBailiwick2181(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, flags, records string }{
		{"an answer for another name", "aa", "an www.plain.com. 300 IN A 192.0.2.70|an mail.plain.com. 300 IN A 203.0.113.66"},
		{"an answer for another zone", "aa", "an www.plain.com. 300 IN A 192.0.2.70|an www.example.com. 300 IN A 203.0.113.66"},
		{"the NS of the parent", "aa", "an www.plain.com. 300 IN A 192.0.2.70|ns com. 300 IN NS evil.plain.com.|ar evil.plain.com. 300 IN A 203.0.113.66"},
		{"the NS of a sibling", "aa", "an www.plain.com. 300 IN A 192.0.2.70|ns example.com. 300 IN NS evil.plain.com.|ar evil.plain.com. 300 IN A 203.0.113.66"},
		{"glue for another zone's server", "aa", "an www.plain.com. 300 IN A 192.0.2.70|ns plain.com. 300 IN NS ns1.example.com.|ar ns1.example.com. 300 IN A 203.0.113.66"},
		{"additional data", "aa", "an www.plain.com. 300 IN A 192.0.2.70|ar extra.plain.com. 300 IN A 203.0.113.66"},
		{"a CNAME into another zone, and its target", "aa", "an www.plain.com. 300 IN CNAME www.example.com.|an www.example.com. 300 IN A 203.0.113.66"},
		{"the SOA of another zone", "aa NXDOMAIN", "ns example.com. 300 IN SOA evil.plain.com. a. 1 2 3 4 300"},
		{"a DS in an answer", "aa", "an www.plain.com. 300 IN A 192.0.2.70|ns example.com. 300 IN DS 1 13 2 203066"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg { return say(q, test.flags, strings.Split(test.records, "|")...) })
			c := w.plainly(nil)
			c.ask("www.plain.com A")
			c.hasNot("203.0.113.66", "evil", "203066")
			c.want("www.example.com A", "NOERROR 300 192.0.2.80")
		})
	}
}

// Missing glue is resolved, and name servers under the zone itself that have none are passed over (RFC 1034 section 5.3.3,
// RFC 9471).
func TestMissingGlue9471(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.delegates("sub.com. 3600 IN NS ns.sub.com.", "sub.com. 3600 IN NS ns.plain.com.")
	w.host("10.0.0.3", "sub.com.", "@ 60 IN SOA ns a 1 2 3 4 60\n@ 60 IN NS ns\nns 60 IN A 10.0.0.3\nwww 60 IN A 192.0.2.1")
	w.host("10.0.0.3", "plain.com.", "@ 60 IN SOA ns a 1 2 3 4 60\n@ 60 IN NS ns\nns 60 IN A 10.0.0.3")
	c := w.plainly(nil)
	c.want("www.sub.com A", "NOERROR 60 192.0.2.1")
	got := names(w.asked())
	want := "www.sub.com. A, www.sub.com. A, ns.plain.com. A, ns.plain.com. A, www.sub.com. A"
	if strings.Join(got, ", ") != want {
		t.Errorf("asked %q\nwant %s", got, want)
	}
}

// Glue that has run out while the delegation has not is had from the parent again.
func TestExpiredGlue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.delegates("sub.com. 3600 IN NS ns.sub.com.", "ns.sub.com. 60 IN A 10.0.0.3")
	w.host("10.0.0.3", "sub.com.", "@ 6000 IN SOA ns a 1 2 3 4 60\n@ 6000 IN NS ns\nns 6000 IN A 10.0.0.3\nwww 30 IN A 192.0.2.1")
	c := w.plainly(nil)
	c.want("www.sub.com A", "NOERROR 30 192.0.2.1")
	w.advance(61e9)
	w.asked()
	c.want("www.sub.com A", "NOERROR 30 192.0.2.1")
	if got := w.asked(); len(got) != 2 || !strings.HasPrefix(got[0], "192.") || got[1] != "10.0.0.3 udp www.sub.com. A" {
		t.Errorf("asked %q", got)
	}
}

// Both address families: IPv4 by default, both with IPv6, IPv6 alone with NoIPv4 too (RFC 3901 says why one wants both).
func TestAddressFamilies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		ipv6, noIPv4 bool
		glue         string
		want         string // where the zone's server is asked; empty: nowhere
	}{
		{false, false, "A 10.0.0.3", "10.0.0.3"},
		{false, false, "AAAA 2001:db8::3", ""},
		{true, false, "AAAA 2001:db8::3", "2001:db8::3"},
		{true, false, "A 10.0.0.3", "10.0.0.3"},
		{true, true, "AAAA 2001:db8::3", "2001:db8::3"},
		{true, true, "A 10.0.0.3", ""},
	}
	for _, test := range tests {
		w := newWorld(t)
		tlds := []string{"192.5.6.30", "2001:503:a83e::2:30"}
		for _, at := range append([]string{"198.41.0.4", "2001:503:ba3e::2:30"}, tlds...) {
			w.says(at, func(q *dns.Msg) *dns.Msg {
				return say(q, "", "ns plain.com. 60 IN NS ns.plain.com.", "ar ns.plain.com. 60 IN "+test.glue)
			})
		}
		for _, at := range []string{"10.0.0.3", "2001:db8::3"} {
			w.says(at, func(q *dns.Msg) *dns.Msg { return say(q, "aa", "an www.plain.com. 60 IN A 192.0.2.7") })
		}
		c := w.plainly(func(cfg *resolver.Config) {
			cfg.Hints = []dns.RR{rr(". 60 IN NS a."), rr("a. 60 IN A 198.41.0.4"), rr("a. 60 IN AAAA 2001:503:ba3e::2:30")}
			cfg.IPv6, cfg.NoIPv4 = test.ipv6, test.noIPv4
		})
		m := c.ask("www.plain.com A")
		asked := w.asked()
		got := ""
		if last := strings.Fields(asked[len(asked)-1])[0]; last == "10.0.0.3" || last == "2001:db8::3" {
			got = last
		}
		if got != test.want || (m.Rcode == dns.RcodeSuccess) != (test.want != "") {
			t.Errorf("%+v: %s, asked %q", test, brief(m), asked)
		}
		for _, s := range asked {
			if six := strings.Contains(strings.Fields(s)[0], ":"); six && !test.ipv6 || !six && test.noIPv4 {
				t.Errorf("%+v: asked %s", test, s)
			}
		}
	}
	cfg := resolver.Config{Hints: hints(), Clock: newWorld(t).clock, Exchanger: newWorld(t), NoIPv4: true}
	if _, err := resolver.New(cfg); err == nil {
		t.Error("with neither IPv4 nor IPv6 there is a resolver")
	}
}
