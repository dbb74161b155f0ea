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
	anchors map[string][]dns.RR // by zone, canonical
	policy  validate.Policy
	allow   atomic.Pointer[[]netip.Prefix] // what it points to may be nil: everybody

	mu      sync.Mutex
	flights map[lookupKey]*flight
}

// New makes a resolver with an empty cache. Its error tells everything that is wrong with cfg.
func New(cfg Config) (*Resolver, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("resolver %s: %w", cfg.Name, err)
	}
	r := &Resolver{
		cfg: cfg,
		cache: cache.New(cache.Config{MaxBytes: cfg.CacheBytes, MinTTL: cfg.MinTTL, MaxTTL: cfg.MaxTTL,
			MaxNegativeTTL: cfg.MaxNegativeTTL}),
		anchors: make(map[string][]dns.RR),
		policy:  validate.Policy{Skew: cfg.Skew},
		flights: make(map[lookupKey]*flight),
	}
	for _, rr := range cfg.TrustAnchors {
		zone := dns.CanonicalName(rr.Header().Name)
		r.anchors[zone] = append(r.anchors[zone], rr)
	}
	r.SetAllow(cfg.Allow)
	ic := iterate.Config{Hints: cfg.Hints, Clock: cfg.Clock, Exchanger: cfg.Exchanger, Cache: r.cache, Rand: cfg.Rand,
		IPv6: cfg.IPv6}
	if cfg.Report != nil {
		ic.Report = func(e iterate.Event) {
			cfg.Report(Event{Kind: e.Kind, Query: e.Query, Server: e.Server, Text: e.Text})
		}
	}
	var err error
	if r.iter, err = iterate.New(ic); err != nil {
		return nil, fmt.Errorf("resolver %s: %w", cfg.Name, err)
	}
	return r, nil
}

// Resolve answers one question; nil means that nothing is sent back: query is itself a reply, or ctx ended before
// there was an answer. The answer is as long as it is; query is not changed.
func (r *Resolver) Resolve(ctx context.Context, query *dns.Msg, client netip.Addr) *dns.Msg {
	q, reply := r.admit(query, client)
	if q == nil {
		return reply
	}
	a, ok := r.answerCached(q, r.cfg.Clock.Now())
	if !ok {
		if a, ok = r.answer(ctx, q); !ok {
			return nil
		}
	}
	return a.message(q)
}
