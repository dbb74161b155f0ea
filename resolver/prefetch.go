package resolver

import (
	"context"
	"time"

	"faultzone/resolver/cache"
)

// Prefetch has data that clients ask for got anew shortly before it expires, so that none of them waits. The zero value:
// never.
type Prefetch struct {
	On bool
	// Trigger is how much life is left when it is got anew; 0: a tenth of its whole life, as Unbound has it. BIND's
	// prefetch has 2 s.
	Trigger time.Duration
	// Eligible is the least whole life of data that this is done for; 0: 10 s. BIND has 9 s, and wants it to be at least
	// 6 s more than the trigger.
	Eligible time.Duration
}

// due says whether one of the entries is to be got anew.
func (r *Resolver) due(entries []*cache.Entry, now time.Time) bool {
	if !r.cfg.Prefetch.On {
		return false
	}
	for _, e := range entries {
		if r.dueEntry(e, now) {
			return true
		}
	}
	return false
}

func (r *Resolver) dueEntry(e *cache.Entry, now time.Time) bool {
	p, life := &r.cfg.Prefetch, e.Expires.Sub(e.Stored)
	trigger, eligible := p.Trigger, p.Eligible
	if trigger == 0 {
		trigger = life / 10
	}
	if eligible == 0 {
		eligible = 10 * time.Second
	}
	return life >= eligible && e.Expires.Sub(now) <= trigger
}

// prefetch has those of an answer's entries that are due got anew.
func (r *Resolver) prefetch(a *reply, now time.Time) {
	if !r.cfg.Prefetch.On {
		return
	}
	for _, l := range a.links {
		if !r.dueEntry(l.entry, now) {
			continue
		}
		if _, failed := r.cache.Failure(l.key.name, l.key.qtype, now); !failed {
			r.refresh(l.key)
		}
	}
}

// refresh gets anew what the key is for, whatever the cache has, unless that is being done.
func (r *Resolver) refresh(key lookupKey) {
	r.mu.Lock()
	busy := r.refreshing[key]
	r.refreshing[key] = true
	r.mu.Unlock()
	if busy {
		return
	}
	r.report(func() Event {
		return Event{Kind: EventPrefetch, Query: key.String(), Text: "is got anew before anybody has to wait for it"}
	})
	r.background(func(ctx context.Context) {
		limited, cancel := r.cfg.Clock.WithTimeout(ctx, r.cfg.Limits.Time)
		defer cancel()
		t := r.newTask(limited, ctx)
		t.refresh = key
		t.lookup(key)
		r.mu.Lock()
		delete(r.refreshing, key)
		r.mu.Unlock()
	})
}
