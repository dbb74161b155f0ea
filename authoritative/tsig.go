package authoritative

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// fudge is how many seconds apart two clocks may be (RFC 8945 section 10 recommends 300).
const fudge = 300

// maxUnsigned is how many messages of a transfer in a row may go without a TSIG (RFC 8945 section 5.3.1).
const maxUnsigned = 99

// tsigSession is the chain of MACs of one request and all that answers it. The MAC of each message covers the one
// before it, so that no answer can be taken for another's, and none be left out of a transfer.
type tsigSession struct {
	key *tsigKey
	// prior is the MAC that the next message is chained to.
	prior []byte
	// least is how long the answers' MACs are at least: as long as the request's (RFC 8945 section 5.2.2.1).
	least int
	// continued is set after the first answer: from then on only the timers are hashed, not all variables.
	continued bool
	// unsigned holds the messages received since the last that was signed.
	unsigned []byte
	count    int
}

// signRequest signs a packed query and returns it with the session in which its answers are verified.
func signRequest(key *tsigKey, msg []byte, now time.Time) ([]byte, *tsigSession) {
	r := key.record(msg, now)
	r.mac = key.mac(msg, appendVariables(nil, r))[:key.sent]
	return appendTSIG(msg, r), &tsigSession{key: key, prior: r.mac}
}

// record is a TSIG record for msg that still lacks its MAC.
func (k *tsigKey) record(msg []byte, now time.Time) *tsigRecord {
	return &tsigRecord{
		name: k.name, algorithm: k.algorithm, wireName: k.wireName, wireAlgorithm: k.wireAlgorithm,
		time: uint64(now.Unix()), fudge: fudge, originalID: wireID(msg),
	}
}

// sign signs the next answer.
func (s *tsigSession) sign(msg []byte, now time.Time) []byte {
	r := s.key.record(msg, now)
	r.mac = s.digest(msg, r)[:max(s.key.sent, s.least)]
	s.prior, s.continued = r.mac, true
	return appendTSIG(msg, r)
}

// room is how many octets sign adds.
func (s *tsigSession) room() int { return tsigRoom(s.key) }

// digest is the MAC of an answer: over the MAC before it, its own bytes without TSIG, and the variables or timers (RFC
// 8945 sections 5.3 and 5.3.1).
func (s *tsigSession) digest(body []byte, r *tsigRecord) []byte {
	prior := binary.BigEndian.AppendUint16(nil, uint16(len(s.prior)))
	prior = append(prior, s.prior...)
	if s.continued {
		return s.key.mac(prior, s.unsigned, body, appendTimers(nil, r))
	}
	return s.key.mac(prior, s.unsigned, body, appendVariables(nil, r))
}

var (
	errUnsigned  = errors.New("the answer is not signed, though the query was: does the other side know the TSIG key?")
	errWrongKey  = errors.New("the answer is signed with another TSIG key than the query")
	errBadMAC    = errors.New("the answer's TSIG does not verify: the two sides' secrets differ, or it was changed on its way")
	errShortMAC  = errors.New("the answer's MAC is truncated more than TSIGKey.MAC allows")
	errEndLoose  = errors.New("the transfer's last message is not signed")
	errTooLoose  = fmt.Errorf("more than %d messages in a row are not signed", maxUnsigned)
	errWrongTime = errors.New("the answer was signed at another time")
)

// tsigRefusal is the other side's verdict on our TSIG.
type tsigRefusal struct {
	code   uint16
	theirs time.Time // with BADTIME, if told
	ours   time.Time
}

func (e *tsigRefusal) Error() string {
	switch e.code {
	case dns.RcodeBadKey:
		return "TSIG BADKEY: the other side does not know the key"
	case dns.RcodeBadSig:
		return "TSIG BADSIG: the other side has another secret for the key"
	case dns.RcodeBadTrunc:
		return "TSIG BADTRUNC: the other side wants a longer MAC; set TSIGKey.MAC"
	case dns.RcodeBadTime:
		if e.theirs.IsZero() {
			return "TSIG BADTIME: the two clocks differ by more than the fudge"
		}
		return fmt.Sprintf("TSIG BADTIME: the other side's clock reads %s, ours %s; set the wrong one right",
			e.theirs.Format(time.RFC3339), e.ours.Format(time.RFC3339))
	}
	return fmt.Sprintf("TSIG error %d", e.code)
}

// verify checks the next answer. In a transfer, messages after the first may come unsigned; done must then hold at the
// end.
func (s *tsigSession) verify(msg []byte, now time.Time) error {
	l, err := measure(msg)
	if err != nil {
		return err
	}
	r, body, err := splitTSIG(msg, l)
	if err != nil {
		return err
	}
	if r == nil {
		return s.passUnsigned(msg)
	}
	if r.wireName != s.key.wireName || r.wireAlgorithm != s.key.wireAlgorithm {
		return errWrongKey
	}
	if r.err == dns.RcodeBadKey || r.err == dns.RcodeBadSig { // these come without a MAC, RFC 8945 section 5.3.2
		return &tsigRefusal{code: r.err}
	}
	if len(r.mac) > s.key.size || len(r.mac) < s.key.shortest() || !hmac.Equal(s.digest(body, r)[:len(r.mac)], r.mac) {
		return errBadMAC
	}
	if len(r.mac) < s.key.sent {
		return errShortMAC
	}
	if r.err != 0 {
		e := &tsigRefusal{code: r.err, ours: now}
		if len(r.other) == 6 {
			e.theirs = time.Unix(int64(binary.BigEndian.Uint16(r.other))<<32|int64(binary.BigEndian.Uint32(r.other[2:])), 0).UTC()
		}
		return e
	}
	if !r.timely(now) {
		return fmt.Errorf("%w: %s, and our clock reads %s", errWrongTime,
			time.Unix(int64(r.time), 0).UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	s.prior, s.continued, s.unsigned, s.count = r.mac, true, nil, 0
	return nil
}

func (s *tsigSession) passUnsigned(msg []byte) error {
	if !s.continued {
		return errUnsigned
	}
	if s.count++; s.count > maxUnsigned {
		return errTooLoose
	}
	s.unsigned = append(s.unsigned, msg...)
	return nil
}

// done is nil when nothing has come since the last signed message.
func (s *tsigSession) done() error {
	if s.count > 0 {
		return errEndLoose
	}
	return nil
}

// timely tells whether now is within the record's fudge of the time at which it was signed.
func (r *tsigRecord) timely(now time.Time) bool {
	d := now.Unix() - int64(r.time)
	return max(d, -d) <= int64(r.fudge)
}
