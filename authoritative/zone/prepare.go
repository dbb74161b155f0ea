package zone

import (
	"strings"

	"github.com/miekg/dns"
)

// place finds the delegations and what lies below them. Parents come before children in canonical order.
func (z *Zone) place() {
	for _, n := range z.order {
		if n.parent == nil && n != z.apex {
			n.place = PlaceData // an NSEC3's owner
			continue
		}
		wildcard := strings.HasPrefix(n.wire, "\x01*")
		if n.parent != nil {
			n.cut = n.parent.cut
			if wildcard {
				n.parent.wildcard = n
			}
		}
		switch {
		case n.cut != nil:
			n.place = PlaceOccluded
		case n != z.apex && !wildcard && n.find(dns.TypeNS) != nil:
			n.place, n.cut = PlaceCut, n
		case len(n.sets) == 0:
			n.place = PlaceEmpty
		default:
			n.place = PlaceData
		}
	}
}

// chainDenial finds out how the zone denies, and gives every name its own part in it. A zone with both kinds of chain
// is on its way from one to the other; NSEC needs no hashing, so it is preferred.
func (z *Zone) chainDenial() {
	for _, n := range z.order {
		if n.place == PlaceOccluded {
			continue
		}
		if s := n.find(dns.TypeNSEC); s != nil {
			z.nsecs = append(z.nsecs, nameLink{orderOf(n.wire), s})
		}
	}
	if len(z.nsecs) > 0 {
		z.denial = denialNSEC
	} else {
		z.chainNSEC3()
	}
	if z.denial == denialNone {
		return
	}
	for _, n := range z.nodes {
		if n.place == PlaceOccluded {
			continue
		}
		switch z.denial {
		case denialNSEC:
			order := orderOf(n.wire)
			a := n.auxiliary()
			a.denial = n.find(dns.TypeNSEC)
			if n.place == PlaceEmpty {
				a.denial = z.covering([]byte(order))
			}
			a.noSource = z.covering([]byte(order + "*\x00"))
		case denialNSEC3:
			a := n.auxiliary()
			a.denial = z.matching(z.hash([]byte(n.wire)))
			a.noSource = z.coveringHash(z.hash([]byte("\x01*" + n.wire)))
		}
	}
}

// prepare makes once what Lookup hands out many times.
func (z *Zone) prepare() {
	soa := z.apex.find(dns.TypeSOA)
	z.negative = negativeTTL(soa.RRs, z.SOA())
	z.negativeSigned = negativeTTL(soa.signed(), z.SOA())
	for _, n := range z.nodes {
		if n.place == PlaceCut {
			n.auxiliary().referral = z.refer(n)
		}
		if n.place != PlaceData {
			continue
		}
		for i := range n.sets {
			s := &n.sets[i]
			if plain, signed := z.addressesOf(s, nil); len(plain) > 0 {
				s.addition().additional, s.more.additionalSigned = plain, signed
			}
		}
	}
}

// negativeTTL copies the SOA and its signatures with the lesser of its TTL and its last field, which is how long
// "there is none" may be remembered (RFC 2308 section 3).
func negativeTTL(rrs []dns.RR, soa *dns.SOA) []dns.RR {
	ttl := min(soa.Hdr.Ttl, soa.Minttl)
	out := make([]dns.RR, len(rrs))
	for i, rr := range rrs {
		if rr.Header().Ttl > ttl {
			rr = dns.Copy(rr)
			rr.Header().Ttl = ttl
		}
		out[i] = rr
	}
	return out
}
