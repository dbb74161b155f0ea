package scenarios

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Route is a zone for whose names a resolver asks servers that are given.
type Route struct {
	Zone string // absolute, lower case
	// Servers are empty for a zone that is excepted from forwarding.
	Servers []netip.AddrPort
	// First has the zone's servers looked for as usual when these do not answer.
	First bool
}

// routes reads forward or stub: servers for ".", or a table with servers for each zone, which are a list of addresses or a
// table of servers and first.
func (l *loader) routes(f *fields, name string) []Route {
	n := f.get(name)
	if n == nil {
		return nil
	}
	if n.shape != table {
		if name == "stub" {
			l.wrong(n, `a table such as { "corp.example." = ["10.0.1.20"] }`)
			return nil
		}
		if r := (Route{Zone: "."}); l.routeServers(n, name, &r) {
			return []Route{r}
		}
		return nil
	}
	var routes []Route
	first := make(map[string]Position)
	for _, e := range n.entries {
		r := Route{Zone: canonical(e.name)}
		if message := badRoute(e, name); message != "" {
			l.errorf(e.keyPosition(), "%s", message)
			continue
		}
		if at, twice := first[r.Zone]; twice {
			l.errorf(e.keyPosition(), "%s: %s is there twice: at %v too", name, quote(r.Zone), at)
			continue
		}
		first[r.Zone] = e.keyPosition()
		if l.route(e, name, &r) {
			routes = append(routes, r)
		}
	}
	return routes
}

// badRoute says what keeps a key from being a zone's name.
func badRoute(n *node, what string) string {
	if err := checkName(n.name); err != nil {
		return what + ": " + err.Error()
	}
	if !dns.IsFqdn(n.name) {
		return what + ": a zone's name is quoted and ends in a dot: write " + what + "." + quote(strings.TrimSuffix(n.name, ".")+".")
	}
	return ""
}

// route reads one zone's servers.
func (l *loader) route(n *node, what string, r *Route) bool {
	if n.shape != table {
		return l.routeServers(n, what, r)
	}
	f := l.fields(n, what+" "+quote(r.Zone))
	servers := f.get("servers")
	r.First = f.flagOr("first", false)
	f.done()
	if servers == nil {
		l.errorf(n.keyPosition(), "%s %s: there are no servers", what, quote(r.Zone))
		return false
	}
	return l.routeServers(servers, what, r)
}

func (l *loader) routeServers(n *node, what string, r *Route) bool {
	list, at := l.list(n)
	if at == nil {
		return false
	}
	for _, e := range list {
		a, ok := l.addressPort(e)
		switch {
		case !ok:
			continue
		case slices.Contains(r.Servers, a):
			l.errorf(e.position(), "%s: %s is there twice", what, quote(e.string()))
			continue
		}
		r.Servers = append(r.Servers, a)
		l.later = append(l.later, func() { l.leads(e, what, a.Addr(), r.Zone) })
	}
	if len(list) == 0 && what == "stub" {
		l.errorf(n.position(), "stub: the zone %s needs at least one server", quote(r.Zone))
		return false
	}
	return len(list) == 0 || len(r.Servers) > 0
}

// leads checks that what is at the address can do what is asked of it. A mistake may be what the scenario is about.
func (l *loader) leads(n *node, what string, a netip.Addr, zone string) {
	who := l.addresses[a]
	switch {
	case what == "forward" && who.kind == serverNode:
		l.warnf(n.position(), "forward: %v is the server %s, which does not recurse; to have it asked for its zones, write stub", a, quote(who.name))
	case what == "stub" && who.kind == resolverNode:
		l.warnf(n.position(), "stub: %v is the resolver %s, and no authoritative server; to have it asked, write forward", a, quote(who.name))
	case what == "stub" && who.kind == serverNode && !slices.ContainsFunc(l.zones[zone], func(at place) bool { return at.server == who.name }):
		l.warnf(n.position(), "stub: %v is the server %s, which has no zone %s", a, quote(who.name), quote(zone))
	default:
		l.answers(n, what, a)
	}
}

// zoneNames reads a list of zones' names.
func (l *loader) zoneNames(f *fields, name string) []string {
	list, _ := f.list(name)
	var names []string
	for _, e := range list {
		if err := checkName(e.string()); err != nil {
			l.errorf(e.position(), "%s: %v", name, err)
			continue
		}
		names = append(names, canonical(e.string()))
	}
	return names
}

// minimisations are the words of qname_minimisation.
func minimisations() []string { return []string{"off", "relaxed", "strict"} }

// minimisation reads qname_minimisation.
func (l *loader) minimisation(f *fields) string {
	word, n := f.text("qname_minimisation")
	if n != nil && !slices.Contains(minimisations(), word) {
		l.errorf(n.position(), "unknown qname_minimisation %s%s", quote(word), suggest(word, minimisations()))
		return ""
	}
	return word
}

// checkRoutes tells of a zone that is both forwarded and a stub.
func (l *loader) checkRoutes(f *fields, r *Resolver) {
	for _, s := range r.Stub {
		if slices.ContainsFunc(r.Forward, func(f Route) bool { return f.Zone == s.Zone }) {
			at, _ := f.place("stub")
			l.errorf(at, "stub: %s is forwarded already; a zone has either forwarders or servers of its own", quote(s.Zone))
		}
	}
}
