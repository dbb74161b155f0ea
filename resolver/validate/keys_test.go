package validate

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	ksk := newKey(t, "example.", 257, dns.ECDSAP256SHA256, 1)
	zsk := newKey(t, "example.", 256, dns.ECDSAP256SHA256, 2)
	next := newKey(t, "example.", 257, dns.ED25519, 3)
	noZone := newKey(t, "example.", 1, dns.ECDSAP256SHA256, 1)
	revoked := newKey(t, "example.", 257|dns.REVOKE, dns.ECDSAP256SHA256, 1)
	both := dnskeys(ksk, zsk)
	signed := func(rrs []dns.RR, by ...key) RRset {
		set := RRset{RRs: rrs}
		for _, k := range by {
			set.Sigs = append(set.Sigs, k.sign(t, rrs))
		}
		return set
	}
	timed := func(from, to time.Time) RRset {
		sig := ksk.sign(t, both, func(s *dns.RRSIG) { s.Inception, s.Expiration = uint32(from.Unix()), uint32(to.Unix()) })
		return RRset{RRs: both, Sigs: []*dns.RRSIG{sig}}
	}
	ds := func(k key, digest uint8, change ...func(*dns.DS)) dns.RR {
		rr := k.ToDS(digest)
		for _, f := range change {
			f(rr)
		}
		return rr
	}
	wrongDigest := func(d *dns.DS) { d.Digest = strings.Repeat("0", len(d.Digest)) }
	good := signed(both, ksk)

	for _, x := range []struct {
		name   string
		dnskey RRset
		ds     []dns.RR
		status Status
		ede    uint16
		why    []string
	}{
		{"SHA-256", good, []dns.RR{ds(ksk, dns.SHA256)}, Secure, 0, nil},
		{"SHA-384", good, []dns.RR{ds(ksk, dns.SHA384)}, Secure, 0, nil},
		{"SHA-1 alone", good, []dns.RR{ds(ksk, dns.SHA1)}, Secure, 0, nil},
		{"two DS, one for a key that is not there yet", good, []dns.RR{ds(next, dns.SHA256), ds(ksk, dns.SHA256)}, Secure, 0, nil},
		{"both keys sign", signed(both, zsk, ksk), []dns.RR{ds(ksk, dns.SHA256)}, Secure, 0, nil},
		{"a single key (CSK)", signed(dnskeys(next), next), []dns.RR{ds(next, dns.SHA256)}, Secure, 0, nil},
		{"trust anchor as DNSKEY", good, dnskeys(ksk), Secure, 0, nil},
		{"an unknown digest beside a good one", good, []dns.RR{ds(ksk, dns.SHA256, func(d *dns.DS) { d.DigestType = 3 }), ds(ksk, dns.SHA256)}, Secure, 0, nil},
		{"a wrong DS beside a good one", good, []dns.RR{ds(ksk, dns.SHA256, wrongDigest), ds(ksk, dns.SHA256)}, Secure, 0, nil},

		{"nothing vouches", good, nil, Indeterminate, 5, []string{"example."}},
		{"DS of another zone", good, []dns.RR{ds(ksk, dns.SHA256, func(d *dns.DS) { d.Hdr.Name = "example.com." })}, Indeterminate, 5, nil},
		{"unknown algorithm alone (RFC 4035 5.2)", good, []dns.RR{ds(ksk, dns.SHA256, func(d *dns.DS) { d.Algorithm = dns.ED448 })}, Insecure, 1, nil},
		{"retired algorithm alone (RFC 9905)", good, []dns.RR{ds(ksk, dns.SHA256, func(d *dns.DS) { d.Algorithm = dns.RSASHA1NSEC3SHA1 })}, Insecure, 1, nil},
		{"unknown digest alone (RFC 6840 5.2)", good, []dns.RR{ds(ksk, dns.SHA256, func(d *dns.DS) { d.DigestType = 3 })}, Insecure, 2, nil},
		{"unknown digest, and no DNSKEY was fetched", RRset{}, []dns.RR{ds(ksk, dns.SHA256, func(d *dns.DS) { d.DigestType = 100 })}, Insecure, 2, nil},

		{"no DNSKEY", RRset{}, []dns.RR{ds(ksk, dns.SHA256)}, Bogus, 9, []string{"no DNSKEY"}},
		{"wrong tag", good, []dns.RR{ds(ksk, dns.SHA256, func(d *dns.DS) { d.KeyTag++ })}, Bogus, 9, nil},
		{"wrong algorithm", good, []dns.RR{ds(ksk, dns.SHA256, func(d *dns.DS) { d.Algorithm = dns.ED25519 })}, Bogus, 9, nil},
		{"wrong digest", good, []dns.RR{ds(ksk, dns.SHA256, wrongDigest)}, Bogus, 9, []string{"no key that matches"}},
		{"digest that is not hex", good, []dns.RR{ds(ksk, dns.SHA256, func(d *dns.DS) { d.Digest = "zz" })}, Bogus, 9, nil},
		{"SHA-1 does not count beside SHA-256 (RFC 4509 3)", good, []dns.RR{ds(ksk, dns.SHA1), ds(ksk, dns.SHA256, wrongDigest)}, Bogus, 9, nil},
		{"rollover without the parent", signed(dnskeys(next, zsk), next), []dns.RR{ds(ksk, dns.SHA256)}, Bogus, 9, nil},
		{"KSK left out", signed(dnskeys(zsk), zsk), []dns.RR{ds(ksk, dns.SHA256)}, Bogus, 9, nil},
		{"old trust anchor", good, dnskeys(next), Bogus, 9, []string{"trust anchor"}},
		{"revoked key", signed(dnskeys(revoked), revoked), []dns.RR{ds(revoked, dns.SHA256)}, Bogus, 9, []string{"revoked"}},
		{"zone key bit cleared", signed(dnskeys(noZone), noZone), []dns.RR{ds(ksk, dns.SHA256)}, Bogus, 11, nil},
		{"zone key bit cleared, and the DS agrees", signed(dnskeys(noZone, zsk), noZone), []dns.RR{ds(noZone, dns.SHA256)}, Bogus, 11, nil},
		{"not signed", RRset{RRs: both}, []dns.RR{ds(ksk, dns.SHA256)}, Bogus, 10, nil},
		{"not signed by the KSK", signed(both, zsk), []dns.RR{ds(ksk, dns.SHA256)}, Bogus, 10, []string{"the DS names"}},
		{"expired", timed(inception.AddDate(0, -1, 0), now.Add(-time.Second)), []dns.RR{ds(ksk, dns.SHA256)}, Bogus, 7, []string{"1s ago"}},
		{"not yet valid", timed(now.Add(time.Second), expiration), []dns.RR{ds(ksk, dns.SHA256)}, Bogus, 8, nil},
		{"expired before valid", timed(expiration, inception), []dns.RR{ds(ksk, dns.SHA256)}, Bogus, 25, nil},
		{"a key added afterwards", RRset{RRs: dnskeys(ksk, zsk, next), Sigs: good.Sigs}, []dns.RR{ds(ksk, dns.SHA256)}, Bogus, 6, nil},
		{"not DNSKEY records", ksk.set(t, "example. 60 IN A 10.0.0.1"), []dns.RR{ds(ksk, dns.SHA256)}, Bogus, 9, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			v := Keys("Example", x.dnskey, x.ds, now, Policy{})
			check(t, v, x.status, x.ede, x.why...)
			if (v.Status == Secure) != v.Until.Equal(expiration) {
				t.Errorf("until %v", v.Until)
			}
		})
	}
}

