package iterate

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"
)

// Forward sends questions for names in a zone to recursive servers, which are asked to recurse (RD), instead of to the
// zone's own. The DS of the zone itself is its parent's, and is not forwarded with it. What forwarders say is validated
// as anything is.
type Forward struct {
	// Zone is the topmost name; "." forwards everything.
	Zone string
	// Servers are the forwarders. Port 0 means 53. None: the zone is excepted from a Forward above it.
	Servers []netip.AddrPort
	// First goes on without the forwarders when none of them gave an answer (Unbound's forward-first, BIND's
	// "forward first").
	First bool
	// Around are zones that are not forwarded though they are in Zone, and neither is what leads to them: the NS, SOA, DS
	// and DNSKEY records of the names above them. All else in Zone is another world's: what is said of it is not
	// validated, unless a trust anchor stands there, and the forwarders are asked to do that. Empty: Zone is forwarded
	// whole, and validated here.
	Around []string
}

// Stub gives the authoritative servers of a zone, whatever its parent says, if it has one. Zones below are found by the
// referrals of these servers.
type Stub struct {
	// Zone is the name of the zone.
	Zone string
	// Servers are the zone's. Port 0 means 53.
	Servers []netip.AddrPort
	// First has the servers asked to which the parent delegates when none of these gave an answer.
	First bool
}

// route is a Forward or a Stub.
type route struct {
	zone      string
	servers   []netip.AddrPort
	recursive bool // forwarders
	first     bool
	around    bool // for what is in none of some zones
}

// routesOf checks forwards and stubs. bypass are the names above the zones that a forward goes around.
func routesOf(p *Policy) (routes map[string]*route, bypass map[string]bool, err error) {
	routes, bypass = make(map[string]*route), make(map[string]bool)
	var errs []error
	add := func(what, zone string, r route) {
		r.zone = dns.CanonicalName(zone)
		_, ok := dns.IsDomainName(zone)
		switch {
		case zone == "" || !ok:
			errs = append(errs, fmt.Errorf("%s zone %q: no domain name; everything is \".\"", what, zone))
		case routes[r.zone] != nil:
			errs = append(errs, fmt.Errorf("%s zone %s: there is a forward or stub zone of this name already", what, r.zone))
		}
		servers := make([]netip.AddrPort, len(r.servers))
		for i, s := range r.servers {
			if !s.Addr().IsValid() || s.Addr().IsUnspecified() {
				errs = append(errs, fmt.Errorf("%s zone %s: server %v is no address", what, r.zone, s))
			}
			if s.Port() == 0 {
				s = netip.AddrPortFrom(s.Addr(), 53)
			}
			servers[i] = netip.AddrPortFrom(s.Addr().Unmap(), s.Port())
		}
		r.servers = servers
		routes[r.zone] = &r
	}
	for _, f := range p.Forward {
		add("forward", f.Zone, route{servers: f.Servers, recursive: true, first: f.First, around: len(f.Around) > 0})
	}
	for _, s := range p.Stub {
		if len(s.Servers) == 0 {
			errs = append(errs, fmt.Errorf("stub zone %s: no servers", s.Zone))
		}
		add("stub", s.Zone, route{servers: s.Servers, first: s.First})
	}
	for _, f := range p.Forward {
		zone := dns.CanonicalName(f.Zone)
		for _, name := range f.Around {
			name = dns.CanonicalName(name)
			if _, ok := dns.IsDomainName(name); !ok || !dns.IsSubDomain(zone, name) || name == zone {
				errs = append(errs, fmt.Errorf("forward zone %s: around %q: want the name of a zone below it", zone, name))
				continue
			}
			if routes[name] == nil {
				routes[name] = &route{zone: name}
			}
			for n := name; n != zone; {
				n = parent(n)
				bypass[n] = true
			}
		}
	}
	return routes, bypass, errors.Join(errs...)
}

// routeOf is the deepest forward or stub zone that name is in; nil: none, or an exception.
func (it *Iterator) routeOf(name string) *route {
	if len(it.routes) == 0 {
		return nil
	}
	for {
		if r := it.routes[name]; r != nil {
			if len(r.servers) == 0 {
				return nil
			}
			return r
		}
		if name == "." {
			return nil
		}
		name = parent(name)
	}
}

// RouteZone is the deepest forward or stub zone that the canonical name is in; empty: none.
func (it *Iterator) RouteZone(name string) string {
	if r := it.routeOf(name); r != nil {
		return r.zone
	}
	return ""
}

// routeFor is the route that a question takes; nil: none.
func (it *Iterator) routeFor(q Question) *route {
	r := it.routeOf(q.owner())
	if r == nil || !r.around {
		return r
	}
	switch q.Type {
	case dns.TypeDS:
		if it.bypass[q.Name] || it.routeOf(q.Name) == nil {
			return nil
		}
	case dns.TypeNS, dns.TypeSOA, dns.TypeDNSKEY:
		if it.bypass[q.Name] {
			return nil
		}
	}
	return r
}

// Beyond tells whether a question is for another world: one that is forwarded because it has to do with none of the zones
// that a Forward goes around. The name is canonical.
func (it *Iterator) Beyond(name string, rrtype uint16) bool {
	if len(it.bypass) == 0 {
		return false
	}
	r := it.routeFor(Question{Name: name, Type: rrtype})
	return r != nil && r.around
}

// Split tells whether a canonical name is another world's and leads to a zone of this one: what either says of the whole
// name is not true of the other.
func (it *Iterator) Split(name string) bool { return it.bypass[name] }

// Zone is the one whose servers would be asked first about the canonical name: the forward or stub zone that it is in, or
// the deepest delegation that is known.
func (it *Iterator) Zone(name string) string {
	return it.start(Question{Name: name, Type: dns.TypeA}, it.cfg.Clock.Now()).zone
}

// iterative says whether servers are asked without recursion: always, but for forwarders.
func (r *route) iterative() bool { return r == nil || !r.recursive }

// delegation makes of a route what a referral would tell.
func (r *route) delegation() *delegation { return &delegation{zone: r.zone, route: r} }

// targets are the servers of a route.
func (r *route) targets() []*target {
	list := make([]*target, len(r.servers))
	for i, s := range r.servers {
		host := "a server given"
		if r.recursive {
			host = "a forwarder"
		}
		list[i] = &target{addr: s, host: host}
	}
	return list
}
