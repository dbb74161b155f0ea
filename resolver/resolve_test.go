package resolver_test

import (
	"testing"

	"faultzone/resolver"

	"github.com/miekg/dns"
)

// What a healthy internet answers, each to a resolver that knows nothing yet.
func TestResolve(t *testing.T) {
	t.Parallel()
	tests := []struct{ question, want string }{
		{"www.example.com A", "NOERROR ad 300 192.0.2.80"},
		{"www.example.com AAAA", "NOERROR ad 300 2001:db8::80"},
		{"WWW.Example.COM A", "NOERROR ad 300 192.0.2.80"},
		{"example.com MX", "NOERROR ad 3600 10 www.example.com."},
		{"example.com SOA", "NOERROR ad 3600 ns1.example.com. admin.example.com. 2026040201 3600 900 604800 300"},
		{"zero.example.com A", "NOERROR ad 0 192.0.2.83"},
		// RFC 1034 section 3.6.2: an alias within the zone, to another zone, to one that is not signed, to nowhere.
		{"alias.example.com A", "NOERROR ad 300 www.example.com. 299 192.0.2.80"},
		{"alias.example.com CNAME", "NOERROR ad 300 www.example.com."},
		{"abroad.example.com A", "NOERROR ad 299 www.example.net. 120 198.51.100.80"},
		{"toplain.example.com A", "NOERROR 299 www.plain.com. 300 192.0.2.70"},
		{"dangling.example.com A", "NXDOMAIN ad 299 nosuch.example.com. soa=example.com./300"},
		{"loop1.example.com A", "SERVFAIL ede=0"},
		// RFC 6672.
		{"www.old.example.com A", "NOERROR ad 299 example.net. 299 www.example.net. 120 198.51.100.80"},
		{"www.old.example.com CNAME", "NOERROR ad 300 example.net. 300 www.example.net."},
		{"old.example.com DNAME", "NOERROR ad 300 example.net."},
		// RFC 2308: no such name, no such type, no type at all at an empty non-terminal.
		{"nosuch.example.com A", "NXDOMAIN ad soa=example.com./300"},
		{"www.example.com MX", "NOERROR ad soa=example.com./300"},
		{"ent.example.com A", "NOERROR ad soa=example.com./300"},
		{"nosuch.com A", "NXDOMAIN ad soa=com./900"},
		// 86400 by its SOA; a resolver keeps a denial for 3 hours (section 5).
		{"nosuch. A", "NXDOMAIN ad soa=./10800"},
		// RFC 4592.
		{"any.wild.example.com A", "NOERROR ad 300 192.0.2.90"},
		{"any.wild.example.com MX", "NOERROR ad soa=example.com./300"},
		// Not signed, proven so.
		{"www.plain.com A", "NOERROR 300 192.0.2.70"},
		{"nosuch.plain.com A", "NXDOMAIN soa=plain.com./300"},
		{"plain.com DS", "NOERROR ad soa=com./900"},
		// RFC 5155.
		{"www.nsec3.com A", "NOERROR ad 300 192.0.2.60"},
		{"nosuch.nsec3.com A", "NXDOMAIN ad soa=nsec3.com./300"},
		{"www.nsec3.com MX", "NOERROR ad soa=nsec3.com./300"},
		{"any.wild.nsec3.com A", "NOERROR ad 300 192.0.2.61"},
		// Name servers without glue.
		{"www.example.net A", "NOERROR ad 120 198.51.100.80"},
		// RFC 6840 section 5.7: AD is for those who set AD or DO.
		{"www.example.com A +noad", "NOERROR 300 192.0.2.80"},
		{"www.example.com A +noad +do", "NOERROR ad 300 192.0.2.80"},
		{"www.example.com A +cd", "NOERROR 300 192.0.2.80"},
		{"www.example.com A +noedns", "NOERROR ad 300 192.0.2.80"},
		// Not in the cache, and no recursion desired (RFC 8914 section 4.21).
		{"www.example.com A +norec", "REFUSED ede=20"},
		{"www.example.com AXFR", "REFUSED"},
		// RFC 8482 section 4.2.
		{"www.example.com ANY", `NOERROR 3600 "RFC8482" ""`},
	}
	for _, test := range tests {
		t.Run(test.question, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := w.resolver(nil)
			c.want(test.question, test.want)
			// Again, out of the cache (TTL 0 apart): the same, without a query.
			w.asked()
			c.want(test.question, test.want)
			if asked := w.asked(); len(asked) > 0 && test.question != "zero.example.com A" && test.question != "loop1.example.com A" {
				t.Errorf("asked again: %q", asked)
			}
		})
	}
}

