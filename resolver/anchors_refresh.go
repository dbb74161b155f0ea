package resolver

import (
	"context"
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// RefreshAnchors asks for the keys of zones with trust anchors as often as RFC 5011 section 2.3 wants it, until ctx ends. It
// is called by an activity of the Clock, once, with AnchorUpdates on; otherwise it returns at once.
func (r *Resolver) RefreshAnchors(ctx context.Context) error {
	if !r.trusted.policy.On || len(r.trusted.zones) == 0 {
		return nil
	}
	for {
		wait := 15 * 24 * time.Hour
		for _, zone := range sortedKeys(r.trusted.zones) {
			wait = min(wait, r.refreshAnchor(ctx, zone))
		}
		if err := r.cfg.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// refreshAnchor asks once, and says when to ask again.
func (r *Resolver) refreshAnchor(ctx context.Context, zone string) time.Duration {
	limited, cancel := r.cfg.Clock.WithTimeout(ctx, r.cfg.Limits.Time)
	defer cancel()
	t := r.newTask(limited, ctx)
	t.refresh = lookupKey{name: zone, qtype: dns.TypeDNSKEY, check: true}
	e, _ := t.lookup(t.refresh)
	if e == nil || e.Kind != cache.Positive || e.Status != validate.Secure {
		return time.Hour // the least that there is; without an RRset nothing says more
	}
	return refreshInterval(e, r.cfg.Clock.Now())
}

// refreshInterval is the queryInterval of RFC 5011 section 2.3: half the TTL, or half of what is left of the signature, an
// hour at least and 15 days at most.
func refreshInterval(e *cache.Entry, now time.Time) time.Duration {
	d := 15 * 24 * time.Hour
	for _, sig := range e.Set.Sigs {
		d = min(d, time.Duration(sig.OrigTtl)*time.Second/2)
	}
	if !e.Until.IsZero() {
		d = min(d, e.Until.Sub(now)/2)
	}
	return max(d, time.Hour)
}
