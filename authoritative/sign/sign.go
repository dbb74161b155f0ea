package sign

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// Product names what a signer makes.
type Product uint8

const (
	ProductDNSKEY Product = iota
	ProductDenial         // NSEC, NSEC3 and NSEC3PARAM
	ProductRRSIG
	// ProductRRSIGData is an RRSIG that has no signature yet. What becomes of it is what is then signed, so that a
	// signature of last year is a true one (RFC 4034 section 3.1.8.1's RRSIG_RDATA).
	ProductRRSIGData
	ProductCDS    // CDS and CDNSKEY made by Announce
	ProductZONEMD // its digest made, its signature not yet
)

func (p Product) String() string {
	return [...]string{"DNSKEY", "denial", "RRSIG", "RRSIG data", "CDS", "ZONEMD"}[p]
}

// Params says how to sign.
type Params struct {
	// Keys are published in the order given. For each algorithm, those with the SEP flag sign DNSKEY, CDS and
	// CDNSKEY and the others sign the rest; where an algorithm has only one of the two kinds, that kind signs all.
	Keys []*Key
	// Inception and Expiration are the signatures' validity, whole seconds, both ends included (RFC 4034 section
	// 3.1.5). They need not be in order, and need not hold any particular now.
	Inception, Expiration time.Time
	Denial                Denial
	NSEC3                 NSEC3Params // used with Denial NSEC3
	// DNSKEYTTL is the TTL in seconds of the DNSKEY RRset; 0: the SOA's.
	DNSKEYTTL uint32
	// Announce tells the parent which DS to publish. The zero value publishes nothing.
	Announce Announce
	// ZONEMD asks for digests of the zone with these algorithms (RFC 8976 section 2.2.3): [zone.DigestSHA384],
	// [zone.DigestSHA512]. They take the place of those that the zone holds at its apex.
	ZONEMD []uint8
	// Alter may leave out, age, corrupt or replace what is made: DNSKEY, denial, CDS and ZONEMD records pass through it
	// before they are signed, RRSIGs before (ProductRRSIGData) and after. It is given a copy that it may change and
	// returns what takes its place: nil for nothing. Of ProductRRSIGData it can make RRSIGs only; each is signed. It is
	// called from one goroutine at a time, each Product in canonical order of the zone, those of ZONEMD last. nil changes
	// nothing.
	Alter func(Product, dns.RR) []dns.RR
	// Memo, if not nil, is asked for signatures before they are made, and told of those that were.
	Memo *Memo
}

// Sign gives z signed. Earlier signatures and denials in it are replaced. DNSKEYs that it holds already stay beside
// those of p.Keys, as a standby key that an operator publishes by hand does; [zone.Zone.Unsigned] takes away those of an
// earlier signing.
//
// All authoritative RRsets are signed, and DS; the NS at a delegation point and glue are not (RFC 4035 section 2.2).
// The TTL of NSEC and NSEC3 is the lesser of the SOA's TTL and its last field (RFC 9077). Work is spread over
// GOMAXPROCS goroutines, which have all ended when Sign returns. Equal arguments give equal zones.
//
// Errors are about p as a whole, about a key that cannot sign, or, where Alter brought it about, [zone.New]'s.
func Sign(z *zone.Zone, p Params) (*zone.Zone, error) {
	s := &signer{zone: z, params: p, soa: z.SOA()}
	if err := s.take(p.Keys); err != nil {
		return nil, fmt.Errorf("signing %s: %w", z.Origin(), err)
	}
	s.gather()
	if err := s.deny(); err != nil {
		return nil, fmt.Errorf("signing %s: %w", z.Origin(), err)
	}
	rrs, err := s.publish()
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", z.Origin(), err)
	}
	signed, err := zone.New(z.Origin(), rrs)
	if err != nil {
		return nil, fmt.Errorf("signing %s: the signed zone is none any more: %w", z.Origin(), err)
	}
	return signed, nil
}

// publish gives all records and signatures. The digests are over the signatures of all else, and are signed themselves.
func (s *signer) publish() ([]dns.RR, error) {
	sigs, err := s.signAll(s.sets, s.denial)
	if err != nil {
		return nil, err
	}
	rrs := append(s.records(), sigs...)
	if len(s.params.ZONEMD) == 0 {
		return rrs, nil
	}
	digests, err := s.digests(rrs)
	if err != nil {
		return nil, err
	}
	if sigs, err = s.signAll(digests); err != nil {
		return nil, err
	}
	for _, set := range digests {
		rrs = append(rrs, set.rrs...)
	}
	return append(rrs, sigs...), nil
}

// signer is one signing under way.
type signer struct {
	zone   *zone.Zone
	params Params
	soa    *dns.SOA

	keySigners, zoneSigners []*signingKey // of DNSKEY, CDS and CDNSKEY; of the rest

	sets   []rrset // the zone's content, DNSKEY among it
	denial []rrset
}

// rrset is one set to be published, and perhaps signed.
type rrset struct {
	name   string
	rrtype uint16
	rrs    []dns.RR
	signed bool
}

