package fault_test

import (
	"slices"
	"testing"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

// Each defect of a signer is bogus to a resolver that validates, with an extended error that fits, and nothing to one
// that does not; healed, the zone is secure again.
func TestEveryDefectOfASigner(t *testing.T) {
	fits := map[string][]uint16{ // RFC 8914 section 4
		"signatures-missing":   {dns.ExtendedErrorCodeRRSIGsMissing},
		"signatures-corrupt":   {dns.ExtendedErrorCodeDNSBogus},
		"signatures-expired":   {dns.ExtendedErrorCodeSignatureExpired},
		"signatures-early":     {dns.ExtendedErrorCodeSignatureNotYetValid},
		"signatures-backwards": {dns.ExtendedErrorCodeSignatureExpired, dns.ExtendedErrorCodeSignatureNotYetValid, dns.ExtendedErrorCodeSignatureExpiredBeforeValid, dns.ExtendedErrorCodeDNSBogus},
		"wrong-key-tag":        {dns.ExtendedErrorCodeDNSKEYMissing, dns.ExtendedErrorCodeDNSBogus, dns.ExtendedErrorCodeRRSIGsMissing},
		"wrong-labels":         {dns.ExtendedErrorCodeDNSBogus, dns.ExtendedErrorCodeNSECMissing},
		"ksk-missing":          {dns.ExtendedErrorCodeDNSKEYMissing},
		"zsk-missing":          {dns.ExtendedErrorCodeDNSKEYMissing},
		"ksk-corrupt":          {dns.ExtendedErrorCodeDNSKEYMissing, dns.ExtendedErrorCodeDNSBogus},
		"zsk-corrupt":          {dns.ExtendedErrorCodeDNSKEYMissing, dns.ExtendedErrorCodeDNSBogus},
		"ksk-no-zone-key":      {dns.ExtendedErrorCodeNoZoneKeyBitSet, dns.ExtendedErrorCodeDNSKEYMissing},
		"zsk-no-zone-key":      {dns.ExtendedErrorCodeNoZoneKeyBitSet, dns.ExtendedErrorCodeDNSKEYMissing},
	}
	for _, how := range defectNames(t) {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := started(t, "nsec")
			in := inject(t, w, "signer-broken", fault.Params{"zone": "example.org.", "how": how})
			r, err := w.Query(t.Context(), scenarios.QueryStep{Name: "www.example.org.", Type: dns.TypeA, Via: "cache"})
			if err != nil {
				t.Fatal(err)
			}
			var got []uint16
			for _, e := range simulator.ExtendedErrors(r.Reply) {
				got = append(got, e.InfoCode)
			}
			if r.Reply.Rcode != dns.RcodeServerFailure || !slices.ContainsFunc(got, func(c uint16) bool { return slices.Contains(fits[how], c) }) {
				t.Errorf("%s, want SERVFAIL with one of the extended errors %v", simulator.SummaryOf(r.Reply), fits[how])
			}
			if in.Counts().Changed == 0 {
				t.Error("it changed nothing")
			}
			if open, err := w.Query(t.Context(), scenarios.QueryStep{Name: "www.example.org.", Type: dns.TypeA, Via: "open"}); err != nil || open.Reply.Rcode != dns.RcodeSuccess {
				t.Errorf("a resolver that does not validate: %v, %v", open.Reply, err)
			}
			if err := w.Heal("signer-broken"); err != nil {
				t.Fatal(err)
			}
			r, err = w.Query(t.Context(), scenarios.QueryStep{Name: "www.example.org.", Type: dns.TypeA, Via: "ns1"})
			if err != nil || r.Reply.Rcode != dns.RcodeSuccess {
				t.Errorf("healed: %v, %v", r.Reply, err)
			}
		})
	}
}

// defectNames are the choices of how.
func defectNames(t *testing.T) []string {
	for _, s := range fault.Catalogue() {
		for _, p := range s.Params {
			if s.Name == "signer-broken" && p.Name == "how" {
				return p.Choices
			}
		}
	}
	t.Fatal("signer-broken has no choices")
	return nil
}
