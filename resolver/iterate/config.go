package iterate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"faultzone/resolver/cache"

	"github.com/miekg/dns"
)

// Teller tells the time. Waiting is the Exchanger's.
type Teller interface{ Now() time.Time }

// Exchanger carries questions to servers.
type Exchanger interface {
	// Exchange sends the packed query to server over "udp" or "tcp" and returns the first reply that accept takes; all
	// others are ignored until timeout has passed. Errors: Timeout() of net.Error; syscall.ECONNREFUSED and EHOSTUNREACH
	// by errors.Is.
	Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte,
		timeout time.Duration, accept func(reply []byte) bool) ([]byte, error)
}

// Config is what an Iterator is made from. Hints, Clock, Exchanger and Cache are required.
type Config struct {
	// Hints are the root's NS records and those servers' addresses.
	Hints     []dns.RR
	Clock     Teller
	Exchanger Exchanger
	// Cache is where delegations are looked up and remembered.
	Cache *cache.Cache
	// Rand gives message IDs and the choice between servers; nil: always the same ones.
	Rand *rand.Rand
	// Report is told what happens; nil: nobody is.
	Report func(Event)
	// Anchored lists the zones with a trust anchor. Their servers, and those of zones with a DS, are asked with EDNS
	// however silent they are, and forwarders are asked with CD (RFC 6840 section 5.9). Empty: nobody validates.
	Anchored []string
	// Checked says whether what a zone says is validated: a trust anchor stands at or above it, and no negative one in between. nil:
	// everything is, with Anchored.
	Checked func(zone string) bool
	Policy
}

// Policy is what may be chosen about asking. The zero value asks plainly: no more packets, and no other ones, than the
// question takes.
type Policy struct {
	// IPv6 has servers asked at their IPv6 addresses too; NoIPv4 has them not asked at their IPv4 addresses. Forwarders
	// and stubs are asked where they were configured.
	IPv6, NoIPv4 bool
	// Prime has the root's NS RRset asked for before the root's servers are first used, and again when its TTL is over
	// (RFC 9609 section 3); the hints are for that question, and for when nobody answers it. Off: the hints stand.
	Prime bool
	// Minimise hides from each server what it need not know of the question (RFC 9156). MaxMinimiseCount is how many
	// hiding queries one question may take, 0: 10; MinimiseOneLabel for how many of these one label at a time is
	// added, 0: 4. MinimiseType is their type; 0: A, as in Unbound; BIND and older resolvers ask for NS.
	Minimise                           Minimisation
	MaxMinimiseCount, MinimiseOneLabel int
	MinimiseType                       uint16
	// Forward and Stub are zones whose servers are given. Of those that a name is in the deepest counts.
	Forward []Forward
	Stub    []Stub
	// Cookies has servers sent DNS cookies (RFC 7873, RFC 9018).
	Cookies bool
	// RandomCase mixes the case of the letters in questions and wants it back (draft-vixie-dnsext-dns0x20).
	RandomCase bool
	// AuthorityNS has a zone's NS RRset taken from the authority section of its servers' answers, though nobody asked for
	// it; otherwise only from answers over TCP and from those with our DNS cookie.
	AuthorityNS bool
	// UDPSize is what our OPT record offers, in octets, 512 at least; 0: 1232 (RFC 9715 section 3.2).
	UDPSize uint16
	// LameTTL is for how long a server that did not serve a zone is asked for it only when the others have failed;
	// 0: 15 minutes, as in Unbound (BIND's lame-ttl was 10); negative: it is forgotten at once.
	LameTTL time.Duration
	Limits  Limits
}

// Iterator asks. It is safe for concurrent use.
type Iterator struct {
	cfg    Config
	root   *delegation
	routes map[string]*route // by zone
	bypass map[string]bool   // the names above zones that a forward goes around
	signed map[string]bool   // zones with a trust anchor

	mu      sync.Mutex // over what follows
	rand    *rand.Rand
	servers map[netip.AddrPort]*server
	lame    map[lameAt]time.Time // until when
	told    map[string]told      // glue, by canonical name
}

