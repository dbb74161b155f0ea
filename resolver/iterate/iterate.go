// Package iterate finds the servers that know, and asks them (RFC 1034 section 5.3.3).
//
// From the deepest delegation in the cache, or the hints, it follows referrals down to the zone of a name and returns
// the reply of one of its servers: classified once, scrubbed of what that server has no say in (bailiwick), and not
// yet judged. Delegations and glue that it meets on the way go into the cache with the rank that RFC 2181 section
// 5.4.1 gives them. It remembers how fast each server is, backs off from those that are silent, and stays within the
// bounds of a question's [Work].
//
// What it leaves to its caller: validation, following CNAMEs to other names, answers in the cache, and what to tell
// clients. Nothing here holds a lock while it waits.
package iterate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"
)

// Clock tells the time.
type Clock interface{ Now() time.Time }

// Exchanger sends a packed query and returns the first reply that accept takes.
type Exchanger interface {
	Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte,
		timeout time.Duration, accept func(reply []byte) bool) ([]byte, error)
}

// Config is what an iterator works with; all of it is required but IPv6 and Report.
type Config struct {
	Hints     []dns.RR // the root's NS with their A and AAAA
	Cache     *cache.Cache
	Clock     Clock
	Exchanger Exchanger
	Rand      *rand.Rand // guarded by the iterator from now on
	IPv6      bool       // ask servers over IPv6 too
	// Address resolves a name server's name that no glue came with. It puts what it finds into the cache.
	Address func(ctx context.Context, w *Work, name string, rrtype uint16) error
	Report  func(Event)
}

// Event is one thing that the iterator did; Kind is "ask", "reply", "referral", "timeout", "error" or "lame".
type Event struct {
	Kind   string
	Query  string
	Server netip.AddrPort
	Text   string
}

// Work bounds what one question of a client may cost, with all that it needs on the way (the answer to NXNSAttack, CAMP
// and TsuNAME). One activity uses it.
type Work struct {
	Sent  int // upstream queries so far
	Depth int // names being resolved for the sake of others
	// Pending are the questions that wait for one another, the latest last; the caller keeps it, to find circles.
	Pending []Question
}

// Question is a name, in canonical form, and a type.
type Question struct {
	Name string
	Type uint16
}

func (q Question) String() string { return q.Name + " " + dns.Type(q.Type).String() }

// The bounds of a question's work.
const (
	MaxSent       = 100
	MaxDepth      = 8
	maxReferrals  = 32
	maxNameserver = 4 // glueless name servers resolved for one zone
	maxTries      = 3 // questions to one address
)

// Iterator asks authoritative servers. It is safe for concurrent use.
type Iterator struct {
	config  Config
	hints   delegation
	mu      sync.Mutex // over what follows, and config.Rand
	servers map[netip.AddrPort]*server
}

// New returns an iterator. It fails when the hints name no server with an address.
func New(c Config) (*Iterator, error) {
	it := &Iterator{config: c, servers: map[netip.AddrPort]*server{}}
	it.hints.zone = "."
	for _, rr := range c.Hints {
		if ns, ok := rr.(*dns.NS); ok && ns.Hdr.Name == "." {
			it.hints.names = append(it.hints.names, dns.CanonicalName(ns.Ns))
		}
	}
	for _, rr := range c.Hints {
		if a, ok := address(rr); ok && c.usable(a) {
			for _, n := range it.hints.names {
				if n == dns.CanonicalName(rr.Header().Name) {
					it.hints.addresses = append(it.hints.addresses, netip.AddrPortFrom(a, 53))
				}
			}
		}
	}
	if len(it.hints.addresses) == 0 {
		return nil, fmt.Errorf("the hints have no NS of the root with a usable address")
	}
	return it, nil
}

func (c *Config) usable(a netip.Addr) bool { return a.Is4() || c.IPv6 }

func address(rr dns.RR) (netip.Addr, bool) {
	switch rr := rr.(type) {
	case *dns.A:
		a, ok := netip.AddrFromSlice(rr.A.To4())
		return a, ok
	case *dns.AAAA:
		a, ok := netip.AddrFromSlice(rr.AAAA.To16())
		return a, ok
	}
	return netip.Addr{}, false
}

// Response is what one server of the zone said.
type Response struct {
	Kind   Kind
	Zone   string // the zone whose server was asked
	Server netip.AddrPort
	// Sets of the answer section that belong to the name: the RRset asked for, or the CNAME, or the DNAME above it.
	Answer []validate.RRset
	// SOA and Proof are of the authority section: for negative answers, and for synthesised ones.
	SOA   validate.RRset
	Proof []validate.RRset
	AA    bool
}

// Unreachable says that no server of a zone gave a reply that could be used.
type Unreachable struct {
	Zone     string
	Query    string
	Attempts []Attempt
}

// Attempt is one server's failure to help.
type Attempt struct {
	Server netip.AddrPort
	Err    error  // the exchange failed
	Reply  string // or it replied with this: "SERVFAIL", "lame", …
}

func (a Attempt) String() string {
	if a.Err != nil {
		return fmt.Sprintf("%s: %v", a.Server.Addr(), a.Err)
	}
	return fmt.Sprintf("%s: %s", a.Server.Addr(), a.Reply)
}

func (e *Unreachable) Error() string {
	if len(e.Attempts) == 0 {
		return fmt.Sprintf("no server of %s has an address that could be asked", e.Zone)
	}
	var parts []string
	seen := map[string]bool{}
	for _, a := range e.Attempts {
		if text := a.String(); !seen[text] {
			seen[text] = true
			parts = append(parts, text)
		}
	}
	return fmt.Sprintf("no server of %s answered %s: %s", e.Zone, e.Query, strings.Join(parts, "; "))
}

func (it *Iterator) report(e Event) {
	if it.config.Report != nil {
		it.config.Report(e)
	}
}
