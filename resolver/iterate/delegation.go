package iterate

import (
	"net/netip"
	"slices"
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// delegation is a zone and the servers that it is delegated to.
type delegation struct {
	zone  string
	names []string // of the servers, canonical, in the order in which they were told
	glue  map[string][]netip.Addr
	// cached: it came from the cache, so that asking its parent might tell more.
	cached bool
	// own: the zone itself told it, and not its parent.
	own bool
	// until is the end of this knowledge; zero: there is none. above is by what it was learned.
	until time.Time
	above *cache.Above
	// route is set when the servers were configured, and not told by anybody.
	route *route
}

func (d *delegation) addName(name string) {
	if name = dns.CanonicalName(name); !slices.Contains(d.names, name) && len(d.names) < maxNames {
		d.names = append(d.names, name)
	}
}

func (d *delegation) addGlue(name string, a netip.Addr) {
	name = dns.CanonicalName(name)
	if !slices.Contains(d.glue[name], a) && len(d.glue[name]) < maxAddresses {
		d.glue[name] = append(d.glue[name], a)
	}
}

const (
	maxNames     = 32 // of servers of one zone
	maxAddresses = 16 // of one server
)

// closest is the deepest known delegation that name is in. Without priming the root's servers are those of the hints,
// always.
func (it *Iterator) closest(name string, now time.Time) *delegation {
	e, ok := it.cfg.Cache.Delegation(name, now)
	if !ok || e.Name == "." && (!it.cfg.Prime || e.Rank < cache.NonAuthoritativeAnswer) {
		return it.root
	}
	d := &delegation{zone: e.Name, cached: true, own: e.Rank > cache.Referral, until: e.Expires, above: e.Above}
	for _, rr := range e.Set.RRs {
		if ns, ok := rr.(*dns.NS); ok {
			d.addName(ns.Ns)
		}
	}
	if e.Name == "." {
		d.cached, d.glue, d.until, d.above = false, it.root.glue, time.Time{}, nil // there is no parent to ask
		if len(it.knownAddresses(d)) == 0 {
			return it.root
		}
	}
	if len(d.names) == 0 {
		return it.root
	}
	return d
}

// owner is the name whose zone has what the question is for: a DS belongs to the zone above its owner.
func (q Question) owner() string {
	if q.Type == dns.TypeDS {
		return parent(q.Name)
	}
	return q.Name
}

// start is where the question's walk begins: with the forward or stub zone that it is in, unless a delegation below a
// stub zone is known.
func (it *Iterator) start(q Question, now time.Time) *delegation {
	name, r := q.owner(), it.routeFor(q)
	if r == nil {
		return it.closest(name, now)
	}
	if !r.recursive {
		d := it.closest(name, now)
		if d.zone != r.zone && dns.IsSubDomain(r.zone, d.zone) {
			return d
		}
	}
	return r.delegation()
}

// above is the deepest delegation, forward or stub zone above a zone.
func (it *Iterator) above(zone string, now time.Time) *delegation {
	return it.start(Question{Name: parent(zone), Type: dns.TypeNS}, now)
}

// knownAddresses are where the delegation's servers can be asked, as far as that is known without asking.
func (it *Iterator) knownAddresses(d *delegation) []*target {
	var targets []*target
	for _, name := range d.names {
		targets = it.addTargets(targets, name, it.addressesOf(d, name))
	}
	return targets
}

func (it *Iterator) addressesOf(d *delegation, name string) []netip.Addr {
	var list []netip.Addr
	now := it.cfg.Clock.Now()
	for _, t := range it.addressTypes() {
		if e, ok := it.cfg.Cache.RRset(name, t, now); ok {
			for _, rr := range e.Set.RRs {
				if a, ok := addressOf(rr); ok {
					list = append(list, a)
				}
			}
		}
	}
	if !slices.ContainsFunc(list, it.usable) {
		list = append(list, d.glue[name]...)
	}
	return list
}

func (it *Iterator) addressTypes() []uint16 {
	types := []uint16{dns.TypeA, dns.TypeAAAA}
	switch {
	case it.cfg.NoIPv4:
		return types[1:]
	case !it.cfg.IPv6:
		return types[:1]
	}
	return types
}

func (it *Iterator) addTargets(targets []*target, host string, addrs []netip.Addr) []*target {
	for i, a := range addrs {
		at := netip.AddrPortFrom(a, 53)
		known := slices.ContainsFunc(targets, func(t *target) bool { return t.addr == at })
		if i < maxAddresses && it.usable(a) && !known {
			targets = append(targets, &target{addr: at, host: host})
		}
	}
	return targets
}

// bound is what an NS RRset that the zone's servers tell is kept with: their own one ends with the delegation, whatever they
// say ("ghost domains"); one of a zone below counts only as long as they are delegated to.
func (d *delegation) bound(owner string) (until time.Time, above *cache.Above) {
	switch {
	case owner == d.zone:
		return d.until, d.above
	case d.until.IsZero():
		return time.Time{}, nil
	}
	return time.Time{}, &cache.Above{Zone: d.zone, Until: d.until, Above: d.above}
}

// learn puts what a referral of a server of from tells into the cache, and makes the delegation that it tells of.
func (it *Iterator) learn(s *scrubbed, from *delegation, now time.Time) *delegation {
	d := &delegation{zone: s.cut(), glue: make(map[string][]netip.Addr)}
	for _, rr := range s.ns.RRs {
		d.addName(rr.(*dns.NS).Ns)
	}
	for _, set := range s.glue {
		for _, rr := range set.RRs {
			if a, ok := addressOf(rr); ok {
				d.addGlue(rr.Header().Name, a)
			}
		}
		it.remember(set, now)
		it.put(set, cache.Additional, now)
	}
	e := it.putNS(s.ns, cache.Referral, from, now)
	d.until, d.above = e.Expires, e.Above
	switch {
	case len(s.ds.RRs) > 0:
		it.put(s.ds, cache.Referral, now)
	case s.signedDenial(): // RFC 4035 section 3.1.4.1: what proves that there is none
		it.cfg.Cache.Put(&cache.Entry{Name: d.zone, Type: dns.TypeDS, Kind: cache.NODATA, Rank: cache.Referral, Proof: s.proof}, now)
	}
	return d
}

// putNS puts an NS RRset that a server of from told into the cache, and returns what stands.
func (it *Iterator) putNS(set validate.RRset, rank cache.Rank, from *delegation, now time.Time) *cache.Entry {
	e := &cache.Entry{Name: dns.CanonicalName(set.RRs[0].Header().Name), Type: dns.TypeNS, Kind: cache.Positive, Rank: rank, Set: set}
	e.Until, e.Above = from.bound(e.Name)
	return it.cfg.Cache.Put(e, now)
}

func (it *Iterator) put(set validate.RRset, rank cache.Rank, now time.Time) {
	h := set.RRs[0].Header()
	it.cfg.Cache.Put(&cache.Entry{Name: h.Name, Type: h.Rrtype, Kind: cache.Positive, Rank: rank, Set: set}, now)
}
