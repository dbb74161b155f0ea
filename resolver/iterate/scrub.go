package iterate

import (
	"github.com/miekg/dns"

	"faultzone/resolver/validate"
)

// sets groups a section into RRsets with their signatures, in order of appearance, leaving out whatever does not
// belong to zone: a server has a say in its own zone alone.
func sets(rrs []dns.RR, zone string) []validate.RRset {
	type id struct {
		name   string
		rrtype uint16
	}
	var order []id
	found := map[id]*validate.RRset{}
	get := func(i id) *validate.RRset {
		if found[i] == nil {
			found[i] = new(validate.RRset)
			order = append(order, i)
		}
		return found[i]
	}
	for _, rr := range rrs {
		h := rr.Header()
		name := dns.CanonicalName(h.Name)
		if h.Class != dns.ClassINET || !dns.IsSubDomain(zone, name) {
			continue
		}
		if sig, ok := rr.(*dns.RRSIG); ok {
			s := get(id{name, sig.TypeCovered})
			s.Sigs = append(s.Sigs, sig)
			continue
		}
		s := get(id{name, h.Rrtype})
		s.RRs = append(s.RRs, rr)
	}
	var list []validate.RRset
	for _, i := range order {
		if s := found[i]; len(s.RRs) > 0 {
			list = append(list, *s)
		}
	}
	return list
}

func setName(s validate.RRset) string { return dns.CanonicalName(s.RRs[0].Header().Name) }
func setType(s validate.RRset) uint16 { return s.RRs[0].Header().Rrtype }

// respond takes out of a classified reply what its kind is about.
func respond(m *dns.Msg, kind Kind, zone, name string, rrtype uint16) *Response {
	r := &Response{Kind: kind, Zone: zone, AA: m.Authoritative}
	if rrtype == dns.TypeRRSIG && kind == Answer {
		r.Answer = []validate.RRset{signaturesAsked(m.Answer, name)}
		return r
	}
	for _, s := range sets(m.Answer, zone) {
		owner, t := setName(s), setType(s)
		switch {
		case owner == name && t == rrtype && kind == Answer,
			owner == name && t == dns.TypeCNAME && kind == CNAME,
			owner != name && t == dns.TypeDNAME && kind == CNAME && dns.IsSubDomain(owner, name):
			r.Answer = append(r.Answer, s)
		}
	}
	for _, s := range sets(m.Ns, zone) {
		switch setType(s) {
		case dns.TypeSOA:
			if dns.IsSubDomain(setName(s), name) {
				r.SOA = s
			}
		case dns.TypeNSEC, dns.TypeNSEC3:
			r.Proof = append(r.Proof, s)
		}
	}
	return r
}

// signaturesAsked is the set that a question of type RRSIG is answered with.
func signaturesAsked(rrs []dns.RR, name string) validate.RRset {
	var s validate.RRset
	for _, rr := range rrs {
		if rr.Header().Rrtype == dns.TypeRRSIG && dns.CanonicalName(rr.Header().Name) == name {
			s.RRs = append(s.RRs, rr)
		}
	}
	return s
}
