package iterate

import "net/netip"

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
)

// Event is one thing that happened while asking.
type Event struct {
	Kind   string
	Query  string // "name. TYPE"
	Server netip.AddrPort
	Text   string
}

func (w *walk) report(kind string, server netip.AddrPort, text func() string) {
	if w.it.cfg.Report != nil {
		w.it.cfg.Report(Event{Kind: kind, Query: w.q.String(), Server: server, Text: text()})
	}
}
