package resolver_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/authoritative/sign"
	"faultzone/resolver"
)

// RFC 7646 section 2: what is at or below a negative trust anchor is as if it were not signed; all else is checked.
func TestNegativeTrustAnchor7646(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.resign("example.com.", func(p *sign.Params) { p.Expiration = start.Add(-time.Hour); p.Inception = start.Add(-48 * time.Hour) })
	if m := w.resolver(nil).ask("www.example.com A"); m.Rcode != dns.RcodeServerFailure {
		t.Fatalf("expired: %s", brief(m))
	}
	c := w.resolver(func(cfg *resolver.Config) { cfg.DomainInsecure = []string{"EXAMPLE.com"} })
	c.want("www.example.com A", "NOERROR 300 192.0.2.80")
	c.want("nosuch.example.com A", "NXDOMAIN soa=example.com./300")
	c.want("www.nsec3.com A", "NOERROR ad 300 192.0.2.60")
	c.want("www.example.net A", "NOERROR ad 120 198.51.100.80")
	c.want("abroad.example.com A", "NOERROR 300 www.example.net. 119 198.51.100.80") // a link that is not checked takes AD away
}

// RFC 7646 section 2: a trust anchor below a negative one stands; and one for the same name does not.
func TestTrustAnchorBelowNegative7646(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.keys["example.com."][0].DS(dns.SHA256)
	for _, test := range []struct{ insecure, want string }{
		{".", "NOERROR ad 300 192.0.2.80"}, {"com", "NOERROR ad 300 192.0.2.80"}, {"example.com", "NOERROR 300 192.0.2.80"},
	} {
		c := w.resolver(func(cfg *resolver.Config) {
			cfg.TrustAnchors = append(cfg.TrustAnchors[:1:1], own)
			cfg.DomainInsecure = []string{test.insecure}
		})
		if got := brief(c.ask("www.example.com A")); got != test.want {
			t.Errorf("insecure %s: %s, want %s", test.insecure, got, test.want)
		}
	}
}
