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
	// Access says more exactly what becomes of queries by where they come from: the longest prefix counts. Whom it
	// answers, and whom it does not mention, Allow must allow too.
	Access []AccessRule
	// NonRecursive says what becomes of queries without RD (RFC 1034 section 4.3.1).
	NonRecursive NonRecursive
	// Local is local data, told whoever else says what; LocalZones say what becomes of names around it that have none.
	// Answers from it have the AA bit, as with Unbound and BIND.
	Local      []dns.RR
	LocalZones []LocalZone
	// SpecialNames says which names are answered here because the world's servers know nothing of them (RFC 6761, RFC
	// 6303 and others). NotSpecial lists names of which none are special: those that contain one of them, or are in one.
	SpecialNames SpecialNames
	NotSpecial   []string
	// Version is what version.bind and version.server say in class CHAOS, ID what id.server, hostname.bind and the EDNS
	// option NSID (RFC 4892, RFC 5001) say; empty: REFUSED, and no option.
	Version, ID string
	// CookieSecret has clients that send a DNS cookie get one back (RFC 7873, RFC 9018), as BIND does; nil: they do not, as
	// with Unbound by default.
	CookieSecret *CookieSecret
	// MaxUDPSize is the most that a client gets over UDP, whatever it offers, in octets from 512; 0: 1232 (RFC 9715).
	MaxUDPSize uint16
	// TCPIdle is how long the sockets in front leave a TCP connection idle. Clients that send the option are told (RFC
	// 7828), in steps of 100 ms; 0: they are not.
	TCPIdle time.Duration
	// FullResponses has NS records of the answer's zone and their addresses added from the cache where they are there
	// and fit, as BIND with minimal-responses no. Otherwise answers are minimal, as with Unbound.
	FullResponses bool
	// ANY is what questions for all types get; by default next to nothing (RFC 8482).
	ANY ANYAnswer
	// MaxWaiting is how many clients may wait for answers that are not in the cache; 0: 1000, as BIND's
	// recursive-clients. Those beyond are told SERVFAIL, with the extended error 0, or nothing with DropWaiting.
	MaxWaiting  int
	DropWaiting bool

	// ServeStale is what becomes of expired data (RFC 8767), Prefetch of what is about to expire; by default nothing.
	ServeStale ServeStale
	Prefetch   Prefetch
	// AggressiveNSEC has names denied, and answers of wildcards given, by validated NSEC and NSEC3 records in the cache
	// (RFC 8198, RFC 9077), without asking, until those expire. Flushing such a name does not help then.
	AggressiveNSEC bool
	// MinTTL and MaxTTL are the floor and the ceiling of what answers live in the cache; 0: no floor, and 7 days.
	MinTTL, MaxTTL time.Duration
	// MaxNegativeTTL is the ceiling for NXDOMAIN and NODATA; 0: 3 hours (RFC 2308 section 5).
	MaxNegativeTTL time.Duration
	// MinNegativeTTL is their floor; 0: none. No RFC wants one; Unbound has cache-min-negative-ttl, BIND min-ncache-ttl.
	MinNegativeTTL time.Duration
	// FailureTTL is how long a question that could not be answered is not asked again, doubled with each failure that
	// follows, up to MaxFailureTTL (RFC 9520 section 3.2: 1 s to 5 min); 0: 5 s, and 60 s. Unbound has 5 s, BIND's
	// servfail-ttl is 1 s.
	FailureTTL, MaxFailureTTL time.Duration
	// CacheBytes bounds the cache, by estimate; 0: 64 MiB.
	CacheBytes int64
	// IPv6 has name servers asked over IPv6 too; otherwise only over IPv4. NoIPv4 has them not asked over IPv4.
	IPv6, NoIPv4 bool

	// Prime has the root's servers asked who they are before they are first used, and again when that is over (RFC 9609).
	// Off: the hints stand, and no packet goes out that no question takes.
	Prime bool
	// QNAMEMinimisation hides from servers what they need not know (RFC 9156): off (the default), relaxed as in Unbound
	// and BIND, or strict. MaxMinimiseCount is RFC 9156's MAX_MINIMISE_COUNT, 0: 10; MinimiseOneLabel its
	// MINIMISE_ONE_LAB, 0: 4. MinimiseType is the type asked for instead; 0: A (Unbound), or NS (BIND).
	QNAMEMinimisation                  Minimisation
	MaxMinimiseCount, MinimiseOneLabel int
	MinimiseType                       uint16
	// Forward lists zones whose questions go to recursive servers, "." for all; Stub zones whose authoritative servers
	// are given. The deepest that a name is in counts. Answers are validated just the same: a private zone that its
	// signed parent denies needs DomainInsecure too.
	Forward []Forward
	Stub    []Stub
	// DomainInsecure are negative trust anchors (RFC 7646): nothing at or below these names is validated, unless a
	// trust anchor stands below them.
	DomainInsecure []string
	// AnchorUpdates has the trust anchors follow their zones' key rolls (RFC 5011); by default they stay.
	AnchorUpdates AnchorUpdates
	// NoKeySentinel has names that ask whether a key of the root is trusted here (RFC 8509) answered as any.
	NoKeySentinel bool
	// BelowNXDOMAIN says which NXDOMAIN answers are for the names below too (RFC 8020); by default proven ones.
	BelowNXDOMAIN NXDOMAINCut
	// Cookies has servers sent DNS cookies (RFC 7873, RFC 9018), and replies without the right one ignored.
	Cookies bool
	// RandomCase mixes capitals into questions and wants them back as they were, against forgery
	// (draft-vixie-dnsext-dns0x20); who answers in another case is asked over TCP.
	RandomCase bool
	// AuthorityNS has the NS RRset that a zone's servers add to their answers take the place of its parent's (RFC 2181
	// section 5.4.1), as BIND and Unbound did. Since who forges one such answer gets the whole zone (CVE-2025-40778,
	// CVE-2025-11411), they leave it now, but for answers over TCP and those with our DNS cookie; or when NS is asked for.
	AuthorityNS bool
	// UpstreamUDPSize is what servers are told that we take over UDP, in octets, from 512; 0: 1232 (RFC 9715).
	UpstreamUDPSize uint16
	// LameTTL is for how long a server that does not serve a zone is asked for it only when all others have failed;
	// 0: 15 minutes, negative: not remembered.
	LameTTL time.Duration
	// Limits bound what one question may cost.
	Limits Limits
	// Skew is how far the resolver's clock may be off when signatures are judged; 0: not at all.
	Skew time.Duration
	// SHA1 has signatures of RSASHA1 and RSASHA1-NSEC3-SHA1 (5, 7) checked, as Unbound and BIND still do where the
	// operating system lets them. Otherwise zones with no others are Insecure, as RFC 9905 section 2 wants it of those who
	// run resolvers.
	SHA1 bool
	// MaxNSEC3Iterations is the most extra iterations that an NSEC3 may have; a zone with more is Insecure (RFC 9276
	// section 3.2), with the extended error 27. 0: 100; Unbound and BIND have 150 and 50.
	MaxNSEC3Iterations uint16
}

