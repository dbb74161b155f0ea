package scenarios

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// nodeKind is what a node of the world is, in the words of messages.
type nodeKind string

const (
	serverNode   nodeKind = "server"
	resolverNode nodeKind = "resolver"
	clientNode   nodeKind = "client"
	webNode      nodeKind = "web host"
	upstreamNode nodeKind = "relay"
)

// inhabitant is a node as far as names and addresses are checked against it.
type inhabitant struct {
	name string
	kind nodeKind
	at   Position
}

// world reads the keys that describe the world. All nodes are known before anything that names one is looked at;
// what cannot wait for that in its place does so in l.later.
func (l *loader) world(f *fields) World {
	var w World
	w.Calendar = l.calendar(f)
	for _, n := range f.named("key") {
		if k, ok := l.key(n); ok {
			w.Keys = append(w.Keys, k)
		}
	}
	for _, n := range f.named("server") {
		w.Servers = append(w.Servers, l.server(n))
	}
	for _, n := range f.named("resolver") {
		w.Resolvers = append(w.Resolvers, l.resolver(n))
	}
	for _, n := range f.named("client") {
		w.Clients = append(w.Clients, l.client(n))
	}
	for _, n := range f.named("web") {
		w.Web = append(w.Web, l.web(n))
	}
	w.Upstream = l.upstream(f)
	links, _ := f.tables("link")
	for _, n := range links {
		w.Links = append(w.Links, l.link(n))
	}
	w.Vantage = l.vantage(f)
	if len(w.Servers) == 0 {
		at, _ := f.place("server")
		l.errorf(at, "the world has no server: write [server.NAME] with its addresses and zones, or base = %q", "solvethenetwork")
	}
	for _, check := range l.later {
		check()
	}
	l.later = nil
	return w
}

// place is where a key stands, or the table when the key is missing.
func (f *fields) place(name string) (Position, bool) {
	if n := f.n.child(name); n != nil {
		return n.keyPosition(), true
	}
	return f.n.keyPosition(), false
}

// inhabit makes a node known by its name, and reads its addresses.
func (l *loader) inhabit(f *fields, kind nodeKind) []netip.Addr {
	n := f.n
	me := inhabitant{name: n.name, kind: kind, at: n.keyPosition()}
	if err := checkNodeName("the "+string(kind), n.name); err != nil {
		l.errorf(me.at, "%v", err)
	} else if _, err := netip.ParseAddr(n.name); err == nil {
		l.errorf(me.at, "the %s %s has an address for a name; steps could not tell one from the other", kind, quote(n.name))
	}
	if other, ok := l.nodes[me.name]; ok {
		l.errorf(me.at, "the name %s is taken by the %s at %v", quote(me.name), other.kind, other.at)
	}
	l.nodes[me.name] = me

	list, given := f.list("addresses")
	if len(list) == 0 && (given != nil || !f.has("addresses")) {
		hint := ""
		if others := l.namesOf(kind); l.base != "" {
			hint = likely(nearest(me.name, slices.DeleteFunc(others, func(s string) bool { return s == me.name })))
		}
		l.errorf(me.at, "the %s %s has no addresses%s", kind, quote(me.name), hint)
	}
	var addresses []netip.Addr
	for _, e := range list {
		if a, ok := l.address(e); ok && l.occupy(a, me, e.position()) {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

func likely(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q, which the base has?", name)
}

// occupy gives an address to a node, if it is free.
func (l *loader) occupy(a netip.Addr, me inhabitant, at Position) bool {
	if other, taken := l.addresses[a]; taken {
		l.errorf(at, "the address %v is used twice: the %s %s has it at %v", a, other.kind, quote(other.name), other.at)
		return false
	}
	me.at = at
	l.addresses[a] = me
	return true
}

// namesOf gives the names of the nodes of some kinds, or of all, sorted.
func (l *loader) namesOf(kinds ...nodeKind) []string {
	var names []string
	for name, n := range l.nodes {
		if len(kinds) == 0 || slices.Contains(kinds, n.kind) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// The honest signers' calendar of a world that says nothing of it.
func defaultCalendar() Calendar {
	return Calendar{
		Epoch:    time.Date(2026, 3, 26, 12, 0, 0, 0, time.UTC),
		Validity: 15 * day,
		Refresh:  5 * day,
	}
}

func (l *loader) calendar(f *fields) Calendar {
	c := defaultCalendar()
	n := f.get("calendar")
	if n == nil {
		return c
	}
	t := l.fields(n, "calendar")
	if t == nil {
		return c
	}
	if epoch, n := t.time("epoch"); n != nil {
		c.Epoch = epoch
	}
	if d, n := t.duration("validity"); n != nil {
		c.Validity = d
	}
	if d, n := t.duration("refresh"); n != nil {
		c.Refresh = d
	}
	if d, n := t.duration("inception_offset"); n != nil {
		c.InceptionOffset = d
	}
	t.done()
	if c.Refresh <= 0 || c.Refresh >= c.Validity {
		at, ok := t.place("refresh")
		if !ok {
			at, _ = t.place("validity")
		}
		l.errorf(at, "signatures that are valid for %s cannot be renewed %s before they end; refresh must be more than 0 and less than validity",
			formatDuration(c.Validity), formatDuration(c.Refresh))
		return defaultCalendar()
	}
	// Signatures tell time in whole seconds; and what is renewed at every turn leaves a world no time for anything else.
	if c.Validity-c.Refresh < time.Minute || c.Validity > 20*365*day {
		at, _ := t.place("validity")
		l.errorf(at, "signatures that are valid for %s and are renewed %s before they end: expected a minute at least from one renewal to the next, and 20 years at most",
			formatDuration(c.Validity), formatDuration(c.Refresh))
		return defaultCalendar()
	}
	return c
}

func (l *loader) link(n *node) Link {
	var link Link
	f := l.fields(n, "link")
	if f == nil {
		return link
	}
	ends, at := f.list("between")
	if at != nil && len(ends) != 2 {
		l.errorf(at.position(), "between: expected two prefixes, found %d", len(ends))
		ends = nil
	}
	for i, e := range ends {
		link.Between[i], _ = l.prefix(e)
	}
	link.Latency, _ = f.duration("latency")
	for _, key := range []string{"between", "latency"} {
		if !f.has(key) {
			l.errorf(n.position(), "the link has no %s", key)
		}
	}
	f.done()
	return link
}

// The hosts that queries come from in a world that names no others: one in each scope of the base world, IPv4 and IPv6.
func defaultVantage() []netip.Addr {
	return []netip.Addr{
		netip.MustParseAddr("10.0.2.100"), netip.MustParseAddr("203.0.113.100"),
		netip.MustParseAddr("fd00:2::100"), netip.MustParseAddr("2001:db8:cb00::100"),
	}
}

func (l *loader) vantage(f *fields) []netip.Addr {
	list, n := f.list("vantage")
	if n == nil {
		return defaultVantage()
	}
	var addresses []netip.Addr
	for _, e := range list {
		a, ok := l.address(e)
		if !ok {
			continue
		}
		if slices.Contains(addresses, a) {
			l.errorf(e.position(), "vantage: the address %v is used twice", a)
			continue
		}
		addresses = append(addresses, a)
	}
	if len(list) == 0 {
		l.errorf(n.position(), "vantage: expected at least one address")
	}
	return addresses
}
