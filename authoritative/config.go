package authoritative

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// Clock is all the time that a server needs. Sleep and Await are called only by activities that Go started and by
// callers of Serve.
type Clock interface {
	// Now is the present time.
	Now() time.Time
	// Sleep waits until d has passed or ctx has ended.
	Sleep(ctx context.Context, d time.Duration) error
	// Signal makes a one-shot event. fire may be called more than once, by anybody.
	Signal() (done <-chan struct{}, fire func())
	// Await waits until done, made by Signal, has fired, or ctx has ended.
	Await(ctx context.Context, done <-chan struct{}) error
	// WithTimeout returns a context that ends after d; 0 means only by its cancel function.
	WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	// Go starts an activity.
	Go(f func())
}

// Exchanger carries queries to other servers: SOA checks, NOTIFY, zone transfers.
type Exchanger interface {
	// Exchange sends the packed query to server over "udp" or "tcp" and returns the first reply that accept takes; all
	// others are ignored, as a socket would, until timeout has passed. Errors: Timeout() of net.Error;
	// syscall.ECONNREFUSED and EHOSTUNREACH by errors.Is.
	Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte,
		timeout time.Duration, accept func(reply []byte) bool) ([]byte, error)
	// Transfer sends query over TCP and gives each message of the answer to receive until that says that there is no
	// more, or fails. timeout is for each message.
	Transfer(ctx context.Context, server netip.AddrPort, query []byte, timeout time.Duration,
		receive func(message []byte) (more bool, err error)) error
}

// Peer is the other end of a query.
type Peer struct {
	// Addr is where the query came from, Local where it arrived.
	Addr, Local netip.AddrPort
	// Network is "udp" or "tcp". It decides how large an answer may be, and whether a transfer is possible.
	Network string
}

// Config is everything a server is made from. Clock is required; Exchanger and Rand are where a zone has primaries or
// somebody to notify.
type Config struct {
	// Name is the server's own, for errors.
	Name string
	// Views are tried in order; the first whose Match takes the query answers it.
	Views []View
	// Keys are the TSIG keys that the server knows.
	Keys      []TSIGKey
	Clock     Clock
	Exchanger Exchanger
	// NSID is what the server calls itself in the NSID option (RFC 5001), to those who ask; empty: nothing.
	NSID []byte
	// Cookies are the server's DNS cookies; Chaos is what it tells of itself in class CHAOS.
	Cookies Cookies
	Chaos   Chaos
	// Rand gives the message IDs of the server's own queries.
	Rand *rand.Rand
	// MaxTransfer bounds what one incoming transfer may bring, in octets on the wire; 0: 256 MiB, negative: no bound.
	MaxTransfer int64
	// Report is told what happens, from whatever goroutine it happens on. It must not wait, and must not call the
	// server. nil: nobody is told.
	Report func(Event)
}

// View is what the server shows to one set of clients.
type View struct {
	// Name tells views apart; it may be empty where there is only one.
	Name string
	// Match says who sees the view; nil: everybody, as in BIND. An empty list that is not nil: nobody.
	Match Match
	// Destinations, when not nil, says under which of the server's own addresses the view is seen: Match has to take a
	// query's source, and Destinations where it arrived, as BIND's match-destinations does.
	Destinations Match
	Zones        []Zone
}

// Zone is one zone in one view.
type Zone struct {
	// Origin is the zone's name.
	Origin string
	// Data is a primary's content: unsigned where Signing is set, and served as it is where not. A secondary may have
	// it too, as the copy that it kept from earlier.
	Data *zone.Zone
	// Checked is when a secondary's Data was last known to be current; its expiry counts from there. Zero: now.
	Checked time.Time
	// Signing, on a primary, keeps the zone signed.
	Signing *Signing
	// Primaries, when not empty, makes the zone a secondary's. They are asked in order.
	Primaries []Primary
	// WholeTransfers has a secondary ask for whole zones (AXFR) where it would ask for the changes first (IXFR).
	WholeTransfers bool
	// Journal is how many records of past changes are kept to answer IXFR from; 0: 100,000, negative: none. Whoever
	// has a version from before that gets the whole zone.
	Journal int
	// Transfer says who may transfer the zone; nil: nobody.
	Transfer Match
	// AllowUpdate says who may change the zone by dynamic update (RFC 2136); nil: nobody. A secondary hands the updates
	// of those whom it allows on to its primaries, which check them anew.
	AllowUpdate Match
	// NotifyFrom says whose NOTIFY a secondary heeds beside its primaries'.
	NotifyFrom Match
	// Notify are those who are told of each new serial, and once at Start.
	Notify []Primary
}

// Primary is the other end of a transfer or a NOTIFY.
type Primary struct {
	Addr netip.AddrPort
	// Key is the name of the TSIG key that signs the messages both ways; empty: none.
	Key string
}

// Signing is the calendar of an honest signer. Period k of the signatures begins at Epoch + k·(Validity − Refresh) and
// lasts for Validity. The server serves the latest period that has begun and signs again when the next begins, so that
// Refresh is what is left of the old signatures at that moment.
type Signing struct {
	// Params holds the keys and the kind of denial. Inception and Expiration are the server's to set.
	Params            sign.Params
	Validity, Refresh time.Duration
	Epoch             time.Time
	// InceptionOffset is how far before the moment of signing a signature begins, for validators whose clocks are behind
	// (RFC 6781 section 4.4.2); the period's times are otherwise the same. Not below 0.
	InceptionOffset time.Duration
	// ParentDS tells which DS records the zone's parent has now: what a KSK rollover waits for (see [Server.StartRollover]).
	// It is asked every ParentInterval (0: an hour), and must not wait long. nil: [Server.ParentHas] says it instead.
	ParentDS       func(zone string) []dns.RR
	ParentInterval time.Duration
}

// period returns the times of the signatures that are current at now, and when the next period begins.
func (s *Signing) period(now time.Time) (inception, expiration, next time.Time) {
	step := s.Validity - s.Refresh
	k := now.Sub(s.Epoch) / step
	if now.Before(s.Epoch.Add(k * step)) { // Go's division rounds towards zero
		k--
	}
	begin := s.Epoch.Add(k * step)
	return begin.Add(-s.InceptionOffset), begin.Add(s.Validity), begin.Add(step)
}
