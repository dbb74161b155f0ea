package resolver_test

import (
	"testing"
	"time"

	"faultzone/authoritative/zone"
	"faultzone/resolver"

	"github.com/miekg/dns"
)

// exampleSilent has both servers of example.com say nothing; false: answer again.
func (w *world) exampleSilent(on bool) {
	for _, at := range []string{"10.0.0.1", "10.0.0.2"} {
		if on {
			w.break_(at, silent)
		} else {
			w.break_(at, nil)
		}
	}
}

func stale(change func(*resolver.ServeStale)) func(*resolver.Config) {
	return func(cfg *resolver.Config) {
		cfg.ServeStale.On = true
		if change != nil {
			change(&cfg.ServeStale)
		}
	}
}

// RFC 8767 section 5: the client is answered after 1.8 s with the TTL of section 4, 30 s, while the resolution goes on;
// after it failed, nobody waits until the failure recheck timer is over.
func TestServeStale8767(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(stale(nil))
	c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
	w.exampleSilent(true)
	w.advance(61 * time.Second)
	w.asked()
	m, took := c.took("brief.example.com A")
	if got := brief(m); got != "NOERROR ad 30 192.0.2.82 ede=3" || took != 1800*time.Millisecond {
		t.Errorf("%s after %v", got, took)
	}
	before := len(w.asked())
	w.advance(20 * time.Second)
	if after := len(w.asked()); before == 0 || after == 0 {
		t.Errorf("%d queries before the client was answered, %d after", before, after)
	}
	m, _ = c.took("brief.example.com A +cd") // the failure is known by now
	if got := brief(m); got != "NOERROR ad 30 192.0.2.82 ede=3 ede=22" && got != "NOERROR ad 30 192.0.2.82 ede=3" {
		t.Errorf("%s", got)
	}
	m, took = c.took("brief.example.com A")
	if got := brief(m); got != "NOERROR ad 30 192.0.2.82 ede=3 ede=22" || took != 0 {
		t.Errorf("while the failure is fresh: %s after %v", got, took)
	}
	if n := len(w.asked()); n > 60 {
		t.Errorf("%d queries", n)
	}
	w.exampleSilent(false)
	w.advance(60 * time.Second)
	c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
}

func TestStaleIsOffByDefault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
	w.exampleSilent(true)
	w.advance(61 * time.Second)
	c.want("brief.example.com A", "SERVFAIL ede=22")
}

// An NXDOMAIN that has expired is told with the extended error 19 (RFC 8914 section 4.20).
func TestStaleNXDOMAIN(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(stale(nil))
	c.want("nosuch.example.com A", "NXDOMAIN ad soa=example.com./300")
	w.exampleSilent(true)
	w.advance(301 * time.Second)
	c.want("nosuch.example.com A", "NXDOMAIN ad soa=example.com./30 ede=19")
}

// A failure that comes before the client timer needs no timer: the answer is stale at once, and says why.
func TestStaleAfterAFastFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(stale(nil))
	c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
	for _, at := range []string{"10.0.0.1", "10.0.0.2"} {
		w.break_(at, refusing)
	}
	w.advance(61 * time.Second)
	m, took := c.took("brief.example.com A")
	if got := brief(m); got != "NOERROR ad 30 192.0.2.82 ede=3 ede=22 ede=23" || took >= 1800*time.Millisecond {
		t.Errorf("%s after %v", got, took)
	}
}

// What is fresh and has a TTL of 0 is told with that, and ends what had expired: nobody is told the old any more.
func TestStaleAndTTLZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(stale(func(s *resolver.ServeStale) { s.Answer = resolver.StaleAtOnce }))
	c.want("zero.example.com A", "NOERROR ad 0 192.0.2.83")
	c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
	w.resign("example.com.", nil, zone.Change{Op: zone.ReplaceRRset, Name: "brief.example.com.", Type: dns.TypeA,
		RRs: []dns.RR{rr("brief.example.com. 0 IN A 192.0.2.99")}})
	w.advance(61 * time.Second)
	c.want("brief.example.com A", "NOERROR ad 30 192.0.2.82 ede=3")
	w.advance(time.Second)
	c.want("brief.example.com A", "NOERROR ad 0 192.0.2.99")
	w.exampleSilent(true)
	c.want("brief.example.com A", "SERVFAIL ede=22")
}

// Fresh data within the timer is what the client gets.
func TestFreshWithinTheTimer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(stale(nil))
	c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
	w.advance(61 * time.Second)
	c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
}

// BIND with stale-answer-client-timeout off: the client waits for the failure. BIND with 0, and Unbound with
// serve-expired-client-timeout 0: it does not wait at all, and the data is fresh soon after.
func TestStaleWaysOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	after := w.resolver(stale(func(s *resolver.ServeStale) { s.Answer = resolver.StaleAfterFailure }))
	atOnce := w.resolver(stale(func(s *resolver.ServeStale) { s.Answer = resolver.StaleAtOnce }))
	for _, c := range []*client{after, atOnce} {
		c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
	}
	w.exampleSilent(true)
	w.advance(61 * time.Second)
	m, took := after.took("brief.example.com A")
	if got := brief(m); got != "NOERROR ad 30 192.0.2.82 ede=3 ede=22" || took < 2*time.Second {
		t.Errorf("after failure: %s after %v", got, took)
	}
	w.exampleSilent(false)
	w.asked()
	m, took = atOnce.took("brief.example.com A")
	if got := brief(m); got != "NOERROR ad 30 192.0.2.82 ede=3" || took != 0 {
		t.Errorf("at once: %s after %v", got, took)
	}
	w.advance(time.Second)
	if asked := w.asked(); len(asked) != 1 {
		t.Errorf("asked %v", asked)
	}
	atOnce.want("brief.example.com A", "NOERROR ad 59 192.0.2.82")
}

