package resolver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"faultzone/resolver/iterate"

	"github.com/miekg/dns"
)

// Forward is a zone whose questions go to recursive servers, and Stub one whose authoritative servers are given. See
// package iterate.
type (
	Forward = iterate.Forward
	Stub    = iterate.Stub
)

// Minimisation is how far servers are kept from seeing whole questions (RFC 9156).
type Minimisation = iterate.Minimisation

// The kinds of Minimisation; see package iterate.
const (
	MinimiseOff     = iterate.MinimiseOff
	MinimiseRelaxed = iterate.MinimiseRelaxed
	MinimiseStrict  = iterate.MinimiseStrict
)

// NXDOMAINCut says which NXDOMAIN answers are for all names below theirs too (RFC 8020).
type NXDOMAINCut uint8

const (
	// CutSecure: those that are proven (Secure), as Unbound's harden-below-nxdomain has it. What is not signed may come
	// of servers that say NXDOMAIN of empty non-terminals.
	CutSecure NXDOMAINCut = iota
	// CutAlways: all, but Bogus ones.
	CutAlways
	// CutNever: none; BIND without synth-from-dnssec.
	CutNever
)

// Limits bound what one question of a client may cost, so that nobody can have the resolver, or others through it, do much
// work by asking little. 0 in a field is its default.
type Limits struct {
	// Time is world time for all of it; 0: 20 s. A client has given up by then: glibc after 5 s by default, dig after
	// 15; BIND's resolver-query-timeout is 10 s.
	Time time.Duration
	// Queries counts what is sent to other servers for the question and all that it leads to: aliases, addresses of name
	// servers, keys; 0: 100, which was BIND's max-recursion-queries (Unbound's max-global-quota is 200). It is what holds
	// when CNAMEs, minimised names and name servers without glue multiply ("CAMP").
	Queries int
	// Links is how many CNAME and DNAME records are followed; 0: 11, which is BIND's and Unbound's max-query-restarts.
	Links int
	// Depth is how deep lookups of any kind may cause lookups; 0: 40, which leaves room for the keys of a name of many
	// labels.
	Depth int
	// ServerDepth is how deep lookups of name servers' addresses may cause others of that kind; 0: 7, BIND's
	// max-recursion-depth.
	ServerDepth int
	// ServerLookups counts the name servers whose addresses are looked up; 0: 64, as in Unbound.
	ServerLookups int
	// ZoneLookups is for how many name servers of one zone that is done; 0: 5, as BIND does since CVE-2020-8616
	// ("NXNSAttack").
	ZoneLookups int
	// ZoneQueries is how many queries one zone's servers get for one question; 0: 24 (Unbound: 32).
	ZoneQueries int
	// Tries is how many of these one address gets over UDP; 0: 3 (Unbound: 5).
	Tries int
	// Referrals is how many delegations may lead on from one another; 0: 64 (Unbound: 130).
	Referrals int
}

func (l Limits) check() error {
	if min(l.Queries, l.Links, l.Depth, l.ServerDepth, l.ServerLookups, l.ZoneLookups, l.ZoneQueries, l.Tries, l.Referrals) < 0 || l.Time < 0 {
		return errors.New("one of Limits is negative: 0 is its default")
	}
	return nil
}

func (l Limits) withDefaults() Limits {
	orElse(&l.Time, 20*time.Second)
	orElse(&l.Queries, 100)
	orElse(&l.Links, 11)
	orElse(&l.Depth, 40)
	orElse(&l.ServerDepth, 7)
	orElse(&l.ServerLookups, 64)
	return l
}

func orElse[T ~int | ~int64](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}

// iteration is what iterating takes from the configuration.
func (cfg *Config) iteration() iterate.Policy {
	return iterate.Policy{
		IPv6: cfg.IPv6, NoIPv4: cfg.NoIPv4, Prime: cfg.Prime,
		Minimise: cfg.QNAMEMinimisation, MaxMinimiseCount: cfg.MaxMinimiseCount, MinimiseOneLabel: cfg.MinimiseOneLabel,
		MinimiseType: cfg.MinimiseType,
		Forward:      cfg.Forward, Stub: cfg.Stub, Cookies: cfg.Cookies, RandomCase: cfg.RandomCase, AuthorityNS: cfg.AuthorityNS, UDPSize: cfg.UpstreamUDPSize,
		LameTTL: cfg.LameTTL,
		Limits: iterate.Limits{Tries: cfg.Limits.Tries, ZoneQueries: cfg.Limits.ZoneQueries, ZoneLookups: cfg.Limits.ZoneLookups,
			Referrals: cfg.Limits.Referrals},
	}
}

// sortedKeys are the keys of a map by zone, in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// zoneSet makes a set of zone names, and says which are none.
func zoneSet(what string, names []string) (map[string]bool, error) {
	var errs []error
	set := make(map[string]bool, len(names))
	for _, name := range names {
		if _, ok := dns.IsDomainName(name); !ok || name == "" {
			errs = append(errs, fmt.Errorf("%s %q: no domain name", what, name))
		}
		set[dns.CanonicalName(name)] = true
	}
	return set, errors.Join(errs...)
}
