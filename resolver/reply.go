package resolver

import (
	"strings"

	"github.com/miekg/dns"
)

// reply is what a client is told, before it is put into a message.
type reply struct {
	rcode                         int
	authoritative                 bool
	passing                       bool // not to be kept: it depends on more than on what it was made of
	refused                       bool // this client gets no recursion: RA is clear (RFC 1035 section 4.1.1)
	answer, authority, additional []dns.RR
	secure                        bool
	ede                           []dns.EDNS0_EDE
	// links are what it was made of, in order, and follow what was reported on the way.
	links  []link
	follow []Event
}

// refuse is for those who may not ask.
func (r *Resolver) refuse(q *question) *reply {
	r.tell(q.rec, func() Event {
		return Event{Kind: EventRefused, Query: q.String(), EDE: dns.ExtendedErrorCodeProhibited, Text: "this client may not ask"}
	})
	return &reply{rcode: dns.RcodeRefused, refused: true, ede: []dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeProhibited, ExtraText: "this client may not ask here"}}}
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
		MsgHdr: dns.MsgHdr{Id: q.id, Response: true, RecursionDesired: q.rd, RecursionAvailable: !a.refused, CheckingDisabled: q.cd,
			// RFC 6840 sections 5.7 and 5.8. For who disables checking nothing is validated, but what was, stays so: Unbound,
			// BIND and PowerDNS tell it too.
			AuthenticatedData: a.secure && (q.ad || q.do), Authoritative: a.authoritative, Rcode: a.rcode},
		Compress: true,
		Answer:   a.answer,
		Ns:       a.authority,
		Extra:    a.additional,
	}
	if q.asked != "" {
		m.Question = []dns.Question{{Name: q.asked, Qtype: q.qtype, Qclass: dns.ClassINET}}
	}
	if q.edns {
		opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
		opt.SetUDPSize(uint16(q.most()))
		opt.Option = append(opt.Option, q.options...)
		if q.do {
			opt.SetDo()
		}
		for _, e := range a.ede {
			if len(e.ExtraText) > maxExtraText {
				e.ExtraText = strings.ToValidUTF8(e.ExtraText[:maxExtraText], "") + "…"
			}
			opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: e.InfoCode, ExtraText: e.ExtraText})
		}
		m.Extra = append(a.additional[:len(a.additional):len(a.additional)], opt)
	} else if m.Rcode > 15 {
		m.Rcode = dns.RcodeFormatError // BADVERS cannot be told without EDNS
	}
	return m
}
