package resolver

import (
	"context"
	"fmt"
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// StaleAnswer says when expired data is told.
type StaleAnswer uint8

const (
	// StaleAfterTimer: when ClientTimer has passed and there is no answer yet, or none came of it (RFC 8767 section 5;
	// Unbound's serve-expired-client-timeout). The resolution goes on after the client was answered.
	StaleAfterTimer StaleAnswer = iota
	// StaleAtOnce: without waiting, while the data is got anew (Unbound with serve-expired-client-timeout 0, BIND with
	// stale-answer-client-timeout 0).
	StaleAtOnce
	// StaleAfterFailure: only when the resolution has failed, however long that takes (BIND with
	// stale-answer-client-timeout off, its default).
	StaleAfterFailure
)

// ServeStale is what becomes of expired data (RFC 8767). Clients get it with the extended error 3, or 19 for a name that
// did not exist. The zero value: it is never told.
type ServeStale struct {
	// On has clients told expired data when there is no fresher.
	On bool
	// Answer says when.
	Answer StaleAnswer
	// ClientTimer is how long a client waits for fresh data; 0: 1.8 s (RFC 8767 section 5).
	ClientTimer time.Duration
	// TTL is that of expired data, whole seconds; 0: 30 s (RFC 8767 section 4).
	TTL time.Duration
	// Maximum is how long after its expiry data is told; 0: one day, as BIND and Unbound have it (RFC 8767 section 5
	// suggests 1 to 3 days).
	Maximum time.Duration
	// Recheck is how long after a failure expired data is told without asking again; 0: 30 s (RFC 8767 section 5, BIND's
	// stale-refresh-time); below 0: as long as any failure is remembered (RFC 9520).
	Recheck time.Duration
	// Reset has Maximum begin anew with each failure (Unbound's serve-expired-ttl-reset). BIND knows no such thing.
	Reset bool
	// NotForBogus has clients told SERVFAIL when fresh data came and is bogus. Otherwise that counts as a failure, as with
	// BIND and Unbound.
	NotForBogus bool
}

func (s *ServeStale) setDefaults() {
	orElse := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	orElse(&s.ClientTimer, 1800*time.Millisecond)
	orElse(&s.TTL, 30*time.Second)
	orElse(&s.Maximum, 24*time.Hour)
	orElse(&s.Recheck, 30*time.Second)
}

// staleEntry is expired data that may be told for the key.
func (r *Resolver) staleEntry(key lookupKey, now time.Time) *cache.Entry {
	for _, rrtype := range [...]uint16{key.qtype, dns.TypeCNAME} {
		e, ok := r.cache.Stale(key.name, rrtype, now)
		if rrtype != key.qtype && !key.aliased() {
			continue
		}
		if ok && tellable(e, key.check) && e.Status != validate.Bogus && (rrtype == key.qtype || e.Kind == cache.Positive) {
			return e
		}
	}
	return nil
}

// answerStale answers with expired data where nothing fresher is in the cache. a is nil if that does not do; otherwise key
// is the first thing that has expired. why is for the extended error.
func (r *Resolver) answerStale(q *question, now time.Time, why string) (a *reply, key lookupKey) {
	a = r.follow(q, now, func(k lookupKey) (*cache.Entry, *failure) {
		e, f := r.cached(k, now)
		if e != nil && e.Status != validate.Bogus {
			return e, nil
		}
		stale := r.staleEntry(k, now)
		if stale == nil {
			return e, f
		}
		if key.name == "" {
			key = k
		}
		return stale, nil
	})
	if key.name == "" || len(a.links) == 0 || a.rcode == dns.RcodeServerFailure {
		return nil, key
	}
	last := a.links[len(a.links)-1].entry
	if last.Kind == cache.Positive && last.Type != q.qtype {
		return nil, key // the end of the chain is not there
	}
	oldest := time.Duration(0)
	for _, l := range a.links {
		oldest = max(oldest, now.Sub(l.entry.Expires))
	}
	ede := dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeStaleAnswer, ExtraText: fmt.Sprintf("expired %d s ago; %s", int(oldest/time.Second), why)}
	if a.rcode == dns.RcodeNameError {
		ede.InfoCode = dns.ExtendedErrorCodeStaleNXDOMAINAnswer
	}
	a.ede = append([]dns.EDNS0_EDE{ede}, a.ede...)
	return a, key
}

