// Package resolver is a recursive DNS resolver that caches and validates.
//
// It answers clients (RFC 1034 section 5) from its cache, or by iteration from the root hints: no shortcuts. It validates
// from its trust anchors down (RFC 4035, 6840, 5155), sets AD, honours CD and DO, caches negative answers (RFC 2308) and
// failures (RFC 9520), and says why it fails by extended errors (RFC 8914) whose texts name the zone, the server and the
// signature. One question costs a bounded amount of work and time, whatever servers say.
//
// What it needs from outside it takes as interfaces: all time is the [Clock]'s, all packets go through the
// [Exchanger], all chance is Config.Rand. It starts no goroutine but by Clock.Go, and holds no lock while it waits.
//
// It leaves sockets to its user, who hands it packed queries, and knows nothing of how it is being tested.
package resolver

import (
	"context"
	"net/netip"
	"time"
)

// Clock is all the time that a resolver needs. Sleep and Await are called only by activities that Go started and by
// callers of Resolve and Serve.
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

// Exchanger carries queries to authoritative servers.
type Exchanger interface {
	// Exchange sends the packed query to server over "udp" or "tcp" and returns the first reply that accept takes; all
	// others are ignored, as a socket would, until timeout of the Clock's time has passed. Errors: Timeout() of
	// net.Error; syscall.ECONNREFUSED, EHOSTUNREACH by errors.Is.
	Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte,
		timeout time.Duration, accept func(reply []byte) bool) ([]byte, error)
}
