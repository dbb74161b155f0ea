package fault

import (
	"fmt"
	"net/netip"

	"faultzone/scenarios"
	"faultzone/simulator/network"
)

// partition silences the network between two sets of addresses.
type partition struct {
	between, and []string
	net          *network.Network
	rule         *network.Rule
}

func partitionSpec() Spec {
	return Spec{
		FaultSpec: scenarios.FaultSpec{
			Name:    "partition",
			Summary: "nothing gets through between two parts of the network",
			Text: "Every message between the two sets, in both directions, over UDP and TCP, is lost without a word. " +
				"A node stands for all its addresses.",
			Params: []scenarios.ParamSpec{
				{Name: "between", Kind: scenarios.Places, Required: true, Summary: "nodes and prefixes on the one side"},
				{Name: "and", Kind: scenarios.Places, Required: true, Summary: "nodes and prefixes on the other"},
			},
		},
		New: func(p Params) (Fault, error) {
			return &partition{between: p.Strings("between"), and: p.Strings("and")}, nil
		},
	}
}

func (f *partition) Inject(w World) error {
	one, err := prefixes(w, f.between)
	if err != nil {
		return err
	}
	other, err := prefixes(w, f.and)
	if err != nil {
		return err
	}
	f.net = w.Network()
	f.rule = &network.Rule{Name: "partition",
		Match: func(l *network.Flight) bool {
			a, b := l.From.Addr(), l.To.Addr()
			return contains(one, a) && contains(other, b) || contains(one, b) && contains(other, a)
		},
		Act: func(l *network.Flight) bool { l.Drop = true; return true },
	}
	f.net.AddRule(f.rule)
	return nil
}

func (f *partition) Heal() error {
	f.net.RemoveRule(f.rule)
	return nil
}

func (f *partition) Counts() Counts {
	if f.rule == nil {
		return Counts{}
	}
	seen, matched, changed := f.rule.Counts()
	return Counts{seen, matched, changed}
}

// prefixes are the addresses of nodes, prefixes and addresses.
func prefixes(w World, names []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, name := range names {
		list, err := w.Addresses(name)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no address in %q", names)
	}
	return all, nil
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
