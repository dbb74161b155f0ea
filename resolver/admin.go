package resolver

import (
	"net/netip"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// Flush removes from the cache all that is known about a name, and tells how many entries that were. What the records of
// its neighbours say about it stays (Config.AggressiveNSEC).
func (r *Resolver) Flush(name string) int {
	name = dns.CanonicalName(name)
	return r.cache.Flush(name) + r.flushDenials(name, false)
}

// FlushTree does the same for a name and all below it.
func (r *Resolver) FlushTree(name string) int {
	name = dns.CanonicalName(name)
	return r.cache.FlushTree(name) + r.flushDenials(name, true)
}

func (r *Resolver) flushDenials(name string, tree bool) int {
	if r.denials == nil {
		return 0
	}
	return r.denials.Flush(name, tree)
}

// Clear empties the cache, forgets how the name servers behaved, and tells how many entries there were.
func (r *Resolver) Clear() int {
	r.iter.Forget()
	return r.cache.Clear() + r.flushDenials(".", true)
}

// SetAllow changes who may ask: nil is everybody, an empty list nobody. The list is copied.
func (r *Resolver) SetAllow(allow []netip.Prefix) {
	list := clone(allow)
	r.allow.Store(&list)
}

// Allow is who may ask; nil: everybody. The list is the caller's.
func (r *Resolver) Allow() []netip.Prefix { return clone(*r.allow.Load()) }

// clone copies a list and keeps nil and empty apart.
func clone(list []netip.Prefix) []netip.Prefix {
	if list == nil {
		return nil
	}
	return append(make([]netip.Prefix, 0, len(list)), list...)
}

func (r *Resolver) allowed(client netip.Addr) bool {
	list := *r.allow.Load()
	if list == nil {
		return true
	}
	client = client.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(client) {
			return true
		}
	}
	return false
}

// CacheEntry is something that the cache holds.
type CacheEntry struct {
	Name string // canonical
	Type uint16 // dns.TypeNone for NXDOMAIN, which is for all types
	// TTL is what is left, in whole seconds.
	TTL uint32
	// Kind is cache.Positive, NODATA, NXDOMAIN or Failure.
	Kind   cache.Kind
	Rank   cache.Rank
	Status validate.Status
	// EDE is what clients are told because of it.
	EDE []dns.EDNS0_EDE
	// RRs are the RRset, or the SOA of a negative answer, with the TTL that is left. They are shared: only read them.
	RRs []dns.RR
}

func (r *Resolver) show(e *cache.Entry) CacheEntry {
	now := r.cfg.Clock.Now()
	c := CacheEntry{Name: e.Name, Type: e.Type, TTL: e.TTL(now), Kind: e.Kind, Rank: e.Rank, Status: e.Status, EDE: e.EDE}
	c.RRs = e.AppendAuthority(e.AppendRRs(nil, now), now, false)
	return c
}

// Cached is what a client would be told about name and type out of the cache, positive or negative: not glue, which only
// helps to find servers, nor failures. An alias at the name is not followed.
func (r *Resolver) Cached(name string, rrtype uint16) (CacheEntry, bool) {
	now := r.cfg.Clock.Now()
	name = dns.CanonicalName(name)
	if e, ok := r.cache.Get(name, rrtype, now); ok && tellable(e, false) {
		return r.show(e), true
	}
	if e, ok := r.cache.RRset(name, dns.TypeCNAME, now); ok && tellable(e, false) {
		return r.show(e), true
	}
	return CacheEntry{}, false
}

// Dump lists all that the cache holds, delegations, glue and failures too, in canonical order of names, then by type.
func (r *Resolver) Dump() []CacheEntry {
	entries := r.cache.Dump(r.cfg.Clock.Now())
	list := make([]CacheEntry, len(entries))
	for i, e := range entries {
		list[i] = r.show(e)
	}
	return list
}

// CacheLen is how many entries that are.
func (r *Resolver) CacheLen() int { return r.cache.Len(r.cfg.Clock.Now()) }
