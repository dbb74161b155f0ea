package fault

import (
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
	undo    []func() error
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
// it an exclusion is put before the first address. Keys keep their place in front.
func withoutSubnet(words []string, subnet string) []string {
	if rest := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == subnet }); len(rest) < len(words) {
		return rest
	}
	first := 0
	for first < len(words) && strings.HasPrefix(strings.TrimPrefix(words[first], "!"), "key ") {
		first++
	}
	return slices.Insert(slices.Clone(words), first, "!"+subnet)
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

func (f *viewMatch) Inject(w World) error {
	subnet, err := w.Addresses(f.subnet)
	if err != nil {
		return err
	}
	var addresses []netip.Addr
	before := map[string]authoritative.Match{}
	for _, name := range f.servers {
		server, err := w.Authoritative(name)
		if err != nil {
			return err
		}
		old := server.Match(f.view)
		before[name] = old
		match, err := authoritative.ParseMatch(f.change(old.Strings(), f.subnet))
		if err != nil {
			return err
		}
		if err := server.SetMatch(f.view, match); err != nil {
			return err
		}
		f.undo = append(f.undo, func() error { return server.SetMatch(f.view, old) })
		own, err := w.Addresses(name)
		if err != nil {
			return err
		}
		addresses = append(addresses, hosts(own)...)
	}
	f.watch = watchReplies(w.Network(), f.name, addresses,
		func(_ *dns.Msg, to netip.Addr) bool { return contains(subnet, to) },
		// Whoever the old list and the new one do not treat alike.
		func(_ *dns.Msg, to netip.Addr) bool {
			for _, name := range f.servers {
				server, err := w.Authoritative(name)
				if err != nil {
					return false
				}
				if server.Match(f.view).Allows(to, "") != before[name].Allows(to, "") {
					return true
				}
			}
			return false
		})
	return nil
}

func (f *viewMatch) Heal() error {
	f.watch.end()
	for _, undo := range f.undo {
		if err := undo(); err != nil {
			return err
		}
	}
	return nil
}
