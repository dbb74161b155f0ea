package iterate

import (
	"context"
	"fmt"

	"github.com/miekg/dns"
)

// ask puts w.q to one server and says what came of it. The kind is that of a reply; without one it is one that is not
// Useful, and the target's tries tell whether to ask it again. The error ends the walk.
func (w *walk) ask(ctx context.Context, t *target) (*scrubbed, Kind, error) {
	network, badCookies := "udp", 0
	for {
		x, err := w.exchange(ctx, t, network)
		if err != nil {
			return nil, Malformed, w.noReply(ctx, t, network, err)
		}
		s, kind := w.read(x)
		w.it.keepCookie(t, x.theirCookie)
		switch {
		case kind.Useful() && !w.hiding() && (s.doubtful || s.withoutSignatures(w.zone.zone) && w.needsEDNS()):
			w.noteDoubt(s, t, kind)
			return s, Lame, nil
		case kind.Useful():
			w.useful(s, t, x, kind)
			return s, kind, nil
		case kind == Truncated && network == "udp":
			w.report(EventTCP, t.addr, func() string { return "the reply was truncated; asking again over TCP" })
			network = "tcp"
		case kind == Misspelt && network == "udp":
			w.report(EventCase, t.addr, func() string { return "the question came back in another case; asking again over TCP" })
			network = "tcp"
		case kind == BadCookie && network == "udp":
			// RFC 7873 section 5.3: once more with the new cookie, then over TCP.
			if badCookies++; badCookies > 1 || len(x.theirCookie) <= clientCookieLen {
				network = "tcp"
			}
			w.report(EventCookie, t.addr, func() string { return "BADCOOKIE; asking again over " + network })
		case x.edns && w.withoutEDNS(t, x, kind):
		case kind.aboutQuestion() && w.balked(t, kind.String()+" to "+w.q.String()):
			w.hide()
		default:
			w.useless(t, network, kind)
			return s, kind, nil
		}
	}
}

// aboutQuestion says whether a broken server may say so of a question that hides something, and not of the whole.
func (k Kind) aboutQuestion() bool {
	switch k {
	case ServerFailure, Refused, FormatError, NotImplemented, Lame, Unexpected:
		return true
	}
	return false
}

// withoutEDNS deals with a server that said it does not understand EDNS (RFC 6891 section 7); ok: it is asked again without.
func (w *walk) withoutEDNS(t *target, x *exchanged, kind Kind) (ok bool) {
	switch {
	case kind == BadVersion:
		// It knows EDNS, it says, and not version 0.
	case kind != FormatError && kind != NotImplemented:
		return false
	case x.opt && w.needsEDNS():
		return false // it knows EDNS, so that it must mean something else
	}
	t.plain = true
	if !x.opt || kind == BadVersion {
		w.it.setPlain(t.addr, true, w.it.cfg.Clock.Now())
	}
	w.report(EventPlain, t.addr, func() string { return kind.String() + " to a query with EDNS; asking again without" })
	return true
}

// useful notes what a useful reply says about its server.
func (w *walk) useful(s *scrubbed, t *target, x *exchanged, kind Kind) {
	now := w.it.cfg.Clock.Now()
	if x.edns {
		w.it.setSpoke(t.addr, now)
	} else if x.probe {
		w.it.setPlain(t.addr, false, now)
		w.report(EventPlain, t.addr, func() string { return "no answer to queries with EDNS, but to one without" })
	}
	if t.lame {
		t.lame = false
		w.it.noteServes(t.addr, w.zone.zone)
	}
	if kind == Referral {
		w.tell(Event{Kind: EventReferral, Server: t.addr, Class: kind.String()}, func() string {
			return fmt.Sprintf("a server of %s says: ask those of %s", w.zone.zone, s.cut())
		})
	}
}

// useless notes that this server will not help with the question.
func (w *walk) useless(t *target, network string, kind Kind) {
	t.done = true
	w.attempts = append(w.attempts, Attempt{Server: t.addr, Network: network, Kind: kind})
	event := EventFailed
	if kind == Lame {
		event = EventLame
	}
	if (kind == Lame || kind == Refused) && w.zone.route.iterative() {
		w.it.noteLame(t.addr, w.zone.zone, w.it.cfg.Clock.Now())
	}
	w.tell(Event{Kind: event, Server: t.addr, Class: kind.String()}, func() string {
		return fmt.Sprintf("%s, %s of zone %s, is of no use: %s", t.addr.Addr(), t.host, w.zone.zone, kind)
	})
}

