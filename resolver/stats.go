package resolver

import "sync/atomic"

// CacheStats is how a resolver's cache does.
type CacheStats struct {
	// Hits are the clients' queries that the cache answered by itself, failures that it remembers included; Misses
	// those for which servers had to be asked, or a lookup under way waited for. Queries that are answered from local
	// data, refused or malformed are neither. Both begin at 0 with the resolver.
	Hits, Misses uint64
	// Entries is how many live entries there are, and Bytes what they take, by estimate, with expired ones that are
	// still kept; MaxBytes bounds it.
	Entries         int
	Bytes, MaxBytes int64
}

// cacheCounts are counted as queries are answered.
type cacheCounts struct{ hits, misses atomic.Uint64 }

// CacheStats tells how the cache does.
func (r *Resolver) CacheStats() CacheStats {
	return CacheStats{Hits: r.counts.hits.Load(), Misses: r.counts.misses.Load(), Entries: r.CacheLen(),
		Bytes: r.cache.Bytes(), MaxBytes: r.cache.MaxBytes()}
}
