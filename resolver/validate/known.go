package validate

import (
	"time"

	"github.com/miekg/dns"
)

// Known asks NSEC and NSEC3 RRsets that were found Secure before, all of one zone, whose signatures are not checked again
// (RFC 8198). Verdicts are those of NameError, NoData and NoCloserMatch; only Secure ones prove anything.
type Known struct {
	d proof
	v Verdict
}

// NewKnown reads the RRsets. Those that are not of the zone are ignored.
func NewKnown(zone string, sets []RRset) *Known {
	k := &Known{}
	c, ok := newChecker(zone, nil, time.Time{}, Policy{})
	if !ok {
		k.v = bogus(dns.ExtendedErrorCodeDNSBogus, "zone %q is not a domain name", zone)
		return k
	}
	k.d.checker = c
	for _, set := range sets {
		for _, rr := range set.RRs {
			if owner, ok := parseName(rr.Header().Name); ok && owner.within(c.zone) {
				k.d.read(owner, rr)
			}
		}
	}
	k.v = k.d.usable(c.zone)
	return k
}

// NameError says whether they prove that qname does not exist, and no wildcard stands for it.
func (k *Known) NameError(qname string) Verdict { return k.ask(qname, k.d.nameError) }

// NoData says whether they prove that qname has no RRset of qtype.
func (k *Known) NoData(qname string, qtype uint16) Verdict {
	return k.ask(qname, func(q name) Verdict { return k.d.noData(q, qtype) })
}

// NoCloserMatch says whether they prove that wildcard stands for qname.
func (k *Known) NoCloserMatch(qname, wildcard string) Verdict {
	return k.ask(qname, func(q name) Verdict {
		star, ok := parseName(wildcard)
		if !ok || !star.isWildcard() || !q.below(star.parent()) {
			return bogus(dns.ExtendedErrorCodeDNSBogus, "%s is not synthesised from %q", q, wildcard)
		}
		return k.d.noCloserMatch(q, star.parent())
	})
}

func (k *Known) ask(qname string, about func(name) Verdict) Verdict {
	if k.v.Status != Secure {
		return k.v
	}
	q, ok := parseName(qname)
	if !ok || !q.within(k.d.zone) {
		return bogus(dns.ExtendedErrorCodeDNSBogus, "%q is not a name in zone %s", qname, k.d.zone)
	}
	return about(q)
}
