package resolver_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/resolver"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// trace asks like ask, and tells the path.
func (c *client) trace(question string) (*dns.Msg, *resolver.Trace) {
	c.w.t.Helper()
	var m *dns.Msg
	var tr *resolver.Trace
	must(c.w.t, c.w.clock.Run(func() {
		m, tr = c.r.Trace(context.Background(), query(question), netip.MustParseAddr("10.0.2.100"))
	}))
	return m, tr
}

// has finds a step that fits.
func stepOf(tr *resolver.Trace, kind, query string, fits func(resolver.Step) bool) bool {
	return slices.ContainsFunc(tr.Steps, func(s resolver.Step) bool {
		return s.Kind == kind && s.Query == query && (fits == nil || fits(s))
	})
}

// The path of a name that nobody asked for before: each server with what it said, each key, the verdict.
func TestTraceOfAColdName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	const name = "www.example.com. A"
	m, tr := c.trace("www.example.com A +do")
	if tr.Query != name+" +dnssec" || tr.Rcode != "NOERROR" || tr.Status != validate.Secure || !m.AuthenticatedData {
		t.Errorf("question %q, rcode %s, status %s", tr.Query, tr.Rcode, tr.Status)
	}
	asked := 0
	for _, s := range tr.Steps {
		if s.Kind == iterate.EventAsk {
			asked++
		}
	}
	if sent := len(w.asked()); sent != asked || asked < 6 {
		t.Errorf("%d servers asked by the trace, %d in truth", asked, sent)
	}
	for _, want := range []struct {
		kind, query string
		fits        func(resolver.Step) bool
	}{
		{resolver.EventLookup, name, func(s resolver.Step) bool { return s.Depth == 0 }},
		{iterate.EventStart, name, func(s resolver.Step) bool { return s.Zone == "." && strings.Contains(s.Text, "hints") }},
		{iterate.EventReferral, name, func(s resolver.Step) bool { return s.Zone == "." && s.Class == "referral" && s.Server.IsValid() }},
		{iterate.EventReferral, name, func(s resolver.Step) bool { return s.Zone == "com." }},
		{iterate.EventReply, name, func(s resolver.Step) bool { return s.Zone == "example.com." && s.Class == "answer" }},
		{resolver.EventValidated, ". DNSKEY", func(s resolver.Step) bool { return s.Status == validate.Secure && s.KeyTag != 0 && s.Depth > 1 }},
		{resolver.EventValidated, "example.com. DS", func(s resolver.Step) bool { return s.Zone == "com." }},
		{resolver.EventValidated, name, func(s resolver.Step) bool { return s.Status == validate.Secure && s.Zone == "example.com." }},
	} {
		if !stepOf(tr, want.kind, want.query, want.fits) {
			t.Errorf("no such step: %s %s\n%s", want.kind, want.query, tr)
		}
	}
	if !slices.IsSortedFunc(tr.Steps, func(a, b resolver.Step) int { return a.At.Compare(b.At) }) || tr.Ended.Sub(tr.Began) < 3*latency {
		t.Errorf("the times make no sense:\n%s", tr)
	}
	text := tr.String()
	for _, part := range []string{"verdict: NOERROR, 2 records, TTL 300, secure", "198.41.0.4", "zone com."} {
		if !strings.Contains(text, part) {
			t.Errorf("the text lacks %q:\n%s", part, text)
		}
	}
	b, err := json.Marshal(tr)
	must(t, err)
	var read resolver.Trace
	if err := json.Unmarshal(b, &read); err == nil && len(read.Steps) != len(tr.Steps) || !strings.Contains(string(b), `"status":"secure"`) {
		t.Errorf("as JSON: %v %s", err, b)
	}
}

