package validate

import (
	"time"

	"github.com/miekg/dns"
)

// Revoked lists the keys of zone's DNSKEY RRset that are revoked: those with the REVOKE bit whose own signature over the
// RRset stands (RFC 5011 section 2.1). Nobody else has to vouch for that: whoever holds a key may renounce it. The keys are
// those of the RRset: shared.
func Revoked(zone string, dnskey RRset, now time.Time, p Policy) []*dns.DNSKEY {
	c, ok := newChecker(zone, dnskey.RRs, now, p)
	if !ok {
		return nil
	}
	set, err := canonicalise(dnskey.RRs)
	if err != nil || set.rrtype != dns.TypeDNSKEY || !set.owner.equal(c.zone) {
		return nil
	}
	var revoked []*dns.DNSKEY
	for _, k := range c.keys {
		if k.Flags&dns.REVOKE == 0 || k.Flags&dns.ZONE == 0 || k.Protocol != 3 {
			continue
		}
		for _, sig := range dnskey.Sigs {
			if sig.KeyTag == k.tag && sig.Algorithm == k.Algorithm && c.by(k, set, sig) {
				revoked = append(revoked, k.DNSKEY)
				break
			}
		}
	}
	return revoked
}

// by says whether the signature is the key's, holds now and stands.
func (c *checker) by(k *zoneKey, set *canonicalSet, sig *dns.RRSIG) bool {
	signer, ok := parseName(sig.SignerName)
	return ok && signer.equal(c.zone) && sig.TypeCovered == set.rrtype && sig.Hdr.Class == set.class &&
		int(sig.Labels) == signedLabels(set.owner) && knownAlgorithm(sig.Algorithm, c.sha1) && c.outOfTime(sig) == 0 &&
		c.verify(set, sig, signer, []*zoneKey{k}) == stands
}
