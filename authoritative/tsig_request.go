package authoritative

import (
	"crypto/hmac"
	"encoding/binary"
	"time"

	"github.com/miekg/dns"
)

// checkTSIG checks the TSIG of a request in RFC 8945's order: key (section 5.2.1), MAC (5.2.2), time (5.2.3), truncation
// (5.2.4). code is the TSIG error to tell, 0 when all is well; ok false means FORMERR. The session signs the answers; it
// is nil where they go unsigned.
func (s *Server) checkTSIG(r *tsigRecord, body []byte, now time.Time) (session *tsigSession, code uint16, ok bool) {
	key := s.key(r.name)
	if key == nil || key.wireAlgorithm != r.wireAlgorithm {
		return nil, dns.RcodeBadKey, true
	}
	if len(r.mac) > key.size || len(r.mac) < key.shortest() {
		return nil, 0, false
	}
	want := key.mac(body, appendVariables(nil, r))
	if !hmac.Equal(want[:len(r.mac)], r.mac) {
		return nil, dns.RcodeBadSig, true
	}
	session = &tsigSession{key: key, prior: r.mac, least: len(r.mac)}
	switch {
	case !r.timely(now):
		return session, dns.RcodeBadTime, true
	case len(r.mac) < key.sent:
		return session, dns.RcodeBadTrunc, true
	}
	return session, 0, true
}

// questionsReadable tells whether the question section, which a failure repeats, can be read without what follows it.
func questionsReadable(query []byte, l layout) bool {
	head := append([]byte(nil), query[:l.questionEnd]...)
	clear(head[6:headerLen])
	return new(dns.Msg).Unpack(head) == nil
}

// tsigFailure is the answer to a request whose TSIG failed (RFC 8945 section 5.3.2): NOTAUTH, with the code in a TSIG
// record that repeats the request's time, and is signed unless the key or its MAC was what failed.
func tsigFailure(query []byte, l layout, r *tsigRecord, session *tsigSession, code uint16, now time.Time) []byte {
	reply := append([]byte(nil), query[:l.questionEnd]...)
	answerHeader(reply, dns.RcodeNotAuth)
	e := &tsigRecord{
		name: r.name, algorithm: r.algorithm, wireName: r.wireName, wireAlgorithm: r.wireAlgorithm,
		time: r.time, fudge: r.fudge, originalID: wireID(query), err: code,
	}
	if code == dns.RcodeBadTime {
		e.other = binary.BigEndian.AppendUint16(nil, uint16(uint64(now.Unix())>>32))
		e.other = binary.BigEndian.AppendUint32(e.other, uint32(now.Unix()))
	}
	if session != nil {
		e.mac = session.digest(reply, e)[:max(session.key.sent, session.least)]
	}
	return appendTSIG(reply, e)
}

// answerHeader turns the header of a query into that of an answer without records. RD stays, as in every answer.
func answerHeader(msg []byte, rcode int) {
	msg[2] = msg[2]&^(flagAA|flagTC) | flagQR
	msg[3] = byte(rcode)
	clear(msg[6:headerLen])
}

// tsigErrorName is the code as people write it.
func tsigErrorName(code uint16) string {
	switch code {
	case dns.RcodeBadSig: // the same number as BADVERS, which is what miekg/dns prints
		return "BADSIG"
	default:
		return dns.RcodeToString[int(code)]
	}
}
