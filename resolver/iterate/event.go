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
