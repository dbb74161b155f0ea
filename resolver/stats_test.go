package resolver_test

import (
	"net/netip"
	"testing"

	"faultzone/resolver"
)

// A query that the cache answers is a hit, one for which servers are asked a miss; what is refused is neither.
func TestCacheStats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	steps := []struct {
		question, want string
		hits, misses   uint64
	}{
		{"www.example.com A", "NOERROR ad 300 192.0.2.80", 0, 1},
		{"www.example.com A", "NOERROR ad 300 192.0.2.80", 1, 1},
		{"new.example.com A", "NXDOMAIN ad soa=example.com./300", 1, 2},
		{"new.example.com A", "NXDOMAIN ad soa=example.com./300", 2, 2},
	}
	for _, s := range steps {
		c.want(s.question, s.want)
		if got := c.r.CacheStats(); got.Hits != s.hits || got.Misses != s.misses {
			t.Errorf("after %s: %d hits and %d misses, want %d and %d", s.question, got.Hits, got.Misses, s.hits, s.misses)
		}
	}
	full := c.r.CacheStats()
	if full.Entries != c.r.CacheLen() || full.Entries == 0 || full.Bytes <= 0 || full.MaxBytes != 64<<20 {
		t.Errorf("%+v", full)
	}
	c.r.SetAllow(nil)
	c.r.Clear()
	if empty := c.r.CacheStats(); empty.Entries != 0 || empty.Bytes != 0 || empty.Hits != full.Hits {
		t.Errorf("emptied: %+v", empty)
	}
}

// A packed answer that is kept ready counts as a hit too.
func TestCacheStatsOfReadyAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) { cfg.CacheBytes = 1 << 20 })
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
	before := c.r.CacheStats()
	for range 5 {
		if _, ok := c.r.AnswerNow(packed(t, query("www.example.com A")), resolver.Peer{Addr: netip.MustParseAddrPort("10.0.0.1:4000"), Network: "udp"}); !ok {
			t.Fatal("not answered at once")
		}
	}
	if got := c.r.CacheStats(); got.Hits != before.Hits+5 || got.Misses != before.Misses || got.MaxBytes != 1<<20 {
		t.Errorf("%+v, before %+v", got, before)
	}
}
