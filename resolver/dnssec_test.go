package resolver_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"
	"faultzone/resolver"

	"github.com/miekg/dns"
)

// RFC 4035 section 5.3.1: at the second of its expiration a signature still holds, and from the next on it does not.
func TestExpiredSignatures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	end := start.Add(2 * time.Hour)
	w.resign("example.com.", func(p *sign.Params) { p.Expiration = end })
	c := w.resolver(nil)
	// RFC 4035 section 5.3.3: no TTL goes beyond the signature's end.
	c.want("long.example.com A", "NOERROR ad 7199 192.0.2.81")
	w.advance(time.Hour)
	c.want("long.example.com A", "NOERROR ad 3599 192.0.2.81")
	w.advance(end.Sub(w.clock.Now()))
	c.want("brief.example.com A", "NOERROR ad 0 192.0.2.82")
	w.advance(end.Add(time.Second).Sub(w.clock.Now()))
	for _, q := range []string{"brief.example.com A", "long.example.com A", "nosuch.example.com A", "example.com DNSKEY"} {
		c.want(q, "SERVFAIL ede=7")
	}
	m := c.ask("brief.example.com A")
	if s := text(m); !strings.Contains(s, "example.com.") || !strings.Contains(s, "expired") {
		t.Errorf("the error does not say what expired: %q", s)
	}
	// Whoever disables checking gets what there is, and no AD.
	c.want("brief.example.com A +cd", "NOERROR 59 192.0.2.82")
	// Repaired, it is well again once the bogus data is forgotten, after a minute.
	w.resign("example.com.", nil)
	w.advance(61 * time.Second)
	c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
}

func TestSignaturesNotYetValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.resign("example.com.", func(p *sign.Params) { p.Inception = start.Add(time.Hour) })
	w.resolver(nil).want("www.example.com A", "SERVFAIL ede=8")
	// A clock that may be off forgives it.
	w.resolver(func(cfg *resolver.Config) { cfg.Skew = 2 * time.Hour }).want("www.example.com A", "NOERROR ad 300 192.0.2.80")
}

// The parent vouches for a key that the child does not have: 9 (DNSKEY Missing), as Unbound and BIND say.
func TestDSMismatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, err := sign.DeriveKey("example.com.", sign.FlagsKSK, dns.ECDSAP256SHA256, []byte("another"), "")
	must(t, err)
	w.resign("com.", nil, zone.Change{Op: zone.ReplaceRRset, Name: "example.com.", Type: dns.TypeDS,
		RRs: []dns.RR{withTTL(other.DS(dns.SHA256), 86400)}})
	c := w.resolver(nil)
	c.want("www.example.com A", "SERVFAIL ede=9")
	c.want("nosuch.example.com A", "SERVFAIL ede=9")
	c.want("www.example.com A +cd", "NOERROR 59 192.0.2.80")
	c.want("www.nsec3.com A", "NOERROR ad 300 192.0.2.60")
	if n := len(w.asked()); n > 40 {
		t.Errorf("%d queries: a broken chain has the same servers asked in vain", n)
	}
}

// Without a DS, and the parent proves that there is none, a zone is insecure, not bogus.
func TestNoDS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.resign("com.", nil, zone.Change{Op: zone.DeleteRRset, Name: "example.com.", Type: dns.TypeDS})
	c := w.resolver(nil)
	c.want("www.example.com A", "NOERROR 300 192.0.2.80")
	c.want("nosuch.example.com A", "NXDOMAIN soa=example.com./300")
	c.want("example.com DS", "NOERROR ad soa=com./900")
	if m := c.ask("example.com DNSKEY"); len(m.Answer) != 2 || m.AuthenticatedData {
		t.Errorf("the zone's keys: %s", brief(m))
	}
}

// A DS of algorithms that nobody knows makes the zone insecure (RFC 4035 section 5.2), and says so (RFC 8914 section 4.2).
func TestUnknownAlgorithm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ds := w.keys["example.com."][0].DS(dns.SHA256)
	ds.Algorithm = 200
	w.resign("com.", nil, zone.Change{Op: zone.ReplaceRRset, Name: "example.com.", Type: dns.TypeDS, RRs: []dns.RR{withTTL(ds, 86400)}})
	w.resolver(nil).want("www.example.com A", "NOERROR 300 192.0.2.80 ede=1")
}

