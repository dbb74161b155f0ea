package resolver

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// Action is what becomes of a client's query.
type Action uint8

const (
	// Answer it.
	Answer Action = iota
	// Refuse it: REFUSED, with the extended error 18 (Prohibited).
	Refuse
	// Drop it: nothing is sent back.
	Drop
)

// AccessRule is what becomes of the queries from a subnet.
type AccessRule struct {
	Prefix netip.Prefix
	Action Action
}

// NonRecursive says what becomes of a query without RD (RFC 1034 section 4.3.1): one that wants what is known, and
// nothing found out.
type NonRecursive uint8

const (
	// NonRecursiveCache: it is answered from the cache; what is not there is REFUSED, with the extended error 20 (Not
	// Authoritative), as Unbound does for those to whom it allows snooping.
	NonRecursiveCache NonRecursive = iota
	// NonRecursiveRefuse: all are REFUSED with the extended error 20, as Unbound does by default: nobody learns what
	// others have asked for.
	NonRecursiveRefuse
	// NonRecursiveReferral: it is answered from the cache; instead of what is not there the deepest delegation that is
	// known is told, as BIND does.
	NonRecursiveReferral
)

// access is what becomes of the client's query.
func (r *Resolver) access(client netip.Addr) Action {
	client = client.Unmap().WithZone("")
	action, bits := Answer, -1
	for _, rule := range r.cfg.Access {
		if rule.Prefix.Bits() > bits && rule.Prefix.Contains(client) {
			action, bits = rule.Action, rule.Prefix.Bits()
		}
	}
	if action == Answer && !r.allowed(client) {
		return Refuse
	}
	return action
}

// recursionRefused says whether the question is REFUSED because it has no RD.
func (r *Resolver) recursionRefused(q *question) bool {
	return !q.rd && r.cfg.NonRecursive == NonRecursiveRefuse
}

// notAuthoritative is what those are told who do not desire recursion, and what is wrong with that.
func notAuthoritative(why string) *reply {
	return &reply{rcode: dns.RcodeRefused, ede: []dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeNotAuthoritative, ExtraText: why}}}
}

func (cfg *Config) checkClients() error {
	var errs []error
	for i, rule := range cfg.Access {
		if !rule.Prefix.IsValid() || rule.Action > Drop {
			errs = append(errs, fmt.Errorf("in Access[%d]: prefix %s, action %d: want a prefix, and Answer, Refuse or Drop", i, rule.Prefix, rule.Action))
		}
	}
	if cfg.NonRecursive > NonRecursiveReferral {
		errs = append(errs, fmt.Errorf("NonRecursive is %d: there are NonRecursiveCache, NonRecursiveRefuse and NonRecursiveReferral", cfg.NonRecursive))
	}
	if cfg.SpecialNames > SpecialNone {
		errs = append(errs, fmt.Errorf("SpecialNames is %d: there are SpecialUsual, SpecialAll and SpecialNone", cfg.SpecialNames))
	}
	if cfg.ANY > ANYAll {
		errs = append(errs, fmt.Errorf("ANY is %d: there are ANYMinimal and ANYAll", cfg.ANY))
	}
	s := &cfg.ServeStale
	if s.Answer > StaleAfterFailure || s.ClientTimer < 0 || s.TTL < 0 || s.Maximum < 0 {
		errs = append(errs, errors.New("ServeStale: an unknown Answer, or a negative time"))
	}
	if cfg.Prefetch.Trigger < 0 || cfg.Prefetch.Eligible < 0 {
		errs = append(errs, errors.New("Prefetch: a time is negative"))
	}
	if cfg.MaxWaiting < 0 {
		errs = append(errs, fmt.Errorf("MaxWaiting is %d: 0 is its default, 1000", cfg.MaxWaiting))
	}
	if cfg.MaxUDPSize != 0 && cfg.MaxUDPSize < minUDP {
		errs = append(errs, fmt.Errorf("MaxUDPSize is %d: the least is %d (RFC 6891 section 6.2.3)", cfg.MaxUDPSize, minUDP))
	}
	return errors.Join(errs...)
}

func (cfg *Config) setClientDefaults() {
	cfg.ServeStale.setDefaults()
	orElse(&cfg.MaxWaiting, 1000)
	if cfg.MaxUDPSize == 0 {
		cfg.MaxUDPSize = maxUDP
	}
}

// cacheConfig is what the cache takes from the configuration.
func (cfg *Config) cacheConfig() cache.Config {
	c := cache.Config{MaxBytes: cfg.CacheBytes, MinTTL: cfg.MinTTL, MaxTTL: cfg.MaxTTL, MaxNegativeTTL: cfg.MaxNegativeTTL,
		MinNegativeTTL: cfg.MinNegativeTTL, FailureTTL: cfg.FailureTTL, MaxFailureTTL: cfg.MaxFailureTTL}
	if s := cfg.ServeStale; s.On {
		c.KeepExpired, c.StaleRecheck, c.StaleReset = s.Maximum, max(s.Recheck, 0), s.Reset
	}
	return c
}

// denialBytes bounds what is known of denials: an eighth more than the cache.
func (cfg *Config) denialBytes() int64 {
	if cfg.CacheBytes > 0 {
		return cfg.CacheBytes / 8
	}
	return 8 << 20
}

// referral is the deepest delegation that is known for the question (RFC 1034 section 4.3.1), with the addresses that are
// known of its servers; nil: not even the root's.
func (r *Resolver) referral(q *question, now time.Time) *reply {
	e, ok := r.cache.Delegation(q.name, now)
	if !ok {
		return nil
	}
	a := &reply{authority: e.AppendRRs(nil, now)}
	servers := hosts(a.authority)
	if q.do {
		a.authority = r.appendDS(a.authority, e.Name, now)
	}
	for _, host := range servers {
		for _, t := range [...]uint16{dns.TypeA, dns.TypeAAAA} {
			if e, ok := r.cache.RRset(host, t, now); ok && e.Kind == cache.Positive && e.Rank >= cache.Additional && e.Status != validate.Bogus {
				a.additional = e.AppendRRs(a.additional, now)
			}
		}
	}
	return a
}

// appendDS appends what belongs to a signed referral: the zone's DS, or what proves that there is none (RFC 4035 section
// 3.1.4), as far as it is known.
func (r *Resolver) appendDS(rrs []dns.RR, zone string, now time.Time) []dns.RR {
	ds, ok := r.cache.Get(zone, dns.TypeDS, now)
	switch {
	case !ok || ds.Status == validate.Bogus:
		return rrs
	case ds.Kind == cache.Positive:
		return ds.AppendSigs(ds.AppendRRs(rrs, now), now)
	case ds.Kind == cache.NODATA: // its SOA would make the referral a denial
		proof := &cache.Entry{Proof: ds.Proof, Stored: ds.Stored, Expires: ds.Expires}
		return proof.AppendAuthority(rrs, now, true)
	}
	return rrs
}
