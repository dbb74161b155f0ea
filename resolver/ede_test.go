package resolver_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"
	"faultzone/resolver"

	"github.com/miekg/dns"
)

// exampleSays has both servers of example.com change their replies.
func (w *world) exampleSays(change func(m *dns.Msg)) {
	for _, at := range []string{"10.0.0.1", "10.0.0.2"} {
		w.wrong[at] = func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
			m := right().Copy()
			change(m)
			return act{reply: m}
		}
	}
}

// eachSig has the signatures of a type, in any section, changed; change returning false leaves them out.
func eachSig(m *dns.Msg, covered uint16, change func(*dns.RRSIG) bool) {
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns} {
		*section = slices.DeleteFunc(*section, func(rr dns.RR) bool {
			sig, ok := rr.(*dns.RRSIG)
			return ok && sig.TypeCovered == covered && !change(sig)
		})
	}
}

// Each extended error of RFC 8914 (section 4.2 to 4.26) that applies to a resolver, and RFC 9276's, with a text that names
// the zone, the server and the signature where there are such.
func TestExtendedErrors8914(t *testing.T) {
	t.Parallel()
	const www = "www.example.com A"
	server := "10.0.0."
	withDS := func(change func(*dns.DS)) func(w *world) {
		return func(w *world) {
			ds := w.keys["example.com."][0].DS(dns.SHA256)
			change(ds)
			w.resign("com.", nil, zone.Change{Op: zone.ReplaceRRset, Name: "example.com.", Type: dns.TypeDS, RRs: []dns.RR{withTTL(ds, 86400)}})
		}
	}
	expired := func(w *world) {
		w.resign("example.com.", func(p *sign.Params) { p.Expiration = start.Add(-time.Hour) })
	}
	silent := func(w *world) {
		w.wrong["10.0.0.3"] = func(*dns.Msg, string, func() *dns.Msg) act { return act{} }
	}
	staleOn := func(cfg *resolver.Config) { cfg.ServeStale.On = true; cfg.MaxTTL = time.Minute }
	local := func(z resolver.LocalZone, rrs ...dns.RR) func(*resolver.Config) {
		return func(cfg *resolver.Config) { cfg.LocalZones, cfg.Local = []resolver.LocalZone{z}, rrs }
	}
	for _, test := range []struct {
		code     uint16
		world    func(*world)
		config   func(*resolver.Config)
		before   func(*client) // what happens before the question
		question string
		want     string   // in brief, TTLs aside
		parts    []string // of the text
	}{
		{code: 1, world: withDS(func(ds *dns.DS) { ds.Algorithm = 200 }), question: www, want: "NOERROR", parts: []string{"example.com.", "algorithm"}},
		{code: 2, world: withDS(func(ds *dns.DS) { ds.DigestType = 200 }), question: www, want: "NOERROR", parts: []string{"example.com.", "digest"}},
		{code: 3, config: staleOn, before: func(c *client) { c.goStale("brief.example.com A") }, question: "brief.example.com A", want: "NOERROR ad", parts: []string{"expired", "ago"}},
		{code: 4, config: local(resolver.LocalZone{Name: "www.example.com.", Type: resolver.LocalRedirect, EDE: 4, Text: "by order of a court"}, rr("www.example.com. 60 IN A 192.0.2.1")),
			question: www, want: "NOERROR", parts: []string{"by order of a court"}},
		{code: 5, config: following, before: func(c *client) { c.w.rootKeys(revoked(c.w.keys["."][0]), c.w.keys["."][1]) },
			question: www, want: "NOERROR", parts: []string{"nothing vouches", "zone ."}},
		{code: 6, world: func(w *world) {
			w.exampleSays(func(m *dns.Msg) {
				eachSig(m, dns.TypeA, func(sig *dns.RRSIG) bool { sig.Signature = strings.Repeat("A", 84) + "AA=="; return true })
			})
		}, question: www, want: "SERVFAIL", parts: []string{"zone example.com.", "RRSIG of www.example.com. A by key", "does not match", server}},
		{code: 7, world: expired, question: www, want: "SERVFAIL", parts: []string{"RRSIG of example.com. DNSKEY by key", "(example.com.)", "expired at 2026-04-02T08:00:00Z, 1h0m0s ago", server}},
		{code: 8, world: func(w *world) { w.resign("example.com.", func(p *sign.Params) { p.Inception = start.Add(time.Hour) }) },
			question: www, want: "SERVFAIL", parts: []string{"RRSIG of example.com. DNSKEY by key", "not valid before 2026-04-02T10:00:00Z", server}},
		{code: 9, world: withDS(func(ds *dns.DS) { ds.KeyTag++ }), question: www, want: "SERVFAIL", parts: []string{"zone example.com.", "the DS means key", "no key that matches", server}},
		{code: 10, world: func(w *world) {
			w.exampleSays(func(m *dns.Msg) { eachSig(m, dns.TypeA, func(*dns.RRSIG) bool { return false }) })
		}, question: www, want: "SERVFAIL", parts: []string{"www.example.com. A has no RRSIG", "zone example.com.", server}},
		{code: 11, world: func(w *world) {
			w.exampleSays(func(m *dns.Msg) {
				for _, rr := range m.Answer {
					if k, ok := rr.(*dns.DNSKEY); ok {
						k.Flags &^= dns.ZONE
					}
				}
			})
		}, question: www, want: "SERVFAIL", parts: []string{"zone example.com.", "Zone Key flag", server}},
		{code: 12, world: func(w *world) {
			w.exampleSays(func(m *dns.Msg) {
				m.Ns = slices.DeleteFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNSEC })
			})
		}, question: "nosuch.example.com A", want: "SERVFAIL", parts: []string{"zone example.com.", "nosuch.example.com.", "NSEC", server}},
		{code: 13, world: silent, before: func(c *client) { c.ask("www.plain.com A"); c.w.advance(2 * time.Second) }, question: "www.plain.com A", want: "SERVFAIL",
			parts: []string{"plain.com.", "10.0.0.3:53 no answer", "failed 2 s ago"}},
		{code: 14, world: func(w *world) {
			for _, at := range []string{"198.41.0.4", "170.247.170.2"} {
				w.wrong[at] = func(*dns.Msg, string, func() *dns.Msg) act { return act{} }
			}
		}, config: func(cfg *resolver.Config) { cfg.Prime = true }, question: "www.plain.com A +cd", want: "SERVFAIL", parts: []string{"no root server", "198.41.0.4:53 no answer"}},
		{code: 15, config: local(resolver.LocalZone{Name: "example.com.", Type: resolver.LocalNXDOMAIN, EDE: 15, Text: "on the list of malware"}), question: www, want: "NXDOMAIN", parts: []string{"on the list of malware"}},
		{code: 18, config: func(cfg *resolver.Config) { cfg.Allow = []netip.Prefix{} }, question: www, want: "REFUSED", parts: []string{"may not ask"}},
		{code: 19, config: staleOn, before: func(c *client) { c.goStale("nosuch.example.com A") }, question: "nosuch.example.com A", want: "NXDOMAIN ad", parts: []string{"expired", "ago"}},
		{code: 20, question: www + " +norec", want: "REFUSED", parts: []string{"not in the cache"}},
		{code: 22, world: silent, question: "www.plain.com A", want: "SERVFAIL", parts: []string{"at delegation plain.com.", "10.0.0.3:53 no answer"}},
		{code: 23, world: func(w *world) {
			w.wrong["10.0.0.3"] = func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
				m := right()
				m.Rcode, m.Answer = dns.RcodeRefused, nil
				return act{reply: m}
			}
		}, question: "www.plain.com A", want: "SERVFAIL", parts: []string{"at delegation plain.com.", "10.0.0.3:53 REFUSED"}},
		{code: 25, world: func(w *world) {
			w.exampleSays(func(m *dns.Msg) {
				eachSig(m, dns.TypeA, func(sig *dns.RRSIG) bool { sig.Inception = sig.Expiration + 1; return true })
			})
		}, question: www, want: "SERVFAIL", parts: []string{"RRSIG of www.example.com. A by key", "(example.com.)", "before it begins", server}},
		{code: 27, world: func(w *world) {
			w.resign("nsec3.com.", func(p *sign.Params) { p.NSEC3.Iterations = 101 })
		}, question: "nosuch.nsec3.com A", want: "NXDOMAIN", parts: []string{"zone nsec3.com.", "101 iterations"}},
	} {
		t.Run(fmt.Sprint(test.code, " ", dns.ExtendedErrorCodeToString[test.code]), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.world != nil {
				test.world(w)
			}
			c := w.resolver(test.config)
			if test.before != nil {
				test.before(c)
			}
			m := c.ask(test.question)
			if got := codes(m); !slices.Contains(got, test.code) {
				t.Fatalf("%s: no %d", brief(m), test.code)
			}
			if got := brief(m); !strings.HasPrefix(got+" ", test.want+" ") || strings.Contains(got, " ad ") != strings.Contains(test.want, " ad") {
				t.Errorf("%s, want %s", got, test.want)
			}
			for _, part := range test.parts {
				if !strings.Contains(text(m), part) {
					t.Errorf("the text lacks %q: %s", part, text(m))
				}
			}
			// The path ends in the same codes.
			_, tr := c.trace(test.question)
			if !slices.Contains(tr.EDE, test.code) && test.code != 3 && test.code != 19 {
				t.Errorf("the trace has %v", tr.EDE)
			}
		})
	}
}

// goStale asks, and then time passes until the answer has expired and its servers are silent.
func (c *client) goStale(question string) {
	c.w.t.Helper()
	c.ask(question)
	c.w.exampleSilent(true)
	c.w.advance(10 * time.Minute)
	must(c.w.t, c.w.clock.Run(func() {
		c.r.Resolve(context.Background(), query(question), netip.MustParseAddr("10.0.2.100"))
	}))
}
