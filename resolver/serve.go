package resolver

import (
	"context"
	"net/netip"

	"github.com/miekg/dns"
)

// Peer is the other end of a query.
type Peer struct {
	// Addr is where the query came from, Local where it arrived.
	Addr, Local netip.AddrPort
	// Network is "udp" or "tcp"; it decides how large an answer may be.
	Network string
}

// Serve takes a packed query and sends the packed answer, or nothing where there is nothing to say: to replies, and when
// ctx ends first. It waits as long as the answer takes. The error is send's.
func (r *Resolver) Serve(ctx context.Context, query []byte, from Peer, send func([]byte) error) error {
	if reply, ok := r.AnswerNow(query, from); ok {
		if reply == nil {
			return nil
		}
		return send(reply)
	}
	var m dns.Msg
	if err := m.Unpack(query); err != nil {
		return send(formatError(query))
	}
	q, reply := r.admit(&m, from.Addr.Addr())
	if q == nil {
		if reply == nil {
			return nil
		}
		return send(pack(reply, maxTCP))
	}
	a, ok := r.answerCached(q, r.cfg.Clock.Now())
	if !ok {
		if a, ok = r.answer(ctx, q); !ok {
			return nil
		}
	}
	return send(pack(a.message(q), q.limit(from.Network)))
}

// AnswerNow answers what needs no waiting: what is in the cache, and who may not ask. ok false means that Serve has to
// answer. A nil reply with ok true means that nothing is sent back. The reply is the caller's.
func (r *Resolver) AnswerNow(query []byte, from Peer) (reply []byte, ok bool) {
	if len(query) < headerLen || query[2]&flagQR != 0 {
		return nil, true
	}
	q, plain := readPlain(query)
	if !plain {
		return nil, false
	}
	if !r.allowed(from.Addr.Addr()) {
		return pack(r.refuse(&q).message(&q), q.limit(from.Network)), true
	}
	a, ok := r.answerCached(&q, r.cfg.Clock.Now())
	if !ok {
		return nil, false
	}
	return pack(a.message(&q), q.limit(from.Network)), true
}
