package iterate

import (
	"context"
	"fmt"

	"github.com/miekg/dns"
)

// ask sends the question to one server and says what came of it. The kind is that of a reply; without one it is one
// that is not Useful, and the target's tries tell whether to ask it again. The error ends the walk.
func (w *walk) ask(ctx context.Context, t *target) (*scrubbed, Kind, error) {
	network := "udp"
	for {
		reply, edns, err := w.exchange(ctx, t, network)
		if err != nil {
			return nil, Malformed, w.noReply(ctx, t, network, err)
		}
		s, kind := w.read(reply, network)
		switch {
		case kind.Useful():
			if kind == Referral {
				w.report(EventReferral, t.addr, func() string {
					return fmt.Sprintf("a server of %s says: ask those of %s", w.zone.zone, s.cut())
				})
			}
			return s, kind, nil
		case kind == Truncated:
			w.report(EventTCP, t.addr, func() string { return "the reply was truncated; asking again over TCP" })
			network = "tcp"
		case edns && (kind == FormatError || kind == NotImplemented) && !hasOPT(reply):
			w.it.setPlain(t.addr, w.it.cfg.Clock.Now())
			w.report(EventPlain, t.addr, func() string { return kind.String() + " to a query with EDNS; asking again without" })
		default:
			t.done = true
			w.attempts = append(w.attempts, Attempt{Server: t.addr, Network: network, Kind: kind})
			event := EventFailed
			if kind == Lame {
				event = EventLame
			}
			w.report(event, t.addr, func() string {
				return fmt.Sprintf("%s, %s of zone %s, is of no use: %s", t.addr.Addr(), t.host, w.zone.zone, kind)
			})
			return s, kind, nil
		}
	}
}

// exchange sends one query and waits for its reply.
func (w *walk) exchange(ctx context.Context, t *target, network string) (reply []byte, edns bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if w.req.Budget.Queries <= 0 {
		return nil, false, ErrBudget
	}
	w.req.Budget.Queries--
	w.sends++
	clock := w.it.cfg.Clock
	start := clock.Now()
	id, timeout, edns := w.it.next(t.addr, start)
	if network == "tcp" {
		timeout = tcpTimeout
	}
	query, questionEnd, err := packQuery(w.q, id, edns)
	if err != nil {
		return nil, edns, err
	}
	w.report(EventAsk, t.addr, func() string {
		return fmt.Sprintf("asking %s, of zone %s, over %s, for at most %v", t.host, w.zone.zone, network, timeout)
	})
	t.tries++
	reply, err = w.it.cfg.Exchanger.Exchange(ctx, t.addr, network, query, timeout, func(reply []byte) bool {
		return answers(reply, query, questionEnd)
	})
	if err == nil && network == "udp" {
		now := clock.Now()
		w.it.heard(t.addr, now.Sub(start), now)
	}
	return reply, edns, err
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
		w.it.unheard(t.addr, w.it.cfg.Clock.Now())
	} else {
		t.done = true
	}
	w.report(kind, t.addr, func() string { return fmt.Sprintf("%s, of zone %s: %s", t.host, w.zone.zone, a.what()) })
	return nil
}

// read unpacks, scrubs and classifies a reply.
func (w *walk) read(reply []byte, network string) (*scrubbed, Kind) {
	if reply[2]&0x02 != 0 && network == "udp" {
		return nil, Truncated
	}
	var m dns.Msg
	if err := m.Unpack(reply); err != nil {
		return nil, Malformed
	}
	s := scrub(&m, w.q, w.zone.zone)
	return s, s.classify(w.q, w.zone.zone)
}

// hasOPT says whether the reply has an OPT record: then its sender knows EDNS and means something else.
func hasOPT(reply []byte) bool {
	var m dns.Msg
	return m.Unpack(reply) == nil && m.IsEdns0() != nil
}
