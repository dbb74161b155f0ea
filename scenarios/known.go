package scenarios

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// absolute is a name with its trailing dot; its case stays.
func absolute(name string) string { return dns.Fqdn(name) }

// target reads a key that names a node of one of the kinds; nil when it is missing or wrong.
func (l *loader) target(f *fields, key string, kinds ...nodeKind) *node {
	_, n := f.text(key)
	if n == nil || !l.knownNode(n, kinds...) {
		return nil
	}
	return n
}

// knownNode tells whether the string names a node of one of the kinds (none: of any), and reports when it does not.
func (l *loader) knownNode(n *node, kinds ...nodeKind) bool {
	name := n.string()
	who, ok := l.nodes[name]
	if ok && (len(kinds) == 0 || slices.Contains(kinds, who.kind)) {
		return true
	}
	if ok {
		l.errorf(n.position(), "%s is a %s; expected a %s%s", quote(name), who.kind, kindNames(kinds), among(l.namesOf(kinds...)))
		return false
	}
	what := "node"
	if len(kinds) > 0 {
		what = kindNames(kinds)
	}
	if a, err := netip.ParseAddr(name); err == nil {
		hint := ""
		if who, ok := l.addresses[a]; ok {
			hint = "; it is the address of " + quote(who.name)
		}
		l.errorf(n.position(), "expected the name of a %s, found the address %s%s", what, name, hint)
		return false
	}
	l.errorf(n.position(), "there is no %s %s%s", what, quote(name), suggest(name, l.namesOf(kinds...)))
	return false
}

func kindNames(kinds []nodeKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return oneOf(names)
}

func among(names []string) string {
	if len(names) == 0 {
		return ", and the world has none"
	}
	return ": " + oneOf(names)
}

// knownZone tells whether the string names a zone that the world serves.
func (l *loader) knownZone(n *node) bool {
	name := n.string()
	if err := checkName(name); err != nil {
		l.errorf(n.position(), "zone: %v", err)
		return false
	}
	if _, ok := l.zones[canonical(name)]; ok {
		return true
	}
	hint := ""
	if _, root := l.zones["."]; !root && strings.Count(canonical(name), ".") == 1 {
		hint = " (the root and the top level are made when the world is built; write servers for them to break them)"
	}
	l.errorf(n.position(), "no server of the world has the zone %s%s%s", quote(name), suggest(canonical(name), l.origins()), hint)
	return false
}

func (l *loader) origins() []string {
	var names []string
	for origin := range l.zones {
		names = append(names, origin)
	}
	slices.Sort(names)
	return names
}

// knownView tells whether the string names a view: of the server, or of any when server is empty; with that zone, or
// with any when origin is empty.
func (l *loader) knownView(n *node, server, origin string) bool {
	var names []string
	for o, places := range l.zones {
		for _, at := range places {
			if (server == "" || at.server == server) && (origin == "" || o == origin) {
				names = append(names, at.view)
			}
		}
	}
	if slices.Contains(names, n.string()) {
		return true
	}
	where := ""
	if server != "" {
		where += " of the server " + quote(server)
	}
	if origin != "" {
		where += " with the zone " + quote(origin)
	}
	l.errorf(n.position(), "there is no view %s%s%s", quote(n.string()), where, suggest(n.string(), names))
	return false
}

// zoneOn reads the keys of a step that mean one zone on one server, given the server: zone, and perhaps view. role
// says which of the server's zones are meant ("" for all, "primary", "secondary").
func (l *loader) zoneOn(f *fields, server, role string) (origin, view string) {
	_, n := f.text("zone")
	if n != nil && l.knownZone(n) {
		origin = canonical(n.string())
	}
	if origin != "" && server != "" && !l.servedBy(origin, server, role) {
		l.errorf(n.position(), "the server %s is no %s of %s%s", quote(server), orServer(role), origin, l.whoServes(origin, role))
		origin = ""
	}
	if _, n := f.text("view"); n != nil && l.knownView(n, server, origin) {
		view = n.string()
	}
	return origin, view
}

func orServer(role string) string {
	if role == "" {
		return "server"
	}
	return role
}

func (at place) plays(role string) bool {
	return role == "" || at.primary == (role == "primary")
}

func (l *loader) servedBy(origin, server, role string) bool {
	return slices.ContainsFunc(l.zones[origin], func(at place) bool { return at.server == server && at.plays(role) })
}

func (l *loader) whoServes(origin, role string) string {
	var names []string
	for _, at := range l.zones[origin] {
		if at.plays(role) {
			names = append(names, at.server)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return ", and nobody is"
	}
	return "; expected " + oneOf(names)
}
