package sign

import (
	"encoding/hex"
	"fmt"
	"slices"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// Announce says which DS records a zone wants its parent to have, in CDS and CDNSKEY records at its apex (RFC 7344
// section 3). What it makes takes the place of those that the zone holds.
type Announce struct {
	Digests []uint8 // a CDS with each of these digest types: 2, 4
	CDNSKEY bool
	// Keys are the keys meant; none: those of [Params.Keys] that sign the DNSKEY RRset.
	Keys []*Key
	// Delete asks for all DS to be taken away, with a CDS and a CDNSKEY of algorithm 0 (RFC 8078 section 4). Nothing else
	// can then be announced.
	Delete bool
}

func (a *Announce) none() bool { return len(a.Digests) == 0 && !a.CDNSKEY && !a.Delete }

// CDS is the DS of the key as its own zone publishes it; nil for a digest type other than 1, 2 and 4.
func (k *Key) CDS(digest uint8) *dns.CDS {
	ds := k.DS(digest)
	if ds == nil {
		return nil
	}
	return ds.ToCDS()
}

// CDNSKEY is the key as its zone asks the parent to make DS records of.
func (k *Key) CDNSKEY() *dns.CDNSKEY {
	c := &dns.CDNSKEY{DNSKEY: *k.DNSKEY}
	c.Hdr.Rrtype = dns.TypeCDNSKEY
	return c
}

// DeleteDS are the records that ask a zone's parent to take all its DS away (RFC 8078 section 4): "0 0 0 00" and
// "0 3 0 AA==".
func DeleteDS(zone string, ttl uint32) (*dns.CDS, *dns.CDNSKEY) {
	name := dns.CanonicalName(zone)
	return &dns.CDS{DS: dns.DS{
			Hdr:    dns.RR_Header{Name: name, Rrtype: dns.TypeCDS, Class: dns.ClassINET, Ttl: ttl},
			Digest: "00",
		}}, &dns.CDNSKEY{DNSKEY: dns.DNSKEY{
			Hdr:       dns.RR_Header{Name: name, Rrtype: dns.TypeCDNSKEY, Class: dns.ClassINET, Ttl: ttl},
			Protocol:  3,
			PublicKey: "AA==",
		}}
}

func (p *Params) checkAnnounced() error {
	a := &p.Announce
	if a.Delete && (len(a.Digests) > 0 || a.CDNSKEY || len(a.Keys) > 0) {
		return fmt.Errorf("Announce asks to delete the DS and for others at once (RFC 8078 section 4)")
	}
	for _, digest := range a.Digests {
		switch digest {
		case dns.SHA1, dns.SHA256, dns.SHA384:
		default:
			return fmt.Errorf("Announce has digest type %d: 2 (SHA-256) and 4 (SHA-384) are possible", digest)
		}
	}
	for _, k := range a.Keys {
		if k == nil || k.DNSKEY == nil {
			return fmt.Errorf("Announce has a key without DNSKEY")
		}
	}
	for i, algorithm := range p.ZONEMD {
		if algorithm != zone.DigestSHA384 && algorithm != zone.DigestSHA512 || slices.Contains(p.ZONEMD[:i], algorithm) {
			return fmt.Errorf("ZONEMD has hash algorithm %d: 1 (SHA-384) and 2 (SHA-512) are possible, each once", algorithm)
		}
	}
	return nil
}

// announce adds CDS and CDNSKEY.
func (s *signer) announce() {
	a := &s.params.Announce
	var rrs []dns.RR
	if a.Delete {
		cds, cdnskey := DeleteDS(s.zone.Origin(), 0)
		rrs = append(rrs, cds, cdnskey)
	}
	for _, k := range s.announced() {
		for _, digest := range a.Digests {
			rrs = append(rrs, k.CDS(digest))
		}
		if a.CDNSKEY {
			rrs = append(rrs, k.CDNSKEY())
		}
	}
	var out []dns.RR
	for _, rr := range rrs {
		rr.Header().Name, rr.Header().Ttl = s.zone.Origin(), s.keyTTL()
		out = append(out, s.alter(ProductCDS, rr)...)
	}
	s.sets = append(s.sets, grouped(out)...)
}

// announced are the keys that Announce is about.
func (s *signer) announced() []*Key {
	if len(s.params.Announce.Keys) > 0 {
		return s.params.Announce.Keys
	}
	var keys []*Key
	for _, k := range s.params.Keys {
		if k.Signer != nil && slices.ContainsFunc(s.keySigners, func(sk *signingKey) bool {
			return sk.algorithm == k.DNSKEY.Algorithm && sk.public == k.DNSKEY.PublicKey
		}) {
			keys = append(keys, k)
		}
	}
	return keys
}

// digests makes the ZONEMD records of all that is published but themselves (RFC 8976 section 3).
func (s *signer) digests(rrs []dns.RR) ([]rrset, error) {
	var out []dns.RR
	for _, algorithm := range s.params.ZONEMD {
		digest, err := zone.Digest(s.zone.Origin(), slices.Values(rrs), algorithm)
		if err != nil {
			return nil, err
		}
		out = append(out, s.alter(ProductZONEMD, &dns.ZONEMD{
			Hdr:    dns.RR_Header{Name: s.zone.Origin(), Rrtype: dns.TypeZONEMD, Class: dns.ClassINET, Ttl: s.soa.Hdr.Ttl},
			Serial: s.soa.Serial,
			Scheme: zone.DigestSchemeSimple,
			Hash:   algorithm,
			Digest: hex.EncodeToString(digest),
		})...)
	}
	return grouped(out), nil
}
