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
// zones' own NS records, and the glue from the addresses that the world has for those names. A name server whose name
// is in none of the world's zones, a hoster's say, gets the addresses of a server that has the zone.
func addInternet(s *scenarios.Scenario) error {
	plan := &s.World
	if hasRoot(plan) {
		return nil
	}
	book, err := newZoneBook(plan, 0)
	if err != nil {
		return err
	}
	free := newVacancies(plan)
	in := &internet{plan: plan, book: book, tlds: map[string]*parentZone{}, tldAddresses: free.addresses("192.5.6.30", "2001:503:a83e::2:30")}
	in.root = newParentZone(".", "a.root-servers.net.", free.addresses("198.41.0.4", "2001:503:ba3e::2:30"))
	for _, origin := range book.origins {
		if _, ok := enclosing(book.origins, origin); ok {
			continue // its parent is the user's own
		}
		parent := in.root
		if dns.CountLabel(origin) > 1 {
			parent = in.tld(origin)
		}
		if err := in.delegate(parent, origin); err != nil {
			return err
		}
	}
	plan.Servers = append(slices.Clone(plan.Servers), in.root.server(free.name("a.root-servers.net"), in.root))
	if len(in.order) > 0 {
		plan.Servers = append(plan.Servers, in.order[0].server(free.name("tld"), in.order...))
	}
	return nil
}

// hasRoot tells whether a server of the world has a root zone.
func hasRoot(plan *scenarios.World) bool {
	return slices.ContainsFunc(plan.Servers, func(s scenarios.Server) bool {
		return slices.ContainsFunc(s.Views, func(v scenarios.View) bool {
			return slices.ContainsFunc(v.Zones, func(z scenarios.Zone) bool { return z.Origin == "." })
		})
	})
}

// internet is what is being made above a world's zones.
type internet struct {
	plan         *scenarios.World
	book         *zoneBook
	root         *parentZone
	tlds         map[string]*parentZone
	order        []*parentZone // the TLDs as they came
	tldAddresses []netip.Addr
}

// tld is the top-level domain that a name is in.
func (in *internet) tld(name string) *parentZone {
	labels := dns.SplitDomainName(name)
	tld := dns.CanonicalName(labels[len(labels)-1])
	if in.tlds[tld] == nil {
		in.tlds[tld] = newParentZone(tld, "a.nic."+tld, in.tldAddresses)
		in.order = append(in.order, in.tlds[tld])
		in.root.refer(in.tlds[tld])
	}
	return in.tlds[tld]
}

// vacancies are the names and addresses that no node of a world has.
type vacancies struct {
	names map[string]bool
	taken map[netip.Addr]bool
	ipv6  bool // the world has servers that are reached by it
}

func newVacancies(plan *scenarios.World) *vacancies {
	v := &vacancies{names: map[string]bool{}, taken: map[netip.Addr]bool{}}
	enter := func(name string, addresses []netip.Addr) {
		v.names[name] = true
		for _, a := range addresses {
			v.taken[a] = true
		}
	}
	for _, n := range plan.Servers {
		enter(n.Name, n.Addresses)
		v.ipv6 = v.ipv6 || slices.ContainsFunc(n.Addresses, netip.Addr.Is6)
	}
	for _, n := range plan.Resolvers {
		enter(n.Name, n.Addresses)
	}
	for _, n := range plan.Clients {
		enter(n.Name, n.Addresses)
	}
	if u := plan.Upstream; u != nil {
		enter(scenarios.UpstreamName, u.Addresses)
	}
	for _, n := range plan.Web {
		enter(n.Name, n.Addresses)
	}
	return v
}

// name is the wish, or the wish with a number.
func (v *vacancies) name(wish string) string {
	name := wish
	for i := 2; v.names[name]; i++ {
		name = fmt.Sprintf("%s-%d", wish, i)
	}
	v.names[name] = true
	return name
}

// addresses are the wishes, or those that come next.
func (v *vacancies) addresses(ipv4, ipv6 string) []netip.Addr {
	var list []netip.Addr
	for _, wish := range []string{ipv4, ipv6} {
		a := netip.MustParseAddr(wish)
		if a.Is6() && !v.ipv6 {
			continue
		}
		for v.taken[a] {
			a = a.Next()
		}
		v.taken[a] = true
		list = append(list, a)
	}
	return list
}

// parentZone is a zone that is being written.
type parentZone struct {
	origin, ns string
	addresses  []netip.Addr
	text       strings.Builder
	glue       map[string]bool
}

func newParentZone(origin, ns string, addresses []netip.Addr) *parentZone {
	p := &parentZone{origin: origin, ns: ns, addresses: addresses, glue: map[string]bool{}}
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

// delegate writes a zone's own NS set into its parent, with the glue that the world has for names below that.
func (in *internet) delegate(parent *parentZone, origin string) error {
	z := in.book.masters[origin]
	if z == nil {
		return fmt.Errorf("%s has secondaries but no primary in this world, so its delegation is not known; give a server its data, or the world a root of its own", origin)
	}
	rrs, err := in.book.parse(z)
	if err != nil {
		return err
	}
	strangers := 0
	for _, rr := range rrs {
		ns, ok := rr.(*dns.NS)
		if !ok || dns.CanonicalName(ns.Hdr.Name) != origin {
			continue
		}
		name := dns.CanonicalName(ns.Ns)
		fmt.Fprintf(&parent.text, "%s IN NS %s\n", origin, name)
		if _, known := enclosing(in.book.origins, name); !known && !slices.Contains(in.book.origins, name) {
			if dns.CountLabel(name) > 1 {
				in.tld(name).addressRecords(name, in.serving(origin, strangers))
			}
			strangers++
			continue
		}
		if !dns.IsSubDomain(parent.origin, name) {
			continue // resolvers find it by its own zone
		}
		addresses := in.addresses(name)
		if len(addresses) == 0 && dns.IsSubDomain(origin, name) {
			return fmt.Errorf("%s: its name server %s has no address in the zone, so nothing could find it", origin, name)
		}
		parent.addressRecords(name, addresses)
	}
	return nil
}

// addresses are those that the world's zones have for a name.
func (in *internet) addresses(name string) []netip.Addr {
	var list []netip.Addr
	for _, rr := range in.book.addresses(map[string]bool{name: true}) {
		switch rr := rr.(type) {
		case *dns.A:
			if a, ok := netip.AddrFromSlice(rr.A.To4()); ok {
				list = append(list, a)
			}
		case *dns.AAAA:
			if a, ok := netip.AddrFromSlice(rr.AAAA.To16()); ok {
				list = append(list, a)
			}
		}
	}
	return list
}

// serving are the addresses of the i-th server that has a zone, counted round.
func (in *internet) serving(origin string, i int) []netip.Addr {
	var servers [][]netip.Addr
	for _, s := range in.plan.Servers {
		if slices.ContainsFunc(s.Views, func(v scenarios.View) bool {
			return slices.ContainsFunc(v.Zones, func(z scenarios.Zone) bool { return z.Origin == origin })
		}) {
			servers = append(servers, s.Addresses)
		}
	}
	return servers[i%len(servers)]
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
