package validate

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// Keys checks the DNSKEY RRset of zone against what vouches for it: the DS RRset that its parent holds (already Secure),
// or trust anchors, which may be DS or DNSKEY. Secure means that all keys of the RRset may be used for the zone. It is
// Insecure when ds holds only unknown algorithms (EDE 1) or digests (EDE 2; RFC 4035 section 5.2, RFC 6840 section 5.2),
// which is told even without a DNSKEY RRset, and Indeterminate when ds is empty (EDE 5). One key that stands is enough (RFC 6840
// section 5.11).
func Keys(zone string, dnskey RRset, ds []dns.RR, now time.Time, p Policy) Verdict {
	c, ok := newChecker(zone, dnskey.RRs, now, p)
	if !ok {
		return bogus(dns.ExtendedErrorCodeDNSBogus, "zone %q is not a domain name", zone)
	}
	a, v := readAnchors(c.zone, ds, c.sha1)
	if v.Status != Secure {
		return v
	}
	if len(dnskey.RRs) == 0 {
		return bogus(dns.ExtendedErrorCodeDNSKEYMissing, "zone %s has no DNSKEY, and %s vouches for %s", c.zone, a.kind, a.tags())
	}
	if h := dnskey.RRs[0].Header(); h.Rrtype != dns.TypeDNSKEY || len(c.keys) == 0 {
		return bogus(dns.ExtendedErrorCodeDNSKEYMissing, "zone %s: %s holds no DNSKEY of the zone that can be read", c.zone,
			fmtSet(dnskey.RRs))
	}
	all := c.tags()
	if v := c.trustOnly(a); v.Status != Secure {
		return v
	}
	v = c.signed(dnskey)
	if v.EDE == dns.ExtendedErrorCodeDNSKEYMissing || v.EDE == dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm {
		// There are signatures, and none is by a key that is vouched for; which others there are does not matter.
		return bogus(dns.ExtendedErrorCodeRRSIGsMissing, "zone %s: no RRSIG over its DNSKEY RRset (%s) is by a key that %s names (%s)",
			c.zone, all, a.kind, a.tags())
	}
	return v
}

// anchors is what vouches for a zone's keys, the usable part of it.
type anchors struct {
	kind string // "its parent's DS", for messages
	ds   []*dns.DS
	keys []*dns.DNSKEY
}

// readAnchors sorts out what is usable, with keys of SHA-1 algorithms or without, and is Secure when something is.
func readAnchors(zone name, rrs []dns.RR, sha1 bool) (anchors, Verdict) {
	a := anchors{kind: "the DS"}
	var seen, algorithm, better bool
	for _, rr := range rrs {
		if owner, ok := parseName(rr.Header().Name); !ok || !owner.equal(zone) {
			continue
		}
		switch rr := rr.(type) {
		case *dns.DS:
			seen = true
			if !knownAlgorithm(rr.Algorithm, sha1) {
				continue
			}
			algorithm = true
			if knownDigest(rr.DigestType) {
				a.ds = append(a.ds, rr)
				better = better || rr.DigestType != dns.SHA1
			}
		case *dns.DNSKEY:
			seen = true
			if knownAlgorithm(rr.Algorithm, sha1) {
				a.kind = "the trust anchor"
				a.keys = append(a.keys, rr)
			}
		}
	}
	switch {
	case !seen:
		return a, Verdict{Status: Indeterminate, EDE: dns.ExtendedErrorCodeDNSSECIndeterminate,
			Why: fmt.Sprintf("nothing vouches for the keys of zone %s", zone)}
	case len(a.ds)+len(a.keys) > 0:
		if better {
			a.dropSHA1()
		}
		return a, Verdict{Status: Secure}
	case algorithm:
		return a, Verdict{Status: Insecure, EDE: dns.ExtendedErrorCodeUnsupportedDSDigestType,
			Why: fmt.Sprintf("zone %s: its DS RRset has only digest types that are not known here", zone)}
	default:
		return a, Verdict{Status: Insecure, EDE: dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm,
			Why: fmt.Sprintf("zone %s: its DS RRset has only algorithms that are not known here", zone)}
	}
}

// dropSHA1 forgets the SHA-1 digests where there are better ones (RFC 4509 section 3, RFC 6605 section 2).
func (a *anchors) dropSHA1() {
	kept := a.ds[:0]
	for _, ds := range a.ds {
		if ds.DigestType != dns.SHA1 {
			kept = append(kept, ds)
		}
	}
	a.ds = kept
}

func (a *anchors) tags() string {
	s := "key"
	for _, ds := range a.ds {
		s += fmt.Sprintf(" %d", ds.KeyTag)
	}
	for _, k := range a.keys {
		s += fmt.Sprintf(" %d", k.KeyTag())
	}
	return s
}

// trustOnly leaves in c.keys those keys alone that a vouches for and that may sign zone data. It is Bogus when there are
// none.
func (c *checker) trustOnly(a anchors) Verdict {
	var trusted []*zoneKey
	var unfit *zoneKey
	zoneKeys, vouched := false, c.vouched(a)
	for i, k := range c.keys {
		zoneKeys = zoneKeys || k.Flags&dns.ZONE != 0
		switch {
		case !vouched[i]:
		case !k.mayVerify():
			unfit = k
		default:
			trusted = append(trusted, k)
		}
	}
	all := c.tags()
	c.keys = trusted
	switch {
	case len(trusted) > 0:
		return Verdict{Status: Secure}
	case !zoneKeys, unfit != nil && unfit.Flags&dns.ZONE == 0:
		return bogus(dns.ExtendedErrorCodeNoZoneKeyBitSet, "zone %s: no DNSKEY that %s could mean (%s) has the Zone Key flag set", c.zone,
			a.kind, a.tags())
	case unfit != nil:
		return bogus(dns.ExtendedErrorCodeDNSKEYMissing, "zone %s: DNSKEY %d, which %s names, is revoked or not of protocol 3", c.zone,
			unfit.tag, a.kind)
	default:
		return bogus(dns.ExtendedErrorCodeDNSKEYMissing, "zone %s: %s means %s, and its DNSKEY RRset (%s) has no key that matches", c.zone,
			a.kind, a.tags(), all)
	}
}

// vouched says of each key whether a DS or a trust anchor stands for this very key (RFC 4035 section 5.2). The outer
// loop is over what the parent says, so that many keys of one tag cost no more hashes than maxKeys for each DS.
func (c *checker) vouched(a anchors) []bool {
	vouched := make([]bool, len(c.keys))
	for _, ds := range a.ds {
		want, err := hex.DecodeString(ds.Digest)
		if err != nil {
			continue
		}
		tries := c.maxKeys
		for i, k := range c.keys {
			if ds.KeyTag != k.tag || ds.Algorithm != k.Algorithm {
				continue
			}
			if tries--; tries < 0 {
				break
			}
			if bytes.Equal(want, digestOf(ds.DigestType, c.zone, k.rdata)) {
				vouched[i] = true
			}
		}
	}
	for _, anchor := range a.keys {
		known := newZoneKey(anchor)
		for i, k := range c.keys {
			if known != nil && bytes.Equal(known.rdata, k.rdata) {
				vouched[i] = true
			}
		}
	}
	return vouched
}
