package resolver

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"
)

// CacheEntry is what the cache holds about one name and type, for people and programs to read.
type CacheEntry struct {
	Name   string
	Type   uint16 // dns.TypeNone where NXDOMAIN is known of the name as a whole
	TTL    uint32 // what is left, in seconds
	Kind   cache.Kind
	Status validate.Status
	Rank   cache.Rank
	RRs    []dns.RR // of a positive entry; shared: never write to them
	EDE    []uint16
}

// SetAllow changes who may ask; nil is everybody.
func (r *Resolver) SetAllow(list []netip.Prefix) {
	list = slices.Clone(list)
	r.allow.Store(&list)
}

// Allow is who may ask.
func (r *Resolver) Allow() []netip.Prefix { return slices.Clone(*r.allow.Load()) }

// Flush forgets everything about a name, failures too, and tells how many entries that were.
func (r *Resolver) Flush(name string) int { return r.cache.Flush(dns.CanonicalName(name)) }

// FlushTree forgets everything at and below a name.
func (r *Resolver) FlushTree(name string) int { return r.cache.FlushTree(dns.CanonicalName(name)) }

// Clear forgets everything.
func (r *Resolver) Clear() int { return r.cache.Clear() }

// CacheLen is the number of live entries.
func (r *Resolver) CacheLen() int { return r.cache.Len(r.config.Clock.Now()) }

// Cached is what would be answered from the cache about a name and type itself: data, an alias, or that there is none.
func (r *Resolver) Cached(name string, rrtype uint16) (CacheEntry, bool) {
	f, ok := r.cached(question{Name: dns.CanonicalName(name), Type: rrtype})
	if !ok || f.entry.Kind == cache.Failure {
		return CacheEntry{}, false
	}
	return r.describe(f.entry), true
}

// Dump is everything that is live in the cache, in canonical order of names.
func (r *Resolver) Dump() []CacheEntry {
	var list []CacheEntry
	for _, e := range r.cache.Dump(r.config.Clock.Now()) {
		list = append(list, r.describe(e))
	}
	return list
}

func (r *Resolver) describe(e *cache.Entry) CacheEntry {
	c := CacheEntry{Name: e.Name, Type: e.Type, TTL: e.TTL(r.config.Clock.Now()), Kind: e.Kind, Status: e.Status, Rank: e.Rank, RRs: e.Set.RRs}
	for _, x := range e.EDE {
		c.EDE = append(c.EDE, x.InfoCode)
	}
	return c
}
