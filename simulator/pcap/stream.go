package pcap

import (
	"container/heap"
	"encoding/binary"
	"hash/fnv"
	"net/netip"
	"time"

	"faultzone/simulator/network"
	"faultzone/simulator/recording"
)

// idle is the silence after which a connection is closed of which nobody can say that it has done its work.
const idle = 10 * time.Second

type ends struct{ client, server netip.AddrPort }

// stream is one TCP connection as the capture shows it.
type stream struct {
	ends
	// seq is the number of the next octet that each end sends: the client's, the server's.
	seq [2]uint32
	// owed says that the client has yet to acknowledge what the server sent last.
	owed bool
	// ours says that the network told of its opening: it is for one question.
	ours     bool
	ended    bool // by FIN or RST; it stays known for a while, so that what comes late is seen to
	trip     time.Duration
	last     time.Time // of its last leg
	transfer transfer
}

// What is due for a stream at a time to come.
type todo uint8

const (
	todoAck  todo = iota // the client's acknowledgement arrives, if it is still owed
	todoEnd              // the client's FIN arrives
	todoIdle             // nothing has happened for long, perhaps
)

type task struct {
	at    time.Time
	order uint64 // of asking, to settle equal times
	what  todo
	s     *stream
	leg   time.Time // s.last when it was asked for: a task other than todoIdle is void after a later leg
}

// streams are the connections of a capture with what is due for them.
type streams struct {
	byEnds map[ends]*stream
	tasks  tasks
	order  uint64
	opened uint32
}

// reset forgets the connections. How many there were goes on, so that the next between the same ends begins elsewhere.
func (t *streams) reset() { *t = streams{byEnds: map[ends]*stream{}, opened: t.opened} }

func (t *streams) plan(at time.Time, what todo, s *stream) {
	t.order++
	heap.Push(&t.tasks, task{at, t.order, what, s, s.last})
}

// mostStreams is how many connections are known at once. When there are more, those go that are due first.
const mostStreams = 1 << 16

// open makes a stream, in the place of one between the same ends.
func (t *streams) open(e ends) *stream {
	t.opened++
	h := fnv.New32a()
	for _, end := range []netip.AddrPort{e.client, e.server} {
		a := end.Addr().As16()
		h.Write(a[:])
		h.Write(binary.BigEndian.AppendUint16(nil, end.Port()))
	}
	h.Write(binary.BigEndian.AppendUint32(nil, t.opened))
	s := &stream{ends: e}
	s.seq[0] = h.Sum32()
	h.Write([]byte("server"))
	s.seq[1] = h.Sum32()
	t.byEnds[e] = s
	return s
}

// tcp writes the segments of a leg.
func (w *Writer) tcp(l *recording.Leg) {
	e := ends{l.From, l.To}
	if l.Reply {
		e = ends{l.To, l.From}
	}
	s := w.streams.byEnds[e]
	switch {
	case !l.Reply && l.Data == nil:
		w.tcpOpening(e, l)
	case l.Reply:
		w.tcpReply(s, e, l)
	default:
		w.tcpQuery(s, e, l)
	}
}

// tcpOpening writes the SYN of one of the world's own connections, and what comes of it.
func (w *Writer) tcpOpening(e ends, l *recording.Leg) {
	s := w.connect(e, l)
	if s == nil {
		return
	}
	s.ours, s.trip, s.last, s.owed = true, l.RoundTrip(), l.Seen, true
	w.streams.plan(l.Seen.Add(s.trip), todoAck, s)
	w.streams.plan(l.Seen.Add(idle), todoIdle, s)
}

// connect writes a SYN with the answer that the leg's fate means. nil: there is no connection.
func (w *Writer) connect(e ends, l *recording.Leg) *stream {
	for len(w.streams.byEnds) >= mostStreams && len(w.streams.tasks) > 0 {
		if t := heap.Pop(&w.streams.tasks).(task); w.streams.byEnds[t.s.ends] == t.s {
			w.finish(l.Seen, t.s)
			delete(w.streams.byEnds, t.s.ends)
		}
	}
	s := w.streams.open(e)
	w.send(l.Seen, s, 0, syn, nil)
	switch {
	case l.Fate == network.Delivered, l.Data != nil && l.Fate == network.Dropped:
		w.send(l.Seen, s, 1, syn|ack, nil)
		return s
	case l.Fate == network.Refused:
		s.seq[1] = 0 // a reset that answers a SYN has the number 0 (RFC 9293 3.10.7.1)
		w.send(l.Seen, s, 1, rst|ack, nil)
	case l.Fate == network.Unreachable:
		w.icmp(l)
	}
	delete(w.streams.byEnds, e)
	return nil
}