// What was in the cache, and for how long.
func TestTraceOfCachedNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	c.ask("www.example.com A")
	w.advance(100 * time.Second)
	_, tr := c.trace("www.example.com A")
	if len(tr.Steps) != 2 || tr.Steps[0].Kind != resolver.EventCached || tr.Steps[0].TTL != 199 && tr.Steps[0].TTL != 200 ||
		tr.Steps[0].Status != validate.Secure || tr.Steps[1].Kind != resolver.EventCacheHit {
		t.Errorf("from the cache:\n%s", tr)
	}
	// Half of it: the alias has to be asked for, the keys and what it leads to not.
	_, tr = c.trace("alias.example.com A")
	if !stepOf(tr, resolver.EventCached, "example.com. DNSKEY", nil) || !stepOf(tr, resolver.EventFollow, "alias.example.com. A", nil) ||
		!stepOf(tr, resolver.EventCached, "www.example.com. A", nil) ||
		!stepOf(tr, iterate.EventStart, "alias.example.com. A", func(s resolver.Step) bool { return strings.Contains(s.Text, "from the cache for 17") }) {
		t.Errorf("half from the cache:\n%s", tr)
	}
	w.asked()
	c.trace("nosuch.example.com A")
	_, tr = c.trace("nosuch.example.com A")
	if n := len(w.asked()); n != 1 || tr.Rcode != "NXDOMAIN" || tr.Steps[0].Class != "NXDOMAIN" {
		t.Errorf("%d queries:\n%s", n, tr)
	}
}

// Why it failed: bogus, silent, refused; and that it failed a moment ago.
func TestTraceOfFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.resign("example.com.", func(p *sign.Params) { p.Expiration = start.Add(-time.Hour) })
	c := w.resolver(nil)
	_, tr := c.trace("www.example.com A")
	if tr.Status != validate.Bogus || len(tr.EDE) != 1 || tr.EDE[0] != dns.ExtendedErrorCodeSignatureExpired ||
		!strings.Contains(tr.Why[0], "10.0.0.") || !strings.Contains(tr.Why[0], "example.com.") {
		t.Errorf("expired: %v %q\n%s", tr.EDE, tr.Why, tr)
	}
	if !stepOf(tr, resolver.EventBogus, "example.com. DNSKEY", func(s resolver.Step) bool { return s.EDE == 7 && s.Server.IsValid() }) {
		t.Errorf("no step says that the keys' signature has expired:\n%s", tr)
	}
	silent := func(*dns.Msg, string, func() *dns.Msg) act { return act{} }
	w.wrong["10.0.0.3"] = silent
	_, tr = c.trace("www.plain.com A")
	if !stepOf(tr, iterate.EventTimeout, "www.plain.com. A", nil) || !stepOf(tr, iterate.EventGiveUp, "www.plain.com. A", nil) || tr.Rcode != "SERVFAIL" {
		t.Errorf("silent:\n%s", tr)
	}
	_, tr = c.trace("www.plain.com A")
	if len(tr.Steps) != 2 || tr.Steps[0].Kind != resolver.EventCached || tr.Steps[0].Class != "failure" {
		t.Errorf("remembered:\n%s", tr)
	}
	refusing := w.resolver(func(cfg *resolver.Config) { cfg.Allow = []netip.Prefix{} })
	if _, tr = refusing.trace("www.example.com A"); tr.Rcode != "REFUSED" || len(tr.EDE) != 1 || tr.EDE[0] != dns.ExtendedErrorCodeProhibited {
		t.Errorf("refused:\n%s", tr)
	}
}

// A trace changes nothing: same answer, same packets, same events.
func TestTraceChangesNothing(t *testing.T) {
	t.Parallel()
	run := func(traced bool) (out []string) {
		w := newWorld(t)
		c := w.resolver(func(cfg *resolver.Config) {
			cfg.Report = func(e resolver.Event) { out = append(out, e.Kind+" "+e.Query+" "+e.Text) }
		})
		for _, q := range []string{"abroad.example.com A", "abroad.example.com A", "nosuch.nsec3.com A", "www.plain.com A +cd"} {
			m := new(dns.Msg)
			if traced {
				m, _ = c.trace(q)
			} else {
				m = c.ask(q)
			}
			out = append(out, brief(m))
		}
		return append(out, w.asked()...)
	}
	if plain, traced := run(false), run(true); !slices.Equal(plain, traced) {
		t.Errorf("without:\n%s\nwith:\n%s", strings.Join(plain, "\n"), strings.Join(traced, "\n"))
	}
}
