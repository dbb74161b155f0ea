package cache

import (
	"cmp"
	"container/heap"
	"sync"
	"sync/atomic"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// Config bounds a cache. The zero value is a sensible cache.
type Config struct {
	// MaxBytes is how much the entries may take, by estimate. 0 means 64 MiB.
	MaxBytes int64
	// MinTTL and MaxTTL are the floor and the ceiling of a positive entry's life. 0 means no floor, and 7 days (RFC 8767
	// section 4).
	MinTTL, MaxTTL time.Duration
	// MinNegativeTTL and MaxNegativeTTL are those of NXDOMAIN and NODATA. 0 means no floor, and 3 hours (RFC 2308
	// section 5).
	MinNegativeTTL, MaxNegativeTTL time.Duration
	// MaxBogusTTL is the ceiling for what is Bogus (RFC 4035 section 4.7). 0 means 60 s.
	MaxBogusTTL time.Duration
	// FailureTTL is how long a first failure is remembered, doubled with each that follows up to MaxFailureTTL (RFC 9520
	// section 3.2: 1 s to 5 min). 0 means 5 s, and 60 s.
	FailureTTL, MaxFailureTTL time.Duration
	// KeepExpired is for how long expired entries can still be had from Stale (RFC 8767). 0: not at all.
	KeepExpired time.Duration
	// StaleRecheck is the least that a failure is remembered when there is expired data to tell instead (RFC 8767 section
	// 5, the failure recheck timer). 0: as any failure.
	StaleRecheck time.Duration
	// StaleReset has expired data kept for another KeepExpired with each failure to get it anew.
	StaleReset bool
}

func (cfg Config) withDefaults() Config {
	orElse := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 64 << 20
	}
	orElse(&cfg.MaxTTL, 7*24*time.Hour)
	orElse(&cfg.MaxNegativeTTL, 3*time.Hour)
	orElse(&cfg.MaxBogusTTL, time.Minute)
	orElse(&cfg.FailureTTL, 5*time.Second)
	orElse(&cfg.MaxFailureTTL, time.Minute)
	return cfg
}

// Cache is safe for concurrent use.
type Cache struct {
	cfg Config

	changes atomic.Uint64 // grows with each change of an entry

	mu        sync.RWMutex
	names     map[string]*node
	store     store
	forgotten uint64 // what was Ready before this are not told
}

// node holds all entries of one name: few, so that a slice is searched fastest.
type node struct {
	entries []*Entry
	changed uint64   // Cache.changes when the entries were last others
	answers []*Ready // made since then
}

// find returns the entry of the type: the failure, or what is not one. NXDOMAIN is under dns.TypeNone.
func (n *node) find(rrtype uint16, failure bool) *Entry {
	if n == nil {
		return nil
	}
	for _, e := range n.entries {
		if e.Type == rrtype && (e.Kind == Failure) == failure {
			return e
		}
	}
	return nil
}

// New makes an empty cache.
func New(cfg Config) *Cache {
	return &Cache{cfg: cfg.withDefaults(), names: make(map[string]*node)}
}

// Put stores e and returns the entry that stands afterwards for its name and type: e itself, or a live entry that it may
// not replace (see the package's text). The cache owns e, its slices and its records from then on: nobody writes to them
// any more. Put sets Stored and Expires, and makes Name canonical. An entry without any life (TTL 0, a negative answer
// without SOA, unless it is the proof of a referral) is returned ready for use, but not kept. Failures are for Fail; a Failure given to Put is not kept.
func (c *Cache) Put(e *Entry, now time.Time) *Entry {
	e.Name = canonical(e.Name)
	if e.Kind == NXDOMAIN {
		e.Type = dns.TypeNone
	}
	e.Stored, e.Expires = now, now.Add(c.life(e, now))
	if e.Kind == Failure {
		return e
	}
	e.gone, e.cost = e.Expires.Add(c.cfg.KeepExpired), estimate(e)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.purge(now)
	n := c.names[e.Name]
	if nx := n.find(dns.TypeNone, false); nx != nil && nx != e && !nx.live(now) && !e.live(now) && e.ends() {
		c.remove(nx) // the name exists after all
	}
	if old := n.find(e.Type, false); old != nil {
		if old.live(now) {
			if !e.supersedes(old) {
				return old
			}
			e.inheritLife(old, c.cfg.KeepExpired)
		}
		if e.live(now) || old.live(now) || e.ends() {
			c.remove(old)
		}
	}
	if e.live(now) {
		if failure := n.find(e.Type, true); failure != nil && !(failure.Checking && e.Status == validate.Indeterminate) {
			c.remove(failure)
		}
		c.insert(e, now)
	}
	return e
}

