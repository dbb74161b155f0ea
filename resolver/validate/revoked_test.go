package validate

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// RFC 5011 section 2.1: a key is revoked by its own REVOKE bit and its own signature over the RRset, nothing else.
func TestRevoked(t *testing.T) {
	now := time.Unix(1775000000, 0)
	valid := func(sig *dns.RRSIG) {
		sig.Inception, sig.Expiration = uint32(now.Unix()-3600), uint32(now.Unix()+3600)
	}
	revoked := newKey(t, "example.", 257|dns.REVOKE, dns.ECDSAP256SHA256, 1)
	other := newKey(t, "example.", 257, dns.ECDSAP256SHA256, 2)
	zsk := newKey(t, "example.", 256|dns.REVOKE, dns.ECDSAP256SHA256, 3)
	notZone := newKey(t, "example.", 1|dns.REVOKE, dns.ECDSAP256SHA256, 4)
	keys := dnskeys(revoked, other, zsk, notZone)
	sig := func(k key, change func(*dns.RRSIG)) *dns.RRSIG { return k.sign(t, keys, valid, change) }
	good := func(*dns.RRSIG) {}
	for name, x := range map[string]struct {
		zone string
		sigs []*dns.RRSIG
		want int
	}{
		"its own signature":        {"Example", []*dns.RRSIG{sig(revoked, good)}, 1},
		"among others":             {"example.", []*dns.RRSIG{sig(other, good), sig(revoked, good)}, 1},
		"a zone signing key's too": {"example.", []*dns.RRSIG{sig(zsk, good), sig(revoked, good)}, 2},
		"another's signature":      {"example.", []*dns.RRSIG{sig(other, good)}, 0},
		"no signature":             {"example.", nil, 0},
		"no zone key":              {"example.", []*dns.RRSIG{sig(notZone, good)}, 0},
		"another zone":             {"org.", []*dns.RRSIG{sig(revoked, good)}, 0},
		"expired":                  {"example.", []*dns.RRSIG{sig(revoked, func(s *dns.RRSIG) { s.Expiration = uint32(now.Unix() - 1) })}, 0},
		"not yet":                  {"example.", []*dns.RRSIG{sig(revoked, func(s *dns.RRSIG) { s.Inception = uint32(now.Unix() + 1) })}, 0},
	} {
		if got := Revoked(x.zone, RRset{RRs: keys, Sigs: x.sigs}, now, Policy{}); len(got) != x.want {
			t.Errorf("%s: %d keys, want %d", name, len(got), x.want)
		}
	}
	forged := sig(revoked, good)
	if got := Revoked("example.", RRset{RRs: dnskeys(revoked, other), Sigs: []*dns.RRSIG{forged}}, now, Policy{}); len(got) != 0 {
		t.Error("a signature over another RRset was taken")
	}
}
