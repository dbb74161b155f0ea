package simulator

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"faultzone/scenarios"
)

// addInternet gives a world that has no root zone a root and the top-level domains that its zones are in, so that
// a user's own world need not be more than their zone, its server and a resolver. The delegations are made from the
// zones' own NS records, and the glue from the addresses that the world has for those names.
func addInternet(s *scenarios.Scenario) error {
	plan := &s.World
	book, err := newZoneBook(plan, 0)
	if err != nil {
		return err
	}
	if slices.Contains(book.origins, ".") {
		return nil
	}
	ipv6 := false
	for _, server := range plan.Servers {
		for _, a := range server.Addresses {
			ipv6 = ipv6 || a.Is6()
		}
	}
	root := newParentZone(".", "a.root-servers.net.", "198.41.0.4", "2001:503:ba3e::2:30", ipv6)
	tlds := map[string]*parentZone{}
	var order []*parentZone
	for _, origin := range book.origins {
		if _, ok := enclosing(book.origins, origin); ok {
			continue // its parent is the user's own
		}
		labels := dns.SplitDomainName(origin)
		if len(labels) == 1 {
			if err := root.delegate(book, origin); err != nil {
				return err
			}
			continue
		}
		tld := dns.CanonicalName(labels[len(labels)-1])
		if tlds[tld] == nil {
			tlds[tld] = newParentZone(tld, "a.nic."+tld, "192.5.6.30", "2001:503:a83e::2:30", ipv6)
			order = append(order, tlds[tld])
			root.refer(tlds[tld])
		}
		if err := tlds[tld].delegate(book, origin); err != nil {
			return err
		}
	}
	plan.Servers = append(slices.Clone(plan.Servers), root.server("a.root-servers.net", root))
	if len(order) > 0 {
		plan.Servers = append(plan.Servers, order[0].server("tld", order...))
	}
	return nil
}

// parentZone is a zone that is being written.
type parentZone struct {
	origin, ns string
	addresses  []netip.Addr
	text       strings.Builder
	glue       map[string]bool
}

func newParentZone(origin, ns, ipv4, ipv6 string, both bool) *parentZone {
	p := &parentZone{origin: origin, ns: ns, addresses: []netip.Addr{netip.MustParseAddr(ipv4)}, glue: map[string]bool{}}
	if both {
		p.addresses = append(p.addresses, netip.MustParseAddr(ipv6))
	}
	fmt.Fprintf(&p.text, "$TTL 172800\n%s 86400 IN SOA %s hostmaster.%s 2026040201 1800 900 604800 900\n", origin, ns, strings.TrimPrefix(ns, "a."))
	fmt.Fprintf(&p.text, "%s IN NS %s\n", origin, ns)
	p.addressRecords(ns, p.addresses)
	return p
}

func (p *parentZone) addressRecords(name string, addresses []netip.Addr) {
	if p.glue[name] {
		return
	}
	p.glue[name] = true
	for _, a := range addresses {
		rrtype := "A"
		if a.Is6() {
			rrtype = "AAAA"
		}
		fmt.Fprintf(&p.text, "%s IN %s %s\n", name, rrtype, a)
	}
}

// refer delegates to a parent zone that is being written too.
func (p *parentZone) refer(child *parentZone) {
	fmt.Fprintf(&p.text, "%s IN NS %s\n", child.origin, child.ns)
	p.addressRecords(child.ns, child.addresses)
}

// delegate writes a zone's own NS set, with the glue that the world has for names below this parent.
func (p *parentZone) delegate(book *zoneBook, origin string) error {
	z := book.masters[origin]
	if z == nil {
		return fmt.Errorf("%s has secondaries but no primary in this world, so its delegation is not known", origin)
	}
	rrs, err := book.parse(z)
	if err != nil {
		return err
	}
	for _, rr := range rrs {
		ns, ok := rr.(*dns.NS)
		if !ok || dns.CanonicalName(ns.Hdr.Name) != origin {
			continue
		}
		name := dns.CanonicalName(ns.Ns)
		fmt.Fprintf(&p.text, "%s IN NS %s\n", origin, name)
		if !dns.IsSubDomain(p.origin, name) {
			continue // resolvers find it by its own zone
		}
		var addresses []netip.Addr
		for _, rr := range book.addresses(map[string]bool{name: true}) {
			switch rr := rr.(type) {
			case *dns.A:
				a, _ := netip.AddrFromSlice(rr.A.To4())
				addresses = append(addresses, a)
			case *dns.AAAA:
				a, _ := netip.AddrFromSlice(rr.AAAA.To16())
				addresses = append(addresses, a)
			}
		}
		if len(addresses) == 0 && dns.IsSubDomain(origin, name) {
			return fmt.Errorf("%s: its name server %s has no address in the zone, so nothing could find it", origin, name)
		}
		p.addressRecords(name, addresses)
	}
	return nil
}

// server is the node that serves the zones.
func (p *parentZone) server(name string, zones ...*parentZone) scenarios.Server {
	view := scenarios.View{Name: "default"}
	for _, z := range zones {
		view.Zones = append(view.Zones, scenarios.Zone{Origin: z.origin, Data: z.text.String(), File: "the generated zone " + z.origin,
			DNSSEC: &scenarios.DNSSEC{Algorithm: dns.ECDSAP256SHA256, Denial: "nsec"}})
	}
	return scenarios.Server{Name: name, Addresses: p.addresses, Views: []scenarios.View{view}}
}
