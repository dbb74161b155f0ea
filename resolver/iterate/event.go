package iterate

import (
	"fmt"
	"net/netip"

	"github.com/miekg/dns"
)

// The kinds of [Event].
const (
	EventAsk      = "ask"      // a question goes to Server
	EventReply    = "reply"    // Server's answer is taken
	EventReferral = "referral" // Server sends us to another zone's servers
	EventTimeout  = "timeout"  // Server was silent
	EventNetwork  = "network"  // the network said that Server cannot be reached
	EventLame     = "lame"     // Server does not serve the zone
	EventFailed   = "failed"   // Server's reply is of no use: SERVFAIL, REFUSED, garbage
	EventTCP      = "tcp"      // the reply was truncated: asking again over TCP
	EventPlain    = "plain"    // Server does not know EDNS: asking again without
	EventCookie   = "cookie"   // Server wants the cookie that it sent along: asking again
	EventCase     = "case"     // the question came back in another case: asking again over TCP
	EventMinimise = "minimise" // hiding part of the question did not do: asking for the whole
	EventRoute    = "route"    // forwarders, or a stub's servers, did not answer: asking whom the delegation tells
	EventPrime    = "prime"    // the root's servers are asked who they are
	EventGlueless = "glueless" // a name server's address has to be looked up
	EventGiveUp   = "give-up"  // no server of the zone is left to ask
	EventStart    = "start"    // to Request.Report alone: with whose servers it begins
)

// Event is one thing that happened while asking.
type Event struct {
	Kind   string
	Query  string // "name. TYPE"
	Server netip.AddrPort
	Zone   string // whose servers are asked
	// Network is "udp" or "tcp", of EventAsk. Class is the reply's Kind, as people write it.
	Network, Class string
	Text           string
}

func (w *walk) report(kind string, server netip.AddrPort, text func() string) {
	w.tell(Event{Kind: kind, Server: server}, text)
}

// tell reports an event to all who listen.
func (w *walk) tell(e Event, text func() string) {
	if w.it.cfg.Report == nil && w.req.Report == nil {
		return
	}
	e.Query, e.Zone, e.Text = w.q.String(), w.zone.zone, text()
	if w.it.cfg.Report != nil {
		w.it.cfg.Report(e)
	}
	if w.req.Report != nil {
		w.req.Report(e)
	}
}

// begin tells the request's own listener where the walk begins.
func (w *walk) begin() {
	if w.req.Report == nil {
		return
	}
	from := "from the hints"
	switch {
	case w.zone.route != nil:
		from = "which were configured"
	case w.zone != w.it.root:
		from = "known from the cache"
		now := w.it.cfg.Clock.Now()
		if e, ok := w.it.cfg.Cache.RRset(w.zone.zone, dns.TypeNS, now); ok {
			from += fmt.Sprintf(" for %d s more", e.TTL(now))
		}
	}
	w.req.Report(Event{Kind: EventStart, Query: w.q.String(), Zone: w.zone.zone,
		Text: fmt.Sprintf("begins with the servers of zone %s, %s", w.zone.zone, from)})
}