// The maximum, RFC 8767 section 5; Unbound's serve-expired-ttl-reset has it begin anew with each failure.
func TestStaleMaximum(t *testing.T) {
	t.Parallel()
	for _, reset := range []bool{false, true} {
		w := newWorld(t)
		c := w.resolver(stale(func(s *resolver.ServeStale) { s.Maximum, s.Reset = 5*time.Minute, reset }))
		c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
		w.exampleSilent(true)
		w.advance(4 * time.Minute)
		c.want("brief.example.com A", "NOERROR ad 30 192.0.2.82 ede=3")
		w.advance(3 * time.Minute)
		m := c.ask("brief.example.com A")
		if stale := m.Rcode == dns.RcodeSuccess; stale != reset {
			t.Errorf("reset %v: %s", reset, brief(m))
		}
	}
}

// Bogus data does not take the place of good data that has expired, unless that is wanted.
func TestStaleInsteadOfBogus(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		w := newWorld(t)
		c := w.resolver(stale(func(s *resolver.ServeStale) { s.NotForBogus = strict }))
		c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
		w.advance(61 * time.Second)
		w.zones["example.com."] = w.raw["example.com."]
		want := "NOERROR ad 30 192.0.2.82 ede=3 ede=10"
		if strict {
			want = "SERVFAIL ede=10"
		}
		c.want("brief.example.com A", want)
		c.want("brief.example.com A", want)
	}
}

// Those who come while the resolution goes on wait no longer than the first, and nothing is asked twice for them.
func TestStaleForMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(stale(nil))
	c.ask("alias.example.com A")
	w.exampleSilent(true)
	w.advance(301 * time.Second)
	w.asked()
	m, _ := c.took("alias.example.com A")
	if got := brief(m); got != "NOERROR ad 30 www.example.com. 30 192.0.2.80 ede=3" {
		t.Error(got)
	}
	n := len(w.asked())
	m, took := c.took("alias.example.com A")
	if got := brief(m); got != "NOERROR ad 30 www.example.com. 30 192.0.2.80 ede=3 ede=22" || took > 1800*time.Millisecond {
		t.Errorf("%s after %v", got, took)
	}
	if more := len(w.asked()); more > n+4 {
		t.Errorf("%d queries, then %d more", n, more)
	}
}

// A resolver that is closed goes on asking for nobody.
func TestCloseEndsTheBackground(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(stale(nil))
	c.ask("brief.example.com A")
	w.exampleSilent(true)
	w.advance(61 * time.Second)
	c.ask("brief.example.com A")
	c.r.Close()
	w.asked()
	w.advance(20 * time.Second)
	if asked := w.asked(); len(asked) > 1 {
		t.Errorf("asked %v", asked)
	}
}

// Unbound's prefetch: in the last tenth of its life data is got anew, once, and nobody waits. BIND's: in the last 2 s.
func TestPrefetch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) { cfg.Prefetch.On = true })
	c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
	w.asked()
	q := packed(t, query("brief.example.com A"))
	at := func(d time.Duration, ttl uint32, queries int) {
		t.Helper()
		w.advance(d)
		for range 3 {
			m := c.serveOne(q, inside)
			if m.Answer[0].Header().Ttl != ttl {
				t.Errorf("at %s: %s, want TTL %d", w.clock.Now().Format(time.TimeOnly), brief(m), ttl)
			}
		}
		w.advance(20 * time.Millisecond)
		if asked := w.asked(); len(asked) != queries {
			t.Errorf("asked %v, want %d", asked, queries)
		}
	}
	at(50*time.Second, 10, 0)
	at(5*time.Second, 4, 1)
	at(time.Second, 58, 0)
	c.want("brief.example.com A", "NOERROR ad 58 192.0.2.82")

	bind := w.resolver(func(cfg *resolver.Config) {
		cfg.Prefetch = resolver.Prefetch{On: true, Trigger: 2 * time.Second, Eligible: 9 * time.Second}
	})
	bind.ask("brief.example.com A")
	w.asked()
	w.advance(56 * time.Second)
	bind.want("brief.example.com A", "NOERROR ad 4 192.0.2.82")
	w.advance(2 * time.Second)
	if asked := w.asked(); len(asked) != 0 {
		t.Errorf("asked %v", asked)
	}
	bind.ask("brief.example.com A")
	w.advance(time.Second)
	if asked := w.asked(); len(asked) != 1 {
		t.Errorf("asked %v", asked)
	}
}

// A prefetch that fails is tried again when failures are, and the data stays until its end.
func TestPrefetchFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) { cfg.Prefetch.On = true })
	c.ask("www.example.com A")
	w.exampleSilent(true)
	w.advance(275 * time.Second)
	c.want("www.example.com A", "NOERROR ad 25 192.0.2.80")
	w.advance(10 * time.Second)
	w.asked()
	c.want("www.example.com A", "NOERROR ad 15 192.0.2.80")
	w.advance(time.Second)
	if asked := w.asked(); len(asked) > 6 {
		t.Errorf("asked %v", asked)
	}
}
