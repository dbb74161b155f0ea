package resolver

import (
	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"

	"github.com/miekg/dns"
)

// notReady is the failure's extended errors, with 14 (Not Ready, RFC 8914 section 4.15) where the resolver is to be primed
// and has not reached a root server since it began.
func (r *Resolver) notReady(f *iterate.Failure) []dns.EDNS0_EDE {
	list := f.EDE()
	if f.Zone != "." || !r.cfg.Prime || r.iter.Beyond(f.Question.Name, f.Question.Type) {
		return list
	}
	if e, ok := r.cache.RRset(".", dns.TypeNS, r.cfg.Clock.Now()); ok && e.Rank >= cache.NonAuthoritativeAnswer {
		return list
	}
	return append(list, dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNotReady,
		ExtraText: "no root server has told yet who the root's servers are (priming)"})
}
