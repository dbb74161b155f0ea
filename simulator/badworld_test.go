package simulator_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// A world that cannot be is one clear error, and nothing of it is left: the package's goroutines are counted at its end.
// The loader finds most of these first, with their line; a scenario can be made without it.
func TestWorldsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*scenarios.Scenario)
		want   string
	}{
		{"an address used twice", func(s *scenarios.Scenario) {
			s.World.Resolvers[0].Addresses = s.World.Servers[4].Addresses
		}, "resolver-a: the address 10.0.1.20 is ns1's already"},
		{"an address twice at one node", func(s *scenarios.Scenario) {
			a := s.World.Clients[0].Addresses
			s.World.Clients[0].Addresses = append(slices.Clone(a), a...)
		}, "web-01: the address 10.0.2.10 stands there twice"},
		{"a name used twice", func(s *scenarios.Scenario) {
			s.World.Resolvers[0].Name = "ns1"
		}, "two nodes named ns1"},
		{"a zone that is no zone", func(s *scenarios.Scenario) {
			s.World.Servers[4].Views[0].Zones[0].Data = "@ IN A 10.0.0.1\n"
		}, "SOA"},
		{"a zone that does not parse", func(s *scenarios.Scenario) {
			s.World.Servers[4].Views[0].Zones[0].Data = "@ IN SOA ns1 host 1 2 3 4 5\n@ IN A nonsense\n"
		}, "nonsense"},
		{"a key that is not there", func(s *scenarios.Scenario) {
			s.World.Keys = s.World.Keys[1:]
		}, "internal-transfer."},
		{"a word that is no match", func(s *scenarios.Scenario) {
			s.World.Servers[4].Views[0].Match = []string{"everyone"}
		}, `server ns1, view internal: match element "everyone"`},
		{"an algorithm that nobody signs with", func(s *scenarios.Scenario) {
			s.World.Servers[4].Views[0].Zones[0].DNSSEC = &scenarios.DNSSEC{Algorithm: 5}
			s.World.Servers[4].Views[1].Zones[0].DNSSEC = &scenarios.DNSSEC{Algorithm: 5}
		}, "keys of solvethenetwork.com."},
		{"a calendar without time", func(s *scenarios.Scenario) {
			s.World.Calendar.Refresh = s.World.Calendar.Validity
		}, "want 0 <= Refresh < Validity"},
		{"a root that nobody has", func(s *scenarios.Scenario) {
			for i := range s.World.Servers {
				for v := range s.World.Servers[i].Views {
					for z := range s.World.Servers[i].Views[v].Zones {
						if zone := &s.World.Servers[i].Views[v].Zones[z]; zone.Origin == "." {
							zone.Primaries = []scenarios.Primary{{Address: netip.MustParseAddrPort("192.0.2.1:53")}}
						}
					}
				}
			}
		}, "no server of the world is a primary of the root"},
	} {
		s := copyOf(base(t))
		c.change(s)
		w, err := simulator.New(s, simulator.Options{})
		if err == nil {
			w.Close()
			t.Errorf("%s: built", c.name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
}

// copyOf is a scenario whose world can be changed without changing another's.
func copyOf(s *scenarios.Scenario) *scenarios.Scenario {
	c := *s
	c.World.Servers = slices.Clone(c.World.Servers)
	for i := range c.World.Servers {
		views := slices.Clone(c.World.Servers[i].Views)
		for v := range views {
			views[v].Zones = slices.Clone(views[v].Zones)
		}
		c.World.Servers[i].Views = views
	}
	c.World.Resolvers = slices.Clone(c.World.Resolvers)
	c.World.Clients = slices.Clone(c.World.Clients)
	c.World.Keys = slices.Clone(c.World.Keys)
	return &c
}

// Nothing is asked of a world that is closed, and closing it again is no harm.
func TestClosedWorld(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		w, err := simulator.New(base(t), simulator.Options{Live: live})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Errorf("live %v: %v", live, err)
		}
		if _, err := w.Query(t.Context(), scenarios.QueryStep{Name: "example.org.", Type: 1, Via: "resolver-a"}); err == nil {
			t.Errorf("live %v: a question was answered", live)
		}
		if err := w.Advance(1); err == nil {
			t.Errorf("live %v: time moved", live)
		}
		if err := w.HealAll(); err != nil {
			t.Errorf("live %v: %v", live, err)
		}
	}
}
