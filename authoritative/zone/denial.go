package zone

import (
	"sort"

	"github.com/miekg/dns"
)

// denial is how a zone proves what it has not.
type denial uint8

const (
	denialNone denial = iota
	denialNSEC
	denialNSEC3
)

// proof gathers the NSEC or NSEC3 sets of one answer. No answer needs more than three.
type proof struct {
	sets [3]*set
	n    int
}

// add takes a set once; nil, where the zone lacks a record, adds nothing.
func (p *proof) add(s *set) {
	if s == nil {
		return
	}
	for _, old := range p.sets[:p.n] {
		if old == s {
			return
		}
	}
	if p.n < len(p.sets) {
		p.sets[p.n] = s
		p.n++
	}
}

// records gives first and then the proof, in one new slice.
func (p *proof) records(first []dns.RR) []dns.RR {
	if p.n == 0 {
		return first
	}
	size := len(first)
	for _, s := range p.sets[:p.n] {
		size += len(s.signed())
	}
	out := append(make([]dns.RR, 0, size), first...)
	for _, s := range p.sets[:p.n] {
		out = append(out, s.signed()...)
	}
	return out
}

func (z *Zone) negativeResult(outcome Outcome, rcode int, p *proof, dnssec bool) Result {
	r := Result{Outcome: outcome, Rcode: rcode, Authoritative: true, Authority: z.negative}
	if dnssec {
		r.Authority = p.records(z.negativeSigned)
	}
	return r
}

// noData answers that n has nothing of the type (RFC 4035 section 3.1.3.1, RFC 5155 section 7.2.3).
func (z *Zone) noData(n *node, wire []byte, dnssec bool) Result {
	var p proof
	if dnssec {
		if n.denial() != nil || z.denial != denialNSEC3 {
			p.add(n.denial())
		} else {
			z.proveEncloser(&p, n, wire, 0) // an empty non-terminal inside of an opt-out span has no NSEC3
		}
	}
	return z.negativeResult(NODATA, dns.RcodeSuccess, &p, dnssec)
}

// nameError answers that the name does not exist and no wildcard stands for it (RFC 4035 section 3.1.3.2, RFC 5155
// section 7.2.2). encloser begins at off in wire.
func (z *Zone) nameError(encloser *node, wire []byte, off int, dnssec bool) Result {
	var p proof
	if dnssec {
		switch z.denial {
		case denialNSEC:
			z.proveNoCloser(&p, encloser, wire, off)
			p.add(encloser.noSource())
		case denialNSEC3:
			p.add(z.proveEncloser(&p, encloser, wire, off).noSource())
		}
	}
	return z.negativeResult(NXDOMAIN, dns.RcodeNameError, &p, dnssec)
}

// proveNoCloser shows that nothing exists between encloser and the name.
func (z *Zone) proveNoCloser(p *proof, encloser *node, wire []byte, off int) {
	switch z.denial {
	case denialNSEC:
		var buf [2 * maxWire]byte
		p.add(z.covering(appendOrder(buf[:0], wire)))
	case denialNSEC3:
		p.add(z.coveringHash(z.hash(wire[labelBefore(wire, off):])))
	}
}

// proveWildcardNoData shows that the wildcard answers, and has no such type (RFC 4035 section 3.1.3.4, RFC 5155
// section 7.2.5).
func (z *Zone) proveWildcardNoData(p *proof, encloser *node, wire []byte, off int) {
	if z.denial == denialNSEC3 {
		z.proveEncloser(p, encloser, wire, off)
	} else {
		z.proveNoCloser(p, encloser, wire, off)
	}
	p.add(encloser.wildcard.denial())
}

// proveNoDS shows that a delegation is insecure: by its own record, or by an opt-out span (RFC 5155 section 7.2.4).
func (z *Zone) proveNoDS(p *proof, cut *node, wire []byte) {
	if cut.denial() != nil || z.denial != denialNSEC3 {
		p.add(cut.denial())
		return
	}
	z.proveEncloser(p, cut, wire, 0)
}

// nameLink is one link of the chain of NSEC records.
type nameLink struct {
	order string // compares in canonical order
	set   *set
}

// covering finds the NSEC whose span holds a name that does not exist, given by its order key.
func (z *Zone) covering(order []byte) *set {
	i := sort.Search(len(z.nsecs), func(i int) bool { return z.nsecs[i].order > string(order) })
	if i == 0 {
		return nil // before the first: the apex's NSEC is missing
	}
	return z.nsecs[i-1].set
}

// labelBefore says where in wire the label begins that ends at off, which is not 0.
func labelBefore(wire []byte, off int) int {
	at := 0
	for {
		next := at + 1 + int(wire[at])
		if next == off {
			return at
		}
		at = next
	}
}
