package iterate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// What is tried when all of a zone's servers that are known have failed. A zone and its parent may disagree on who serves
// it and where, when it has moved, say; the child's word counts more (RFC 2181 section 5.4.1) and takes the place of the
// parent's in the cache, and yet it may be the one that is wrong.

// told is what a referral said of a server's addresses.
type told struct {
	addrs []netip.Addr
	until time.Time
}

// remember keeps glue for when the addresses that the server's own zone gives do not answer.
func (it *Iterator) remember(glue validate.RRset, now time.Time) {
	t := told{until: now.Add(time.Duration(min(glue.RRs[0].Header().Ttl, maxTold)) * time.Second)}
	for _, rr := range glue.RRs[:min(len(glue.RRs), maxAddresses)] {
		if a, ok := addressOf(rr); ok && it.usable(a) {
			t.addrs = append(t.addrs, a)
		}
	}
	if len(t.addrs) == 0 {
		return
	}
	host := dns.CanonicalName(glue.RRs[0].Header().Name)
	it.mu.Lock()
	defer it.mu.Unlock()
	if before, ok := it.told[host]; ok && now.Before(before.until) { // of the other family, perhaps
		for _, a := range before.addrs {
			if len(t.addrs) < maxAddresses && !slices.Contains(t.addrs, a) {
				t.addrs = append(t.addrs, a)
			}
		}
	} else if !ok && len(it.told) >= maxServers {
		clear(it.told)
	}
	it.told[host] = t
}

// maxTold is for how long glue is remembered at most, in seconds: a week.
const maxTold = 7 * 86400

// findGlue adds the addresses that referrals told of the zone's servers. It says whether there is somebody to ask now.
func (w *walk) findGlue() bool {
	before, now := len(w.targets), w.it.cfg.Clock.Now()
	for _, host := range w.zone.names {
		w.targets = w.it.addTargets(w.targets, host, w.zone.glue[host])
		w.it.mu.Lock()
		t := w.it.told[host]
		w.it.mu.Unlock()
		if now.Before(t.until) {
			w.targets = w.it.addTargets(w.targets, host, t.addrs)
		}
	}
	w.mark(w.targets[before:])
	return len(w.targets) > before
}

// findAbove asks the zone above for the address of a server that is in the zone itself and came without: it may have left out
// the glue (RFC 9471), and yet tell it when asked. It says whether there is somebody to ask now.
func (w *walk) findAbove(ctx context.Context) bool {
	if w.zone.zone == "." || w.zone.cached && w.mayClimb() {
		return false // there is nothing above, or another referral has the glue
	}
	for len(w.missing) > 0 && w.glueless < w.it.cfg.Limits.ZoneLookups && w.req.Budget.Lookups > 0 && ctx.Err() == nil {
		host, now := w.missing[0], w.it.cfg.Clock.Now()
		w.missing = w.missing[1:]
		if _, failed := w.it.cfg.Cache.Failure(host, dns.TypeNone, now); failed {
			continue
		}
		w.glueless++
		w.req.Budget.Lookups--
		w.report(EventGlueless, netip.AddrPort{}, func() string {
			return fmt.Sprintf("zone %s came without the address of its server %s; asking the zone above for it", w.zone.zone, host)
		})
		before := len(w.targets)
		for _, t := range w.it.addressTypes() {
			w.targets = w.it.addTargets(w.targets, host, w.addressAbove(ctx, Question{host, t}))
		}
		w.mark(w.targets[before:])
		if len(w.targets) > before {
			return true
		}
		w.it.cfg.Cache.Fail(host, dns.TypeNone, nil, w.it.cfg.Clock.Now())
	}
	return false
}

// addressAbove is what servers of the zone above answer, or refer with.
func (w *walk) addressAbove(ctx context.Context, q Question) (list []netip.Addr) {
	above := &walk{it: w.it, req: &Request{Question: q, Budget: w.req.Budget, Report: w.req.Report}, q: q, hidden: minimiser{off: true}}
	above.enter(w.it.above(w.zone.zone, w.it.cfg.Clock.Now()))
	s, _, kind, err := above.askZone(ctx)
	if err != nil {
		return nil
	}
	sets := s.glue
	if kind == Answer {
		sets = s.chain[:1]
	}
	for _, set := range sets {
		if dns.CanonicalName(set.RRs[0].Header().Name) != q.Name {
			continue
		}
		w.it.remember(set, w.it.cfg.Clock.Now())
		for _, rr := range set.RRs {
			if a, ok := addressOf(rr); ok {
				list = append(list, a)
			}
		}
	}
	return list
}

// climb goes back to the zone above when none of the servers that the cached delegation tells of was of use, and the parent
// may know more: it has the glue, and may name others than the zone itself does. If that did not help lately, it is not
// done (RFC 9520 section 3.2): zones whose servers are in each other would have their parent asked for every name
// ("TsuNAME").
func (w *walk) climb() bool {
	if !w.mayClimb() {
		return false
	}
	now := w.it.cfg.Clock.Now()
	w.climbed, w.spent = w.zone.zone, w.targets
	w.report(EventGlueless, netip.AddrPort{}, func() string {
		return "no server of " + w.zone.zone + " that is known is of use; asking the zone above who they are"
	})
	w.enter(w.it.above(w.zone.zone, now))
	return true
}

// mayClimb says whether to climb might help.
func (w *walk) mayClimb() bool {
	if !w.zone.cached || w.zone.zone == "." || w.climbed != "" || len(w.targets) > 0 && !w.zone.own && !w.lacksGlue {
		return false
	}
	_, failed := w.it.cfg.Cache.Failure(w.zone.zone, dns.TypeNone, w.it.cfg.Clock.Now())
	return !failed
}

// isSpent says whether the target was asked in vain already, before the walk climbed.
func (w *walk) isSpent(t *target) bool {
	return w.zone.zone == w.climbed && slices.ContainsFunc(w.spent, func(s *target) bool { return s.addr == t.addr })
}

// inVain remembers that to climb did not help.
func (w *walk) inVain(err error) {
	var f *Failure
	if w.climbed != "" && w.climbed == w.zone.zone && errors.As(err, &f) && f.Cause == nil {
		w.it.cfg.Cache.Fail(w.climbed, dns.TypeNone, f.EDE(), w.it.cfg.Clock.Now())
	}
}
