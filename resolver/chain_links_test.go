package resolver_test

import (
	"testing"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// A chain goes on where each link belongs: what a zone's server says of names in a zone that is known to be delegated is
// not taken, though they are below its own.
func TestLinkInChildZoneIsAskedThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host("10.0.0.3", "plain.com.", "@ 60 IN SOA ns a 1 2 3 4 60\n@ 60 IN NS ns\nns 60 IN A 10.0.0.3\nsub 600 IN NS ns.sub\nns.sub 60 IN A 10.0.0.5")
	w.host("10.0.0.5", "sub.plain.com.", "@ 60 IN SOA ns a 1 2 3 4 60\n@ 60 IN NS ns\nns 60 IN A 10.0.0.5\nwww 60 IN A 192.0.2.5\nfirst 60 IN A 192.0.2.6")
	c := w.plainly(nil)
	c.want("first.sub.plain.com A", "NOERROR 60 192.0.2.6")
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
		return say(q, "aa", "an a.plain.com. 60 IN CNAME www.sub.plain.com.", "an www.sub.plain.com. 60 IN A 203.0.113.66")
	})
	w.asked()
	c.want("a.plain.com A", "NOERROR 59 www.sub.plain.com. 60 192.0.2.5")
	w.wantAsked(t, "10.0.0.3 udp a.plain.com. A", "10.0.0.5 udp www.sub.plain.com. A")
	c.hasNot("203.0.113.66")
}

// What the same zone says about the next link needs no second question.
func TestLinksOfOneZoneInOneReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.plainly(nil)
	c.ask("www.example.com A")
	w.asked()
	c.want("alias.example.com A", "NOERROR 300 www.example.com. 299 192.0.2.80")
	if n := len(w.asked()); n > 1 {
		t.Errorf("%d queries", n)
	}
}

// RFC 6672: a DNAME, a CNAME and a wildcard on the way through three zones of which two are signed; a name too long for
// what the DNAME makes of it is YXDOMAIN (section 2.2), and the owner itself is not redirected (section 2.3).
func TestChainAcrossZones6672(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	c.want("www.old.example.com A", "NOERROR ad 299 example.net. 299 www.example.net. 120 198.51.100.80")
	c.want("old.example.com A", "NOERROR ad soa=example.com./300")
	c.want("toplain.example.com A", "NOERROR 299 www.plain.com. 300 192.0.2.70")
	c.want("abroad.example.com A", "NOERROR ad 300 www.example.net. 119 198.51.100.80")
	c.want("nosuch.old.example.com A", "NXDOMAIN ad 299 example.net. 299 nosuch.example.net. soa=example.net./300")
	long := ""
	for len(long) < 230 {
		long += "aaaaaaaaa."
	}
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
		return say(q, "aa YXDOMAIN", "an plain.com. 300 IN DNAME a-much-longer-name-than-this.plain.example.")
	})
	if m := c.ask(long + "plain.com A"); m.Rcode != dns.RcodeYXDomain {
		t.Errorf("too long: %s: %s", brief(m), text(m))
	}
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
		return say(q, "aa YXDOMAIN", "an "+q.Question[0].Name+" 300 IN A 192.0.2.66")
	})
	w.plainly(nil).want("short.plain.com A", "SERVFAIL ede=22 ede=23") // it has nothing to do with a long name
}

// What comes without a signature beside a link that has one is asked for by itself, and no delegation is looked for that
// would explain it.
func TestUnsignedRestOfAChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"10.0.0.1", "10.0.0.2"} {
		w.break_(at, func(q *dns.Msg, _ string, right func() *dns.Msg) act {
			m := right()
			if q.Question[0].Name != "alias.example.com." {
				return act{reply: m}
			}
			m.Answer = append(m.Answer[:2:2], rr("www.example.com. 300 IN A 192.0.2.66"))
			return act{reply: m}
		})
	}
	c := w.resolver(nil)
	c.want("alias.example.com A", "NOERROR ad 299 www.example.com. 300 192.0.2.80")
	for _, q := range names(w.asked()) {
		if q == "www.example.com. DS" {
			t.Error("asked for a DS of the alias's target")
		}
	}
}

// An RRset that several links have in common is in the answer once (RFC 2181 section 5): a DNAME that redirects twice, the
// NSEC of two denials.
func TestRRsetsOnceInAChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.resign("example.com.", nil, zone.Change{Op: zone.Add, RRs: []dns.RR{rr("twice.example.com. 300 IN DNAME example.com."),
		rr("*.stars.example.com. 300 IN CNAME b.stars2.example.com."), rr("*.stars2.example.com. 300 IN A 192.0.2.5")}})
	c := w.resolver(nil)
	for _, q := range []string{"www.twice.twice.example.com A +do", "a.stars.example.com A +do"} {
		for range 2 {
			m := c.ask(q)
			for _, section := range [][]dns.RR{m.Answer, m.Ns} {
				for i, a := range section {
					for _, b := range section[:i] {
						if dns.IsDuplicate(a, b) {
							t.Errorf("%s: twice %s", q, a)
						}
					}
				}
			}
			if m.Rcode != dns.RcodeSuccess || !m.AuthenticatedData || len(m.Answer) < 4 {
				t.Errorf("%s: %v", q, m)
			}
		}
		same(t, q, c.now(q), c.ask(q))
	}
}
