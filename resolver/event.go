package resolver

import (
	"net/netip"

	"faultzone/resolver/validate"
)

// The kinds of [Event] beside those of the iteration (iterate.Event…), which are reported as they are.
const (
	EventCacheHit  = "cache-hit" // a client is answered from the cache
	EventJoined    = "joined"    // the same question is being resolved already: its answer is waited for
	EventFollow    = "follow"    // a CNAME or DNAME leads to another name
	EventValidated = "validate"  // what a server said is secure or insecure
	EventBogus     = "bogus"     // it is bogus
	EventServfail  = "servfail"  // a client is told SERVFAIL
	EventRefused   = "refused"   // a client may not ask
	EventStale     = "stale"     // a client is told expired data
	EventPrefetch  = "prefetch"  // cached data is got anew before it expires
	EventLocal     = "local"     // a client is answered from local data
	EventDenied    = "denied"    // a cached NSEC or NSEC3 answers for a name that was never asked for
	EventAnchor    = "anchor"    // a key of a zone with a trust anchor changes its state (RFC 5011)
	EventBusy      = "busy"      // too many clients wait already: this one is turned away

	// Of a [Trace] alone.
	EventCached = "cached" // the cache has it
	EventLookup = "lookup" // the cache does not have it: servers are asked
)

// Event is one thing that happened on the way to an answer. A person who reads the Texts in order sees why it came out
// as it did.
type Event struct {
	// Kind is one of the constants here or of package iterate.
	Kind string `json:"kind"`
	// Query is the question that this is about, "name. TYPE": a client's, or one that came up on the way to it.
	Query string `json:"query,omitempty"`
	// Server is the name server that was asked, if there is one.
	Server netip.AddrPort `json:"server,omitzero"`
	// Zone is the one that is spoken of: whose servers are asked, whose keys check a signature. Network is "udp" or "tcp".
	Zone    string `json:"zone,omitempty"`
	Network string `json:"network,omitempty"`
	// Class is what sort of reply came, as iterate.Kind has it: "answer", "referral", "lame", "SERVFAIL"; of cached data its
	// cache.Kind.
	Class string `json:"class,omitempty"`
	// Status is the verdict on data, KeyTag that of the key whose signature it stands on, TTL what is left of cached
	// data, in seconds.
	Status validate.Status `json:"status,omitzero"`
	KeyTag uint16          `json:"key_tag,omitempty"`
	TTL    uint32          `json:"ttl,omitempty"`
	// EDE is the extended error (RFC 8914) that comes of it; 0 for none.
	EDE uint16 `json:"ede,omitempty"`
	// Text says what happened.
	Text string `json:"text"`
}

// report tells an event; what builds its text is called only when somebody listens.
func (r *Resolver) report(build func() Event) {
	if r.cfg.Report != nil {
		r.cfg.Report(build())
	}
}
