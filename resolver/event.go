package resolver

import "net/netip"

// The kinds of [Event] beside those of the iteration (iterate.Event…), which are reported as they are.
const (
	EventCacheHit  = "cache-hit" // a client is answered from the cache
	EventJoined    = "joined"    // the same question is being resolved already: its answer is waited for
	EventFollow    = "follow"    // a CNAME or DNAME leads to another name
	EventValidated = "validate"  // what a server said is secure or insecure
	EventBogus     = "bogus"     // it is bogus
	EventServfail  = "servfail"  // a client is told SERVFAIL
	EventRefused   = "refused"   // a client may not ask
)

// Event is one thing that happened on the way to an answer. A person who reads the Texts in order sees why it came out
// as it did.
type Event struct {
	// Kind is one of the constants here or of package iterate.
	Kind string
	// Query is the question that this is about, "name. TYPE": a client's, or one that came up on the way to it.
	Query string
	// Server is the name server that was asked, if there is one.
	Server netip.AddrPort
	// EDE is the extended error (RFC 8914) that comes of it; 0 for none.
	EDE uint16
	// Text says what happened.
	Text string
}

// report tells an event; what builds its text is called only when somebody listens.
func (r *Resolver) report(build func() Event) {
	if r.cfg.Report != nil {
		r.cfg.Report(build())
	}
}