func (w *Writer) tcpQuery(s *stream, e ends, l *recording.Leg) {
	if s == nil || s.ended { // a real client's first
		if s = w.connect(e, l); s == nil {
			return
		}
		s.owed = true
		w.streams.plan(l.Seen.Add(idle), todoIdle, s)
	}
	s.last = l.Seen
	w.settle(l.Seen, s)
	s.transfer.begin(l.Data)
	w.message(l.Seen, s, 0, l.Data)
	switch {
	case l.Fate == network.Refused:
		w.send(l.Seen, s, 1, rst|ack, nil)
		s.ended = true
	case l.Fate == network.Delivered, l.Fate == network.Dropped && l.Rule == "": // the host's kernel still does its part
		w.send(l.Seen, s, 1, ack, nil)
	}
}

func (w *Writer) tcpReply(s *stream, e ends, l *recording.Leg) {
	if s == nil {
		return // to a question that was asked before the capture began
	}
	w.message(l.Seen, s, 1, l.Data)
	if s.ended {
		w.send(l.Seen, s, 0, rst, nil)
		return
	}
	s.last = l.Seen
	if l.Fate != network.Delivered {
		return
	}
	s.owed = true
	at := l.Seen.Add(s.trip + l.Delay)
	if s.transfer.ends(l.Data) && s.ours {
		w.streams.plan(at, todoEnd, s)
		return
	}
	w.streams.plan(at, todoAck, s)
}

// message writes a DNS message with its length (RFC 1035 4.2.2), or another as it is, in as many segments as it takes.
func (w *Writer) message(at time.Time, s *stream, from int, data []byte) {
	octets := data
	if s.server.Port() == network.Port {
		octets = append(binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(data)), uint16(len(data))), data...)
	}
	most := maxSegment(s.client.Addr())
	for len(octets) > most {
		w.send(at, s, from, ack, octets[:most])
		octets = octets[most:]
	}
	w.send(at, s, from, psh|ack, octets)
}

// send writes one segment and counts its octets.
func (w *Writer) send(at time.Time, s *stream, from int, f flags, data []byte) {
	source, target := s.client, s.server
	if from == 1 {
		source, target = target, source
	} else if f&ack != 0 {
		s.owed = false
	}
	w.emit(at, segment(source, target, s.seq[from], s.seq[1-from], f, data)...)
	s.seq[from] += uint32(len(data))
	if f&(syn|fin) != 0 {
		s.seq[from]++
	}
}

// settle has the client acknowledge what it owes.
func (w *Writer) settle(at time.Time, s *stream) {
	if s.owed {
		w.send(at, s, 0, ack, nil)
	}
}

// finish ends a connection: the client closes it, then the server.
func (w *Writer) finish(at time.Time, s *stream) {
	if s.ended {
		return
	}
	s.ended = true
	w.send(at, s, 0, fin|ack, nil)
	w.send(at, s, 1, fin|ack, nil)
	w.send(at, s, 0, ack, nil)
}

// upTo does what is due until t, that moment included.
func (w *Writer) upTo(t time.Time) {
	for len(w.streams.tasks) > 0 && !w.streams.tasks[0].at.After(t) {
		w.do(heap.Pop(&w.streams.tasks).(task))
	}
}

func (w *Writer) do(t task) {
	s := t.s
	if w.streams.byEnds[s.ends] != s {
		return // its ends have another connection by now
	}
	switch {
	case t.what == todoIdle && s.last.Add(idle).After(t.at):
		w.streams.plan(s.last.Add(idle), todoIdle, s)
	case t.what == todoIdle:
		w.finish(t.at, s)
		delete(w.streams.byEnds, s.ends)
	case s.ended || !s.last.Equal(t.leg):
	case t.what == todoAck:
		w.settle(t.at, s)
	case t.what == todoEnd:
		w.finish(t.at, s)
	}
}

// closeStreams does what is due soon, and ends the connections that are left.
func (w *Writer) closeStreams() {
	for len(w.streams.tasks) > 0 {
		switch t := heap.Pop(&w.streams.tasks).(task); {
		case t.what != todoIdle:
			w.do(t)
		case w.streams.byEnds[t.s.ends] == t.s:
			w.finish(w.now, t.s)
		}
	}
	w.streams.reset()
}

// tasks is a heap, the one due first on top.
type tasks []task

func (h tasks) Len() int { return len(h) }
func (h tasks) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].order < h[j].order
}
func (h tasks) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *tasks) Push(x any)   { *h = append(*h, x.(task)) }
func (h *tasks) Pop() any {
	old := *h
	t := old[len(old)-1]
	*h = old[:len(old)-1]
	return t
}
