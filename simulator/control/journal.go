package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/clock"
)

// JournalPage is a part of the journal.
type JournalPage struct {
	// Life is the world's, as /v1/world tells it: numbers are those of one life's journal.
	Life    int                  `json:"life"`
	Entries []simulator.Numbered `json:"entries"`
	// Next is the number to go on from.
	Next int `json:"next"`
	// Length is how many entries there are so far.
	Length int `json:"length"`
}

// journal answers with a page or, to whoever accepts text/event-stream, with all that happens from now on.
func (s *Server) journal(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		s.stream(w, r)
		return
	}
	s.answer(journalPage)(w, r)
}

func journalPage(c *call) (any, error) {
	const most, standard = 10000, 1000
	from, limit, err := c.page("from", most, standard)
	if err != nil {
		return nil, err
	}
	kinds, err := c.kinds()
	if err != nil {
		return nil, err
	}
	out := JournalPage{Life: c.session.number, Length: c.world().Journal().Len()}
	out.Entries, out.Next = c.world().Journal().Page(from, limit, kinds...)
	return out, nil
}

// kinds reads which kinds of entry are wanted, divided by commas; none: all.
func (c *call) kinds() (list []simulator.Kind, err error) {
	var all []string
	for _, kind := range simulator.Kinds() {
		all = append(all, string(kind))
	}
	for _, word := range strings.FieldsFunc(c.r.URL.Query().Get("kind"), func(r rune) bool { return r == ',' }) {
		if !slices.Contains(all, word) {
			return nil, refuse(http.StatusBadRequest, badRequest, "there are "+strings.Join(all, ", "), "kind=%q: the journal has no such entries%s",
				clip(word), scenarios.DidYouMean(word, all))
		}
		list = append(list, simulator.Kind(word))
	}
	return list, nil
}

// stream is a journal on its way to one client.
type stream struct {
	*call
	rc    *http.ResponseController
	kinds []simulator.Kind
	next  int // the number to go on from
}

// stream sends the journal as it grows (the event stream of HTML). An event's id is the life and the entry's number;
// Last-Event-ID goes on behind it. When another life begins, a reset event says so, and its journal follows from the start.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		refuse(http.StatusServiceUnavailable, busy, "end one of them, or ask for pages", "%d streams are open, the most there may be", mostStreams).write(w)
		return
	}
	st := &stream{call: &call{s: s, w: w, r: r, session: s.session(), by: who(r)}, rc: http.NewResponseController(w)}
	another, err := st.begin()
	if err != nil {
		problemOf(err).write(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	if st.say(": the journal of "+s.config.ID+"\n\n") != nil || another && st.reset() != nil {
		return
	}
	st.follow()
}

// begin reads where the client wants to go on; another says that it knows a life that is over.
func (st *stream) begin() (another bool, err error) {
	if st.kinds, err = st.call.kinds(); err != nil {
		return false, err
	}
	if id := st.r.Header.Get("Last-Event-ID"); id != "" {
		life, number, ok := parseID(id)
		if !ok {
			return false, refuse(http.StatusBadRequest, badRequest, "leave the header out to begin with what happens now",
				"Last-Event-ID %q: want LIFE-NUMBER, as an event's id has it", clip(id))
		}
		// A number that this life has not come to yet is another world's, which had the same ID.
		if life != st.session.number || number >= st.world().Journal().Len() {
			return true, nil
		}
		st.next = number + 1
		return false, nil
	}
	st.next = st.world().Journal().Len()
	if st.r.URL.Query().Has("from") {
		st.next, err = st.number("from", 0, 1<<62)
	}
	return false, err
}

func parseID(id string) (life, number int, ok bool) {
	a, b, _ := strings.Cut(id, "-")
	life, errLife := strconv.Atoi(a)
	number, errNumber := strconv.Atoi(b)
	return life, number, errLife == nil && errNumber == nil && life >= 0 && number >= -1
}

// follow sends what there is and waits for more, until the client or the server has had enough.
func (st *stream) follow() {
	const pieces = 20 * time.Millisecond // a busy world is sent in pieces of this
	tick, stopTick := clock.Wall{}.Every(pieces)
	defer stopTick()
	beat, stopBeat := clock.Wall{}.Every(st.s.config.Beat)
	defer stopBeat()
	for {
		full, err := st.send()
		if err != nil {
			return
		}
		grown := st.world().Journal().Grown(st.next)
		if full {
			grown = nil // there is more already
		}
		select {
		case <-st.r.Context().Done():
			return
		case <-st.s.closing:
			return
		case <-st.session.life.Ended():
			if !st.another() {
				return
			}
			continue
		case <-beat:
			if st.say(": still here\n\n") != nil {
				return
			}
			continue
		case <-grown:
		case <-ready(full):
		}
		select {
		case <-tick:
		case <-st.r.Context().Done():
			return
		case <-st.s.closing:
			return
		}
	}
}

// ready is a channel that is closed already, or one that never is.
func ready(now bool) <-chan struct{} {
	c := make(chan struct{})
	if !now {
		return nil
	}
	close(c)
	return c
}

// another goes over to the life that follows; false: there is none.
func (st *stream) another() bool {
	if _, err := st.send(); err != nil { // what the old one said last
		return false
	}
	now := st.s.session()
	if now == st.session {
		return false // the host is closed
	}
	st.session, st.next = now, 0
	return st.reset() == nil
}

// reset tells that another life has begun.
func (st *stream) reset() error {
	return st.say(fmt.Sprintf("id: %d--1\nevent: reset\ndata: {\"life\":%[1]d}\n\n", st.session.number))
}

// send sends the entries that there are, up to a bound; full says that there may be more.
func (st *stream) send() (full bool, err error) {
	const most = 2000
	entries, next := st.world().Journal().Page(st.next, most, st.kinds...)
	st.next = next
	if len(entries) == 0 {
		return false, nil
	}
	var b strings.Builder
	for _, e := range entries {
		data, err := json.Marshal(e)
		if err != nil {
			return false, err
		}
		fmt.Fprintf(&b, "id: %d-%d\nevent: entry\ndata: %s\n\n", st.session.number, e.Number, data)
	}
	return len(entries) == most, st.say(b.String())
}

// say sends text, to a client that takes it in time.
func (st *stream) say(text string) error {
	_ = st.rc.SetWriteDeadline(clock.Wall{}.In(st.s.config.Patience)) // not every writer has one
	if _, err := st.w.Write([]byte(text)); err != nil {
		return err
	}
	return st.rc.Flush()
}
