package fault

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/scenarios"
)

// viewMatch changes whom a view is for.
type viewMatch struct {
	name    string
	servers []string
	view    string
	subnet  string
	change  func(words []string, subnet string) []string
	undo    lifts
	*watch
}

func viewSubnetMissingSpec() Spec {
	return viewSpec(scenarios.FaultSpec{
		Name:    "view-subnet-missing",
		Summary: "a subnet is missing from a view's match-clients",
		Text: "As after a network expansion that nobody told the name servers of: the subnet's hosts fall through to the next " +
			"view, which has other answers for them.",
	}, "", withoutSubnet)
}

// withoutSubnet takes the subnet out of a match list: where it stands by itself it goes, and where a wider prefix holds
// it still an exclusion is put before the first address. Keys keep their place in front.
func withoutSubnet(words []string, subnet string) []string {
	taken, err := netip.ParsePrefix(subnet)
	if err != nil {
		return words
	}
	same := func(w string) bool {
		p, ok := prefixOf(w)
		return ok && p == taken
	}
	holds := func(w string) bool {
		p, ok := prefixOf(w)
		return w == "any" || ok && p.Overlaps(taken)
	}
	rest := slices.DeleteFunc(slices.Clone(words), same)
	if !slices.ContainsFunc(rest, holds) {
		return rest
	}
	first := 0
	for first < len(rest) && strings.HasPrefix(strings.TrimPrefix(rest[first], "!"), "key ") {
		first++
	}
	return slices.Insert(rest, first, "!"+subnet)
}

// prefixOf is the prefix that a word of a match list is; ok is false for other words, exclusions among them.
func prefixOf(word string) (p netip.Prefix, ok bool) {
	if a, err := netip.ParseAddr(word); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(word)
	return p, err == nil
}

func viewLeakSpec() Spec {
	return viewSpec(scenarios.FaultSpec{
		Name:    "view-leak",
		Summary: "a view answers clients that it is not for",
		Text:    "The view's match-clients takes in a network too many: its inside answers are given away outside.",
	}, "0.0.0.0/0", func(words []string, subnet string) []string { return append(slices.Clone(words), subnet) })
}

func viewSpec(s scenarios.FaultSpec, subnet string, change func([]string, string) []string) Spec {
	s.Params = []scenarios.ParamSpec{
		{Name: "server", Kind: scenarios.ServerNodes, Required: true, Summary: "the servers whose view it is"},
		{Name: "view", Kind: scenarios.ViewName, Required: true, Summary: "the view"},
		{Name: "subnet", Kind: scenarios.Prefix, Required: subnet == "", Default: subnet, Summary: "the clients"},
	}
	return Spec{FaultSpec: s, New: func(p Params) (Fault, error) {
		return &viewMatch{name: s.Name, servers: p.Strings("server"), view: p.String("view", ""),
			subnet: p.String("subnet", subnet), change: change}, nil
	}}
}

// match is the change as layers take it. What it makes of good words are good words.
func (f *viewMatch) match(old authoritative.Match) authoritative.Match {
	m, err := authoritative.ParseMatch(f.change(old.Strings(), f.subnet))
	if err != nil {
		return old
	}
	return m
}

func (f *viewMatch) Inject(w World) error {
	subnet, err := w.Addresses(f.subnet)
	if err != nil {
		return err
	}
	f.subnet = subnet[0].String()
	var addresses []netip.Addr
	var changed []func(client netip.Addr, key string) bool
	for _, name := range f.servers {
		server, own, err := place(w, name)
		var l *layer[authoritative.Match]
		if err == nil {
			addresses = append(addresses, own...)
			l, err = lay(w.Layers(), fmt.Sprintf("match of view %s on %s", f.view, name),
				func() (authoritative.Match, error) { return server.Match(f.view), nil },
				func(m authoritative.Match) error { return server.SetMatch(f.view, m) }, f.match)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", name, err), f.undo.all())
		}
		f.undo = append(f.undo, l.lift)
		changed = append(changed, func(client netip.Addr, key string) bool {
			return viewOf(server, client, key, f.view, l.without()) != viewOf(server, client, key, "", nil)
		})
	}
	f.watch = watchReplies(w.Network(), f.name, addresses,
		func(_ *dns.Msg, to netip.Addr) bool { return contains(subnet, to) },
		// Whoever is shown another view than without the fault.
		func(m *dns.Msg, to netip.Addr) bool {
			return slices.ContainsFunc(changed, func(c func(netip.Addr, string) bool) bool { return c(to, keyOf(m)) })
		})
	return nil
}

// place is a server with its addresses.
func place(w World, name string) (*authoritative.Server, []netip.Addr, error) {
	server, err := w.Authoritative(name)
	if err != nil {
		return nil, nil, err
	}
	own, err := w.Addresses(name)
	return server, hosts(own), err
}

// viewOf is the view that a server shows to a client, with another match list for one of its views.
func viewOf(s *authoritative.Server, client netip.Addr, key, other string, match authoritative.Match) string {
	for _, name := range s.Views() {
		m := s.Match(name)
		if name == other {
			m = match
		}
		if m.Allows(client, key) {
			return name
		}
	}
	return ""
}

func (f *viewMatch) Heal() error {
	f.watch.end()
	return f.undo.all()
}
