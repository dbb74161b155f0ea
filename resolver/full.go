package resolver

import (
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// fillUp adds to a positive answer the NS RRset of the zone that the last link is in, as far as that is known, and the
// addresses of hosts that the answer names (RFC 1034 section 4.3.2 step 6). What came with a referral, glue among it, may
// be told in these sections, and in these alone (RFC 2181 section 5.4.1).
func (r *Resolver) fillUp(a *reply, q *question, now time.Time) {
	if a.rcode != dns.RcodeSuccess || len(a.authority) > 0 || len(a.links) == 0 {
		return
	}
	last := a.links[len(a.links)-1].entry
	if ns, ok := r.cache.Closest(last.Name, dns.TypeNS, now); ok && ns != last && r.mayAdd(ns, q) &&
		(!a.secure || ns.Status == validate.Secure) { // AD is for this section too (RFC 4035 section 3.2.3)
		l := link{entry: ns, key: lookupKey{name: ns.Name, qtype: dns.TypeNS}, authority: len(a.authority)}
		a.authority = ns.AppendRRs(a.authority, now)
		if q.do {
			a.authority = ns.AppendSigs(a.authority, now)
		}
		l.authority = len(a.authority) - l.authority
		a.links = append(a.links, l)
	}
	for _, host := range append(hosts(a.answer), hosts(a.authority)...) {
		for _, t := range [...]uint16{dns.TypeA, dns.TypeAAAA} {
			e, ok := r.cache.RRset(host, t, now)
			if !ok || !r.mayAdd(e, q) || a.has(e) {
				continue
			}
			l := link{entry: e, key: lookupKey{name: host, qtype: t}, additional: len(a.additional)}
			a.additional = e.AppendRRs(a.additional, now)
			if q.do {
				a.additional = e.AppendSigs(a.additional, now)
			}
			l.additional = len(a.additional) - l.additional
			a.links = append(a.links, l)
		}
	}
}

// mayAdd says whether the entry may go with an answer: with checking, what was judged.
func (r *Resolver) mayAdd(e *cache.Entry, q *question) bool {
	return e.Kind == cache.Positive && e.Rank >= cache.Additional && e.Status != validate.Bogus && (q.cd || !r.anchored(e.Name) || tellable(e, true) && len(e.EDE) == 0)
}

func (a *reply) has(e *cache.Entry) bool {
	for _, l := range a.links {
		if l.entry == e {
			return true
		}
	}
	return false
}

// hosts are the names in records whose addresses the reader will want next.
func hosts(rrs []dns.RR) (list []string) {
	for _, rr := range rrs {
		switch rr := rr.(type) {
		case *dns.NS:
			list = append(list, dns.CanonicalName(rr.Ns))
		case *dns.MX:
			list = append(list, dns.CanonicalName(rr.Mx))
		case *dns.SRV:
			list = append(list, dns.CanonicalName(rr.Target))
		}
	}
	return list
}