// Without trust anchors nothing is checked and nothing is claimed.
func TestWithoutAnchors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) { cfg.TrustAnchors = nil })
	c.want("www.example.com A", "NOERROR 300 192.0.2.80")
	for _, q := range w.asked() {
		if q != "198.41.0.4 udp www.example.com. A" && q != "170.247.170.2 udp www.example.com. A" &&
			q != "192.5.6.30 udp www.example.com. A" && q != "192.33.14.30 udp www.example.com. A" &&
			q != "10.0.0.1 udp www.example.com. A" && q != "10.0.0.2 udp www.example.com. A" {
			t.Errorf("asked %s", q)
		}
	}
	c.want("abroad.example.com A", "NOERROR 299 www.example.net. 120 198.51.100.80")
	c.want("nosuch.example.com A", "NXDOMAIN soa=example.com./300")
	// Signatures are for those who want them, all the same (RFC 4035 section 3.2.1).
	if m := c.ask("www.example.com A +do"); sigs(m.Answer) != 1 {
		t.Errorf("want the signature too: %v", m)
	}
}

// RFC 4035 section 3.2.1: signatures and proofs come when DO asks for them, and only then.
func TestDO(t *testing.T) {
	t.Parallel()
	c := newWorld(t).resolver(nil)
	tests := []struct {
		question          string
		answer, authority int // signatures
	}{
		{"www.example.com A", 0, 0},
		{"www.example.com A +do", 1, 0},
		{"alias.example.com A +do", 2, 0},
		{"nosuch.example.com A", 0, 0},
		{"nosuch.example.com A +do", 0, 2},   // SOA, and one NSEC that covers the name and the wildcard both
		{"any.wild.example.com A +do", 1, 1}, // the NSEC that says that nothing is closer
		{"www.old.example.com A +do", 2, 0},  // the synthesised CNAME has none (RFC 6672 section 5.3.1)
		{"www.example.com MX +do +cd", 0, 2}, // SOA, NSEC
		{"any.wild.example.com A +do +cd", 1, 1},
	}
	for _, test := range tests {
		m := c.ask(test.question)
		if a, n := sigs(m.Answer), sigs(m.Ns); a != test.answer || (n == 0) != (test.authority == 0) {
			t.Errorf("%s: %d and %d signatures, want %d and %d\n%v", test.question, a, n, test.answer, test.authority, m)
		}
	}
}

// What Resolve returns is the caller's: whoever changes it changes nothing for others.
func TestReplyIsTheCallers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) { cfg.Local = []dns.RR{rr("local.example. 60 IN A 192.0.2.9")} })
	for _, question := range []string{"www.example.com A +do", "nosuch.example.com A +do", "alias.example.com A", "local.example A", "www.example.com ANY"} {
		c.ask(question)
		m := c.ask(question)
		want := m.String()
		for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
			for _, rr := range section {
				if rr.Header().Ttl = 7; rr.Header().Rrtype == dns.TypeA {
					rr.(*dns.A).A[0] = 1
				}
				rr.Header().Name = "changed."
			}
		}
		if got := c.ask(question).String(); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", question, got, want)
		}
	}
}
