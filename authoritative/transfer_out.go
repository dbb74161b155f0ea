package authoritative

import (
	"context"
	"fmt"
	"iter"

	"github.com/miekg/dns"
)

// transferMessage is about how large the messages of a transfer are, before compression: where compression pointers
// still reach (RFC 1035 section 4.1.4).
const transferMessage = 16 << 10

// transferOut answers AXFR (RFC 5936) and IXFR (RFC 1995).
func (x *exchange) transferOut(ctx context.Context, q *dns.Msg) error {
	question := q.Question[0]
	e, rcode := readEDNS(q)
	a := &answer{msg: newReply(q, rcode), edns: e}
	if rcode != dns.RcodeSuccess {
		return x.reply(a.refuse(rcode, nil))
	}
	udp := x.peer.Network != "tcp"
	if udp && question.Qtype == dns.TypeAXFR { // RFC 5936 section 4.2
		return x.reply(a.refuse(dns.RcodeFormatError, nil))
	}
	v := x.s.viewFor(&x.peer, x.key)
	if v == nil || question.Qclass != dns.ClassINET {
		return x.reply(x.s.refuseQuestion(a, v, question, x.request))
	}
	h := v.exact(question.Name)
	if h == nil {
		return x.reply(a.refuse(dns.RcodeNotAuth, nil)) // RFC 5936 section 2.2.1
	}
	if !h.transfer.Load().Allows(x.peer.Addr.Addr(), x.key) {
		h.event(EventRefused, x.peer.Addr, "transfer of %s%s: not among those who may", h.name(), x.signedBy())
		return x.reply(a.refuse(dns.RcodeRefused, newEDE(dns.ExtendedErrorCodeProhibited, "zone transfer is not allowed")))
	}
	sv := h.current()
	if sv == nil {
		return x.reply(a.refuse(dns.RcodeServerFailure, newEDE(dns.ExtendedErrorCodeInvalidData, h.whyNot())))
	}
	if question.Qtype == dns.TypeIXFR {
		return x.ixfrOut(ctx, a, h, sv, q)
	}
	a.msg.Authoritative = true
	a.edns.attach(a.msg, nil)
	a.tellExpire(q, h, sv)
	return x.zoneOut(ctx, a, h, sv)
}

// zoneOut sends the whole zone.
func (x *exchange) zoneOut(ctx context.Context, a *answer, h *hosted, sv *served) error {
	if err := x.sendRecords(ctx, a.msg, sv.zone.Transfer()); err != nil {
		h.event(EventTransferFailed, x.peer.Addr, "transfer out of %s broke off: %v", h.name(), err)
		return err
	}
	h.event(EventTransferOut, x.peer.Addr, "serial %d of %s has gone out%s", sv.zone.Serial(), h.name(), x.signedBy())
	return nil
}

// signedBy names the request's key, for events.
func (x *exchange) signedBy() string {
	if x.key == "" {
		return ", unsigned"
	}
	return fmt.Sprintf(", under the key %s", x.key)
}

// sendRecords sends the records in messages of about transferMessage octets, of which m is the first. The question and
// the OPT record are in that one alone (RFC 5936 sections 2.2 and 2.2.5).
func (x *exchange) sendRecords(ctx context.Context, m *dns.Msg, rrs iter.Seq[dns.RR]) error {
	size := 0
	flush := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		packed, err := m.Pack()
		if err != nil {
			return fmt.Errorf("packing a message of the transfer: %w", err)
		}
		m.Question, m.Extra, m.Answer, size = nil, nil, m.Answer[:0], 0
		return x.sendPacked(packed)
	}
	for rr := range rrs {
		n := dns.Len(rr)
		if size > 0 && size+n > transferMessage {
			if err := flush(); err != nil {
				return err
			}
		}
		m.Answer, size = append(m.Answer, rr), size+n
	}
	return flush()
}