// take checks the parameters and chooses who signs what.
func (s *signer) take(keys []*Key) error {
	switch {
	case s.params.Inception.IsZero() || s.params.Expiration.IsZero():
		return errors.New("no validity: set Inception and Expiration")
	case s.params.Denial > NoDenial:
		return fmt.Errorf("denial %d is not known", s.params.Denial)
	case len(s.params.NSEC3.Salt) > 255:
		return fmt.Errorf("an NSEC3 salt of %d octets: 255 are possible (RFC 5155 section 3.1.4)", len(s.params.NSEC3.Salt))
	case s.params.NSEC3.Iterations > MaxIterations:
		return fmt.Errorf("%d NSEC3 iterations: %d are the most (RFC 5155 section 10.3), and 0 is right (RFC 9276 section 3.1)",
			s.params.NSEC3.Iterations, MaxIterations)
	}
	if err := s.params.checkAnnounced(); err != nil {
		return err
	}
	kinds := map[uint8][2][]*signingKey{}
	var algorithms []uint8
	for _, k := range keys {
		if k == nil || k.DNSKEY == nil {
			return errors.New("a key has no DNSKEY")
		}
		if dns.CanonicalName(k.DNSKEY.Hdr.Name) != s.zone.Origin() {
			return fmt.Errorf("the key %d is of %s", k.DNSKEY.KeyTag(), k.DNSKEY.Hdr.Name)
		}
		if k.Signer == nil {
			continue
		}
		sk, err := newSigningKey(k)
		if err != nil {
			return err
		}
		if !slices.Contains(algorithms, sk.algorithm) {
			algorithms = append(algorithms, sk.algorithm)
		}
		kind := 0
		if k.KSK() {
			kind = 1
		}
		both := kinds[sk.algorithm]
		both[kind] = append(both[kind], sk)
		kinds[sk.algorithm] = both
	}
	if len(algorithms) == 0 {
		return errors.New("there is no key to sign with: give at least one with a Signer")
	}
	for _, algorithm := range algorithms {
		zsk, ksk := kinds[algorithm][0], kinds[algorithm][1]
		if len(zsk) == 0 {
			zsk = ksk
		}
		if len(ksk) == 0 {
			ksk = zsk
		}
		s.zoneSigners = append(s.zoneSigners, zsk...)
		s.keySigners = append(s.keySigners, ksk...)
	}
	return nil
}

// gather takes the zone's content over, puts DNSKEY in, and decides what is to be signed.
func (s *signer) gather() {
	var standby []dns.RR
	for set := range s.zone.RRsets() {
		switch set.Type {
		case dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM:
			continue
		case dns.TypeDNSKEY:
			if s.atApex(set.Name) {
				standby = set.RRs
				continue
			}
		}
		if s.atApex(set.Name) && s.replaces(set.Type) {
			continue
		}
		signed := false
		switch s.zone.Place(set.Name) {
		case zone.PlaceData:
			signed = true
		case zone.PlaceCut:
			signed = set.Type == dns.TypeDS
		}
		s.sets = append(s.sets, rrset{set.Name, set.Type, set.RRs, signed})
	}
	s.addKeys(standby)
	s.announce()
}

// replaces tells the types that are at the apex only as they are made here.
func (s *signer) replaces(rrtype uint16) bool {
	switch rrtype {
	case dns.TypeCDS, dns.TypeCDNSKEY:
		return !s.params.Announce.none()
	case dns.TypeZONEMD:
		return len(s.params.ZONEMD) > 0
	}
	return false
}

func (s *signer) atApex(name string) bool { return dns.CanonicalName(name) == s.zone.Origin() }

// keyTTL is that of DNSKEY, and of CDS and CDNSKEY.
func (s *signer) keyTTL() uint32 {
	if s.params.DNSKEYTTL != 0 {
		return s.params.DNSKEYTTL
	}
	return s.soa.Hdr.Ttl
}

// addKeys publishes the keys, the caller's first.
func (s *signer) addKeys(standby []dns.RR) {
	var keys []dns.RR
	for _, k := range s.params.Keys {
		keys = append(keys, k.DNSKEY)
	}
	var out []dns.RR
	for i, rr := range append(keys, standby...) {
		if slices.ContainsFunc(keys[:min(i, len(keys))], func(k dns.RR) bool { return dns.IsDuplicate(k, rr) }) {
			continue
		}
		rr = dns.Copy(rr)
		rr.Header().Ttl = s.keyTTL()
		out = append(out, s.alter(ProductDNSKEY, rr)...)
	}
	s.sets = append(s.sets, grouped(out)...)
}

// alter hands what was made, a copy already, to the caller.
func (s *signer) alter(p Product, made dns.RR) []dns.RR {
	if s.params.Alter == nil {
		return []dns.RR{made}
	}
	return s.params.Alter(p, made)
}

// grouped makes sets of records, which Alter may have given any name and type. The order of first appearance is kept.
func grouped(rrs []dns.RR) []rrset {
	type key struct {
		name   string
		rrtype uint16
	}
	at := make(map[key]int, len(rrs))
	var sets []rrset
	for _, rr := range rrs {
		if rr == nil {
			continue
		}
		h := rr.Header()
		k := key{dns.CanonicalName(h.Name), h.Rrtype}
		i, ok := at[k]
		if !ok {
			i = len(sets)
			at[k] = i
			sets = append(sets, rrset{h.Name, h.Rrtype, nil, h.Rrtype != dns.TypeRRSIG})
		}
		sets[i].rrs = append(sets[i].rrs, rr)
	}
	return sets
}

// records gives all that is published but the signatures.
func (s *signer) records() []dns.RR {
	var rrs []dns.RR
	for _, sets := range [][]rrset{s.sets, s.denial} {
		for _, set := range sets {
			rrs = append(rrs, set.rrs...)
		}
	}
	return rrs
}
