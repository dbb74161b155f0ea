package zone

import (
	"strings"

	"github.com/miekg/dns"
)

// atWildcard answers for a name that does not exist, from the wildcard below its closest encloser (RFC 4592 section
// 3.3.1). encloser begins at off in wire.
func (z *Zone) atWildcard(encloser *node, wire []byte, off int, qname string, qtype uint16, dnssec bool) (r Result, next string) {
	source := encloser.wildcard
	s := source.find(qtype)
	if qtype == dns.TypeANY {
		s = source.smallest()
	}
	alias := false
	if s == nil && qtype != dns.TypeRRSIG {
		s = source.find(dns.TypeCNAME)
		alias = s != nil
	}
	var p proof
	if s == nil {
		if dnssec {
			z.proveWildcardNoData(&p, encloser, wire, off)
		}
		return z.negativeResult(NODATA, dns.RcodeSuccess, &p, dnssec), ""
	}
	r = Result{Authoritative: true, Answer: renamed(s.records(dnssec), dns.Fqdn(qname)), Additional: s.addresses(dnssec)}
	if dnssec {
		// The signature shows that a wildcard answered; this, that nothing closer was there to (RFC 4035 section
		// 3.1.3.3, RFC 5155 section 7.2.6).
		z.proveNoCloser(&p, encloser, wire, off)
		r.Authority = p.records(nil)
	}
	if alias {
		r.Outcome, next = CNAME, s.RRs[0].(*dns.CNAME).Target
	}
	return r, next
}

// renamed copies records to another owner.
func renamed(rrs []dns.RR, owner string) []dns.RR {
	out := make([]dns.RR, len(rrs))
	for i, rr := range rrs {
		out[i] = dns.Copy(rr)
		out[i].Header().Name = owner
	}
	return out
}

// redirect answers for a name below a DNAME (RFC 6672 section 3.2): the DNAME and the CNAME that it makes of qname,
// whose first labels stay.
func redirect(d *set, qname string, labels int, qtype uint16, dnssec bool) (r Result, next string) {
	r = Result{Outcome: DNAME, Authoritative: true, Answer: d.records(dnssec)}
	qname = dns.Fqdn(qname)
	kept, last := 0, false
	for range labels {
		kept, last = dns.NextLabel(qname, kept)
	}
	if last { // the DNAME is the root's
		kept = len(qname)
	}
	target := qname[:kept] + strings.TrimPrefix(d.RRs[0].(*dns.DNAME).Target, ".")
	var buf [maxWire + 1]byte
	if _, ok := appendWire(buf[:0], target); !ok {
		r.Rcode = dns.RcodeYXDomain
		return r, ""
	}
	r.Answer = append(r.Answer, &dns.CNAME{
		Hdr:    dns.RR_Header{Name: qname, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: d.RRs[0].Header().Ttl},
		Target: target,
	})
	if qtype == dns.TypeCNAME || qtype == dns.TypeANY {
		r.Outcome = Success // the made CNAME is what was asked for
		return r, ""
	}
	return r, target
}