// ttlOf is what clients are told of an entry's life, and whether its signatures, if it has any, still hold.
func (r *Resolver) ttlOf(e *cache.Entry, now time.Time) (ttl uint32, holds bool) {
	if e.Live(now) || !r.cfg.ServeStale.On || !e.Expires.After(e.Stored) { // of no life, and just found
		return e.TTL(now), true
	}
	return uint32(r.cfg.ServeStale.TTL / time.Second), signaturesHold(e, now)
}

// signaturesHold says whether each RRset of the entry has a signature that has not expired.
func signaturesHold(e *cache.Entry, now time.Time) bool {
	for _, set := range append([]validate.RRset{e.Set, e.SOA}, e.Proof...) {
		holds := len(set.RRs) == 0
		for _, sig := range set.Sigs {
			holds = holds || int32(sig.Expiration-uint32(now.Unix())) >= 0 // serial arithmetic, RFC 4034 section 3.1.5
		}
		if !holds {
			return false
		}
	}
	return true
}

func (r *Resolver) reportStale(q *question, a *reply) {
	r.tell(q.rec, func() Event {
		return Event{Kind: EventStale, Query: q.String(), EDE: firstCode(a.ede), Text: "expired data from the cache: " + a.line()}
	})
}

// The reasons that clients are told.
const (
	whyFailed  = "no fresh answer could be had"
	whyTimer   = "a fresh answer takes too long"
	whyAtOnce  = "a fresh answer is being looked for"
	whyRecheck = "no fresh answer could be had a moment ago"
)

// answerOrStale finds the answer out, and falls back on expired data. ok false: ctx ended first.
func (r *Resolver) answerOrStale(ctx context.Context, q *question) (a *reply, ok bool) {
	if !r.cfg.ServeStale.On {
		return r.answer(ctx, q)
	}
	if stale, _ := r.answerStale(q, r.cfg.Clock.Now(), ""); stale == nil || r.cfg.ServeStale.Answer == StaleAfterFailure {
		if a, ok = r.answer(ctx, q); ok {
			a = r.staleInstead(q, a, whyFailed)
		}
		return a, ok
	}
	done, fire := r.cfg.Clock.Signal()
	var fresh *reply // set before done fires
	var found bool
	r.background(func(ctx context.Context) {
		defer fire()
		fresh, found = r.answer(ctx, q)
	})
	timer, cancel := r.cfg.Clock.WithTimeout(ctx, r.cfg.ServeStale.ClientTimer)
	err := r.cfg.Clock.Await(timer, done)
	cancel()
	switch {
	case ctx.Err() != nil:
		return nil, false
	case err == nil && found:
		return r.staleInstead(q, fresh, whyFailed), true
	}
	if stale, _ := r.answerStale(q, r.cfg.Clock.Now(), whyTimer); stale != nil {
		r.reportStale(q, stale)
		return stale, true
	}
	if r.cfg.Clock.Await(ctx, done) != nil { // it was flushed meanwhile
		return nil, false
	}
	if !found { // Close has ended what goes on in the background
		return r.answer(ctx, q)
	}
	return fresh, true
}

// staleInstead is expired data in the place of a SERVFAIL, with its reasons, if there is any.
func (r *Resolver) staleInstead(q *question, a *reply, why string) *reply {
	if a.rcode != dns.RcodeServerFailure {
		return a
	}
	stale, _ := r.answerStale(q, r.cfg.Clock.Now(), why)
	if stale == nil {
		return a
	}
	for _, e := range a.ede {
		if e.InfoCode != dns.ExtendedErrorCodeCachedError { // that is of a SERVFAIL
			stale.ede = append(stale.ede, e)
		}
	}
	r.reportStale(q, stale)
	return stale
}

// background has f done by an activity of its own, whose context ends with the resolver.
func (r *Resolver) background(f func(ctx context.Context)) {
	r.cfg.Clock.Go(func() { f(r.life) })
}

// Close ends what goes on without a client: refreshing of data. The resolver can still be asked.
func (r *Resolver) Close() {
	if r.end != nil {
		r.end()
	}
}
