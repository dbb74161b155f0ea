package recording

import (
	"encoding/binary"
	"net/netip"
	"time"

	"faultzone/simulator/network"
)

// Asked remembers when questions were under way, the last so many of them, so that their answers can be told how long
// they took. The zero value is not usable. It is not safe for concurrent use.
type Asked struct {
	// newest is the question asked last, as long as it is not among the others: most answers come at once.
	newest question
	asked  Times
	waits  bool // newest is there

	times map[question]Times
	ring  []question // in the order of asking; the oldest are written over
	room  int
	next  int
}

// Times are when a question left its asker and when it arrived.
type Times struct{ Left, Arrived time.Time }

// question is what an answer is known by, besides what it says.
type question struct {
	asker, answerer netip.AddrPort
	id              uint16
	tcp             bool
}

// NewAsked has room for n questions, two at least.
func NewAsked(n int) *Asked {
	return &Asked{times: map[question]Times{}, room: max(n-1, 1)}
}

// questionOf is what a query or a reply is about; ok is false for what is too short to say.
func questionOf(e *network.Event) (q question, ok bool) {
	if len(e.Data) < 2 {
		return q, false
	}
	q = question{e.From, e.To, binary.BigEndian.Uint16(e.Data), e.Network == "tcp"}
	if e.Reply {
		q.asker, q.answerer = q.answerer, q.asker
	}
	return q, true
}

// Ask remembers a query.
func (a *Asked) Ask(e *network.Event, t Times) {
	q, ok := questionOf(e)
	if !ok {
		return
	}
	if a.waits && a.newest != q {
		a.keep(a.newest, a.asked)
	}
	a.newest, a.asked, a.waits = q, t, true
}

// keep puts a question among those that wait for their answers.
func (a *Asked) keep(q question, t Times) {
	if _, again := a.times[q]; again {
		a.times[q] = t
		return
	}
	if len(a.ring) < a.room {
		a.ring = append(a.ring, q)
	} else {
		delete(a.times, a.ring[a.next])
		a.ring[a.next] = q
		a.next = (a.next + 1) % len(a.ring)
	}
	a.times[q] = t
}

// When tells when the question of a reply was asked, if it is remembered.
func (a *Asked) When(reply *network.Event) (Times, bool) {
	q, ok := questionOf(reply)
	if !ok {
		return Times{}, false
	}
	if a.waits && a.newest == q {
		return a.asked, true
	}
	t, ok := a.times[q]
	return t, ok
}

// Forget forgets the question of a reply: the next reply to it is told nothing.
func (a *Asked) Forget(reply *network.Event) {
	q, ok := questionOf(reply)
	if !ok {
		return
	}
	if a.newest == q {
		a.waits = false
	}
	if len(a.times) > 0 {
		delete(a.times, q)
	}
}
