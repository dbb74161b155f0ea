package zone

import (
	"iter"

	"github.com/miekg/dns"
)

// RRset is all records of one owner name and type, with the signatures over them.
type RRset struct {
	// Name is the owner's name as it was first written; its case is kept.
	Name string
	Type uint16
	// RRs is never empty. Its records share one TTL.
	RRs []dns.RR
	// Sigs are the RRSIGs that cover this type here, in the order in which they were given.
	Sigs []*dns.RRSIG
}

// Zone is the content of one zone of class IN. It never changes; any number of goroutines may read it.
type Zone struct {
	origin   string // lower case, absolute
	apex     *node
	nodes    map[string]*node // by wire name: every name that exists, empty non-terminals too
	hashed   map[string]*node // by wire name: the owners of NSEC3 records, which exist for nobody's question
	order    []*node          // both, in canonical order
	sets     int
	warnings []string
	where    func(spot) position // of what was loaded from a file

	denial denial
	nsecs  []nameLink // denialNSEC: the chain, in canonical order
	chain  []hashNode // denialNSEC3: the chain, by hash
	params nsec3Params

	negative, negativeSigned []dns.RR // the SOA as negative answers carry it (RFC 2308 section 3)
}

// node is a name of the zone, whether it has data or not. There is one for every name, so it is kept small.
type node struct {
	name string // as written
	wire string
	sets []set // types ascending

	parent   *node // nil for the apex and for hashed owners
	cut      *node // the delegation at or above the node, if there is one
	wildcard *node // the child "*"
	aux      *aux
	place    Place
}

// aux is what few nodes of an unsigned zone have.
type aux struct {
	denial   *set // proves which types are here: the node's NSEC (for an empty one its predecessor's) or NSEC3
	noSource *set // proves that there is no wildcard child: the NSEC or NSEC3 that covers "*" below the node
	referral *referral
}

func (n *node) auxiliary() *aux {
	if n.aux == nil {
		n.aux = new(aux)
	}
	return n.aux
}

func (n *node) denial() *set {
	if n.aux == nil {
		return nil
	}
	return n.aux.denial
}

func (n *node) noSource() *set {
	if n.aux == nil {
		return nil
	}
	return n.aux.noSource
}

// at is where the node's first record stands.
func (n *node) at() spot {
	if len(n.sets) == 0 {
		return spot{}
	}
	return n.sets[0].at
}

// set is an RRset: like a node, small.
type set struct {
	Type uint16
	at   spot // of its first record
	RRs  []dns.RR
	more *more
}

// more is what a set has that is signed or points to names of the zone: all that Lookup hands out without making anything.
type more struct {
	sigs                         []*dns.RRSIG
	signed                       []dns.RR // RRs, then sigs; nil where there are none
	additional, additionalSigned []dns.RR // addresses of the names that RRs point to
}

func (s *set) name() string { return s.RRs[0].Header().Name }

func (s *set) addition() *more {
	if s.more == nil {
		s.more = new(more)
	}
	return s.more
}

// signed gives the records, then their signatures.
func (s *set) signed() []dns.RR {
	if s.more == nil || s.more.signed == nil {
		return s.RRs
	}
	return s.more.signed
}

func (s *set) records(dnssec bool) []dns.RR {
	if dnssec {
		return s.signed()
	}
	return s.RRs
}

func (s *set) addresses(dnssec bool) []dns.RR {
	switch {
	case s.more == nil:
		return nil
	case dnssec:
		return s.more.additionalSigned
	}
	return s.more.additional
}

func (s *set) rrset() RRset {
	r := RRset{Name: s.name(), Type: s.Type, RRs: s.RRs}
	if s.more != nil {
		r.Sigs = s.more.sigs
	}
	return r
}

func (n *node) find(rrtype uint16) *set {
	for i := range n.sets {
		if n.sets[i].Type == rrtype {
			return &n.sets[i]
		}
	}
	return nil
}

// Origin is the zone's name, absolute and in lower case.
func (z *Zone) Origin() string { return z.origin }

// SOA is the zone's SOA record, shared like all records.
func (z *Zone) SOA() *dns.SOA { return z.apex.find(dns.TypeSOA).RRs[0].(*dns.SOA) }

// Serial is the SOA's serial.
func (z *Zone) Serial() uint32 { return z.SOA().Serial }

// Len counts the RRsets; signatures belong to the sets that they cover.
func (z *Zone) Len() int { return z.sets }

// Warnings says in one line each what is questionable but does not keep the zone from being served: what an operator
// is told when a primary loads it. The order is always the same.
func (z *Zone) Warnings() []string { return z.warnings[:len(z.warnings):len(z.warnings)] }

// RRset gives the records of one name and type as the zone holds them, with no wildcards, referrals or aliases.
// Glue and the owners of NSEC3 records are found too.
func (z *Zone) RRset(name string, rrtype uint16) (RRset, bool) {
	wire, ok := wireOf(name)
	if !ok {
		return RRset{}, false
	}
	for _, names := range []map[string]*node{z.nodes, z.hashed} {
		if n := names[wire]; n != nil {
			if s := n.find(rrtype); s != nil {
				return s.rrset(), true
			}
		}
	}
	return RRset{}, false
}

// RRsets gives every RRset in canonical order (RFC 4034 section 6.1), so the apex comes first; types ascend within a
// name.
func (z *Zone) RRsets() iter.Seq[RRset] {
	return func(yield func(RRset) bool) {
		for _, n := range z.order {
			for i := range n.sets {
				if !yield(n.sets[i].rrset()) {
					return
				}
			}
		}
	}
}

// records gives every record and signature once, in canonical order.
func (z *Zone) records() iter.Seq[dns.RR] {
	return func(yield func(dns.RR) bool) {
		for _, n := range z.order {
			for i := range n.sets {
				for _, rr := range n.sets[i].signed() {
					if !yield(rr) {
						return
					}
				}
			}
		}
	}
}

// Transfer gives the zone as AXFR sends it (RFC 5936 section 2.2): the SOA, everything else with its signatures, the
// SOA again.
func (z *Zone) Transfer() iter.Seq[dns.RR] {
	return func(yield func(dns.RR) bool) {
		soa := z.SOA()
		if !yield(soa) {
			return
		}
		for rr := range z.records() {
			if rr != dns.RR(soa) && !yield(rr) {
				return
			}
		}
		yield(soa)
	}
}
