package resolver

import (
	"fmt"
	"sync"

	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// recorder collects what becomes of one question. A nil one collects nothing, and costs nothing.
type recorder struct {
	clock Clock

	mu    sync.Mutex
	steps []Step
	over  bool // what is still done in the background is no part of the answer
}

func (rec *recorder) add(depth int, e Event) {
	if rec == nil {
		return
	}
	at := rec.clock.Now()
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if !rec.over {
		rec.steps = append(rec.steps, Step{At: at, Depth: depth, Event: e})
	}
}

// mark is where the record is; rewind goes back there.
func (rec *recorder) mark() int {
	if rec == nil {
		return 0
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return len(rec.steps)
}

func (rec *recorder) rewind(mark int) {
	if rec == nil {
		return
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.steps = rec.steps[:mark]
}

// end takes the steps out.
func (rec *recorder) end() []Step {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.over = true
	return rec.steps
}

// tell reports an event, and records it as one of the question itself.
func (r *Resolver) tell(rec *recorder, build func() Event) { r.tellAt(rec, 0, build) }

func (r *Resolver) tellAt(rec *recorder, depth int, build func() Event) {
	if r.cfg.Report == nil && rec == nil {
		return
	}
	e := build()
	if r.cfg.Report != nil {
		r.cfg.Report(e)
	}
	rec.add(depth, e)
}

// tell reports an event of the lookup under way.
func (t *task) tell(build func() Event) { t.r.tellAt(t.rec, len(t.stack), build) }

// recordAsking is the iteration's way into the record; nil without one.
func (t *task) recordAsking() func(iterate.Event) {
	if t.rec == nil {
		return nil
	}
	return func(e iterate.Event) { t.rec.add(len(t.stack), ofIteration(e)) }
}

func ofIteration(e iterate.Event) Event {
	return Event{Kind: e.Kind, Query: e.Query, Server: e.Server, Zone: e.Zone, Network: e.Network, Class: e.Class, Text: e.Text}
}

// recordCached notes what the cache had for the key.
func (t *task) recordCached(key lookupKey, e *cache.Entry, f *failure) {
	if t.rec != nil {
		t.rec.add(len(t.stack), t.r.heldEvent(key, e, f))
	}
}

// recordMissing notes that the key's data has to be asked for, and what the cache has that does not do.
func (t *task) recordMissing(key lookupKey) {
	if t.rec == nil {
		return
	}
	text := "not in the cache"
	now := t.r.cfg.Clock.Now()
	if e, ok := t.r.cache.Get(key.name, key.qtype, now); ok {
		text = fmt.Sprintf("the cache holds it for %d s more as %s, %s: that is not enough", e.TTL(now), e.Rank, e.Status)
		if t.refreshing(key, 0) {
			text = fmt.Sprintf("got anew with %d s left in the cache", e.TTL(now))
		}
	}
	t.rec.add(len(t.stack), Event{Kind: EventLookup, Query: key.String(), Text: text})
}

// heldEvent says what the cache has, and for how long.
func (r *Resolver) heldEvent(key lookupKey, e *cache.Entry, f *failure) Event {
	if e == nil {
		return Event{Kind: EventCached, Query: key.String(), Class: cache.Failure.String(), EDE: firstCode(f.ede),
			Text: "the cache remembers that this failed" + edeText(f.ede)}
	}
	now := r.cfg.Clock.Now()
	ev := Event{Kind: EventCached, Query: key.String(), Class: e.Kind.String(), Status: e.Status, TTL: e.TTL(now), EDE: firstCode(e.EDE)}
	what := e.Kind.String()
	if e.Kind == cache.Positive {
		what = fmt.Sprintf("%d %s records", len(e.Set.RRs), dns.Type(e.Type))
		if len(e.Set.RRs) == 1 {
			what = "1 " + dns.Type(e.Type).String() + " record"
		}
	}
	if e.Name != key.name {
		what += " of " + e.Name
	}
	ev.Text = fmt.Sprintf("the cache holds %s for %d s more, %s", what, ev.TTL, e.Status)
	if e.Status == validate.Indeterminate {
		ev.Text = fmt.Sprintf("the cache holds %s for %d s more, not validated", what, ev.TTL)
	}
	if !e.Live(now) {
		ev.Text = fmt.Sprintf("the cache holds %s that expired %d s ago", what, int(now.Sub(e.Expires).Seconds()))
	}
	ev.Text += edeText(e.EDE)
	return ev
}

// recordLinks notes what a whole answer out of the cache was made of.
func (r *Resolver) recordLinks(q *question, a *reply) {
	if q.rec == nil {
		return
	}
	for _, l := range a.links {
		q.rec.add(0, r.heldEvent(l.key, l.entry, nil))
	}
	if len(a.links) == 0 && len(a.ede) > 0 {
		q.rec.add(0, r.heldEvent(lookupKey{name: q.name, qtype: q.qtype}, nil, &failure{ede: a.ede}))
	}
}

func edeText(list []dns.EDNS0_EDE) (s string) {
	for _, e := range list {
		s += fmt.Sprintf("; %d (%s) %s", e.InfoCode, dns.ExtendedErrorCodeToString[e.InfoCode], e.ExtraText)
	}
	return s
}
