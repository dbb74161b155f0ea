package cache

import (
	"testing"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

func TestLives(t *testing.T) {
	t.Parallel()
	secure := func(e *Entry, until time.Time) *Entry {
		e.Status, e.Until = validate.Secure, until
		return e
	}
	withProof := func(e *Entry) *Entry {
		e.Proof = []validate.RRset{set(t, "a.example. 120 IN NSEC c.example. A RRSIG NSEC")}
		return e
	}
	ranked := func(e *Entry, s validate.Status) *Entry {
		e.Status = s
		return e
	}
	for _, x := range []struct {
		name  string
		cfg   Config
		entry *Entry
		want  time.Duration
	}{
		{"the TTL", Config{}, positive(t, apiA), 300 * time.Second},
		{"the least of differing TTLs (RFC 2181 5.2)", Config{}, positive(t, apiA, "api.example. 60 IN A 10.0.2.51"), time.Minute},
		{"floor", Config{MinTTL: time.Hour}, positive(t, apiA), time.Hour},
		{"floor for TTL 0", Config{MinTTL: 10 * time.Second}, positive(t, "x.example. 0 IN A 10.0.0.1"), 10 * time.Second},
		{"ceiling", Config{MaxTTL: time.Minute}, positive(t, apiA), time.Minute},
		{"2^31 and more is large (RFC 8767 4)", Config{}, positive(t, "x.example. 4294967295 IN A 10.0.0.1"), 7 * 24 * time.Hour},
		{"two days for delegations", Config{}, positive(t, "x.example. 172800 IN NS ns.x.example."), 48 * time.Hour},
		{"end of the signature (RFC 4035 5.3.3)", Config{MinTTL: time.Hour}, secure(positive(t, apiA, apiSig), at(42)), 42 * time.Second},
		{"original TTL of the signature (RFC 4035 5.3.3)", Config{}, secure(positive(t, "api.example. 900 IN A 10.0.2.50",
			"api.example. 900 IN RRSIG A 13 2 300 20260410120000 20260326120000 1 example. AAAA"), at(99999)), 300 * time.Second},
		{"signatures that nobody checked do not count", Config{}, positive(t, "api.example. 900 IN A 10.0.2.50",
			"api.example. 60 IN RRSIG A 13 2 300 20260410120000 20260326120000 1 example. AAAA"), 900 * time.Second},
		{"bogus", Config{}, ranked(positive(t, apiA), validate.Bogus), time.Minute},
		{"negative: MINIMUM (RFC 2308 5)", Config{}, negative(t, NXDOMAIN, "x.example.", dns.TypeA, soaLine), 300 * time.Second},
		{"negative: the SOA's own TTL", Config{}, negative(t, NODATA, "x.example.", dns.TypeA,
			"example. 30 IN SOA ns1.example. admin.example. 1 3600 900 604800 300"), 30 * time.Second},
		{"negative ceiling", Config{}, negative(t, NODATA, "x.example.", dns.TypeA,
			"example. 86400 IN SOA ns1.example. admin.example. 1 3600 900 604800 86400"), 3 * time.Hour},
		{"negative floor", Config{MinTTL: 2 * time.Hour, MinNegativeTTL: time.Hour}, negative(t, NODATA, "x.example.", dns.TypeA, soaLine), time.Hour},
		{"negative without SOA (RFC 2308 5)", Config{MinNegativeTTL: time.Hour}, negative(t, NODATA, "x.example.", dns.TypeA), 0},
		{"the proof's TTL", Config{}, withProof(negative(t, NODATA, "b.example.", dns.TypeA, soaLine)), 120 * time.Second},
		{"the proof's TTL for a wildcard", Config{}, withProof(positive(t, apiA)), 120 * time.Second},
		{"empty", Config{}, &Entry{Name: "x.", Type: dns.TypeA}, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := New(x.cfg)
			e := c.Put(x.entry, t0)
			if got := e.Expires.Sub(t0); got != x.want {
				t.Errorf("lives for %v, want %v", got, x.want)
			}
			if _, ok := c.Get(e.Name, x.entry.Type, t0); ok != (x.want > 0) {
				t.Errorf("kept: %v", ok)
			}
		})
	}
}
