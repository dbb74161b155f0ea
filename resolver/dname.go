package resolver

import (
	"context"
	"strings"

	"github.com/miekg/dns"

	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"
)

// judgeDNAME takes a DNAME above the name and makes the CNAME of it (RFC 6672 section 3.4): the one that the server
// made is not signed.
func (r *Resolver) judgeDNAME(ctx context.Context, w *iterate.Work, q question, resp *iterate.Response, set validate.RRset, rank cache.Rank) found {
	owner := dns.CanonicalName(set.RRs[0].Header().Name)
	dname := &cache.Entry{Name: owner, Type: dns.TypeDNAME, Rank: rank, Set: set}
	of := question{Name: owner, Type: dns.TypeDNAME}
	if r.validating() {
		z := r.zoneFor(ctx, w, of, resp.Zone, set.Sigs)
		v := z.verdict()
		if z.status == validate.Secure {
			v = validate.Signed(set, z.name, z.keys, r.config.Clock.Now(), r.config.Validation)
		}
		apply(dname, v)
		r.reportVerdict(of, z, v)
	}
	return synthesise(q, dname)
}

// cachedDNAME finds a cached DNAME above the name.
func (r *Resolver) cachedDNAME(q question) (found, bool) {
	now := r.config.Clock.Now()
	for name := q.Name; name != "."; {
		name = parentOf(name)
		if e, ok := r.cache.RRset(name, dns.TypeDNAME, now); ok && e.Rank >= cache.NonAuthoritativeAnswer {
			return synthesise(q, e), true
		}
	}
	return found{}, false
}

// synthesise makes the CNAME for the question, with the DNAME's TTL and status. A name that gets too long is a failure
// (RFC 6672 section 2.2: YXDOMAIN).
func synthesise(q question, dname *cache.Entry) found {
	rr, ok := dname.Set.RRs[0].(*dns.DNAME)
	target := strings.TrimSuffix(q.Name, dname.Name)
	if ok {
		target += dns.CanonicalName(rr.Target)
		if rr.Target == "." {
			target = dns.Fqdn(strings.TrimSuffix(q.Name, dname.Name))
		}
		_, ok = dns.IsDomainName(target)
	}
	if !ok {
		return found{entry: &cache.Entry{Name: q.Name, Type: q.Type, Kind: cache.Failure,
			EDE: []dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeOther, ExtraText: "the DNAME at " + dname.Name + " makes a name that is too long"}}}}
	}
	cname := &dns.CNAME{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: rr.Hdr.Ttl}, Target: target}
	e := &cache.Entry{Name: q.Name, Type: dns.TypeCNAME, Rank: dname.Rank, Status: dname.Status, EDE: dname.EDE,
		Set: validate.RRset{RRs: []dns.RR{cname}}, Stored: dname.Stored, Expires: dname.Expires}
	return found{entry: e, dname: dname}
}
