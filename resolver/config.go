package resolver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// Clock is all the time that a resolver needs. Sleep and Await are called only by those who called Serve or Resolve, and by
// activities that Go started.
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

// Exchanger carries questions to the authoritative servers.
type Exchanger interface {
	// Exchange sends the packed query to server over "udp" or "tcp" and returns the first reply that accept takes; all
	// others are ignored, as a socket would, until timeout of the Clock's time has passed. Errors: Timeout() of net.Error;
	// syscall.ECONNREFUSED, EHOSTUNREACH by errors.Is.
	Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte,
		timeout time.Duration, accept func(reply []byte) bool) ([]byte, error)
}

// Config is everything that a resolver is made from. Hints, Clock and Exchanger are required.
type Config struct {
	// Name is the resolver's own, for errors.
	Name string
	// Hints are the root's NS records with the A and AAAA records of those servers (RFC 9609 section 2).
	Hints []dns.RR
	// TrustAnchors are DS or DNSKEY records, of the root as a rule. Without any nothing is validated.
	TrustAnchors []dns.RR
	Clock        Clock
	Exchanger    Exchanger
	// Rand gives message IDs and the choice between servers. nil: a sequence that is always the same, which suits tests;
	// whoever uses real sockets gives one that nobody can guess.
	Rand *rand.Rand
	// Report is told what happens, as it happens. It must not wait, and must not call the resolver. nil: nobody is told,
	// and nothing is put into words.
	Report func(Event)

	// Allow lists who may ask; nil: everybody, empty: nobody. Others get REFUSED with the extended error 18.
	Allow []netip.Prefix
	// MinTTL and MaxTTL are the floor and the ceiling of what answers live in the cache; 0: no floor, and 7 days.
	MinTTL, MaxTTL time.Duration
	// MaxNegativeTTL is the ceiling for NXDOMAIN and NODATA; 0: 3 hours (RFC 2308 section 5).
	MaxNegativeTTL time.Duration
	// CacheBytes bounds the cache, by estimate; 0: 64 MiB.
	CacheBytes int64
	// IPv6 has name servers asked over IPv6 too; otherwise only over IPv4.
	IPv6 bool
	// Skew is how far the resolver's clock may be off when signatures are judged; 0: not at all.
	Skew time.Duration
}

// The bounds of what one question of a client may cost.
const (
	// maxTime is world time. A client has given up by then: glibc after 5 s by default, dig after 15.
	maxTime = 20 * time.Second
	// maxQueries counts what is sent to authoritative servers.
	maxQueries = 100
	// maxLinks is how many CNAME and DNAME records are followed.
	maxLinks = 16
	// maxDepth is how deep lookups may cause lookups: of name servers' addresses, of keys.
	maxDepth = 40
	// maxBogus is at how many servers a question is asked whose answers are bogus.
	maxBogus = 4
)

func (cfg *Config) check() error {
	var errs []error
	if cfg.Clock == nil {
		errs = append(errs, errors.New("Clock is nil: give it a clock to live by"))
	}
	if cfg.Exchanger == nil {
		errs = append(errs, errors.New("Exchanger is nil: give it a way to reach name servers"))
	}
	for _, rr := range cfg.TrustAnchors {
		switch rr.(type) {
		case *dns.DS, *dns.DNSKEY:
		default:
			errs = append(errs, fmt.Errorf("trust anchor %q: want a DS or a DNSKEY record", rr.String()))
		}
	}
	if cfg.MinTTL < 0 || cfg.MaxTTL < 0 || cfg.MaxNegativeTTL < 0 || cfg.Skew < 0 {
		errs = append(errs, errors.New("a TTL bound or the skew is negative"))
	}
	if cfg.MaxTTL > 0 && cfg.MinTTL > cfg.MaxTTL {
		errs = append(errs, fmt.Errorf("MinTTL %v is more than MaxTTL %v", cfg.MinTTL, cfg.MaxTTL))
	}
	return errors.Join(errs...)
}
