package authoritative

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// A NOTIFY without an answer is sent again after notifyTimeout, which then doubles, notifyTries times in all (RFC 1996
// section 3.6 leaves the numbers to the operator).
const (
	notifyTimeout = 15 * time.Second
	notifyTries   = 5
)

// notifyAll tells those who are to know that the zone has changed. Each is told by an activity of its own, which gives
// way when the zone changes once more. Nothing happens while the server is not started.
func (h *hosted) notifyAll() {
	ctx := h.server.running()
	if ctx == nil || len(h.targets) == 0 || h.current() == nil {
		return
	}
	h.mu.Lock()
	h.announce++
	turn := h.announce
	h.mu.Unlock()
	for _, p := range h.targets {
		h.server.clock.Go(func() { h.notify(ctx, p, turn) })
	}
}

// outdated tells whether a newer announcement has been made than the one of that turn.
func (h *hosted) outdated(turn uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.announce != turn
}

// notify tells p, again and again until it answers.
func (h *hosted) notify(ctx context.Context, p Primary, turn uint64) {
	s := h.server
	var err error
	timeout := notifyTimeout
	for range notifyTries {
		sv := h.current()
		if ctx.Err() != nil || sv == nil || h.outdated(turn) {
			return
		}
		m := s.newQuery(dns.OpcodeNotify, h.origin, dns.TypeSOA)
		m.Authoritative = true
		m.Answer = []dns.RR{sv.zone.SOA()} // a hint, RFC 1996 section 3.7
		next := s.clock.Now().Add(timeout)
		var reply *dns.Msg
		if reply, err = s.ask(ctx, m, p, "udp", timeout); err == nil {
			if reply.Rcode != dns.RcodeSuccess {
				h.event(EventNotifyFailed, p.Addr, "%s does not take the NOTIFY of %s: %s", p.Addr, h.name(), rcodeText(reply))
				return
			}
			h.event(EventNotifySent, p.Addr, "%s knows of serial %d of %s", p.Addr, sv.zone.Serial(), h.name())
			return
		}
		if errors.Is(err, syscall.ECONNREFUSED) { // RFC 1996 section 3.6: an ICMP port unreachable ends it
			break
		}
		if s.sleepUntil(ctx, next) != nil {
			return
		}
		timeout *= 2
	}
	if ctx.Err() == nil {
		h.event(EventNotifyFailed, p.Addr, "%s has not answered the NOTIFY of %s: %v", p.Addr, h.name(), err)
	}
}

// sleepUntil waits until t, if that is to come.
func (s *Server) sleepUntil(ctx context.Context, t time.Time) error {
	if d := t.Sub(s.clock.Now()); d > 0 {
		return s.clock.Sleep(ctx, d)
	}
	return ctx.Err()
}

// hearNotify answers a NOTIFY, and has the zone refreshed where it tells a secondary something new (RFC 1996 sections
// 3.7 to 3.11).
func (x *exchange) hearNotify(q *dns.Msg) *answer {
	question := q.Question[0]
	e, rcode := readEDNS(q)
	a := &answer{msg: newReply(q, rcode), edns: e}
	if rcode != dns.RcodeSuccess {
		return a.refuse(rcode, nil)
	}
	if question.Qtype != dns.TypeSOA || question.Qclass != dns.ClassINET {
		return a.refuse(dns.RcodeNotImplemented, nil)
	}
	v := x.s.viewFor(&x.peer, x.key)
	if v == nil {
		return x.s.refuseQuestion(a, v, question, x.request)
	}
	h := v.exact(question.Name)
	if h == nil {
		return a.refuse(dns.RcodeNotAuth, nil)
	}
	if h.secondary != nil {
		if err := h.mayNotify(x.request); err != nil {
			h.event(EventRefused, x.peer.Addr, "NOTIFY of %s: %v", h.name(), err)
			return a.refuse(dns.RcodeRefused, newEDE(dns.ExtendedErrorCodeProhibited, err.Error()))
		}
		h.heed(q, x.peer)
	}
	a.msg.Authoritative = true
	return a.refuse(dns.RcodeSuccess, nil)
}

// mayNotify says why a NOTIFY is not heeded: it has to come from one of the primaries, under the key that is used with
// it, or from the others that are allowed to.
func (h *hosted) mayNotify(r request) error {
	addr := r.peer.Addr.Addr().Unmap()
	if h.notifyFrom.Allows(addr, r.key) {
		return nil
	}
	err := fmt.Errorf("%s is not one of the zone's primaries", addr)
	for _, p := range h.secondary.primaries {
		if p.Addr.Addr().Unmap() != addr {
			continue
		}
		if p.Key == "" || p.Key == r.key {
			return nil
		}
		err = fmt.Errorf("it is not signed with the TSIG key %s", p.Key)
	}
	return err
}

// heed starts a refresh, unless the NOTIFY tells of a serial that is here already.
func (h *hosted) heed(q *dns.Msg, peer Peer) {
	told := ""
	for _, rr := range q.Answer {
		soa, ok := rr.(*dns.SOA)
		if !ok || !sameOrigin(soa.Hdr.Name, h.origin) {
			continue
		}
		told = fmt.Sprintf(" of serial %d", soa.Serial)
		if sv := h.current(); sv != nil && !zone.SerialLess(sv.zone.Serial(), soa.Serial) {
			h.event(EventNotify, peer.Addr, "NOTIFY of serial %d of %s: nothing new, serial %d is here", soa.Serial, h.name(), sv.zone.Serial())
			return
		}
	}
	h.event(EventNotify, peer.Addr, "NOTIFY%s of %s: checking the primaries now", told, h.name())
	h.mu.Lock()
	h.secondary.first = peer.Addr.Addr().Unmap()
	h.mu.Unlock()
	h.want(false)
}

func sameOrigin(a, b string) bool { return dns.CanonicalName(a) == dns.CanonicalName(b) }
