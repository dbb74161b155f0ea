package iterate

import (
	"slices"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// scrubbed is what is left of a reply when all is gone that the zone's server has no say in. Names are canonical.
type scrubbed struct {
	rcode  int
	aa, ra bool
	// stray: the answer section has records, and none for the question.
	stray bool
	// upward: the authority section has an NS RRset of a zone above.
	upward bool
	// sure: it came in a way that cannot be forged from afar.
	sure bool
	// doubtful is set by classify: of use, if no other server of the zone says better.
	doubtful bool
	// chain is what the answer section says to the question: RRsets of the name and of what CNAME and DNAME make of it, in
	// order, as far as the zone goes.
	chain []validate.RRset
	// soa is the authority section's SOA whose zone the name is in.
	soa validate.RRset
	// ns is the authority section's NS RRset whose owner the name is at or below.
	ns validate.RRset
	// ds is the DS RRset of ns's owner.
	ds validate.RRset
	// proof are the NSEC and NSEC3 RRsets of the authority section.
	proof []validate.RRset
	// glue are addresses in the additional section, of names that ns has, or the answer to the priming question.
	glue []validate.RRset
}

// scrub takes from m, a reply of a server of zone, what may be believed. It decides nothing.
func scrub(m *dns.Msg, q Question, zone string) *scrubbed {
	s := &scrubbed{rcode: m.Rcode, aa: m.Authoritative, ra: m.RecursionAvailable}
	if len(m.Answer) > 0 {
		s.scrubAnswer(group(m.Answer, zone, q.Type, m.Ns, m.Extra), q, zone)
		s.stray = len(s.chain) == 0
	}
	if len(m.Ns) > 0 {
		s.scrubAuthority(group(m.Ns, zone, dns.TypeNone, m.Answer, m.Extra), q)
		s.upward = slices.ContainsFunc(m.Ns, func(rr dns.RR) bool {
			h := rr.Header()
			return h.Rrtype == dns.TypeNS && h.Class == dns.ClassINET && !dns.IsSubDomain(zone, h.Name) && dns.IsSubDomain(h.Name, zone)
		})
	}
	if len(m.Extra) > 0 {
		ns := s.ns.RRs
		if q.Name == "." && q.Type == dns.TypeNS && len(s.chain) > 0 {
			ns = s.chain[0].RRs
		}
		if len(ns) > 0 {
			s.scrubAdditional(ns, group(m.Extra, zone, dns.TypeNone, m.Answer, m.Ns))
		}
	}
	return s
}

func (s *scrubbed) scrubAnswer(sets rrsets, q Question, zone string) {
	name := q.Name
	for len(s.chain) <= len(sets.list) && dns.IsSubDomain(zone, name) {
		if set, ok := sets.above(name, zone, dns.TypeDNAME); ok {
			// Where there is a DNAME, nothing below it is there by itself; a CNAME was made from it.
			s.chain = append(s.chain, set)
			if name, ok = Redirect(name, set.RRs[0].(*dns.DNAME)); !ok {
				return
			}
			continue
		}
		set, ok := sets.find(name, q.Type)
		if q.Type == dns.TypeANY {
			set, ok = sets.all(name)
		}
		if ok {
			s.chain = append(s.chain, set)
			return
		}
		if set, ok = sets.find(name, dns.TypeCNAME); !ok {
			return
		}
		s.chain = append(s.chain, set)
		name = dns.CanonicalName(set.RRs[0].(*dns.CNAME).Target)
	}
}

func (s *scrubbed) scrubAuthority(sets rrsets, q Question) {
	for _, set := range sets.list {
		h := set.RRs[0].Header()
		switch h.Rrtype {
		case dns.TypeSOA:
			if len(s.soa.RRs) == 0 && len(set.RRs) == 1 && dns.IsSubDomain(h.Name, q.Name) {
				s.soa = set
			}
		case dns.TypeNS:
			if len(s.ns.RRs) == 0 && dns.IsSubDomain(h.Name, q.Name) {
				s.ns = set
			}
		case dns.TypeNSEC, dns.TypeNSEC3:
			s.proof = append(s.proof, set)
		}
	}
	if len(s.ns.RRs) > 0 {
		s.ds, _ = sets.find(s.ns.RRs[0].Header().Name, dns.TypeDS)
	}
}

func (s *scrubbed) scrubAdditional(ns []dns.RR, sets rrsets) {
	for _, rr := range ns {
		ns, ok := rr.(*dns.NS)
		if !ok {
			return
		}
		host := dns.CanonicalName(ns.Ns)
		for _, t := range [...]uint16{dns.TypeA, dns.TypeAAAA} {
			if set, ok := sets.find(host, t); ok {
				s.glue = append(s.glue, set)
			}
		}
	}
}

// rrsets are a section's RRsets in the order of their first records.
type rrsets struct {
	list  []validate.RRset
	index map[rrKey]int
}

type rrKey struct {
	name   string
	rrtype uint16
}

// group makes RRsets of a section's records, and leaves out those of other classes and outside of zone. Signatures go to
// what they cover, except to a question for signatures (qtype), where they are RRsets themselves; those that are in one of
// the other sections, too (RFC 4035 section 3.1.1 wants them together, and what they are worth is judged anyway).
func group(rrs []dns.RR, zone string, qtype uint16, others ...[]dns.RR) rrsets {
	s := rrsets{index: make(map[rrKey]int, len(rrs))}
	for _, rr := range rrs {
		h := rr.Header()
		switch {
		case h.Class != dns.ClassINET || h.Rrtype == dns.TypeOPT || !dns.IsSubDomain(zone, h.Name):
			continue
		case h.Rdlength == 0 && h.Rrtype != dns.TypeAPL: // unpacked from nothing, its fields are not set
			continue
		case h.Rrtype == dns.TypeRRSIG && qtype != dns.TypeRRSIG:
			continue
		}
		key := rrKey{dns.CanonicalName(h.Name), h.Rrtype}
		i, known := s.index[key]
		if !known {
			i = len(s.list)
			s.index[key] = i
			s.list = append(s.list, validate.RRset{})
		}
		if !known || !single(h.Rrtype) {
			s.list[i].RRs = appendNew(s.list[i].RRs, rr)
		}
	}
	s.sign(rrs)
	for _, rrs := range others {
		s.sign(rrs)
	}
	return s
}

// sign gives the RRsets their signatures of a section.
func (s rrsets) sign(rrs []dns.RR) {
	for _, rr := range rrs {
		sig, ok := rr.(*dns.RRSIG)
		if !ok || sig.Hdr.Rdlength == 0 || sig.Hdr.Class != dns.ClassINET {
			continue
		}
		if i, ok := s.index[rrKey{dns.CanonicalName(sig.Hdr.Name), sig.TypeCovered}]; ok && len(s.list[i].Sigs) < maxSigs {
			s.list[i].Sigs = append(s.list[i].Sigs, sig)
		}
	}
}

// maxSigs is how many signatures of an RRset are kept.
const maxSigs = 32

// single says of which types a name has one record at most (RFC 2181 section 10.1, RFC 6672 section 2.4).
func single(rrtype uint16) bool { return rrtype == dns.TypeCNAME || rrtype == dns.TypeDNAME }

// appendNew appends rr unless it is there already (RFC 2181 section 5). Of many records only the first are compared.
func appendNew(rrs []dns.RR, rr dns.RR) []dns.RR {
	for _, have := range rrs[:min(len(rrs), 32)] {
		if dns.IsDuplicate(have, rr) {
			return rrs
		}
	}
	return append(rrs, rr)
}

func (s rrsets) find(name string, rrtype uint16) (validate.RRset, bool) {
	i, ok := s.index[rrKey{name, rrtype}]
	if !ok {
		return validate.RRset{}, false
	}
	return s.list[i], true
}

// all is everything that there is of a name, as if it were one RRset: the answer to a question for ANY.
func (s rrsets) all(name string) (all validate.RRset, ok bool) {
	for _, set := range s.list {
		if dns.CanonicalName(set.RRs[0].Header().Name) == name {
			all.RRs, all.Sigs = append(all.RRs, set.RRs...), append(all.Sigs, set.Sigs...)
		}
	}
	return all, len(all.RRs) > 0
}

// above finds the RRset of the type at the nearest name above name, no higher than zone.
func (s rrsets) above(name, zone string, rrtype uint16) (validate.RRset, bool) {
	for name != zone && name != "." {
		name = parent(name)
		if set, ok := s.find(name, rrtype); ok {
			return set, true
		}
	}
	return validate.RRset{}, false
}

// parent is the name without its first label; the root's is the root.
func parent(name string) string {
	off, end := dns.NextLabel(name, 0)
	if end || name == "." {
		return "."
	}
	return name[off:]
}

// Redirect is what d makes of name, which is below its owner (RFC 6672 section 2.2), canonical; ok false: it would be too
// long, or name is not below.
func Redirect(name string, d *dns.DNAME) (target string, ok bool) {
	owner := dns.CanonicalName(d.Hdr.Name)
	if name == owner || !dns.IsSubDomain(owner, name) {
		return "", false
	}
	target = dns.CanonicalName(d.Target)
	prefix := name
	if owner != "." {
		prefix = name[:len(name)-len(owner)]
	}
	if target == "." {
		target = prefix
	} else {
		target = prefix + target
	}
	var wire [255]byte // RFC 1035 section 2.3.4; dns.IsDomainName lets some longer ones pass
	if _, err := dns.PackDomainName(target, wire[:], 0, nil, false); err != nil {
		return "", false
	}
	return target, true
}
