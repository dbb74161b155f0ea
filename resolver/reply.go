package resolver

import (
	"strings"

	"github.com/miekg/dns"
)

// reply is what a client is told, before it is put into a message.
type reply struct {
	rcode             int
	answer, authority []dns.RR
	secure            bool
	ede               []dns.EDNS0_EDE
}

// refuse is for those who may not ask.
func (r *Resolver) refuse(q *question) *reply {
	r.report(func() Event {
		return Event{Kind: EventRefused, Query: q.String(), EDE: dns.ExtendedErrorCodeProhibited, Text: "this client may not ask"}
	})
	return &reply{rcode: dns.RcodeRefused, ede: []dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeProhibited}}}
}

// servfail says why there is no answer.
func servfail(ede []dns.EDNS0_EDE) *reply {
	return &reply{rcode: dns.RcodeServerFailure, ede: ede}
}

// maxExtraText bounds an extended error's text, so that it never is why an answer does not fit.
const maxExtraText = 200

// message makes the reply to q.
func (a *reply) message(q *question) *dns.Msg {
	m := &dns.Msg{
		MsgHdr: dns.MsgHdr{Id: q.id, Response: true, RecursionDesired: q.rd, RecursionAvailable: true, CheckingDisabled: q.cd,
			// RFC 6840 sections 5.7 and 5.8; whoever disables checking is told nothing about it.
			AuthenticatedData: a.secure && !q.cd && (q.ad || q.do), Rcode: a.rcode},
		Compress: true,
		Answer:   a.answer,
		Ns:       a.authority,
	}
	if q.asked != "" {
		m.Question = []dns.Question{{Name: q.asked, Qtype: q.qtype, Qclass: dns.ClassINET}}
	}
	if q.edns {
		opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
		opt.SetUDPSize(maxUDP)
		if q.do {
			opt.SetDo()
		}
		for _, e := range a.ede {
			if len(e.ExtraText) > maxExtraText {
				e.ExtraText = strings.ToValidUTF8(e.ExtraText[:maxExtraText], "") + "…"
			}
			opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: e.InfoCode, ExtraText: e.ExtraText})
		}
		m.Extra = []dns.RR{opt}
	} else if m.Rcode > 15 {
		m.Rcode = dns.RcodeFormatError // BADVERS cannot be told without EDNS
	}
	return m
}

// pack packs the message into no more than limit octets; what does not fit is left for TCP (RFC 2181 section 9).
func pack(m *dns.Msg, limit int) []byte {
	packed, err := m.Pack()
	if err == nil && len(packed) <= limit {
		return packed
	}
	short := &dns.Msg{MsgHdr: m.MsgHdr, Question: m.Question, Extra: m.Extra}
	if err == nil {
		short.Truncated = true
	} else {
		short.Rcode, short.AuthenticatedData = dns.RcodeServerFailure, false
	}
	if packed, err = short.Pack(); err != nil || len(packed) > limit {
		short.Extra = nil
		short.Rcode &= 0xF
		packed, _ = short.Pack()
	}
	return packed
}
