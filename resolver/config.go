package resolver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"
)

// Config is everything a resolver is made from. Hints, Clock and Exchanger are required; other zeros are sensible.
type Config struct {
	// Name is the resolver's own, for errors.
	Name         string
	Hints        []dns.RR // the root's NS with their A and AAAA
	TrustAnchors []dns.RR // DS or DNSKEY, of the root or of other zones; none: no validation
	Clock        Clock
	Exchanger    Exchanger
	// Rand gives message IDs and the choice among servers. nil: seeded with 0, for tests that script every packet;
	// a resolver on a real network wants better.
	Rand *rand.Rand
	// Allow holds who may ask; nil: everybody. Others get REFUSED with EDE 18 (Prohibited).
	Allow []netip.Prefix
	// MinTTL and MaxTTL are the floor and ceiling of what is cached; MaxNegativeTTL is the ceiling of negative answers.
	// 0: no floor, 7 days and 3 hours.
	MinTTL, MaxTTL, MaxNegativeTTL time.Duration
	// IPv6 lets servers be asked over IPv6 too.
	IPv6 bool
	// Timeout bounds one question, in the Clock's time. 0: 10 s, as BIND's resolver-query-timeout.
	Timeout time.Duration
	// Validation holds what an operator may choose of validation.
	Validation validate.Policy
	// CacheBytes bounds the cache, by estimate. 0: 64 MiB.
	CacheBytes int64
	// Report is told what happens, on whatever goroutine it happens. It must not wait. nil: nobody is told.
	Report func(Event)
}

// Event is one thing that the resolver did.
type Event struct {
	// Kind is "ask", "reply", "referral", "timeout", "error", "lame", "validate", "bogus" or "servfail".
	Kind   string
	Query  string // "name. TYPE"
	Server netip.AddrPort
	EDE    uint16
	Text   string // for people: what was seen, and why that matters
}

const (
	defaultTimeout = 10 * time.Second
	// ednsSize is the UDP size that clients are told, and the most that is sent to them over UDP.
	ednsSize = 1232
)

// Resolver answers questions. It is safe for concurrent use.
type Resolver struct {
	config  Config
	cache   *cache.Cache
	it      *iterate.Iterator
	anchors map[string][]dns.RR // by zone
	allow   atomic.Pointer[[]netip.Prefix]

	mu      sync.Mutex
	flights map[question]*flight
}

// question is a name, in canonical form, and a type.
type question = iterate.Question

// New returns a resolver with an empty cache. All that is wrong with the Config is told at once.
func New(c Config) (*Resolver, error) {
	var errs []error
	if c.Clock == nil {
		errs = append(errs, errors.New("a Clock is missing"))
	}
	if c.Exchanger == nil {
		errs = append(errs, errors.New("an Exchanger is missing"))
	}
	r := &Resolver{config: c, anchors: map[string][]dns.RR{}, flights: map[question]*flight{}}
	for _, rr := range c.TrustAnchors {
		switch rr.(type) {
		case *dns.DS, *dns.DNSKEY:
			zone := dns.CanonicalName(rr.Header().Name)
			r.anchors[zone] = append(r.anchors[zone], rr)
		default:
			errs = append(errs, fmt.Errorf("the trust anchor %q is neither DS nor DNSKEY", rr))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, r.named(err)
	}
	if r.config.Rand == nil {
		r.config.Rand = rand.New(rand.NewPCG(0, 0))
	}
	if r.config.Timeout == 0 {
		r.config.Timeout = defaultTimeout
	}
	r.SetAllow(c.Allow)
	r.cache = cache.New(cache.Config{MaxBytes: c.CacheBytes, MinTTL: c.MinTTL, MaxTTL: c.MaxTTL, MaxNegativeTTL: c.MaxNegativeTTL})
	var err error
	r.it, err = iterate.New(iterate.Config{Hints: c.Hints, Cache: r.cache, Clock: c.Clock, Exchanger: c.Exchanger,
		Rand: r.config.Rand, IPv6: c.IPv6, Address: r.address, Report: r.relay()})
	if err != nil {
		return nil, r.named(err)
	}
	return r, nil
}

func (r *Resolver) named(err error) error {
	if r.config.Name == "" {
		return fmt.Errorf("resolver: %w", err)
	}
	return fmt.Errorf("resolver %s: %w", r.config.Name, err)
}

// relay passes the iterator's events on; nil when nobody listens.
func (r *Resolver) relay() func(iterate.Event) {
	if r.config.Report == nil {
		return nil
	}
	return func(e iterate.Event) {
		r.config.Report(Event{Kind: e.Kind, Query: e.Query, Server: e.Server, Text: e.Text})
	}
}

func (r *Resolver) report(kind string, q question, ede uint16, text string) {
	if r.config.Report != nil {
		r.config.Report(Event{Kind: kind, Query: q.String(), EDE: ede, Text: text})
	}
}

// validating tells whether there is any trust anchor.
func (r *Resolver) validating() bool { return len(r.anchors) > 0 }
