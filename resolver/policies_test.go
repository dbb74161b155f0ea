package resolver_test

import (
	"testing"
	"time"

	"faultzone/resolver"
)

// RFC 9520 section 3.2: a question that could not be answered is not asked again for 5 s, then 10, and so on up to a
// minute; an answer ends the series.
func TestFailuresBackOff9520(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		change func(*resolver.Config)
		waits  []time.Duration
	}{
		{nil, []time.Duration{5, 10, 20, 40, 60, 60}},
		{func(cfg *resolver.Config) { cfg.FailureTTL, cfg.MaxFailureTTL = time.Second, 5*time.Minute }, []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}},
	} {
		w := newWorld(t)
		c := w.resolver(x.change)
		c.ask("www.example.com A") // so that the zone is known
		w.break_("10.0.0.1", rcode(5))
		w.break_("10.0.0.2", rcode(5))
		for _, wait := range x.waits {
			w.asked()
			c.want("long.example.com A", "SERVFAIL ede=22 ede=23")
			if len(w.asked()) == 0 {
				t.Fatalf("nobody is asked, before the wait of %d s", wait)
			}
			w.advance(wait*time.Second - 10*time.Millisecond)
			c.want("long.example.com A", "SERVFAIL ede=22 ede=23 ede=13")
			if asked := w.asked(); len(asked) > 0 {
				t.Errorf("within %d s: asked %v", wait, asked)
			}
			w.advance(20 * time.Millisecond)
		}
		w.exampleSilent(false)
		c.want("long.example.com A", "NOERROR ad 86400 192.0.2.81")
		c.r.Flush("long.example.com")
		w.break_("10.0.0.1", rcode(5))
		w.break_("10.0.0.2", rcode(5))
		c.ask("long.example.com A")
		w.advance(x.waits[0]*time.Second + time.Millisecond)
		w.asked()
		if c.ask("long.example.com A"); len(w.asked()) == 0 {
			t.Error("the series goes on after an answer")
		}
	}
}

// The floor and the ceiling of TTLs, and those of negative answers (RFC 2308 section 5), are what clients see.
func TestTTLBoundsSeenByClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) {
		cfg.MinTTL, cfg.MaxTTL, cfg.MaxNegativeTTL = 2*time.Minute, time.Hour, 100*time.Second
	})
	for q, want := range map[string]string{
		"brief.example.com A":  "NOERROR ad 120 192.0.2.82",
		"zero.example.com A":   "NOERROR ad 120 192.0.2.83",
		"long.example.com A":   "NOERROR ad 3600 192.0.2.81",
		"www.example.com A":    "NOERROR ad 300 192.0.2.80",
		"nosuch.example.com A": "NXDOMAIN ad soa=example.com./100",
		"www.example.com MX":   "NOERROR ad soa=example.com./100",
	} {
		c.want(q, want)
	}
	floor := w.resolver(func(cfg *resolver.Config) { cfg.MinNegativeTTL = 10 * time.Minute })
	floor.want("nosuch.example.com A", "NXDOMAIN ad soa=example.com./600")
}

// The cache stays within its bytes, whatever is asked, packed answers included; what was used stays longest.
func TestCacheBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) { cfg.CacheBytes, cfg.AggressiveNSEC = 60_000, true })
	for i := range 100 {
		name := "n" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".wild.example.com A"
		c.ask(name)
		c.now(name)
		c.now("www.example.com A +norec")
	}
	if n := c.r.CacheLen(); n > 60 || n < 5 {
		t.Errorf("%d entries in 60,000 bytes", n)
	}
}
