package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"faultzone/authoritative/zone"
)

// place is one zone in one view of one server, as far as steps are checked against it.
type place struct {
	server, view string
	primary      bool
	signed       bool
	content      *zone.Zone // a primary's; nil when it is wrong
}

// zone reads [server.NAME.zone."ORIGIN"]. ok is false when nothing can be made of it.
func (l *loader) zone(n *node, server, view string) (z Zone, ok bool) {
	z.Pos = n.keyPosition()
	if message := badOrigin(n); message != "" {
		l.errorf(z.Pos, "%s", message)
		return z, false
	}
	z.Origin = canonical(n.name)
	f := l.fields(n, "zone "+quote(n.name))
	if f == nil {
		return z, false
	}
	here := place{server: server, view: view}
	z.DNSSEC = l.dnssec(f)
	here.signed = z.DNSSEC != nil
	switch key, value := l.content(f); key {
	case "primaries":
		z.Primaries = l.peers(value, z.Origin)
		if s := f.n.child("signed"); s != nil && z.DNSSEC != nil {
			l.errorf(s.position(), "signed: the zone comes from its primaries, which sign it; a secondary serves what it gets")
			z.DNSSEC = nil
		}
	case "file", "data":
		here.primary = true
		if m := l.master(value, z.Origin, key == "file"); m != nil {
			z.Data, z.File, here.content = m.text, m.file, m.zone
		}
	}
	z.NoDS = !f.flagOr("ds", true)
	z.Transfer = l.match(f, "transfer")
	z.Update = l.match(f, "update")
	if notify := f.get("notify"); notify != nil {
		z.Notify = l.peers(notify, z.Origin)
	}
	f.done()
	l.zones[z.Origin] = append(l.zones[z.Origin], here)
	return z, true
}

// badOrigin says what keeps the key of a zone's table from being its name.
func badOrigin(n *node) string {
	if len(n.entries) == 1 && n.entries[0].shape == table && !strings.HasSuffix(n.name, ".") {
		// [server.ns1.zone.example.org]: TOML takes the dots for its own.
		name := []string{n.name}
		for e := n.entries[0]; e != nil && e.shape == table; {
			name = append(name, e.name)
			if len(e.entries) != 1 {
				break
			}
			e = e.entries[0]
		}
		return fmt.Sprintf("a zone's name is quoted and ends in a dot: write zone.%s", quote(strings.Join(name, ".")+"."))
	}
	if err := checkName(n.name); err != nil {
		return "zone: " + err.Error()
	}
	if !dns.IsFqdn(n.name) {
		return fmt.Sprintf("a zone's name is quoted and ends in a dot: write zone.%s", quote(n.name+"."))
	}
	return ""
}

// content finds where the zone's data come from: file, data or primaries. A scenario that gives one of them takes the
// place of the base's.
func (l *loader) content(f *fields) (key string, value *node) {
	var given []*node
	for _, key := range []string{"file", "data", "primaries"} {
		if n := f.get(key); n != nil {
			given = append(given, n)
		}
	}
	if slices.ContainsFunc(given, func(n *node) bool { return n.src == l.file }) {
		given = slices.DeleteFunc(given, func(n *node) bool { return n.src != l.file })
	}
	switch {
	case len(given) == 0:
		l.errorf(f.n.keyPosition(), "the %s has no data: write file or data for a primary, primaries for a secondary", f.what)
		return "", nil
	case len(given) > 1:
		l.errorf(given[1].keyPosition(), "the %s has %s and %s; its data come from one place", f.what, given[0].name, given[1].name)
		return "", nil
	}
	value = given[0]
	if _, ok := value.plain.(string); !ok && value.name != "primaries" {
		l.wrong(value, "a string")
		return "", nil
	}
	return value.name, value
}

// dnssec reads signed = true, or its table.
func (l *loader) dnssec(f *fields) *DNSSEC {
	n := f.get("signed")
	if n == nil {
		return nil
	}
	d := &DNSSEC{Algorithm: dns.ECDSAP256SHA256, Denial: "nsec"}
	if b, ok := n.plain.(bool); ok {
		if !b {
			return nil
		}
		return d
	}
	if n.shape != table {
		l.wrong(n, `true, false or a table such as { algorithm = 13, denial = "nsec3" }`)
		return nil
	}
	t := l.fields(n, "signed")
	if a := t.get("algorithm"); a != nil {
		d.Algorithm = l.algorithm(a)
	}
	if denial, at := t.text("denial"); at != nil {
		d.Denial = denial
		if denials := []string{"nsec", "nsec3"}; !slices.Contains(denials, denial) {
			l.errorf(at.position(), "unknown denial %s%s", quote(denial), suggest(denial, denials))
		}
	}
	t.done()
	return d
}

// algorithm reads a DNSSEC algorithm that a zone can be signed with, by its number or its name.
func (l *loader) algorithm(n *node) uint8 {
	signing := []uint8{dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519}
	var names []string
	for _, a := range signing {
		name := dns.AlgorithmToString[a]
		if i, ok := n.plain.(int64); ok && i == int64(a) {
			return a
		}
		if s, ok := n.plain.(string); ok && strings.EqualFold(s, name) {
			return a
		}
		names = append(names, fmt.Sprintf("%d (%s)", a, name))
	}
	l.wrong(n, oneOf(names))
	return dns.ECDSAP256SHA256
}

// peers reads the other ends of transfers or NOTIFYs: addresses, or tables of address and key.
func (l *loader) peers(n *node, origin string) []Primary {
	entries := []*node{n}
	if n.shape == array {
		entries = n.entries
	}
	var peers []Primary
	for _, e := range entries {
		if p, ok := l.peer(e, n.name, origin); ok {
			peers = append(peers, p)
		}
	}
	if len(entries) == 0 && n.name == "primaries" {
		l.errorf(n.position(), "primaries: a secondary needs at least one")
	}
	return peers
}

func (l *loader) peer(n *node, what, origin string) (p Primary, ok bool) {
	at := n
	switch _, isText := n.plain.(string); {
	case isText:
		p.Address, ok = l.addressPort(n)
	case n.shape == table:
		f := l.fields(n, what)
		if _, at = f.text("address"); at != nil {
			p.Address, ok = l.addressPort(at)
		} else if !f.has("address") {
			l.errorf(n.position(), "%s: there is no address", what)
		}
		if key, at := f.text("key"); at != nil && l.knownKey(at, key) {
			p.Key = canonical(key)
		}
		f.done()
	default:
		l.errorf(n.position(), `%s: expected an address, or a table such as { address = "10.0.1.20", key = "NAME" }, found %s`, what, n.found())
	}
	if ok {
		l.later = append(l.later, func() { l.serves(at, what, p, origin) })
	}
	return p, ok
}

// serves checks that the other end of a transfer is a server that has the zone.
func (l *loader) serves(n *node, what string, p Primary, origin string) {
	who, ok := l.addresses[p.Address.Addr()]
	switch {
	case !ok:
		l.warnf(n.position(), "%s: no node has the address %v, so nobody will answer there", what, p.Address.Addr())
	case who.kind != serverNode:
		l.errorf(n.position(), "%s: %v is the %s %s, and no authoritative server", what, p.Address.Addr(), who.kind, quote(who.name))
	case !slices.ContainsFunc(l.zones[origin], func(at place) bool { return at.server == who.name }):
		l.errorf(n.position(), "%s: %v is the server %s, which has no zone %s", what, p.Address.Addr(), quote(who.name), quote(origin))
	}
}
