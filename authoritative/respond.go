package authoritative

import (
	"context"
	"fmt"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// request is what is known of a query beside its content.
type request struct {
	peer Peer
	key  string // the TSIG key it is signed with and has passed, or ""
}

// answer is a reply in the making.
type answer struct {
	msg  *dns.Msg
	edns edns
	// from is the zone version that alone decided the answer; nil when something else did too.
	from *served
	// outcome is the lookup's, for what may be left out of a reply that is too large.
	outcome zone.Outcome
	dropped bool // something was left out to fit
}

// Respond is the plain answer to a plain question; nil means that nothing is sent back. It is truncated to what fits
// from.Network and the query's EDNS size. A TSIG record in the query is not looked at, since it is over the packed
// bytes, and transfers and NOTIFY are NOTIMP here: use Serve for all of these.
func (s *Server) Respond(_ context.Context, query *dns.Msg, from Peer) *dns.Msg {
	a := s.respond(query, request{peer: from})
	if a == nil {
		return nil
	}
	a.fit(a.edns.limit(from.Network))
	return a.msg
}

// newReply is the skeleton of every answer: the query's ID, opcode, RD and question. AD and CD are left clear (RFC 4035
// section 3.1.6), and so is RA.
func newReply(q *dns.Msg, rcode int) *dns.Msg {
	m := &dns.Msg{Compress: true}
	m.Id, m.Opcode, m.Rcode = q.Id, q.Opcode, rcode
	m.Response, m.RecursionDesired = true, q.RecursionDesired
	m.Question = append([]dns.Question(nil), q.Question...)
	return m
}

// respond puts the answer to a query together; nil means that nothing is sent back.
func (s *Server) respond(q *dns.Msg, r request) *answer {
	if q.Response {
		return nil
	}
	e, rcode := readEDNS(q)
	if rcode == dns.RcodeSuccess {
		rcode = s.extend(&e, r.peer.Addr.Addr())
	}
	a := &answer{msg: newReply(q, rcode), edns: e}
	switch {
	case q.Opcode != dns.OpcodeQuery:
		return a.refuse(dns.RcodeNotImplemented, nil)
	case rcode != dns.RcodeSuccess:
		return a.refuse(rcode, nil)
	case s.badCookie(&e, r.peer.Network):
		return a.refuse(dns.RcodeBadCookie, nil)
	case len(q.Question) == 0 && e.replyCookie != nil: // a client that only wants a cookie, RFC 7873 section 5.4
		return a.refuse(dns.RcodeSuccess, nil)
	case len(q.Question) != 1: // RFC 9619
		return a.refuse(dns.RcodeFormatError, nil)
	}
	question := q.Question[0]
	if isMeta(question.Qtype) {
		return a.refuse(metaRcode(question.Qtype), nil)
	}
	if s.describe(a, question) {
		return a
	}
	v := s.viewFor(&r.peer, r.key)
	h, name := (*hosted)(nil), ""
	if v != nil && question.Qclass == dns.ClassINET {
		var err error
		if name, err = wireName(question.Name); err != nil {
			return a.refuse(dns.RcodeFormatError, nil)
		}
		h = v.find([]byte(name), question.Qtype)
	}
	if h == nil {
		return s.refuseQuestion(a, v, question, r)
	}
	sv := h.current()
	if sv == nil {
		return a.refuse(dns.RcodeServerFailure, newEDE(dns.ExtendedErrorCodeInvalidData, h.whyNot()))
	}
	a = s.lookup(a, v, sv, question)
	a.tellExpire(q, h, sv)
	return a
}

// metaRcode is the answer to the types that ask for no RRset and are not served here.
func metaRcode(qtype uint16) int {
	switch qtype {
	case 0, dns.TypeOPT, dns.TypeTSIG:
		return dns.RcodeFormatError
	}
	return dns.RcodeNotImplemented
}

// refuse makes the answer one without records.
func (a *answer) refuse(rcode int, ede *dns.EDNS0_EDE) *answer {
	a.msg.Rcode = rcode
	a.edns.attach(a.msg, ede)
	return a
}

// refuseQuestion is the answer where no view or no zone is there for the question.
func (s *Server) refuseQuestion(a *answer, v *view, q dns.Question, r request) *answer {
	why := fmt.Sprintf("not authoritative for %s", q.Name)
	view := ""
	switch {
	case v == nil:
		why = "no view for this client"
	case q.Qclass != dns.ClassINET:
		why, view = "only class IN is served", v.name
	default:
		view = v.name
	}
	if s.tell != nil {
		s.report(Event{Kind: EventRefused, View: view, Peer: r.peer.Addr,
			Text: fmt.Sprintf("%s %s: %s", q.Name, dns.Type(q.Qtype), why)})
	}
	return a.refuse(dns.RcodeRefused, newEDE(dns.ExtendedErrorCodeNotAuthoritative, why))
}

// lookup fills the answer in from the zone, and from other zones of the view where an alias leads there.
func (s *Server) lookup(a *answer, v *view, sv *served, q dns.Question) *answer {
	res := sv.zone.Lookup(q.Name, q.Qtype, a.edns.do)
	a.from, a.outcome = sv, res.Outcome
	m := a.msg
	m.Rcode, m.Authoritative = res.Rcode, res.Authoritative
	m.Answer, m.Ns, m.Extra = res.Answer, res.Authority, res.Additional
	if leadsOn(res) {
		a.follow(v, sv, q)
	}
	a.edns.attach(m, nil)
	return a
}

// leadsOn tells whether the lookup ended at an alias of something that this zone does not hold: outside of it, or below
// one of its delegations.
func leadsOn(res zone.Result) bool {
	switch res.Outcome {
	case zone.CNAME, zone.DNAME:
		return true
	case zone.Delegation:
		return len(res.Answer) > 0
	}
	return false
}

// maxFollowed bounds a chain of aliases through the zones of one view.
const maxFollowed = 8

// follow goes on at the end of a chain of aliases when it lies in another zone of the view (RFC 1034 section 4.3.2, step
// 3a: "go back to step 1"). A referral from there is left to the resolver to find.
func (a *answer) follow(v *view, sv *served, q dns.Question) {
	for range maxFollowed {
		target := chainEnd(a.msg.Answer)
		name, err := wireName(target)
		if target == "" || err != nil {
			return
		}
		h := v.find([]byte(name), q.Qtype)
		if h == nil {
			return
		}
		next := h.current()
		if next == nil || next == sv {
			return
		}
		res := next.zone.Lookup(target, q.Qtype, a.edns.do)
		if res.Outcome == zone.Delegation || res.Outcome == zone.NotInZone {
			return
		}
		a.from, sv = nil, next
		a.outcome = res.Outcome
		a.msg.Rcode = res.Rcode
		a.msg.Answer = append(a.msg.Answer[:len(a.msg.Answer):len(a.msg.Answer)], res.Answer...)
		a.msg.Ns = append(proofs(a.msg.Ns), res.Authority...)
		a.msg.Extra = res.Additional
		if res.Outcome != zone.CNAME && res.Outcome != zone.DNAME {
			return
		}
	}
}

// proofs are the records of an authority section that speak of the aliases passed (a wildcard's NSEC, say), without the
// referral or SOA that the section ended with.
func proofs(authority []dns.RR) []dns.RR {
	var kept []dns.RR
	for _, rr := range authority {
		switch coveredType(rr) {
		case dns.TypeNSEC, dns.TypeNSEC3:
			kept = append(kept, rr)
		}
	}
	return kept
}

// chainEnd is the target of the last CNAME of an answer, or "".
func chainEnd(answer []dns.RR) string {
	for i := len(answer) - 1; i >= 0; i-- {
		if c, ok := answer[i].(*dns.CNAME); ok {
			return c.Target
		}
	}
	return ""
}
