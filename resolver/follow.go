package resolver

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// failure is why a question has no answer.
type failure struct {
	ede []dns.EDNS0_EDE
	// local: it comes from how this lookup came about (a circle, no time left), and says nothing about the question.
	local bool
	// checking: it is one of validation alone.
	checking bool
	// since is when it happened, if the cache remembers it.
	since time.Time
}

// told is what a client is told of it: that it comes from the cache, too (RFC 8914 section 4.14).
func (f *failure) told(now time.Time) []dns.EDNS0_EDE {
	if f.since.IsZero() {
		return f.ede
	}
	return append(f.ede[:len(f.ede):len(f.ede)], dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeCachedError,
		ExtraText: fmt.Sprintf("it failed %d s ago, and is not tried again yet", int(now.Sub(f.since).Seconds()))})
}

// finder finds what is known of a name and type, with check also whether it is to be believed; or the failure.
type finder func(key lookupKey) (*cache.Entry, *failure)

// answerCached answers from the cache alone; ok false: it does not have all that it takes.
func (r *Resolver) answerCached(q *question, now time.Time) (a *reply, ok bool) {
	missing, mark := false, q.rec.mark()
	a = r.follow(q, now, func(key lookupKey) (*cache.Entry, *failure) {
		e, f := r.cached(key, now)
		missing = e == nil && f == nil
		return e, f
	})
	if missing {
		q.rec.rewind(mark)
		return nil, false
	}
	if r.cfg.ServeStale.On && a.rcode == dns.RcodeServerFailure {
		if stale := r.staleInstead(q, a, whyRecheck); stale != a {
			return stale, true
		}
	}
	r.recordLinks(q, a)
	r.tell(q.rec, func() Event {
		return Event{Kind: EventCacheHit, Query: q.String(), EDE: firstCode(a.ede), Text: fromCache + a.line()}
	})
	r.prefetch(a, now)
	return a, true
}

// answer finds the answer out. ok false: ctx ended first.
func (r *Resolver) answer(ctx context.Context, q *question) (a *reply, ok bool) {
	limited, cancel := r.cfg.Clock.WithTimeout(ctx, r.cfg.Limits.Time)
	defer cancel()
	t := r.newTask(limited, ctx)
	t.rec = q.rec
	a = r.follow(q, time.Time{}, t.lookup)
	if ctx.Err() != nil {
		return nil, false
	}
	if a.rcode == dns.RcodeServerFailure {
		r.tell(q.rec, func() Event {
			return Event{Kind: EventServfail, Query: q.String(), EDE: firstCode(a.ede), Text: a.line()}
		})
	}
	return a, true
}

// follow goes from the question's name along CNAME and DNAME to the answer. TTLs are as of now, or, when that is zero, as
// of when all has been found.
func (r *Resolver) follow(q *question, now time.Time, find finder) *reply {
	if q.qtype == dns.TypeANY && r.cfg.ANY == ANYMinimal {
		return any8482(q)
	}
	var array [4]*cache.Entry
	var keyArray [4]lookupKey
	entries, keys := array[:0], keyArray[:0]
	key := lookupKey{name: q.name, qtype: q.qtype}
	a := &reply{}
	for {
		key.check = !q.cd && r.anchored(key.name)
		e, f := find(key)
		if f != nil {
			return servfail(f.told(r.cfg.Clock.Now()))
		}
		if e == nil {
			return a
		}
		if key.check && e.Status == validate.Bogus {
			return servfail(e.EDE)
		}
		entries, keys = append(entries, e), append(keys, key)
		target, alias := aliasOf(e, key)
		if !alias {
			break
		}
		if target == "" {
			a.rcode = dns.RcodeYXDomain // RFC 6672 section 2.2: the name that it makes is too long
			break
		}
		r.tell(q.rec, func() Event {
			event := Event{Kind: EventFollow, Query: q.String(), Text: fmt.Sprintf("%s leads to %s", dns.Type(e.Type), target)}
			a.follow = append(a.follow, event)
			return event
		})
		again := slices.ContainsFunc(keys, func(k lookupKey) bool { return k.name == target })
		if again || len(keys) > r.cfg.Limits.Links {
			return servfail([]dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeOther,
				ExtraText: fmt.Sprintf("the aliases of %s go in a circle or have no end (at %s)", q.name, target)}})
		}
		key.name = target
	}
	if now.IsZero() {
		now = r.cfg.Clock.Now()
	}
	r.fill(a, q, entries, keys, now)
	return r.sentinel(q, a)
}

