package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// Peer is the other end of a query.
type Peer struct {
	// Addr is where the query came from, Local where it arrived.
	Addr, Local netip.AddrPort
	// Network is "udp" or "tcp"; it decides how large an answer may be.
	Network string
}

// Serve takes a packed query and sends the packed answer, or nothing where there is nothing to say: to replies, to those
// who are to be dropped, and when ctx ends first. It waits as long as the answer takes. The error is send's.
func (r *Resolver) Serve(ctx context.Context, query []byte, from Peer, send func([]byte) error) error {
	if reply, ok := r.AnswerNow(query, from); ok {
		if reply == nil {
			return nil
		}
		return send(reply)
	}
	var m dns.Msg
	if err := m.Unpack(query); err != nil {
		if r.access(from.Addr.Addr()) == Drop {
			return nil
		}
		return send(formatError(query))
	}
	q, reply := r.admit(&m, from.Addr.Addr())
	if q == nil {
		if reply == nil {
			return nil
		}
		return send(pack(reply, maxTCP))
	}
	if from.Network == "tcp" {
		r.overTCP(q)
	}
	a, ok := r.resolve(ctx, q)
	if !ok {
		return nil
	}
	return send(pack(a.message(q), q.limit(from.Network)))
}

// AnswerNow answers what needs no waiting: what is in the cache or local, and who may not ask. ok false means that Serve
// has to answer. A nil reply with ok true means that nothing is sent back. The reply is the caller's. Answers out of the
// cache are kept packed until something that they are made of changes, so most calls cost one allocation.
func (r *Resolver) AnswerNow(query []byte, from Peer) (reply []byte, ok bool) {
	if len(query) < headerLen || query[2]&flagQR != 0 {
		return nil, true
	}
	var p plain
	if !p.read(query) || p.options && (r.cfg.ID != "" || r.cfg.TCPIdle > 0 || r.cfg.CookieSecret != nil) {
		return nil, false
	}
	p.maxUDP = r.cfg.MaxUDPSize
	action := r.access(from.Addr.Addr())
	if action == Drop {
		return nil, true
	}
	now := r.cfg.Clock.Now()
	if action == Answer && !r.recursionRefused(&p.question) {
		if reply = r.answerReady(&p, query, from.Network, now); reply != nil {
			r.counts.hits.Add(1)
			return reply, true
		}
	}
	q, named := p.named(query)
	if !named {
		return nil, false
	}
	limit := q.limit(from.Network)
	if action == Refuse {
		return pack(r.refuse(q).message(q), limit), true
	}
	since := r.cache.Changes()
	a, ok := r.answerAtOnce(q, now)
	if !ok {
		return nil, false
	}
	if p.keyLen > 0 {
		if kept := r.keepReady(q, a, since, now); kept != nil && len(kept.Packed) <= limit {
			return p.tell(kept, query, now), true
		}
	}
	return pack(a.message(q), limit), true
}

// answerAtOnce answers what needs no waiting; ok false: it takes some.
func (r *Resolver) answerAtOnce(q *question, now time.Time) (a *reply, ok bool) {
	if r.recursionRefused(q) {
		return notAuthoritative("recursion was not desired, and only those who desire it are served"), true
	}
	if a, ok = r.answerLocal(q); ok {
		return a, true
	}
	if a, ok = r.answerCached(q, now); ok {
		r.counts.hits.Add(1)
		return a, true
	}
	if r.cfg.ServeStale.On && r.cfg.ServeStale.Answer == StaleAtOnce {
		if stale, key := r.answerStale(q, now, whyAtOnce); stale != nil {
			r.reportStale(q, stale)
			r.refresh(key)
			return stale, true
		}
	}
	switch {
	case q.rd:
		return nil, false
	case r.cfg.NonRecursive == NonRecursiveReferral:
		if a = r.referral(q, now); a != nil {
			return a, true
		}
	}
	return notAuthoritative("not in the cache, and recursion was not desired"), true
}

// resolve answers, and waits for it if need be. ok false: nothing is sent back.
func (r *Resolver) resolve(ctx context.Context, q *question) (a *reply, ok bool) {
	if a, ok = r.answerAtOnce(q, r.cfg.Clock.Now()); ok {
		return a, true
	}
	r.counts.misses.Add(1)
	waiting := int(r.waiting.Add(1))
	defer r.waiting.Add(-1)
	if waiting <= r.cfg.MaxWaiting {
		return r.answerOrStale(ctx, q)
	}
	why := fmt.Sprintf("%d clients wait for answers already", r.cfg.MaxWaiting)
	r.tell(q.rec, func() Event { return Event{Kind: EventBusy, Query: q.String(), Text: why} })
	if r.cfg.DropWaiting {
		return nil, false
	}
	return servfail([]dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeOther, ExtraText: why}}), true
}
