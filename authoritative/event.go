package authoritative

import "net/netip"

// The kinds of [Event].
const (
	EventRefresh        = "refresh"         // a primary answered the SOA check: Text says whether there is news
	EventRefreshFailed  = "refresh-failed"  // no primary did; the next try comes after the SOA's retry
	EventTransfer       = "transfer"        // a zone has come in from Peer
	EventTransferFailed = "transfer-failed" // a zone did not come in from Peer, or did not go out to it
	EventIXFRFailed     = "ixfr-failed"     // the changes did not come in from Peer: the whole zone is asked for
	EventTransferOut    = "transfer-out"    // a zone has gone out to Peer
	EventExpired        = "expired"         // a secondary has given its copy up
	EventNotify         = "notify"          // a NOTIFY came from Peer and is heeded
	EventNotifySent     = "notify-sent"     // Peer has acknowledged a NOTIFY
	EventNotifyFailed   = "notify-failed"   // Peer has not, and is not told again
	EventSigned         = "signed"          // the zone has been signed anew
	EventRollover       = "rollover"        // a key rollover has gone a step further
	EventSignFailed     = "sign-failed"     // it has not: the old signatures stay
	EventEdited         = "edited"          // an operator has changed the zone
	EventUpdated        = "updated"         // Peer has changed the zone by a dynamic update, or it was handed on to Peer
	EventUpdateRefused  = "update-refused"  // a dynamic update of Peer's was not made
	EventRefused        = "refused"         // a query, transfer or NOTIFY of Peer's was refused
	EventTSIG           = "tsig"            // a request of Peer's failed its TSIG check
)

// Event is something that a person who runs the server would find in its log.
type Event struct {
	// Kind is one of the constants above.
	Kind string
	// Zone is the origin, empty for events of no zone; View is its view's name.
	Zone, View string
	// Serial is the zone's after the event; 0 where there is none.
	Serial uint32
	// Peer is the other end, if there is one.
	Peer netip.AddrPort
	// Text says what happened and why, for people.
	Text string
}
