package resolver

import (
	"context"

	"github.com/miekg/dns"
)

// ServeTraced is [Resolver.Serve] for a query of which the path is wanted, too. told gets it before the answer is sent; it
// is not called for what is no query that can be read.
func (r *Resolver) ServeTraced(ctx context.Context, query []byte, from Peer, told func(*Trace), send func([]byte) error) error {
	var m dns.Msg
	if err := m.Unpack(query); err != nil || m.Response {
		return r.Serve(ctx, query, from, send)
	}
	rec := &recorder{clock: r.cfg.Clock}
	t := &Trace{Client: from.Addr.Addr(), Began: r.cfg.Clock.Now()}
	limit := maxTCP
	q, reply := r.admit(&m, from.Addr.Addr())
	if q != nil {
		q.rec = rec
		if from.Network == "tcp" {
			r.overTCP(q)
		}
		limit = q.limit(from.Network)
		if a, ok := r.resolve(ctx, q); ok {
			reply, t.Status = a.message(q), a.status()
		}
	}
	t.end(&m, reply, rec)
	told(t)
	if reply == nil {
		return nil
	}
	return send(pack(reply, limit))
}