// New makes an Iterator. The error says what is wrong with the hints and the policy.
func New(cfg Config) (*Iterator, error) {
	it := &Iterator{cfg: cfg, rand: cfg.Rand, servers: make(map[netip.AddrPort]*server), lame: make(map[lameAt]time.Time), told: make(map[string]told),
		signed: make(map[string]bool, len(cfg.Anchored))}
	if it.rand == nil {
		it.rand = rand.New(rand.NewPCG(1, 2))
	}
	for _, zone := range cfg.Anchored {
		it.signed[dns.CanonicalName(zone)] = true
	}
	err := it.cfg.Policy.complete()
	var wrong error
	it.routes, it.bypass, wrong = routesOf(&cfg.Policy)
	if err = errors.Join(err, wrong); err != nil {
		return nil, err
	}
	it.root = &delegation{zone: ".", glue: make(map[string][]netip.Addr)}
	for _, rr := range cfg.Hints {
		if ns, ok := rr.(*dns.NS); ok && ns.Hdr.Name == "." {
			it.root.addName(ns.Ns)
		} else if a, ok := addressOf(rr); ok {
			it.root.addGlue(rr.Header().Name, a)
		}
	}
	if r := it.routes["."]; r != nil && !r.around {
		return it, nil // the root's servers are given otherwise
	}
	if len(it.root.names) == 0 {
		return nil, errors.New("the hints have no NS records of the root")
	}
	if len(it.knownAddresses(it.root)) == 0 {
		return nil, fmt.Errorf("the hints have no address for any of the root's %d name servers%s", len(it.root.names), it.cfg.family())
	}
	return it, nil
}

func (p *Policy) family() string {
	switch {
	case p.NoIPv4 && !p.IPv6:
		return ", with neither IPv4 nor IPv6"
	case p.NoIPv4:
		return ", of IPv6, which alone is used with NoIPv4"
	case p.IPv6:
		return ""
	}
	return ", of IPv4, which alone is used without IPv6"
}

// complete puts the defaults in and says what is out of range.
func (p *Policy) complete() error {
	var errs []error
	if p.UDPSize != 0 && p.UDPSize < 512 {
		errs = append(errs, fmt.Errorf("an UDPSize of %d: less than 512 means 512 (RFC 6891 section 6.2.3): say that, or 0 for %d", p.UDPSize, defaultUDPSize))
	}
	if p.Minimise > MinimiseStrict {
		errs = append(errs, fmt.Errorf("a Minimise of %d: there are off, relaxed and strict", p.Minimise))
	}
	if p.MaxMinimiseCount < 0 || p.MinimiseOneLabel < 0 {
		errs = append(errs, errors.New("MaxMinimiseCount or MinimiseOneLabel is negative"))
	}
	orElse(&p.UDPSize, defaultUDPSize)
	orElse(&p.MaxMinimiseCount, 10)
	orElse(&p.MinimiseOneLabel, 4)
	orElse(&p.MinimiseType, dns.TypeA)
	orElse(&p.LameTTL, serverMemory)
	return errors.Join(append(errs, p.Limits.complete())...)
}

// orElse sets what is zero to its default.
func orElse[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

func addressOf(rr dns.RR) (netip.Addr, bool) {
	switch rr := rr.(type) {
	case *dns.A:
		a, ok := netip.AddrFromSlice(rr.A)
		return a.Unmap(), ok
	case *dns.AAAA:
		return netip.AddrFromSlice(rr.AAAA)
	}
	return netip.Addr{}, false
}

// usable says whether the Iterator would send to the address.
func (it *Iterator) usable(a netip.Addr) bool {
	if a.Is4() {
		return !it.cfg.NoIPv4
	}
	return a.IsValid() && it.cfg.IPv6 && !a.Is4In6()
}

// Forget drops what was learned about all servers: how fast they answer, whether they do, and for which zones.
func (it *Iterator) Forget() {
	it.mu.Lock()
	defer it.mu.Unlock()
	clear(it.servers)
	clear(it.lame)
	clear(it.told)
}
