package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// Resolver answers questions. Make it with New.
type Resolver struct {
	cfg     Config
	cache   *cache.Cache
	iter    *iterate.Iterator
	trusted *anchorSet
	// insecure are the zones with a negative trust anchor.
	insecure map[string]bool
	policy   validate.Policy
	allow    atomic.Pointer[[]netip.Prefix] // what it points to may be nil: everybody

	denials *cache.Denials // nil: they are not used beyond their own questions
	local   localData
	waiting atomic.Int32 // clients
	counts  cacheCounts
	// life ends with end, and with it what goes on in the background.
	life context.Context
	end  context.CancelFunc

	mu      sync.Mutex
	flights map[lookupKey]*flight
	// refreshing are those under way that nobody needs to wait for.
	refreshing map[lookupKey]bool
}

// New makes a resolver with an empty cache. Its error tells everything that is wrong with cfg.
func New(cfg Config) (*Resolver, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("resolver %s: %w", cfg.Name, err)
	}
	cfg.Limits = cfg.Limits.withDefaults()
	cfg.setClientDefaults()
	r := &Resolver{
		cfg:     cfg,
		cache:   cache.New(cfg.cacheConfig()),
		trusted: newAnchorSet(&cfg),
		policy:  validate.Policy{Skew: cfg.Skew, SHA1: cfg.SHA1, MaxNSEC3Iterations: cfg.MaxNSEC3Iterations},
		flights: make(map[lookupKey]*flight),

		refreshing: make(map[lookupKey]bool),
	}
	if cfg.AggressiveNSEC {
		r.denials = cache.NewDenials(cfg.denialBytes())
	}
	if cfg.ServeStale.On || cfg.Prefetch.On {
		r.life, r.end = cfg.Clock.WithTimeout(context.Background(), 0)
	}
	r.SetAllow(cfg.Allow)
	r.insecure, _ = zoneSet("DomainInsecure", cfg.DomainInsecure) // checked before
	ic := iterate.Config{Hints: cfg.Hints, Clock: cfg.Clock, Exchanger: cfg.Exchanger, Cache: r.cache, Rand: cfg.Rand,
		Anchored: sortedKeys(r.trusted.zones), Checked: r.anchored, Policy: cfg.iteration()}
	if cfg.Report != nil {
		ic.Report = func(e iterate.Event) {
			cfg.Report(ofIteration(e))
		}
	}
	var err error
	if r.local, err = newLocalData(&cfg); err != nil {
		return nil, fmt.Errorf("resolver %s: %w", cfg.Name, err)
	}
	if r.iter, err = iterate.New(ic); err != nil {
		return nil, fmt.Errorf("resolver %s: %w", cfg.Name, err)
	}
	return r, nil
}

// Resolve answers one question; nil means that nothing is sent back: query is itself a reply, or ctx ended before
// there was an answer. The answer is as long as it is, and the caller's to change; query is not changed.
func (r *Resolver) Resolve(ctx context.Context, query *dns.Msg, client netip.Addr) *dns.Msg {
	q, reply := r.admit(query, client)
	if q != nil {
		if a, ok := r.resolve(ctx, q); ok {
			reply = a.message(q)
		}
	}
	if reply == nil {
		return nil
	}
	return reply.Copy() // its records are the cache's
}