// A DNSKEY RRset that a wildcard stands for is nobody's.
func TestKeysFromWildcard(t *testing.T) {
	t.Parallel()
	ksk := newKey(t, "sub.example.", 257, dns.ED25519, 1)
	ksk.Hdr.Name = "*.sub.example."
	sig := ksk.sign(t, dnskeys(ksk), func(s *dns.RRSIG) { s.SignerName = "sub.example." })
	ksk.Hdr.Name, sig.Hdr.Name = "sub.example.", "sub.example."
	v := Keys("sub.example.", RRset{RRs: dnskeys(ksk), Sigs: []*dns.RRSIG{sig}}, dnskeys(ksk), now, Policy{})
	if v.Status != Bogus {
		t.Errorf("%+v", v)
	}
}

// The tag, also of keys with an odd number of octets (RFC 4034 appendix B), is as miekg/dns has it.
func TestKeyTag(t *testing.T) {
	t.Parallel()
	for _, public := range []string{"AA==", "AQID", "/////w==", "AwEAAZ3TMjWGVslFuJkgvY0CpCn2rsg2EHaHtA=="} {
		k := &dns.DNSKEY{Flags: 257, Protocol: 3, Algorithm: 8, PublicKey: public}
		if z := newZoneKey(k); z == nil || z.tag != k.KeyTag() {
			t.Errorf("%s: %+v, want tag %d", public, z, k.KeyTag())
		}
	}
	if newZoneKey(&dns.DNSKEY{PublicKey: "!"}) != nil {
		t.Error("a key that is not base64 is read")
	}
}

// Keys that share a DS's tag and algorithm are hashed only so often, and moduli have a greatest length (RFC 5702 section 2).
func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	k := newKey(t, "example.", 257, dns.ED25519, 1)
	c, _ := newChecker("example.", nil, now, Policy{})
	for range 10 {
		c.keys = append(c.keys, newZoneKey(k.DNSKEY))
	}
	vouched := c.vouched(anchors{ds: []*dns.DS{k.ToDS(dns.SHA256)}})
	if !vouched[3] || vouched[4] {
		t.Errorf("of ten keys with one tag these were hashed: %v", vouched)
	}
	modulus := bytes.Repeat([]byte{0xff}, 513)
	if rsaKey(dns.RSASHA256, append([]byte{1, 3}, modulus[:512]...)) == nil || rsaKey(dns.RSASHA256, append([]byte{1, 3}, modulus...)) != nil {
		t.Error("the greatest modulus is not 4096 bits")
	}
}
