package validate

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// Signed checks one RRset against the Secure DNSKEY RRset of zone, which must also be the signer. It is Secure or Bogus.
// Times are compared in whole seconds and in serial arithmetic (RFC 4034 section 3.1.5): at the very second of its
// expiration a signature still holds. A DS RRset belongs to the parent, so its owner may not be zone.
func Signed(set RRset, zone string, keys []dns.RR, now time.Time, p Policy) Verdict {
	c, ok := newChecker(zone, keys, now, p)
	if !ok {
		return bogus(dns.ExtendedErrorCodeDNSBogus, "zone %q is not a domain name", zone)
	}
	return c.signed(set)
}

// checker is one call's state: the zone, its keys, the time, and how much work may still be done.
type checker struct {
	zone name
	keys []*zoneKey
	now  int64 // Unix seconds, rounded down
	skew int64 // seconds
	// What is left of the bounds. maxKeys is for each signature.
	signatures, maxKeys, hashes int
	maxIterations               uint16
	sha1                        bool
}

func newChecker(zone string, keys []dns.RR, now time.Time, p Policy) (*checker, bool) {
	origin, ok := parseName(zone)
	if !ok {
		return nil, false
	}
	c := &checker{
		zone: origin, keys: make([]*zoneKey, 0, len(keys)), now: now.Unix(), skew: int64(p.Skew / time.Second),
		signatures: p.MaxSignatures, maxKeys: p.MaxKeys, hashes: maxHashes, maxIterations: p.MaxNSEC3Iterations, sha1: p.SHA1,
	}
	if c.signatures <= 0 {
		c.signatures = 16
	}
	if c.maxKeys <= 0 {
		c.maxKeys = 4
	}
	if c.maxIterations == 0 {
		c.maxIterations = 100
	}
	for _, rr := range keys {
		k, ok := rr.(*dns.DNSKEY)
		if !ok {
			continue
		}
		if owner, ok := parseName(k.Hdr.Name); !ok || !owner.equal(origin) {
			continue
		}
		if key := newZoneKey(k); key != nil {
			c.keys = append(c.keys, key)
		}
	}
	return c, true
}

// stage is how far a signature got before it failed. Of many failures the one that got furthest is told: it is the one
// whose repair makes the RRset good.
type stage uint8

const (
	otherRRset       stage = iota // it covers another name or type
	notApplicable                 // signer, labels or class are wrong
	unknownAlgorithm              // none of ours
	noKey                         // no DNSKEY has its key tag and algorithm
	notZoneKey                    // the key may not sign a zone's data
	outOfTime                     // expired, not begun, or both
	overworked                    // the bounds were reached
	mismatch                      // the key says no
	stands
)

type failure struct {
	stage stage
	sig   *dns.RRSIG
	ede   uint16 // only for outOfTime
}

// signed is Signed within one call's bounds.
func (c *checker) signed(set RRset) Verdict {
	canonical, err := canonicalise(set.RRs)
	if err != nil {
		return bogus(dns.ExtendedErrorCodeDNSBogus, "zone %s: %v", c.zone, err)
	}
	what := fmtSet(set.RRs)
	if !canonical.owner.within(c.zone) {
		return bogus(dns.ExtendedErrorCodeDNSBogus, "%s is not in zone %s, whose keys were to check it", what, c.zone)
	}
	if canonical.rrtype == dns.TypeDS && canonical.owner.equal(c.zone) {
		return bogus(dns.ExtendedErrorCodeDNSBogus, "%s is the child's own: a DS belongs to the parent zone", what)
	}
	var furthest failure
	for _, sig := range set.Sigs {
		f := c.try(canonical, sig)
		if f.stage == stands {
			return c.secure(canonical, sig)
		}
		if furthest.sig == nil || f.stage > furthest.stage {
			furthest = f
		}
	}
	return c.explain(what, furthest)
}

// try checks one signature (RFC 4035 section 5.3.1), the cheap conditions first.
func (c *checker) try(set *canonicalSet, sig *dns.RRSIG) failure {
	f := failure{sig: sig}
	owner, ok := parseName(sig.Hdr.Name)
	if !ok || !owner.equal(set.owner) || sig.TypeCovered != set.rrtype {
		return f
	}
	f.stage = notApplicable
	signer, ok := parseName(sig.SignerName)
	if !ok || !signer.equal(c.zone) || sig.Hdr.Class != set.class || !labelsFit(set.owner, sig.Labels, c.zone) {
		return f
	}
	if !knownAlgorithm(sig.Algorithm, c.sha1) {
		f.stage = unknownAlgorithm
		return f
	}
	f.stage = noKey
	var candidates []*zoneKey
	for _, k := range c.keys {
		if k.tag != sig.KeyTag || k.Algorithm != sig.Algorithm {
			continue
		}
		if k.mayVerify() {
			candidates = append(candidates, k)
		} else {
			f.stage = notZoneKey
		}
	}
	if len(candidates) == 0 {
		return f
	}
	if ede := c.outOfTime(sig); ede != 0 {
		f.stage, f.ede = outOfTime, ede
		return f
	}
	f.stage = c.verify(set, sig, signer, candidates)
	return f
}

