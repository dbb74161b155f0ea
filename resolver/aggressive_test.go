package resolver_test

import (
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/zone"
	"faultzone/resolver"

	"github.com/miekg/dns"
)

func aggressive(cfg *resolver.Config) { cfg.AggressiveNSEC = true }

// RFC 8198 section 5: what the zone has said of a name's neighbours is enough, for NXDOMAIN, NODATA and wildcards; with
// NSEC and NSEC3. By default it is not used.
func TestAggressive8198(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, first, second, want string
		asked                     bool // whether a server of the zone has to be
	}{
		{"the same span", "nosuch.example.com A", "nosuch2.example.com A", "NXDOMAIN ad soa=example.com./299", false},
		{"deeper in the span", "nosuch.example.com A", "a.b.nosuch2.example.com MX", "NXDOMAIN ad soa=example.com./299", false},
		{"another span", "nosuch.example.com A", "zzz.example.com A", "NXDOMAIN ad soa=example.com./300", true},
		{"a name that exists", "nosuch.example.com A", "www.example.com A", "NOERROR ad 300 192.0.2.80", true},
		{"another type of the name", "www.example.com MX", "www.example.com TXT", "NOERROR ad soa=example.com./299", false},
		{"a type that is there", "www.example.com MX", "www.example.com AAAA", "NOERROR ad 300 2001:db8::80", true},
		{"an empty non-terminal", "a.aaa.example.com A", "ent.example.com A", "NOERROR ad soa=example.com./300", true},
		{"a wildcard", "x.wild.example.com A", "y.wild.example.com A", "NOERROR ad 299 192.0.2.90", false},
		{"a wildcard's other type", "x.wild.example.com MX", "y.wild.example.com MX", "NOERROR ad soa=example.com./299", false},
		{"NSEC3, again and again", "nosuch.nsec3.com A", "a.nosuch.nsec3.com A", "NXDOMAIN ad soa=nsec3.com./300", false},
		{"NSEC3, NODATA", "www.nsec3.com MX", "www.nsec3.com TXT", "NOERROR ad soa=nsec3.com./299", false},
		{"NSEC3, a wildcard", "x.wild.nsec3.com A", "x.wild.nsec3.com A", "NOERROR ad 300 192.0.2.61", false},
		{"a delegation's own NSEC is not for names below it", "aaa.com A", "www.plain.com A", "NOERROR 300 192.0.2.70", true},
	} {
		w := newWorld(t)
		c := w.resolver(aggressive)
		c.ask(x.first)
		w.asked()
		got := brief(c.ask(x.second))
		if asked := len(w.asked()) > 0; got != x.want || asked != x.asked {
			t.Errorf("%s: %s, asked %v; want %s, %v", x.name, got, asked, x.want, x.asked)
		}
		if m := c.now(x.second); brief(m) != x.want {
			t.Errorf("%s, at once: %s", x.name, brief(m))
		}
		usual := w.resolver(func(cfg *resolver.Config) { cfg.BelowNXDOMAIN = resolver.CutNever })
		usual.ask(x.first)
		w.asked()
		if m := usual.ask(x.second); m.Rcode != dns.StringToRcode[strings.Fields(x.want)[0]] {
			t.Errorf("%s, by default: %s", x.name, brief(m))
		}
		if x.first != x.second && len(w.asked()) == 0 {
			t.Errorf("%s: by default nobody is asked", x.name)
		}
	}
}

// RFC 8198 section 5.3: a wildcard's CNAME stands for other names too, with NSEC and with NSEC3, where its answers have
// shown that the name above is there.
func TestAggressiveWildcards8198(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, parent := range []string{"stars.example.com.", "stars.nsec3.com.", "more.nsec3.com.", "other.nsec3.com.", "last.nsec3.com."} {
		origin := parent[strings.Index(parent, ".")+1:]
		w.resign(origin, nil, zone.Change{Op: zone.Add, RRs: []dns.RR{rr("*." + parent + " 300 IN CNAME www." + origin)}})
		c := w.resolver(aggressive)
		first := brief(c.ask("a." + parent + " A"))
		answered := 0
		for _, name := range strings.Split("bcdefghijklmnop", "") { // of hashes only some fall between the same two
			w.asked()
			got := brief(c.ask(name + "." + parent + " A"))
			if len(w.asked()) == 0 {
				answered++
			}
			if strings.ReplaceAll(got, "299", "300") != strings.ReplaceAll(first, "299", "300") {
				t.Errorf("%s.%s: %s, want %s", name, parent, got, first)
			}
		}
		if answered < 5 {
			t.Errorf("%s: %d names answered without asking", parent, answered)
		}
		if m := c.ask("z." + parent + " A +do"); sigs(m.Ns) == 0 {
			t.Errorf("%s: no proof goes along: %v", parent, m)
		}
	}
}

// The proof goes with the answer: whoever validates behind us can (RFC 4035 section 3.1.3).
func TestAggressiveAnswersCarryTheirProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(aggressive)
	c.ask("nosuch.example.com A")
	m := c.now("nosuch2.example.com A +do")
	if m.Rcode != dns.RcodeNameError || sigs(m.Ns) < 2 {
		t.Errorf("got %v", m)
	}
	// Without checking, what was never asked for is asked for.
	w.asked()
	c.want("nosuch3.example.com A +cd", "NXDOMAIN soa=example.com./300")
	if len(w.asked()) == 0 {
		t.Error("with CD nobody is asked")
	}
}

// It ends with the negative TTL, which is the lesser of the SOA's own and its last field, though the NSEC says more (RFC
// 9077); flushing the name does not end it, flushing the zone does.
func TestAggressiveEnds9077(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(aggressive)
	c.ask("nosuch.example.com A")
	w.resign("example.com.", nil, zone.Change{Op: zone.Add, RRs: []dns.RR{rr("nosuch2.example.com. 300 IN A 192.0.2.99")}})
	w.advance(100 * time.Second)
	c.want("nosuch2.example.com A", "NXDOMAIN ad soa=example.com./199")
	if n := c.r.Flush("nosuch2.example.com"); n != 0 {
		t.Errorf("%d entries of the name", n)
	}
	c.want("nosuch2.example.com A", "NXDOMAIN ad soa=example.com./199")
	w.advance(200 * time.Second)
	c.want("nosuch2.example.com A", "NOERROR ad 300 192.0.2.99")

	other := w.resolver(aggressive)
	other.ask("nosuch.example.com A")
	w.resign("example.com.", nil, zone.Change{Op: zone.Add, RRs: []dns.RR{rr("nosuch1.example.com. 300 IN A 192.0.2.98")}})
	other.want("nosuch1.example.com A", "NXDOMAIN ad soa=example.com./299")
	if n := other.r.FlushTree("example.com"); n < 3 {
		t.Errorf("%d entries of the zone", n)
	}
	other.want("nosuch1.example.com A", "NOERROR ad 300 192.0.2.98")
}
