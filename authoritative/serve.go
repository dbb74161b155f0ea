package authoritative

import (
	"context"
	"time"

	"github.com/miekg/dns"
)

// Serve answers a packed query with one packed message, with many (a zone transfer), or with none, each given to send.
// What is not a query is ignored. The error is send's, or the context's; the messages given to send are its own to keep.
// A transfer takes long, and waits only in send; a secondary that hands an update on waits for its primary.
func (s *Server) Serve(ctx context.Context, query []byte, from Peer, send func([]byte) error) error {
	reply, ok := s.AnswerNow(query, from)
	if ok {
		if reply == nil {
			return nil
		}
		return send(reply)
	}
	x := exchange{s: s, query: query, request: request{peer: from}, send: send, now: s.clock.Now()}
	return x.serve(ctx)
}

// exchange is one query that goes the ordinary way.
type exchange struct {
	s *Server
	request
	query   []byte
	layout  layout
	session *tsigSession // signs the answers; nil: they go unsigned
	send    func([]byte) error
	now     time.Time // when the query came
}

func (x *exchange) serve(ctx context.Context) error {
	opcode := wireOpcode(x.query)
	var err error
	if x.layout, err = measure(x.query); err != nil {
		if !spoken(opcode) {
			return x.sendBare(dns.RcodeNotImplemented)
		}
		return x.sendBare(dns.RcodeFormatError)
	}
	answered, err := x.authenticate()
	if answered {
		return err
	}
	q, err := unpackQuery(x.query)
	switch {
	case !spoken(opcode):
		return x.sendBare(dns.RcodeNotImplemented)
	case err != nil:
		return x.sendBare(dns.RcodeFormatError)
	case opcode == dns.OpcodeQuery && len(q.Question) != 1:
		return x.reply(x.s.respond(q, x.request))
	case len(q.Question) != 1:
		return x.sendBare(dns.RcodeFormatError)
	case opcode == dns.OpcodeUpdate:
		return x.update(ctx, q)
	case opcode == dns.OpcodeNotify:
		return x.reply(x.hearNotify(q))
	case q.Question[0].Qtype == dns.TypeAXFR || q.Question[0].Qtype == dns.TypeIXFR:
		return x.transferOut(ctx, q)
	}
	return x.reply(x.s.respond(q, x.request))
}

// spoken tells the opcodes that mean something here.
func spoken(opcode int) bool {
	return opcode == dns.OpcodeQuery || opcode == dns.OpcodeNotify || opcode == dns.OpcodeUpdate
}

// authenticate checks the query's TSIG, if it has one, and answers itself where that fails.
func (x *exchange) authenticate() (answered bool, err error) {
	r, body, err := splitTSIG(x.query, x.layout)
	if err != nil {
		return true, x.sendBare(dns.RcodeFormatError)
	}
	if r == nil {
		return false, nil
	}
	session, code, ok := x.s.checkTSIG(r, body, x.now)
	if !ok || code != 0 && !questionsReadable(x.query, x.layout) {
		return true, x.sendBare(dns.RcodeFormatError)
	}
	if code != 0 {
		x.s.report(Event{Kind: EventTSIG, Peer: x.peer.Addr,
			Text: "a request under the key " + r.name + ": " + tsigErrorName(code) + clockNote(code, r, x.now)})
		return true, x.send(tsigFailure(x.query, x.layout, r, session, code, x.now))
	}
	x.session, x.key = session, r.name
	return false, nil
}

// clockNote tells both clocks where they are what is wrong.
func clockNote(code uint16, r *tsigRecord, now time.Time) string {
	if code != dns.RcodeBadTime {
		return ""
	}
	return ", signed at " + time.Unix(int64(r.time), 0).UTC().Format(time.RFC3339) +
		" when our clock read " + now.UTC().Format(time.RFC3339)
}

// reply sends an answer, cut to what fits.
func (x *exchange) reply(a *answer) error {
	if a == nil {
		return nil
	}
	limit := a.edns.limit(x.peer.Network)
	if x.session != nil {
		limit -= x.session.room()
	}
	return x.sendPacked(a.fit(limit))
}

// sendPacked signs and sends a packed answer.
func (x *exchange) sendPacked(packed []byte) error {
	if x.session != nil {
		packed = x.session.sign(packed, x.s.clock.Now())
	}
	return x.send(packed)
}

// sendBare sends an answer of a header alone, to what could not be read further.
func (x *exchange) sendBare(rcode int) error {
	reply := append([]byte(nil), x.query[:headerLen]...)
	answerHeader(reply, rcode)
	reply[4], reply[5] = 0, 0
	return x.sendPacked(reply)
}
