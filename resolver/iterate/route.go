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
}

// routesOf checks forwards and stubs.
func routesOf(p *Policy) (map[string]*route, error) {
	routes := make(map[string]*route)
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
		add("forward", f.Zone, route{servers: f.Servers, recursive: true, first: f.First})
	}
	for _, s := range p.Stub {
		if len(s.Servers) == 0 {
			errs = append(errs, fmt.Errorf("stub zone %s: no servers", s.Zone))
		}
		add("stub", s.Zone, route{servers: s.Servers, first: s.First})
	}
	return routes, errors.Join(errs...)
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
