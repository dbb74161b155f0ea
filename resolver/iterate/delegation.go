package iterate

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"
)

// delegation is a zone with those who serve it.
type delegation struct {
	zone      string
	names     []string
	addresses []netip.AddrPort
}

// closest is the deepest known delegation at or above a name. A DS belongs to the zone above (RFC 4035 section
// 3.1.4.1), so the question for one begins a label higher.
func (it *Iterator) closest(name string, rrtype uint16, now time.Time) delegation {
	if rrtype == dns.TypeDS && name != "." {
		name = parentName(name)
	}
	for {
		e, ok := it.config.Cache.Closest(name, dns.TypeNS, now)
		if !ok || e.Name == "." {
			break
		}
		d := delegation{zone: e.Name}
		for _, rr := range e.Set.RRs {
			if ns, ok := rr.(*dns.NS); ok {
				d.names = append(d.names, dns.CanonicalName(ns.Ns))
			}
		}
		it.fill(&d, now)
		// Servers below their own zone whose glue has run out can be learned from the parent alone.
		if len(d.addresses) > 0 || slices.ContainsFunc(d.names, func(n string) bool { return !dns.IsSubDomain(d.zone, n) }) {
			return d
		}
		name = parentName(e.Name)
	}
	return it.root(now)
}

// root is the root's delegation: the hints, with whatever else is known of those names.
func (it *Iterator) root(time.Time) delegation {
	return delegation{zone: ".", names: it.hints.names, addresses: slices.Clone(it.hints.addresses)}
}

// fill adds the addresses that the cache has for the delegation's names.
func (it *Iterator) fill(d *delegation, now time.Time) {
	for _, name := range d.names {
		for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
			e, ok := it.config.Cache.RRset(name, t, now)
			if !ok || e.Status == validate.Bogus {
				continue
			}
			for _, rr := range e.Set.RRs {
				if a, ok := address(rr); ok && it.config.usable(a) {
					if at := netip.AddrPortFrom(a, 53); !slices.Contains(d.addresses, at) {
						d.addresses = append(d.addresses, at)
					}
				}
			}
		}
	}
}

// resolveNames looks up the addresses of name servers that came without glue, until one is known.
func (it *Iterator) resolveNames(ctx context.Context, w *Work, d *delegation) {
	if w.Depth >= MaxDepth {
		return
	}
	looked := 0
	for _, name := range d.names {
		if looked == maxNameserver || ctx.Err() != nil {
			return
		}
		if it.known(name) {
			continue
		}
		looked++
		w.Depth++
		types := []uint16{dns.TypeA}
		if it.config.IPv6 {
			types = append(types, dns.TypeAAAA)
		}
		for _, t := range types {
			// What comes of it is in the cache; a failure leaves the name without addresses.
			_ = it.config.Address(ctx, w, name, t)
		}
		w.Depth--
		before := len(d.addresses)
		it.fill(d, it.config.Clock.Now())
		if len(d.addresses) > before {
			return
		}
	}
}

// known tells whether the cache has an address of a name server that can be used.
func (it *Iterator) known(name string) bool {
	d := delegation{names: []string{name}}
	it.fill(&d, it.config.Clock.Now())
	return len(d.addresses) > 0
}

// learn puts a referral into the cache and returns the delegation: the NS RRset below zone towards name, and the glue
// that zone has a say in.
func (it *Iterator) learn(m *dns.Msg, zone, name string, now time.Time) (delegation, bool) {
	var d delegation
	for _, s := range sets(m.Ns, zone) {
		owner := setName(s)
		if setType(s) != dns.TypeNS || owner == zone || !dns.IsSubDomain(owner, name) || dns.CountLabel(owner) < dns.CountLabel(d.zone) {
			continue
		}
		d = delegation{zone: owner}
		for _, rr := range s.RRs {
			d.names = append(d.names, dns.CanonicalName(rr.(*dns.NS).Ns))
		}
		it.config.Cache.Put(&cache.Entry{Name: owner, Type: dns.TypeNS, Rank: cache.Referral, Set: validate.RRset{RRs: s.RRs}}, now)
	}
	if d.zone == "" {
		return d, false
	}
	for _, s := range sets(m.Extra, zone) {
		if t := setType(s); (t == dns.TypeA || t == dns.TypeAAAA) && slices.Contains(d.names, setName(s)) {
			it.config.Cache.Put(&cache.Entry{Name: setName(s), Type: t, Rank: cache.Additional, Set: validate.RRset{RRs: s.RRs}}, now)
		}
	}
	it.fill(&d, now)
	return d, true
}

// parentName is the name one label up; the root is its own.
func parentName(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end || next >= len(name) {
		return "."
	}
	return name[next:]
}
