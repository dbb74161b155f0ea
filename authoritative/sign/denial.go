package sign

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// Denial is how a signed zone proves what it does not have.
type Denial uint8

const (
	NSEC     Denial = iota // RFC 4034 section 4
	NSEC3                  // RFC 5155
	NoDenial               // not at all: validators will refuse every negative answer
)

func (d Denial) String() string {
	return [...]string{"NSEC", "NSEC3", "none"}[d]
}

// MaxIterations bounds the work that a name costs, here and at every validator (RFC 5155 section 10.3).
const MaxIterations = 2500

// NSEC3Params are NSEC3's choices. The zero value is what RFC 9276 section 3.1 recommends.
type NSEC3Params struct {
	// Iterations is how often a name is hashed more than once, up to [MaxIterations]. Validators hold a zone with more
	// than a few for insecure, or refuse it (RFC 9276 section 3.2).
	Iterations uint16
	Salt       []byte // up to 255 octets
	OptOut     bool   // delegations without DS get no record of their own (RFC 5155 section 6)
}

// deny makes the chain of NSEC or NSEC3 records.
func (s *signer) deny() error {
	var names []owner
	switch s.params.Denial {
	case NSEC:
		names = s.owners(false)
		s.denial = s.nsecs(names)
	case NSEC3:
		names = s.owners(true)
		var err error
		s.denial, err = s.nsec3s(names)
		return err
	}
	return nil
}

// owner is a name that the chain speaks of.
type owner struct {
	name  string
	types []uint16 // as the bitmap has them but for RRSIG and the denial itself
	// signed is false where nothing is but the denial record: an insecure delegation, an empty non-terminal.
	signed bool
	cut    bool
}

// owners walks the zone as it is about to be published, which differs from s.zone in its DNSKEYs. A delegation point
// counts with NS and DS alone, what is below it not at all. Empty non-terminals are left out unless wanted.
func (s *signer) owners(empty bool) []owner {
	var out []owner
	for n := range s.zone.Names() {
		o := owner{name: n.Name, cut: n.Place == zone.PlaceCut}
		switch n.Place {
		case zone.PlaceData, zone.PlaceCut:
		case zone.PlaceEmpty:
			if !empty {
				continue
			}
		default:
			continue
		}
		for _, t := range n.Types {
			if t == dns.TypeNSEC || t == dns.TypeNSEC3PARAM {
				continue // of an earlier signing
			}
			if s.atApex(n.Name) && (t == dns.TypeDNSKEY || s.replaces(t)) {
				continue // see below
			}
			if o.cut && t != dns.TypeNS && t != dns.TypeDS {
				continue
			}
			o.types = append(o.types, t)
			o.signed = o.signed || !o.cut || t == dns.TypeDS
		}
		if s.atApex(n.Name) {
			o.types = append(o.types, s.madeAtApex()...)
		}
		if len(o.types) == 0 && !empty {
			continue // it had nothing but an earlier NSEC
		}
		out = append(out, o)
	}
	return out
}

// madeAtApex are the types that the signer adds there.
func (s *signer) madeAtApex() []uint16 {
	var types []uint16
	for _, t := range []uint16{dns.TypeDNSKEY, dns.TypeCDS, dns.TypeCDNSKEY} {
		if (t == dns.TypeDNSKEY || s.replaces(t)) &&
			slices.ContainsFunc(s.sets, func(set rrset) bool { return set.rrtype == t && s.atApex(set.name) }) {
			types = append(types, t)
		}
	}
	if s.replaces(dns.TypeZONEMD) {
		types = append(types, dns.TypeZONEMD)
	}
	return types
}

// ttl is that of the denial records (RFC 9077).
func (s *signer) ttl() uint32 { return min(s.soa.Hdr.Ttl, s.soa.Minttl) }

func (s *signer) nsecs(names []owner) []rrset {
	var rrs []dns.RR
	for i, o := range names {
		next := s.zone.Origin()
		if i+1 < len(names) {
			next = names[i+1].name
		}
		types := append(slices.Clone(o.types), dns.TypeRRSIG, dns.TypeNSEC)
		slices.Sort(types)
		rrs = append(rrs, s.alter(ProductDenial, &dns.NSEC{
			Hdr:        dns.RR_Header{Name: o.name, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: s.ttl()},
			NextDomain: next,
			TypeBitMap: types,
		})...)
	}
	return grouped(rrs)
}

// nsec3s follows RFC 5155 section 7.1.
func (s *signer) nsec3s(names []owner) ([]rrset, error) {
	p := s.params.NSEC3
	salt := hex.EncodeToString(p.Salt)
	if p.OptOut {
		names = secureOnly(names)
	}
	param := &dns.NSEC3PARAM{
		Hdr:        dns.RR_Header{Name: s.zone.Origin(), Rrtype: dns.TypeNSEC3PARAM, Class: dns.ClassINET},
		Hash:       dns.SHA1,
		Iterations: p.Iterations,
		SaltLength: uint8(len(p.Salt)),
		Salt:       salt,
	}
	params := s.alter(ProductDenial, param)
	if len(params) > 0 {
		names[0].types = append(names[0].types, dns.TypeNSEC3PARAM)
	}
	links := make([]*dns.NSEC3, 0, len(names))
	suffix := "." + strings.TrimPrefix(s.zone.Origin(), ".")
	for _, o := range names {
		types := slices.Clone(o.types)
		if o.signed {
			types = append(types, dns.TypeRRSIG)
		}
		slices.Sort(types)
		x := &dns.NSEC3{
			Hdr: dns.RR_Header{Name: zone.HashName(o.name, p.Iterations, p.Salt) + suffix, Rrtype: dns.TypeNSEC3,
				Class: dns.ClassINET, Ttl: s.ttl()},
			Hash:       dns.SHA1,
			Iterations: p.Iterations,
			SaltLength: uint8(len(p.Salt)),
			Salt:       salt,
			HashLength: 20,
			TypeBitMap: types,
		}
		if p.OptOut {
			x.Flags = 1
		}
		links = append(links, x)
	}
	slices.SortFunc(links, func(a, b *dns.NSEC3) int { return strings.Compare(a.Hdr.Name, b.Hdr.Name) })
	rrs := params
	for i, x := range links {
		next := links[(i+1)%len(links)]
		if len(links) > 1 && next.Hdr.Name == x.Hdr.Name {
			return nil, fmt.Errorf("two names have the NSEC3 hash %s: choose another salt", x.Hdr.Name)
		}
		x.NextDomain = strings.ToUpper(strings.TrimSuffix(next.Hdr.Name, suffix)) // as miekg/dns writes it
	}
	for _, x := range links {
		rrs = append(rrs, s.alter(ProductDenial, x)...)
	}
	return grouped(rrs), nil
}

// secureOnly leaves out the insecure delegations, and the empty non-terminals that exist because of those alone.
func secureOnly(names []owner) []owner {
	needed := map[string]bool{}
	for _, o := range names {
		if len(o.types) == 0 || o.cut && !o.signed {
			continue
		}
		for name := dns.CanonicalName(o.name); ; {
			needed[name] = true
			next, end := dns.NextLabel(name, 0)
			if end {
				break
			}
			name = name[next:]
		}
	}
	return slices.DeleteFunc(names, func(o owner) bool { return !needed[dns.CanonicalName(o.name)] })
}