// aliasOf says whether the entry is an alias for the key's name, and of which; empty: of a name that cannot be.
func aliasOf(e *cache.Entry, key lookupKey) (target string, alias bool) {
	if e.Kind != cache.Positive || e.Type == key.qtype && e.Name == key.name {
		return "", false
	}
	switch rr := e.Set.RRs[0].(type) {
	case *dns.CNAME:
		return dns.CanonicalName(rr.Target), true
	case *dns.DNAME:
		target, _ = iterate.Redirect(key.name, rr)
		return target, key.qtype != dns.TypeCNAME || target == "" // what it makes is itself the CNAME
	}
	return "", false
}

// fill makes the sections from the entries; keys are what they were found for.
func (r *Resolver) fill(a *reply, q *question, entries []*cache.Entry, keys []lookupKey, now time.Time) {
	a.secure = true
	a.links = make([]link, len(entries))
	for i, e := range entries {
		ttl, holds := r.ttlOf(e, now)
		l := link{entry: e, key: keys[i], answer: len(a.answer), authority: len(a.authority)}
		a.secure = a.secure && e.Status == validate.Secure && holds
		if e.Status == validate.Insecure || e.Status == validate.Indeterminate {
			a.ede = append(a.ede, e.EDE...)
		}
		switch e.Kind {
		case cache.NXDOMAIN:
			a.rcode = dns.RcodeNameError
		case cache.Positive:
			repeated := i > 0 && slices.Contains(entries[:i], e) // a DNAME that redirects twice, say
			if !repeated {
				a.answer = e.AppendRRsWith(a.answer, ttl)
			}
			if q.do && !repeated {
				a.answer = e.AppendSigsWith(a.answer, ttl)
			}
			if e.Type == dns.TypeDNAME && e.Name != keys[i].name && a.rcode != dns.RcodeYXDomain {
				a.answer = append(a.answer, synthesised(e, keys[i].name, ttl))
			}
		}
		a.authority = withoutRepeated(e.AppendAuthorityWith(a.authority, ttl, q.do), l.authority)
		l.answer, l.authority = len(a.answer)-l.answer, len(a.authority)-l.authority
		a.links[i] = l
	}
	if r.cfg.FullResponses {
		r.fillUp(a, q, now)
	}
}

// withoutRepeated takes out of rrs[from:] what is in rrs[:from] already (RFC 2181 section 5).
func withoutRepeated(rrs []dns.RR, from int) []dns.RR {
	if from == 0 {
		return rrs
	}
	kept := rrs[:from]
	for _, rr := range rrs[from:] {
		if !slices.ContainsFunc(rrs[:from], func(have dns.RR) bool { return dns.IsDuplicate(have, rr) }) {
			kept = append(kept, rr)
		}
	}
	return kept
}

// synthesised is the CNAME that a DNAME makes of name (RFC 6672 section 3.1).
func synthesised(e *cache.Entry, name string, ttl uint32) dns.RR {
	target, _ := iterate.Redirect(name, e.Set.RRs[0].(*dns.DNAME))
	return &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: ttl}, Target: target}
}

func firstCode(ede []dns.EDNS0_EDE) uint16 {
	if len(ede) == 0 {
		return 0
	}
	return ede[0].InfoCode
}

// fromCache begins what is reported of an answer from the cache.
const fromCache = "from the cache: "

// line is the reply in a line.
func (a *reply) line() string {
	before, after := a.text()
	if len(a.answer)+len(a.authority) == 0 {
		return before + after
	}
	return before + strconv.FormatUint(uint64(a.ttl()), 10) + after
}

// ttl is that of the first record.
func (a *reply) ttl() uint32 {
	for _, rrs := range [...][]dns.RR{a.answer, a.authority} {
		if len(rrs) > 0 {
			return rrs[0].Header().Ttl
		}
	}
	return 0
}

// text is what the line says before and after the first record's TTL.
func (a *reply) text() (before, after string) {
	before = dns.RcodeToString[a.rcode]
	if len(a.answer) > 0 {
		before += fmt.Sprintf(", %d records, TTL ", len(a.answer))
	} else if len(a.authority) > 0 {
		before += ", TTL "
	}
	if a.secure {
		after += ", secure"
	}
	for _, e := range a.ede {
		after += fmt.Sprintf("; %d (%s) %s", e.InfoCode, dns.ExtendedErrorCodeToString[e.InfoCode], e.ExtraText)
	}
	return before, after
}
