package control

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

// Limits bound what callers may do to the world. The scenario's own steps they do not bound. The zero value allows
// everything.
type Limits struct {
	// Faults are the names of those that may be injected; none: all.
	Faults []string
	// Protected are nodes and zones that nothing may be done to: no fault that names them, their addresses or a prefix
	// with them in it, or a zone that such a node masters; no edit, flush, retransfer or signing.
	Protected []string
	// MostFaults is how many faults may be at work at a time, the scenario's included; 0: any number.
	MostFaults int
	// LongestFault is how long a fault may last, in the world's time: each must then have a deadline. 0: for ever.
	LongestFault time.Duration
}

// Bounds are limits as the API tells them.
type Bounds struct {
	Faults       []string `json:"faults"` // empty: all
	Protected    []string `json:"protected"`
	MostFaults   int      `json:"most_faults"`   // 0: any number
	LongestFault string   `json:"longest_fault"` // empty: for ever
}

func (l Limits) bounds() Bounds {
	b := Bounds{Faults: append([]string{}, l.Faults...), Protected: append([]string{}, l.Protected...), MostFaults: l.MostFaults}
	if l.LongestFault > 0 {
		b.LongestFault = scenarios.FormatDuration(l.LongestFault)
	}
	return b
}

// check makes sure that the limits name what there is, so that no protection fails for a letter.
func (l Limits) check(w *simulator.World) error {
	var faults []string
	for _, f := range fault.Vocabulary().Faults {
		faults = append(faults, f.Name)
	}
	for _, name := range l.Faults {
		if !slices.Contains(faults, name) {
			return fmt.Errorf("there is no fault %q to allow%s", name, scenarios.DidYouMean(name, faults))
		}
	}
	var known []string
	for _, n := range w.Nodes() {
		known = append(known, n.Name)
	}
	for _, s := range w.Scenario().World.Servers {
		for _, v := range s.Views {
			for _, z := range v.Zones {
				known = append(known, z.Origin)
			}
		}
	}
	for _, name := range l.Protected {
		if !slices.Contains(known, name) && !slices.Contains(known, dns.CanonicalName(name)) {
			return fmt.Errorf("the world has no node and no zone %q to protect%s", name, scenarios.DidYouMean(name, known))
		}
	}
	return nil
}

// protects tells whether a node or a zone is not to be touched.
func (l Limits) protects(name string) bool {
	return slices.ContainsFunc(l.Protected, func(p string) bool { return p == name || dns.CanonicalName(p) == name })
}

// touch refuses what is done to one of the names, if it is protected.
func (l Limits) touch(what string, names ...string) *Problem {
	for _, name := range names {
		if l.protects(name) {
			return refuse(http.StatusForbidden, limited, "choose another target, or start the world without --protect "+name,
				"%s: %s is protected in this world (--protect)", what, name)
		}
	}
	return nil
}

// zone refuses what is done to a zone on a server ("" for each that has it, or with primaries each that masters it).
func (l Limits) zone(c *call, what, origin, server string, primaries bool) *Problem {
	names := []string{origin, server}
	if server == "" {
		names = append(names, serversOf(c.world(), origin, primaries)...)
	}
	return l.touch(what, names...)
}

// fault refuses a fault beyond the limits. instead is one that it takes the place of, or nil.
func (l Limits) fault(c *call, in scenarios.InjectStep, instead *simulator.Injected) *Problem {
	if len(l.Faults) > 0 && !slices.Contains(l.Faults, in.Fault) {
		return refuse(http.StatusForbidden, limited, "start the world with it among --allow-faults",
			"the fault %s is not among those that this world allows: %s", in.Fault, strings.Join(l.Faults, ", "))
	}
	if l.LongestFault > 0 && (in.For == 0 || in.For > l.LongestFault) {
		most := scenarios.FormatDuration(l.LongestFault)
		return refuse(http.StatusForbidden, limited, `give it a deadline of `+most+` or less ("for", --for)`,
			"a fault of this world lasts %s at most (--longest-fault)", most)
	}
	if l.MostFaults > 0 && instead == nil {
		active := 0
		for _, f := range c.world().Faults() {
			if f.Active() {
				active++
			}
		}
		if active >= l.MostFaults {
			return refuse(http.StatusForbidden, limited, "heal one first", "%d faults are at work, and this world has %d at most (--most-faults)",
				active, l.MostFaults)
		}
	}
	return l.touch("inject "+in.Fault, touched(c.world(), in)...)
}

// touched are the nodes and zones that a fault is about: those that it names, those at addresses that it names, the
// primaries of its zones; where it leaves a parameter out that could have named some, all that it could have named.
func touched(w *simulator.World, in scenarios.InjectStep) (names []string) {
	for _, spec := range fault.Vocabulary().Faults {
		if spec.Name != in.Fault {
			continue
		}
		for _, p := range spec.Params {
			names = append(names, touchedBy(w, p, in.Params)...)
		}
	}
	return names
}

func touchedBy(w *simulator.World, p scenarios.ParamSpec, params map[string]any) (names []string) {
	values := fault.Params(params).Strings(p.Name)
	switch p.Kind {
	case scenarios.Node, scenarios.Nodes, scenarios.ServerNode, scenarios.ServerNodes, scenarios.ResolverNode, scenarios.ClientNode:
		if len(values) == 0 {
			return everybody(w)
		}
		return values
	case scenarios.ZoneName:
		for _, origin := range values {
			names = append(append(names, origin), serversOf(w, origin, true)...)
		}
		return names
	case scenarios.Prefix, scenarios.Prefixes, scenarios.Places:
		for _, value := range values {
			names = append(append(names, value), within(w, value)...)
		}
		return names
	}
	return nil
}

func everybody(w *simulator.World) (names []string) {
	for _, n := range w.Nodes() {
		names = append(names, n.Name)
	}
	return names
}

// within are the nodes that have an address in a prefix, or that address.
func within(w *simulator.World, place string) (names []string) {
	prefix, err := netip.ParsePrefix(place)
	if err != nil {
		a, err := netip.ParseAddr(place)
		if err != nil {
			return nil // a node's name
		}
		prefix = netip.PrefixFrom(a, a.BitLen())
	}
	for _, n := range w.Nodes() {
		if slices.ContainsFunc(n.Addresses, prefix.Contains) {
			names = append(names, n.Name)
		}
	}
	return names
}

// serversOf are the servers that have a zone; with primaries only those that master it.
func serversOf(w *simulator.World, origin string, primaries bool) (names []string) {
	for _, s := range w.Scenario().World.Servers {
		for _, v := range s.Views {
			for _, z := range v.Zones {
				if z.Origin == origin && (!primaries || len(z.Primaries) == 0) {
					names = append(names, s.Name)
				}
			}
		}
	}
	return names
}
