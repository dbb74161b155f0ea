package resolver

import (
	"fmt"
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// learnDenial keeps the NSEC and NSEC3 records of a proven answer for other names (RFC 8198), for no longer than a denial
// of the zone may live: the lesser of the SOA's TTL and its MINIMUM, and the ceiling for negative answers (RFC 9077 section 3).
func (r *Resolver) learnDenial(e *cache.Entry, v verdict, now time.Time) {
	zone := v.zone
	if r.denials == nil || v.Status != validate.Secure || len(e.Proof) == 0 || zone == "" {
		return
	}
	life := r.cfg.MaxNegativeTTL
	if life == 0 {
		life = 3 * time.Hour
	}
	if e.Kind != cache.Positive {
		if len(e.SOA.RRs) == 0 || dns.CanonicalName(e.SOA.RRs[0].Header().Name) != zone {
			return
		}
		soa := e.SOA.RRs[0].(*dns.SOA)
		life = min(life, seconds(soa.Minttl), seconds(setTTL(e.SOA)))
		r.denials.Add(zone, e.SOA, r.until(v, now, life))
	}
	for _, set := range e.Proof {
		if !dns.IsSubDomain(zone, dns.CanonicalName(set.RRs[0].Header().Name)) {
			continue // it was not checked
		}
		r.denials.Add(zone, set, r.until(v, now, min(life, seconds(setTTL(set)))))
	}
	if v.Wildcard != "" && e.Type != dns.TypeANY {
		r.denials.AddWildcard(zone, dns.CanonicalName(v.Wildcard), e.Set, r.until(v, now, min(seconds(setTTL(e.Set)), maxTTL(&r.cfg))))
	}
}

func seconds(ttl uint32) time.Duration { return time.Duration(ttl) * time.Second }

func maxTTL(cfg *Config) time.Duration {
	if cfg.MaxTTL > 0 {
		return cfg.MaxTTL
	}
	return 7 * 24 * time.Hour
}

// until is the end of a life that begins now, within the signatures'.
func (r *Resolver) until(v verdict, now time.Time, life time.Duration) time.Time {
	end := now.Add(life)
	if !v.Until.IsZero() && v.Until.Before(end) {
		return v.Until
	}
	return end
}

// setTTL is the least TTL of a set and its signatures.
func setTTL(set validate.RRset) uint32 {
	ttl := set.RRs[0].Header().Ttl
	for _, rr := range set.RRs {
		ttl = min(ttl, rr.Header().Ttl)
	}
	for _, sig := range set.Sigs {
		ttl = min(ttl, sig.Hdr.Ttl, sig.OrigTtl)
	}
	return ttl
}

// denied answers for a name that was never asked for, by what its zone has said about its neighbours (RFC 8198); nil: that
// does not do.
func (r *Resolver) denied(key lookupKey, now time.Time) *cache.Entry {
	if r.denials == nil || !key.check || key.name == "." {
		return nil
	}
	inZone := key.name
	if key.qtype == dns.TypeDS {
		inZone = parent(key.name)
	}
	zone := r.denials.Zone(inZone)
	if zone == "" || r.iter.RouteZone(key.name) != r.iter.RouteZone(zone) || r.iter.Beyond(key.name, key.qtype) {
		return nil
	}
	var e *cache.Entry
	if r.denials.HasNSEC3(zone) {
		e = r.deniedBy(key, zone, r.spansNSEC3(zone, key, now), now)
	} else {
		e = r.deniedBy(key, zone, r.spansNSEC(zone, key.name, now), now)
	}
	if e != nil {
		r.report(func() Event {
			what := fmt.Sprintf("%s, by records of zone %s that are known for %d s more", e.Kind, zone, e.TTL(now))
			return Event{Kind: EventDenied, Query: key.String(), Text: what + ": nobody is asked (RFC 8198)"}
		})
	}
	return e
}

// spans are RRsets that speak about a name, and the wildcard that would stand for it.
type spans struct {
	list []*cache.Span
	star string
}

func (s *spans) add(span *cache.Span) {
	for _, have := range s.list {
		if have == span {
			return
		}
	}
	if span != nil {
		s.list = append(s.list, span)
	}
}

func (r *Resolver) spansNSEC(zone, name string, now time.Time) (s spans) {
	span := r.denials.NSEC(zone, name, now)
	if span == nil {
		return s
	}
	s.add(span)
	nsec := span.Set.RRs[0].(*dns.NSEC)
	encloser := max(dns.CompareDomainName(name, nsec.Hdr.Name), dns.CompareDomainName(name, nsec.NextDomain))
	s.star = wildcardAt(name, encloser)
	s.add(r.denials.NSEC(zone, s.star, now))
	return s
}

func (r *Resolver) spansNSEC3(zone string, key lookupKey, now time.Time) (s spans) {
	var cover *cache.Span
	for n := key.name; ; n = parent(n) {
		span, match := r.denials.NSEC3(zone, n, now)
		if match {
			s.add(span)
			if n == key.name {
				return s
			}
			s.star = wildcardAt(key.name, dns.CountLabel(n))
			break
		}
		if star := "*." + n; n != key.name && r.wildcard(zone, star, key.qtype, now) != nil {
			// Its answers say that n is there (RFC 5155 section 8.8).
			s.star = star
			s.add(cover)
			return s
		}
		if n == zone || n == "." {
			return spans{}
		}
		cover = span
	}
	s.add(cover)
	span, _ := r.denials.NSEC3(zone, s.star, now)
	s.add(span)
	return s
}

// wildcard is an RRset of the type, or the CNAME, that was synthesised from star.
func (r *Resolver) wildcard(zone, star string, qtype uint16, now time.Time) *cache.Span {
	if span := r.denials.Wildcard(zone, star, qtype, now); span != nil {
		return span
	}
	return r.denials.Wildcard(zone, star, dns.TypeCNAME, now)
}

// wildcardAt is the wildcard below the last labels of a name.
func wildcardAt(name string, labels int) string {
	if labels == 0 {
		return "*."
	}
	starts := dns.Split(name)
	return "*." + name[starts[len(starts)-labels]:]
}

// deniedBy makes an entry of what the spans prove.
func (r *Resolver) deniedBy(key lookupKey, zone string, s spans, now time.Time) *cache.Entry {
	if len(s.list) == 0 {
		return nil
	}
	e := &cache.Entry{Name: key.name, Type: key.qtype, Rank: cache.Authority, Status: validate.Secure, Stored: now}
	for _, span := range s.list {
		e.Proof = append(e.Proof, span.Set)
		e.Expires = earlier(e.Expires, span.Expires)
	}
	known := validate.NewKnown(zone, e.Proof)
	switch {
	case known.NameError(key.name).Status == validate.Secure:
		e.Kind, e.Type = cache.NXDOMAIN, dns.TypeNone
	case known.NoData(key.name, key.qtype).Status == validate.Secure:
		e.Kind = cache.NODATA
	default:
		return r.expanded(key, zone, s.star, e, known, now)
	}
	soa := r.denials.SOA(zone, now)
	if soa == nil {
		return nil
	}
	e.SOA, e.Expires = soa.Set, earlier(e.Expires, soa.Expires)
	return e
}

// expanded makes e the answer of a wildcard whose RRset is known (RFC 8198 section 5.3).
func (r *Resolver) expanded(key lookupKey, zone, star string, e *cache.Entry, known *validate.Known, now time.Time) *cache.Entry {
	if star == "" || key.qtype == dns.TypeANY || known.NoCloserMatch(key.name, star).Status != validate.Secure {
		return nil
	}
	wild := r.wildcard(zone, star, key.qtype, now)
	if wild == nil {
		return nil
	}
	e.Kind, e.Type, e.Expires = cache.Positive, wild.Set.RRs[0].Header().Rrtype, earlier(e.Expires, wild.Expires)
	for _, rr := range wild.Set.RRs {
		rr = dns.Copy(rr)
		rr.Header().Name = key.name
		e.Set.RRs = append(e.Set.RRs, rr)
	}
	for _, sig := range wild.Set.Sigs {
		sig = dns.Copy(sig).(*dns.RRSIG)
		sig.Hdr.Name = key.name
		e.Set.Sigs = append(e.Set.Sigs, sig)
	}
	return e
}