// maxBogus is at how many servers a question is asked whose answers are bogus.
const maxBogus = 4

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
			errs = append(errs, fmt.Errorf("trust anchor \"%v\": want a DS or a DNSKEY record", rr))
		}
	}
	if cfg.MinTTL < 0 || cfg.MaxTTL < 0 || cfg.MaxNegativeTTL < 0 || cfg.MinNegativeTTL < 0 || cfg.FailureTTL < 0 || cfg.MaxFailureTTL < 0 || cfg.Skew < 0 {
		errs = append(errs, errors.New("a TTL bound or the skew is negative"))
	}
	if cfg.MaxTTL > 0 && cfg.MinTTL > cfg.MaxTTL {
		errs = append(errs, fmt.Errorf("MinTTL %v is more than MaxTTL %v", cfg.MinTTL, cfg.MaxTTL))
	}
	if cfg.BelowNXDOMAIN > CutNever {
		errs = append(errs, fmt.Errorf("BelowNXDOMAIN is %d: there are CutSecure, CutAlways and CutNever", cfg.BelowNXDOMAIN))
	}
	if err := cfg.AnchorUpdates.check(); err != nil {
		errs = append(errs, err)
	}
	if _, err := zoneSet("DomainInsecure", cfg.DomainInsecure); err != nil {
		errs = append(errs, err)
	}
	if err := cfg.Limits.check(); err != nil {
		errs = append(errs, err)
	}
	if err := cfg.checkClients(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