// supersedes says whether e may replace the live entry old.
func (e *Entry) supersedes(old *Entry) bool {
	switch {
	case old.Status == validate.Bogus:
		return true
	case old.Status == validate.Secure && (e.Status == validate.Bogus || e.Status == validate.Indeterminate):
		return false
	case old.Status != validate.Secure && e.Status == validate.Secure:
		return true
	}
	return e.Rank >= old.Rank
}

// ends says whether e, which has no life of its own, is news that makes stale entries wrong: a TTL of 0, say.
func (e *Entry) ends() bool {
	return e.Status != validate.Bogus && e.Rank >= NonAuthoritativeAnswer && (e.Kind == Positive || len(e.SOA.RRs) > 0)
}

// inheritLife keeps a new NS RRset from outliving the live one that it replaces. Hints say nothing about delegations.
func (e *Entry) inheritLife(old *Entry, keep time.Duration) {
	if e.Type == dns.TypeNS && e.Kind == Positive && old.Kind == Positive && old.Rank > Hint && e.Expires.After(old.Expires) {
		e.Expires, e.gone = old.Expires, old.Expires.Add(keep)
	}
}

// Fail remembers that the question could not be answered; Expires of the entry that it returns says for how long:
// FailureTTL, doubled when the failure before is not over for longer than it lasted itself (RFC 9520 section 3.2). An
// answer put for the same name and type ends the series.
func (c *Cache) Fail(name string, rrtype uint16, ede []dns.EDNS0_EDE, now time.Time) *Entry {
	return c.fail(&Entry{Name: canonical(name), Type: rrtype, Kind: Failure, EDE: ede, Stored: now}, now)
}

// FailChecking does the same for who checks; to others it says nothing (Entry.Checking), and data that was not judged does
// not end the series.
func (c *Cache) FailChecking(name string, rrtype uint16, ede []dns.EDNS0_EDE, now time.Time) *Entry {
	return c.fail(&Entry{Name: canonical(name), Type: rrtype, Kind: Failure, EDE: ede, Checking: true, Stored: now}, now)
}

func (c *Cache) fail(e *Entry, now time.Time) *Entry {
	life, rrtype := c.cfg.FailureTTL, e.Type

	c.mu.Lock()
	defer c.mu.Unlock()
	c.purge(now)
	if old := c.names[e.Name].find(rrtype, true); old != nil {
		life = 2 * old.Expires.Sub(old.Stored)
		if old.live(now) {
			life /= 2 // several who asked at once failed together
		}
		c.remove(old)
	}
	life = min(life, c.cfg.MaxFailureTTL)
	if stale := c.names[e.Name].stale(rrtype, now); stale != nil {
		life = max(life, c.cfg.StaleRecheck)
		if c.cfg.StaleReset {
			stale.gone = now.Add(c.cfg.KeepExpired)
			heap.Fix(&c.store.byEnd, stale.at)
		}
	}
	e.Expires, e.gone, e.cost = now.Add(life), now.Add(2*life), estimate(e)
	c.insert(e, now)
	return e
}