// exchanged is a query and its reply.
type exchanged struct {
	manner
	reply       []byte
	questionEnd int
	unfit       bool // it does not answer the query: the Exchanger gave it though it may not
	misspelt    bool
	opt         bool // the reply has an OPT record: its sender knows EDNS
	theirCookie []byte
}

// exchange sends one query and waits for its reply.
func (w *walk) exchange(ctx context.Context, t *target, network string) (*exchanged, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if w.req.Budget.Queries <= 0 {
		return nil, ErrBudget
	}
	w.req.Budget.Queries--
	w.sends++
	clock := w.it.cfg.Clock
	start := clock.Now()
	m, timeout := w.next(t, network, start)
	x := &exchanged{manner: m}
	query, questionEnd, err := m.pack(w.q)
	if err != nil {
		return nil, err
	}
	x.questionEnd = questionEnd
	w.tell(Event{Kind: EventAsk, Server: t.addr, Network: network}, func() string {
		return fmt.Sprintf("asking %s, of zone %s, over %s, for at most %v", t.host, w.zone.zone, network, timeout)
	})
	t.tries++
	x.reply, err = w.it.cfg.Exchanger.Exchange(ctx, t.addr, network, query, timeout, func(reply []byte) bool {
		fits, _ := answers(reply, query, questionEnd)
		return fits && (len(m.cookie) == 0 || m.ownCookie(reply))
	})
	if err != nil {
		return x, err
	}
	fits, exact := answers(x.reply, query, questionEnd)
	x.unfit, x.misspelt = !fits, !exact && m.mix != nil
	if network == "udp" {
		now := clock.Now()
		w.it.heard(t.addr, now.Sub(start), now)
	}
	return x, nil
}

// noReply notes an exchange without a reply. It returns what ends the walk: that ctx has ended, or that there may be no
// more queries.
func (w *walk) noReply(ctx context.Context, t *target, network string, err error) error {
	if err == ErrBudget || ctx.Err() != nil {
		return err
	}
	a := Attempt{Server: t.addr, Network: network, Err: err}
	w.attempts = append(w.attempts, a)
	kind := EventNetwork
	if a.silent() {
		kind = EventTimeout
	}
	if a.silent() && network == "udp" {
		t.silences++
		w.it.unheard(t.addr, w.it.cfg.Clock.Now())
	} else {
		t.done = true
	}
	w.report(kind, t.addr, func() string { return fmt.Sprintf("%s, of zone %s: %s", t.host, w.zone.zone, a.what()) })
	if w.hiding() {
		if w.hidden.silences++; w.hidden.silences >= maxMinimisedSilences && w.balked(t, "no answer to "+w.q.String()) {
			w.goOn() // the whole question gets its own tries
		}
	}
	return nil
}

// read unpacks, scrubs and classifies a reply.
func (w *walk) read(x *exchanged) (*scrubbed, Kind) {
	switch {
	case x.unfit:
		return nil, Malformed
	case x.misspelt:
		return nil, Misspelt
	case x.reply[2]&0x02 != 0: // over TCP too, where it makes no sense: who knows what is missing
		return nil, Truncated
	}
	m, err := new(dns.Msg), error(nil)
	if x.mix != nil {
		m, err = unmix(x.reply, x.questionEnd)
	} else {
		err = m.Unpack(x.reply)
	}
	if err != nil || !whole(m, x.reply) {
		return nil, Malformed
	}
	x.opt = m.IsEdns0() != nil
	if len(x.cookie) > 0 {
		x.theirCookie = cookieOf(m)
	}
	s := scrub(m, w.q, w.zone.zone)
	s.sure = x.network == "tcp" || len(x.theirCookie) > clientCookieLen
	return s, s.classify(w.q, w.zone.zone, !w.zone.route.iterative())
}
