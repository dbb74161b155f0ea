package resolver

import (
	"context"
	"fmt"
	"slices"
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
}

// finder finds what is known of a name and type, with check also whether it is to be believed; or the failure.
type finder func(key lookupKey) (*cache.Entry, *failure)

// answerCached answers from the cache alone; ok false: it does not have all that it takes.
func (r *Resolver) answerCached(q *question, now time.Time) (a *reply, ok bool) {
	missing := false
	a = r.follow(q, now, func(key lookupKey) (*cache.Entry, *failure) {
		e, f := r.cached(key, now)
		missing = e == nil && f == nil
		return e, f
	})
	if !missing {
		r.report(func() Event {
			return Event{Kind: EventCacheHit, Query: q.String(), EDE: firstCode(a.ede), Text: "from the cache: " + a.text()}
		})
		return a, true
	}
	if !q.rd { // asks what we know, not what can be found out
		return &reply{rcode: dns.RcodeRefused, ede: []dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeNotAuthoritative,
			ExtraText: "not in the cache, and recursion was not desired"}}}, true
	}
	return nil, false
}

// answer finds the answer out. ok false: ctx ended first.
func (r *Resolver) answer(ctx context.Context, q *question) (a *reply, ok bool) {
	limited, cancel := r.cfg.Clock.WithTimeout(ctx, maxTime)
	defer cancel()
	t := &task{r: r, ctx: limited, outer: ctx, budget: iterate.Budget{Queries: maxQueries}}
	a = r.follow(q, time.Time{}, t.lookup)
	if ctx.Err() != nil {
		return nil, false
	}
	if a.rcode == dns.RcodeServerFailure {
		r.report(func() Event {
			return Event{Kind: EventServfail, Query: q.String(), EDE: firstCode(a.ede), Text: a.text()}
		})
	}
	return a, true
}

// follow goes from the question's name along CNAME and DNAME to the answer. TTLs are as of now, or, when that is zero, as
// of when all has been found.
func (r *Resolver) follow(q *question, now time.Time, find finder) *reply {
	if q.qtype == dns.TypeANY {
		return any8482(q)
	}
	var array [4]*cache.Entry
	var nameArray [4]string
	entries, names := array[:0], nameArray[:0]
	key := lookupKey{name: q.name, qtype: q.qtype}
	a := &reply{}
	for {
		key.check = !q.cd && r.anchored(key.name)
		e, f := find(key)
		if f != nil {
			return servfail(f.ede)
		}
		if e == nil {
			return a
		}
		if key.check && e.Status == validate.Bogus {
			return servfail(e.EDE)
		}
		entries, names = append(entries, e), append(names, key.name)
		target, alias := aliasOf(e, key)
		if !alias {
			break
		}
		if target == "" {
			a.rcode = dns.RcodeYXDomain // RFC 6672 section 2.2: the name that it makes is too long
			break
		}
		r.report(func() Event {
			return Event{Kind: EventFollow, Query: q.String(), Text: fmt.Sprintf("%s leads to %s", dns.Type(e.Type), target)}
		})
		if slices.Contains(names, target) || len(names) == maxLinks {
			return servfail([]dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeOther,
				ExtraText: fmt.Sprintf("the aliases of %s go in a circle or have no end (at %s)", q.name, target)}})
		}
		key.name = target
	}
	if now.IsZero() {
		now = r.cfg.Clock.Now()
	}
	a.fill(q, entries, names, now)
	return a
}

// aliasOf says whether the entry is an alias for the key's name, and of which; empty: of a name that cannot be.
func aliasOf(e *cache.Entry, key lookupKey) (target string, alias bool) {
	if e.Kind != cache.Positive || e.Type == key.qtype {
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

// fill makes the sections from the entries; names are those that they were found for.
func (a *reply) fill(q *question, entries []*cache.Entry, names []string, now time.Time) {
	a.secure = true
	for i, e := range entries {
		a.secure = a.secure && e.Status == validate.Secure
		if e.Status == validate.Insecure {
			a.ede = append(a.ede, e.EDE...)
		}
		switch e.Kind {
		case cache.NXDOMAIN:
			a.rcode = dns.RcodeNameError
		case cache.Positive:
			a.answer = e.AppendRRs(a.answer, now)
			if q.do {
				a.answer = e.AppendSigs(a.answer, now)
			}
			if e.Type == dns.TypeDNAME && e.Name != names[i] && a.rcode != dns.RcodeYXDomain {
				a.answer = append(a.answer, synthesised(e, names[i], now))
			}
		}
		a.authority = e.AppendAuthority(a.authority, now, q.do)
	}
}

// synthesised is the CNAME that a DNAME makes of name (RFC 6672 section 3.1).
func synthesised(e *cache.Entry, name string, now time.Time) dns.RR {
	target, _ := iterate.Redirect(name, e.Set.RRs[0].(*dns.DNAME))
	return &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: e.TTL(now)}, Target: target}
}

// any8482 answers ANY without the work that it asks for (RFC 8482 section 4.2).
func any8482(q *question) *reply {
	return &reply{answer: []dns.RR{&dns.HINFO{Hdr: dns.RR_Header{Name: q.asked, Rrtype: dns.TypeHINFO, Class: dns.ClassINET, Ttl: 3600},
		Cpu: "RFC8482"}}}
}

func firstCode(ede []dns.EDNS0_EDE) uint16 {
	if len(ede) == 0 {
		return 0
	}
	return ede[0].InfoCode
}

// text is the reply in a line.
func (a *reply) text() string {
	s := dns.RcodeToString[a.rcode]
	if len(a.answer) > 0 {
		s += fmt.Sprintf(", %d records, TTL %d", len(a.answer), a.answer[0].Header().Ttl)
	} else if len(a.authority) > 0 {
		s += fmt.Sprintf(", TTL %d", a.authority[0].Header().Ttl)
	}
	if a.secure {
		s += ", secure"
	}
	for _, e := range a.ede {
		s += fmt.Sprintf("; %d (%s) %s", e.InfoCode, dns.ExtendedErrorCodeToString[e.InfoCode], e.ExtraText)
	}
	return s
}
