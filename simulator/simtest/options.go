package simtest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

// Options say which world to start, and how. Of Scenario, TOML and Plan one is set.
type Options struct {
	// Scenario is the name of a built-in scenario or of a built-in world, such as "solvethenetwork", which is healthy and
	// has no steps; or a scenario's file, relative to the test's folder. What has a slash or ends in .toml is a file.
	Scenario string
	// TOML is a scenario's text. It need not expect anything. Its zones have their records in data.
	TOML string
	// Plan is a scenario built or loaded in Go. It is not changed.
	Plan *scenarios.Scenario

	// Live puts the world onto real sockets of 127.0.0.1; its time follows the wall.
	Live bool
	// Speed is how many times as fast as the wall a live world's time passes; 0 is 1. What waits outside of the world, a
	// client's timeout say, does not wait longer or shorter for it.
	Speed float64
	// Latency keeps the latencies of a live world's links, which are left out otherwise. A virtual world always has them.
	Latency bool
	// Start is the world time to begin at. Zero: the scenario's own in a virtual world, the wall's now in a live one.
	Start time.Time
	// Seed replaces the scenario's: other keys, ports and choices.
	Seed *uint64
	// NoSteps leaves the scenario's steps out: its world as it is before anything happens.
	NoSteps bool
	// From is where the test's own questions come from: a node of the world, or any address, such as "10.0.5.9" for a
	// host of 10.0.5.0/24. Empty: the world's vantage.
	From string
	// Resolver is the node that DialContext resolves names with, or the client whose stub does. Empty: the world's first
	// resolver.
	Resolver string
}

// load reads the scenario that the options name.
func (o *Options) load(t testing.TB) (*scenarios.Scenario, error) {
	set := 0
	for _, given := range []bool{o.Scenario != "", o.TOML != "", o.Plan != nil} {
		if given {
			set++
		}
	}
	if set != 1 {
		return nil, fmt.Errorf("of Scenario, TOML and Plan one must be set, and %d are", set)
	}
	if o.Plan != nil {
		return o.Plan, nil
	}
	var s *scenarios.Scenario
	var warnings []scenarios.Warning
	var err error
	name, v := o.Scenario, fault.Vocabulary()
	isFile := strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".toml")
	switch {
	case o.TOML != "":
		file := filepath.Join(t.TempDir(), "scenario.toml")
		if err := os.WriteFile(file, []byte(o.TOML), 0o666); err != nil {
			return nil, err
		}
		s, warnings, err = scenarios.LoadWorld(file, v)
	case isFile:
		s, warnings, err = scenarios.LoadWorld(name, v)
	case slices.Contains(scenarios.Worlds(), name):
		s, warnings, err = scenarios.BuiltinWorld(name, v)
	case slices.Contains(scenarios.Names(), name):
		s, warnings, err = scenarios.Builtin(name, v)
	default:
		all := append(scenarios.Names(), scenarios.Worlds()...)
		return nil, fmt.Errorf("there is no built-in scenario or world %q, and a file's name ends in .toml%s; there are %s",
			name, scenarios.DidYouMean(name, all), strings.Join(all, ", "))
	}
	for _, warning := range warnings {
		t.Log(warning)
	}
	return s, err
}

// plan is the scenario as this world is to have it.
func (o *Options) plan(t testing.TB) (*scenarios.Scenario, error) {
	loaded, err := o.load(t)
	if err != nil {
		return nil, err
	}
	s := *loaded
	if o.NoSteps {
		s.Steps = nil
	}
	if o.Live && !o.Latency {
		s.World.Links = append(nowhereFar(), s.World.Links...)
	}
	return &s, nil
}

// nowhereFar are links without latency between everything.
func nowhereFar() []scenarios.Link {
	v4, v6 := netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	return []scenarios.Link{{Between: [2]netip.Prefix{v4, v4}}, {Between: [2]netip.Prefix{v6, v6}}}
}

// world builds the world of the scenario.
func (o *Options) world(s *scenarios.Scenario) (*simulator.World, error) {
	options := simulator.Options{Live: o.Live, Speed: o.Speed, Start: o.Start, Seed: o.Seed, Trace: true}
	if o.Speed != 0 && !o.Live {
		return nil, fmt.Errorf("a Speed of %v: the time of a world that is not Live has none; move it with Advance", o.Speed)
	}
	return simulator.New(s, options)
}