// Get returns the live entry for name and type: Positive, NODATA, or NXDOMAIN, which is stored for the name as a whole. Of
// an entry for the type and an NXDOMAIN the Secure one counts, or the one that is not Bogus, or the one of higher rank, or
// the later one. It does not follow CNAME, nor does it give failures. Bogus entries are returned too; look at Status, and at Rank before you tell a client.
func (c *Cache) Get(name string, rrtype uint16, now time.Time) (*Entry, bool) {
	name = canonical(name)
	c.mu.RLock()
	e := c.names[name].about(rrtype, func(e *Entry) bool { return e.live(now) })
	c.mu.RUnlock()
	return e.used()
}

// Stale is Get for an entry that lives, or that expired no longer than Config.KeepExpired ago.
func (c *Cache) Stale(name string, rrtype uint16, now time.Time) (*Entry, bool) {
	name = canonical(name)
	c.mu.RLock()
	e := c.names[name].about(rrtype, func(e *Entry) bool { return now.Before(e.gone) })
	c.mu.RUnlock()
	return e.used()
}

// stale is what a client could be told though it has expired: of the type, or an alias.
func (n *node) stale(rrtype uint16, now time.Time) *Entry {
	usable := func(e *Entry) bool {
		return !e.live(now) && now.Before(e.gone) && e.Status != validate.Bogus && e.Rank >= NonAuthoritativeAnswer
	}
	if e := n.about(rrtype, usable); e != nil {
		return e
	}
	return n.about(dns.TypeCNAME, usable)
}

// about chooses between the entry of the type and the NXDOMAIN of the name.
func (n *node) about(rrtype uint16, usable func(*Entry) bool) *Entry {
	if n == nil {
		return nil
	}
	var best *Entry
	for _, e := range n.entries {
		if e.Kind == Failure || e.Type != rrtype && e.Kind != NXDOMAIN || !usable(e) {
			continue
		}
		if best == nil || e.outweighs(best) {
			best = e
		}
	}
	return best
}

// outweighs decides between what is known of the type and of the name, both live: Secure before the rest before Bogus,
// then by rank, then the later one.
func (e *Entry) outweighs(other *Entry) bool {
	weight := func(s validate.Status) int {
		switch s {
		case validate.Secure:
			return 2
		case validate.Bogus:
			return 0
		}
		return 1
	}
	return cmp.Or(weight(e.Status)-weight(other.Status), int(e.Rank)-int(other.Rank), cmp.Compare(e.order, other.order)) > 0
}

// RRset returns the live Positive entry of this very type, whatever else is known about the name: glue beside an
// NXDOMAIN of higher rank, say.
func (c *Cache) RRset(name string, rrtype uint16, now time.Time) (*Entry, bool) {
	name = canonical(name)
	c.mu.RLock()
	e := c.names[name].positive(rrtype, now)
	c.mu.RUnlock()
	return e.used()
}

func (n *node) positive(rrtype uint16, now time.Time) *Entry {
	if e := n.find(rrtype, false); e != nil && e.Kind == Positive && e.live(now) {
		return e
	}
	return nil
}

// Failure returns the live failure of name and type.
func (c *Cache) Failure(name string, rrtype uint16, now time.Time) (*Entry, bool) {
	name = canonical(name)
	c.mu.RLock()
	e := c.names[name].find(rrtype, true)
	c.mu.RUnlock()
	if e == nil || !e.live(now) {
		return nil, false
	}
	return e.used()
}

// Closest returns the live Positive entry of this type at name or else at the nearest name above it, the root included:
// of type NS, the deepest delegation that is known.
func (c *Cache) Closest(name string, rrtype uint16, now time.Time) (*Entry, bool) {
	name = canonical(name)
	c.mu.RLock()
	defer c.mu.RUnlock()
	for off, end := 0, name == "."; !end; off, end = dns.NextLabel(name, off) {
		if e := c.names[name[off:]].positive(rrtype, now); e != nil {
			return e.used()
		}
	}
	return c.names["."].positive(rrtype, now).used()
}

// canonical is the name in lower case with the trailing dot; most come that way.
func canonical(name string) string {
	for i := range len(name) {
		if c := name[i]; 'A' <= c && c <= 'Z' {
			return dns.CanonicalName(name)
		}
	}
	return dns.Fqdn(name)
}
