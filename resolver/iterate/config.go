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
	// IPv6 has servers asked at their IPv6 addresses too.
	IPv6 bool
	// Report is told what happens; nil: nobody is.
	Report func(Event)
}

// Iterator asks. It is safe for concurrent use.
type Iterator struct {
	cfg  Config
	root *delegation

	mu      sync.Mutex // over what follows
	rand    *rand.Rand
	servers map[netip.AddrPort]*server
}

// New makes an Iterator. The error says what is wrong with the hints.
func New(cfg Config) (*Iterator, error) {
	it := &Iterator{cfg: cfg, rand: cfg.Rand, servers: make(map[netip.AddrPort]*server)}
	if it.rand == nil {
		it.rand = rand.New(rand.NewPCG(1, 2))
	}
	it.root = &delegation{zone: ".", glue: make(map[string][]netip.Addr)}
	for _, rr := range cfg.Hints {
		if ns, ok := rr.(*dns.NS); ok && ns.Hdr.Name == "." {
			it.root.addName(ns.Ns)
		} else if a, ok := addressOf(rr); ok {
			it.root.addGlue(rr.Header().Name, a)
		}
	}
	if len(it.root.names) == 0 {
		return nil, errors.New("the hints have no NS records of the root")
	}
	if len(it.knownAddresses(it.root)) == 0 {
		return nil, fmt.Errorf("the hints have no address for any of the root's %d name servers%s", len(it.root.names), family(cfg.IPv6))
	}
	return it, nil
}

func family(ipv6 bool) string {
	if ipv6 {
		return ""
	}
	return ", of IPv4, which alone is used without IPv6"
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
func (it *Iterator) usable(a netip.Addr) bool { return a.Is4() || it.cfg.IPv6 && a.Is6() }

// Forget drops what was learned about all servers: how fast they answer and whether they do.
func (it *Iterator) Forget() {
	it.mu.Lock()
	defer it.mu.Unlock()
	clear(it.servers)
}
