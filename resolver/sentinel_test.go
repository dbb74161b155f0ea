package resolver_test

import (
	"fmt"
	"testing"

	"faultzone/authoritative/zone"
	"faultzone/resolver"

	"github.com/miekg/dns"
)

// RFC 8509 section 3: the two labels, for a key that is trusted and for one that is not; only what is validated, A or AAAA,
// and not with CD.
func TestRootKeySentinel8509(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tag := w.anchors[0].(*dns.DS).KeyTag
	names := map[string]string{}
	var changes []zone.Change
	for _, kind := range []string{"is", "not"} {
		for which, n := range map[string]uint16{"trusted": tag, "other": tag ^ 1} {
			name := fmt.Sprintf("root-key-sentinel-%s-ta-%05d.example.com", kind, n)
			names[kind+" "+which] = name
			changes = append(changes, zone.Change{Op: zone.Add, RRs: []dns.RR{rr(name + ". 300 IN A 192.0.2.77"), rr(name + `. 300 IN TXT "x"`)}})
		}
	}
	w.resign("example.com.", nil, changes...)
	c := w.resolver(nil)
	for what, want := range map[string]string{"is trusted": "NOERROR ad 300 192.0.2.77", "is other": "SERVFAIL ede=0",
		"not trusted": "SERVFAIL ede=0", "not other": "NOERROR ad 300 192.0.2.77"} {
		for _, again := range []bool{false, true} { // found out, and out of the cache
			if got := brief(c.ask(names[what] + " A")); got != want {
				t.Errorf("%s, again %v: %s, want %s", what, again, got, want)
			}
		}
		if m := c.now(names[what] + " A"); brief(m) != want {
			t.Errorf("%s, at once: %s, want %s", what, brief(m), want)
		}
		c.want(names[what]+" TXT", `NOERROR ad 300 "x"`)
		if m := c.ask(names[what] + " A +cd"); m.Rcode != dns.RcodeSuccess {
			t.Errorf("%s, with CD: %s", what, brief(m))
		}
		w.plainly(nil).want(names[what]+" A", "NOERROR 300 192.0.2.77")
		off := w.resolver(func(cfg *resolver.Config) { cfg.NoKeySentinel = true })
		off.want(names[what]+" A", "NOERROR ad 300 192.0.2.77")
	}
	c.want("root-key-sentinel-is-ta-1.example.com A", "NXDOMAIN ad soa=example.com./300") // not five digits: a name like any
	c.want("root-key-sentinel-is-ta-99999.example.com A", "NXDOMAIN ad soa=example.com./300")
}
