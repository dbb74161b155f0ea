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
	// Network is "udp" or "tcp". It decides how large an answer may be.
	Network string
}

const headerSize = 12

// Serve answers one packed query with at most one packed reply. It may wait. The error is send's.
func (r *Resolver) Serve(ctx context.Context, query []byte, from Peer, send func([]byte) error) error {
	if reply, ok := r.AnswerNow(query, from); ok {
		if reply == nil {
			return nil
		}
		return send(reply)
	}
	m := new(dns.Msg)
	if m.Unpack(query) != nil {
		return nil // AnswerNow has dealt with these
	}
	reply := r.Resolve(ctx, m, from.Addr.Addr())
	if reply == nil {
		return nil
	}
	if packed := pack(reply, m, from); packed != nil {
		return send(packed)
	}
	return nil
}

// AnswerNow answers what needs no waiting: from the cache, or with an error. ok false: use Serve. With ok and no reply
// nothing is to be sent: responses and what is too short for a header are not answered at all.
func (r *Resolver) AnswerNow(query []byte, from Peer) (reply []byte, ok bool) {
	if len(query) < headerSize || query[2]&0x80 != 0 {
		return nil, true
	}
	var m dns.Msg
	if m.Unpack(query) != nil {
		return malformed(query), true
	}
	out, q, open := r.begin(&m, from.Addr.Addr())
	if open {
		a, known := r.resolveCached(q)
		if !known && m.RecursionDesired {
			return nil, false
		}
		if known && a.failed() {
			a.ede = append(a.ede[:len(a.ede):len(a.ede)], dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeCachedError})
		}
		r.finish(out, &m, q, a, known)
	}
	if out == nil {
		return nil, true
	}
	return pack(out, &m, from), true
}

// pack makes the reply fit what the client can take.
func pack(reply, query *dns.Msg, from Peer) []byte {
	size := dns.MaxMsgSize - 1
	if from.Network != "tcp" {
		size = dns.MinMsgSize
		if opt := query.IsEdns0(); opt != nil {
			size = min(max(int(opt.UDPSize()), dns.MinMsgSize), ednsSize)
		}
	}
	reply.Compress = true
	packed, err := reply.Pack()
	if err == nil && len(packed) <= size {
		return packed
	}
	if err == nil && from.Network != "tcp" {
		// A partial RRset must not be taken for a whole one (RFC 2181 section 9): with TC the client asks again.
		reply.Truncated = true
		reply.Answer, reply.Ns = nil, nil
		if packed, err = reply.Pack(); err == nil && len(packed) <= size {
			return packed
		}
	}
	failed := &dns.Msg{MsgHdr: reply.MsgHdr, Question: reply.Question}
	failed.Rcode = dns.RcodeServerFailure
	failed.AuthenticatedData = false
	if packed, err = failed.Pack(); err != nil {
		return nil
	}
	return packed
}

// malformed is FORMERR for a query whose header is all that can be read.
func malformed(query []byte) []byte {
	h := make([]byte, headerSize)
	copy(h, query[:2])
	h[2] = 0x80 | query[2]&0x79
	h[3] = 0x80 | dns.RcodeFormatError
	return h
}