// Denials that prove nothing are bogus; names that are there are not touched.
func TestBrokenNSEC(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.resign("example.com.", func(p *sign.Params) {
		p.Alter = func(product sign.Product, rr dns.RR) []dns.RR {
			if nsec, ok := rr.(*dns.NSEC); ok && product == sign.ProductDenial {
				nsec.NextDomain = `\000.` + nsec.Hdr.Name
			}
			return []dns.RR{rr}
		}
	})
	c := w.resolver(nil)
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
	for _, q := range []string{"nosuch.example.com A", "any.wild.example.com A", "dangling.example.com A"} {
		m := c.ask(q)
		if got := codes(m); m.Rcode != dns.RcodeServerFailure || len(got) != 1 || got[0] != 6 && got[0] != 12 {
			t.Errorf("%s: %s, want SERVFAIL with 6 or 12", q, brief(m))
		}
	}
	// Bogus data is kept for a minute at most, also for those who want it.
	c.want("nosuch.example.com A +cd", "NXDOMAIN soa=example.com./59")
	c.want("any.wild.example.com A +cd", "NOERROR 59 192.0.2.90")
}

// Signatures left out: 10 (RRSIGs Missing). Nothing else could tell a stripped answer from an unsigned zone.
func TestStrippedSignatures(t *testing.T) {
	t.Parallel()
	strip := func(rrs []dns.RR) []dns.RR {
		return slices.DeleteFunc(slices.Clone(rrs), func(rr dns.RR) bool {
			t := rr.Header().Rrtype
			return t == dns.TypeRRSIG || t == dns.TypeNSEC
		})
	}
	stripping := func(q *dns.Msg, _ string, right func() *dns.Msg) act {
		m := right()
		// Whoever strips leaves what proves him wrong out as well: that nosuch has no DS, since it does not exist.
		if name := q.Question[0].Name; name != "example.com." && (q.Question[0].Qtype != dns.TypeDS || name == "nosuch.example.com.") {
			m.Answer, m.Ns = strip(m.Answer), strip(m.Ns)
		}
		return act{reply: m}
	}
	w := newWorld(t)
	w.break_("10.0.0.1", stripping)
	w.break_("10.0.0.2", stripping)
	c := w.resolver(nil)
	for q, want := range map[string]string{"www.example.com A": "10", "alias.example.com A": "10", "nosuch.example.com A": "10 or 12"} {
		m := c.ask(q)
		if m.Rcode != dns.RcodeServerFailure || len(codes(m)) != 1 || codes(m)[0] != 10 && (codes(m)[0] != 12 || want == "10") {
			t.Errorf("%s: %s, want SERVFAIL with %s: %s", q, brief(m), want, text(m))
		}
	}
}

// One server is stale: the other one's answer is taken, and nobody sees the difference.
func TestBogusAtOneServer(t *testing.T) {
	t.Parallel()
	for _, stale := range []string{"10.0.0.1", "10.0.0.2"} {
		w := newWorld(t)
		old := w.sign(t, "example.com.", w.raw["example.com."], func(p *sign.Params) { p.Expiration = start.Add(-time.Hour) })
		w.break_(stale, func(q *dns.Msg, _ string, right func() *dns.Msg) act {
			m := right()
			if dns.IsSubDomain("example.com.", q.Question[0].Name) {
				r := old.Lookup(q.Question[0].Name, q.Question[0].Qtype, true)
				m.Answer, m.Ns = r.Answer, r.Authority
			}
			return act{reply: m}
		})
		c := w.resolver(nil)
		for _, q := range []string{"www", "long", "brief", "ns1", "ns2"} {
			m := c.ask(q + ".example.com A")
			if m.Rcode != dns.RcodeSuccess || !m.AuthenticatedData {
				t.Errorf("%s is stale, and %s came to %s", stale, q, brief(m))
			}
		}
		c.want("nosuch.example.com A", "NXDOMAIN ad soa=example.com./300")
	}
}

