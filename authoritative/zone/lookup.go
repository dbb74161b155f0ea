package zone

import "github.com/miekg/dns"

// Outcome says how a lookup ended. Where aliases were followed, it is the outcome at the last name of the chain.
type Outcome uint8

const (
	Success    Outcome = iota // the question's type is in Answer
	NODATA                    // the name exists, the type does not (RFC 2308 section 2.2)
	NXDOMAIN                  // the name does not exist, and nothing below it does (RFC 8020)
	Delegation                // a referral to the zone below: its NS are in Authority, glue in Additional
	CNAME                     // Answer is a chain whose last CNAME leads out of the zone, or into a loop
	DNAME                     // the same by a DNAME and the CNAME made from it, or YXDOMAIN when the new name is too long
	NotInZone                 // the question is none for this zone
)

func (o Outcome) String() string {
	switch o {
	case Success:
		return "success"
	case NODATA:
		return "NODATA"
	case NXDOMAIN:
		return "NXDOMAIN"
	case Delegation:
		return "delegation"
	case CNAME:
		return "CNAME"
	case DNAME:
		return "DNAME"
	}
	return "not in zone"
}

// Result is what a zone says to a question. The sections' records are shared: copy one before changing it.
type Result struct {
	Outcome Outcome
	// Rcode is NOERROR, NXDOMAIN, YXDOMAIN (RFC 6672 section 2.2), or REFUSED with NotInZone.
	Rcode int
	// Authoritative is the AA bit: it belongs to the first name of Answer (RFC 1035 section 4.1.1), so a referral
	// after an alias has it, and a plain referral has not.
	Authoritative                 bool
	Answer, Authority, Additional []dns.RR
}

// Lookup answers a question for qname, in whatever case, from the zone (RFC 1034 section 4.3.2). With dnssec, as for
// a query with the DO bit, it adds signatures and proofs, where the zone has them.
//
// Records keep the case in which the zone has them; those made for the question (from a wildcard, or the CNAME of a
// DNAME) have qname's. Type DS at a delegation point is answered from here, the parent's side (RFC 4035 section
// 3.1.4.1). ANY gives one RRset of the name, RRSIG the signatures of one (RFC 8482 section 4.1). Aliases are
// followed inside of the zone, at most 16 of them.
func (z *Zone) Lookup(qname string, qtype uint16, dnssec bool) Result {
	r, next := z.step(qname, qtype, dnssec)
	if next == "" {
		return r
	}
	return z.follow(r, qname, next, qtype, dnssec)
}

// maxLinks bounds how many aliases are followed; BIND's own bound was the same for decades.
const maxLinks = 16

// follow goes on from a first answer that was an alias of next.
func (z *Zone) follow(r Result, qname, next string, qtype uint16, dnssec bool) Result {
	var seen [maxLinks + 1]string
	seen[0], _ = wireOf(qname)
	for links := 1; next != "" && links <= maxLinks; links++ {
		wire, _ := wireOf(next)
		for _, before := range seen[:links] {
			if wire == before {
				return r
			}
		}
		seen[links] = wire
		var step Result
		step, next = z.step(next, qtype, dnssec)
		if step.Outcome == NotInZone {
			return r // what the outcome of the last link was
		}
		r.Outcome, r.Rcode = step.Outcome, step.Rcode
		r.Answer = appendNew(r.Answer, step.Answer)
		r.Authority = appendNew(r.Authority, step.Authority)
		r.Additional = step.Additional
	}
	return r
}

// appendNew appends the records that are not in section yet: two links may rest on one DNAME, two denials on one NSEC.
func appendNew(section, more []dns.RR) []dns.RR {
	if len(section) == 0 {
		return more
	}
next:
	for _, rr := range more {
		for _, old := range section {
			if rr == old {
				continue next
			}
		}
		section = append(section, rr)
	}
	return section
}

// step answers for one name. Where that name is an alias, next is the name that it stands for.
func (z *Zone) step(qname string, qtype uint16, dnssec bool) (r Result, next string) {
	var buf [maxWire + 1]byte
	wire, ok := appendWire(buf[:0], qname)
	if !ok {
		return Result{Outcome: NotInZone, Rcode: dns.RcodeRefused}, ""
	}
	n, off := z.closest(wire)
	if n == nil {
		return Result{Outcome: NotInZone, Rcode: dns.RcodeRefused}, ""
	}
	if n.cut != nil {
		if off == 0 && n.cut == n && qtype == dns.TypeDS {
			return z.parentSide(n, wire, dnssec), ""
		}
		return n.cut.aux.referral.result(dnssec), ""
	}
	if off == 0 {
		return z.atName(n, wire, qtype, dnssec)
	}
	if d := n.find(dns.TypeDNAME); d != nil {
		return redirect(d, qname, countLabels(wire)-countLabels(wire[off:]), qtype, dnssec)
	}
	if n.wildcard != nil {
		return z.atWildcard(n, wire, off, qname, qtype, dnssec)
	}
	return z.nameError(n, wire, off, dnssec), ""
}

// closest finds the longest existing name that is wire or above it, and where in wire it begins; nil outside of the
// zone.
func (z *Zone) closest(wire []byte) (n *node, off int) {
	for {
		if n := z.nodes[string(wire[off:])]; n != nil {
			return n, off
		}
		if wire[off] == 0 {
			return nil, off
		}
		off += 1 + int(wire[off])
	}
}

// atName answers for a name that exists and is the zone's own.
func (z *Zone) atName(n *node, wire []byte, qtype uint16, dnssec bool) (r Result, next string) {
	switch qtype {
	case dns.TypeANY:
		if s := n.smallest(); s != nil {
			return found(s, dnssec), ""
		}
	case dns.TypeRRSIG:
		if sigs := n.signatures(); sigs != nil {
			return Result{Authoritative: true, Answer: sigs}, ""
		}
	}
	if s := n.find(qtype); s != nil {
		return found(s, dnssec), ""
	}
	if s := n.find(dns.TypeCNAME); s != nil && qtype != dns.TypeRRSIG {
		return Result{Outcome: CNAME, Authoritative: true, Answer: s.records(dnssec)}, s.RRs[0].(*dns.CNAME).Target
	}
	return z.noData(n, wire, dnssec), ""
}

func found(s *set, dnssec bool) Result {
	return Result{Authoritative: true, Answer: s.records(dnssec), Additional: s.addresses(dnssec)}
}

// smallest chooses the one RRset that answers ANY: data rather than a denial.
func (n *node) smallest() *set {
	for i := range n.sets {
		if n.sets[i].Type != dns.TypeNSEC {
			return &n.sets[i]
		}
	}
	if len(n.sets) > 0 {
		return &n.sets[0]
	}
	return nil
}

// signatures gives those of the first RRset that has any.
func (n *node) signatures() []dns.RR {
	for i := range n.sets {
		s := &n.sets[i]
		if signed := s.signed(); len(signed) > len(s.RRs) {
			return signed[len(s.RRs):]
		}
	}
	return nil
}
