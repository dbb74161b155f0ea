package resolver

import (
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// entryOf is what a response says, as the cache keeps it.
func entryOf(key lookupKey, resp *iterate.Response) *cache.Entry {
	e := &cache.Entry{Name: key.name, Type: key.qtype, Rank: cache.Answer}
	if !resp.Authoritative {
		e.Rank = cache.NonAuthoritativeAnswer
	}
	switch resp.Kind {
	case iterate.NXDOMAIN:
		e.Kind, e.SOA, e.Proof = cache.NXDOMAIN, resp.SOA, resp.Proof
	case iterate.NODATA:
		e.Kind, e.SOA, e.Proof = cache.NODATA, resp.SOA, resp.Proof
	default:
		h := resp.Chain[0].RRs[0].Header()
		e.Kind, e.Set, e.Name, e.Type = cache.Positive, resp.Chain[0], h.Name, h.Rrtype
		if key.qtype == dns.TypeANY && resp.Kind == iterate.Answer {
			e.Type = dns.TypeANY // all that there is of the name, in one entry
		}
		if synthesisedByWildcard(e.Set) {
			e.Proof = resp.Proof
		}
	}
	return e
}

// boundNS has an NS RRset live no longer than its teller may speak.
func boundNS(e *cache.Entry, resp *iterate.Response) {
	if e.Type != dns.TypeNS || e.Kind != cache.Positive {
		return
	}
	until, above := resp.Bound(dns.CanonicalName(e.Name))
	if e.Above = above; !until.IsZero() {
		e.Until = earlier(e.Until, until)
	}
}

// synthesisedByWildcard says whether a signature has fewer labels than its owner (RFC 4034 section 3.1.3).
func synthesisedByWildcard(set validate.RRset) bool {
	labels := dns.CountLabel(set.RRs[0].Header().Name)
	for _, sig := range set.Sigs {
		if int(sig.Labels) < labels && sig.TypeCovered == set.RRs[0].Header().Rrtype {
			return true
		}
	}
	return false
}

// keepRest remembers what a response says beyond its first link, unjudged: to where it leads. What came of a wildcard is
// left out, since whose denial is whose cannot be told.
// With secure, the first link is signed; what has no signature beside it would only make trouble when it is judged.
func (r *Resolver) keepRest(resp *iterate.Response, secure bool, now time.Time) {
	if len(resp.Chain) < 2 || synthesisedByWildcard(resp.Chain[0]) {
		return
	}
	for _, set := range resp.Chain[1:] {
		if synthesisedByWildcard(set) || secure && len(set.Sigs) == 0 {
			return
		}
		h := set.RRs[0].Header()
		if r.iter.Zone(h.Name) != resp.Zone {
			return // a delegation is known in between: that zone's servers have the say
		}
		// RFC 2181 section 5.4.1: only the data for the name asked for is what the server answered with authority.
		e := &cache.Entry{Name: h.Name, Type: h.Rrtype, Kind: cache.Positive, Rank: cache.NonAuthoritativeAnswer, Set: set}
		boundNS(e, resp)
		r.cache.Put(e, now)
	}
}

// keep puts a judged entry into the cache and returns what stands. Nothing unjudged does.
func (r *Resolver) keep(e *cache.Entry) *cache.Entry {
	stands := r.put(e, r.cfg.Clock.Now())
	if stands.Status == validate.Indeterminate || stands.Rank < cache.NonAuthoritativeAnswer {
		return e
	}
	return stands
}

// put puts an entry into the cache and returns what stands. That a parent denies the DS of a zone whose servers are
// configured, because it knows of no such name, says nothing about the other types at it: it is kept as NODATA. So is what
// this world denies of a name that is another one's too.
func (r *Resolver) put(e *cache.Entry, now time.Time) *cache.Entry {
	if e.Kind == cache.NXDOMAIN && (e.Type == dns.TypeDS && e.Name != "." && r.iter.RouteZone(e.Name) == e.Name ||
		r.iter.Split(e.Name) && !r.iter.Beyond(e.Name, e.Type)) {
		e.Kind = cache.NODATA
	}
	return r.cache.Put(e, now)
}

// earlier is the earlier of two times, of which the first may be none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