// labelsFit checks the Labels field: not more than the owner has, a leading "*" not counted, and not so few that the
// wildcard would stand above the zone.
func labelsFit(owner name, labels uint8, zone name) bool {
	return int(labels) <= signedLabels(owner) && int(labels) >= signedLabels(zone)
}

// signedLabels is what the Labels field of a name that was not synthesised says (RFC 4034 section 3.1.3).
func signedLabels(n name) int {
	if n.isWildcard() {
		return n.labels() - 1
	}
	return n.labels()
}

func (c *checker) verify(set *canonicalSet, sig *dns.RRSIG, signer name, candidates []*zoneKey) stage {
	signature, err := base64.StdEncoding.DecodeString(sig.Signature)
	if err != nil {
		return mismatch
	}
	var data []byte
	for i, k := range candidates {
		if i == c.maxKeys || c.signatures == 0 {
			return overworked
		}
		verify := k.verifier()
		if verify == nil {
			continue
		}
		if data == nil {
			data = set.signedData(sig, signer)
		}
		c.signatures--
		if verify(data, signature) {
			return stands
		}
	}
	return mismatch
}

func (c *checker) secure(set *canonicalSet, sig *dns.RRSIG) Verdict {
	v := Verdict{Status: Secure, Until: time.Unix(c.moment(sig.Expiration)+c.skew, 0).UTC(), KeyTag: sig.KeyTag, Algorithm: sig.Algorithm}
	if int(sig.Labels) < signedLabels(set.owner) {
		v.Wildcard = set.owner.lastLabels(int(sig.Labels)).wildcard().String()
	}
	return v
}

// explain turns the furthest failure into a verdict.
func (c *checker) explain(what string, f failure) Verdict {
	if f.sig == nil || f.stage == otherRRset {
		return bogus(dns.ExtendedErrorCodeRRSIGsMissing, "%s has no RRSIG, and zone %s is signed", what, c.zone)
	}
	sig := fmt.Sprintf("the RRSIG of %s by key %d", what, f.sig.KeyTag)
	switch f.stage {
	case notApplicable:
		return bogus(dns.ExtendedErrorCodeDNSBogus, "%s of %s cannot be one of zone %s (signer, class or label count)", sig,
			f.sig.SignerName, c.zone)
	case unknownAlgorithm:
		return bogus(dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm, "%s has algorithm %d, which is not known here", sig,
			f.sig.Algorithm)
	case noKey:
		return bogus(dns.ExtendedErrorCodeDNSKEYMissing, "%s (algorithm %d) has no such DNSKEY in zone %s, which has %s", sig,
			f.sig.Algorithm, c.zone, c.tags())
	case notZoneKey:
		return bogus(dns.ExtendedErrorCodeNoZoneKeyBitSet, "%s: this DNSKEY of zone %s may not sign zone data (flags)", sig, c.zone)
	case outOfTime:
		return c.explainTime(sig, f)
	case overworked:
		return bogus(dns.ExtendedErrorCodeDNSBogus, "%s was not checked: too many signatures or keys to try in zone %s", sig, c.zone)
	default:
		return bogus(dns.ExtendedErrorCodeDNSBogus, "%s does not match the data and the DNSKEY of zone %s", sig, c.zone)
	}
}

// tags lists the key tags of the zone, as "keys 1, 2".
func (c *checker) tags() string {
	if len(c.keys) == 0 {
		return "no keys"
	}
	s := "keys"
	for i, k := range c.keys {
		if i == 8 {
			return s + ", …"
		}
		if i > 0 {
			s += ","
		}
		s += fmt.Sprintf(" %d", k.tag)
	}
	return s
}

func bogus(ede uint16, format string, args ...any) Verdict {
	return Verdict{Status: Bogus, EDE: ede, Why: fmt.Sprintf(format, args...)}
}

func insecure(ede uint16, format string, args ...any) Verdict {
	return Verdict{Status: Insecure, EDE: ede, Why: fmt.Sprintf(format, args...)}
}

// fmtSet names an RRset as people do: owner and type.
func fmtSet(rrs []dns.RR) string {
	h := rrs[0].Header()
	return h.Name + " " + dns.Type(h.Rrtype).String()
}