// A forged answer does not pass, and does not stay: bogus data lives for a minute at most.
func TestForgedAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := warm(w)
	forging := func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
		m := right()
		m.Answer = slices.Clone(m.Answer)
		for i, have := range m.Answer {
			if have.Header().Rrtype == dns.TypeA {
				m.Answer[i] = rr(have.Header().Name + " 86400 IN A 203.0.113.66")
			}
		}
		return act{reply: m}
	}
	w.break_("10.0.0.1", forging)
	w.break_("10.0.0.2", forging)
	c.want("long.example.com A", "SERVFAIL ede=6")
	c.want("long.example.com A +cd", "NOERROR 60 203.0.113.66")
	w.break_("10.0.0.1", nil)
	w.break_("10.0.0.2", nil)
	w.asked()
	w.advance(30 * time.Second)
	c.want("long.example.com A", "SERVFAIL ede=6")
	if n := len(w.asked()); n != 0 {
		t.Errorf("%d queries for what is known to be bogus", n)
	}
	w.advance(30 * time.Second)
	c.want("long.example.com A", "NOERROR ad 86400 192.0.2.81")
}

// What somebody without checking brought into the cache is checked for the next one, without asking again.
func TestCheckedLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := warm(w)
	c.want("long.example.com A +cd", "NOERROR 86400 192.0.2.81")
	w.asked()
	w.advance(100 * time.Second)
	c.want("long.example.com A", "NOERROR ad 86300 192.0.2.81")
	if asked := w.asked(); len(asked) != 0 {
		t.Errorf("asked %q", asked)
	}
}

// The keys cannot be had: that is a failure of servers, not of signatures.
func TestKeysOutOfReach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	noKeys := func(q *dns.Msg, network string, right func() *dns.Msg) act {
		if q.Question[0].Qtype == dns.TypeDNSKEY {
			return rcode(dns.RcodeServerFailure)(q, network, right)
		}
		return act{reply: right()}
	}
	w.break_("10.0.0.1", noKeys)
	w.break_("10.0.0.2", noKeys)
	c := w.resolver(nil)
	c.want("www.example.com A", "SERVFAIL ede=22 ede=23 ede=9")
	c.want("www.example.com A +cd", "NOERROR 299 192.0.2.80")
}

// The zone has no DNSKEY though its parent has a DS.
func TestNoDNSKEY(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.zones["example.com."] = w.raw["example.com."] // not signed any more
	w.resolver(nil).want("www.example.com A", "SERVFAIL ede=9")
}

// Keys are trusted for no longer than the DS that vouches for them is known.
func TestKeysLiveNoLongerThanDS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ds := w.keys["example.com."][0].DS(dns.SHA256)
	w.resign("com.", nil, zone.Change{Op: zone.ReplaceRRset, Name: "example.com.", Type: dns.TypeDS, RRs: []dns.RR{withTTL(ds, 100)}})
	c := w.resolver(nil)
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
	w.resign("com.", nil, zone.Change{Op: zone.DeleteRRset, Name: "example.com.", Type: dns.TypeDS})
	w.advance(101 * time.Second)
	c.want("long.example.com A", "NOERROR 86400 192.0.2.81")
}

// A trust anchor below the root checks that zone and leaves the rest alone (RFC 4033 section 5, Indeterminate).
func TestAnchorBelowTheRoot(t *testing.T) {
	t.Parallel()
	for _, anchor := range []func(*world) dns.RR{
		func(w *world) dns.RR { return w.keys["example.com."][0].DS(dns.SHA256) },
		func(w *world) dns.RR { return w.keys["example.com."][0].DNSKEY },
	} {
		w := newWorld(t)
		c := w.resolver(func(cfg *resolver.Config) { cfg.TrustAnchors = []dns.RR{anchor(w)} })
		c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
		c.want("www.nsec3.com A", "NOERROR 300 192.0.2.60")
		c.want("abroad.example.com A", "NOERROR 299 www.example.net. 120 198.51.100.80")
	}
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) {
		cfg.TrustAnchors = []dns.RR{w.keys["com."][0].DS(dns.SHA256)} // as if it were the root's
		cfg.TrustAnchors[0].Header().Name = "."
	})
	c.want("www.example.com A", "SERVFAIL ede=9")
}
