package simtest_test

import (
	"testing"

	"faultzone/simulator/simtest"
)

// From nothing to the first validated answer, as a test would have it: in memory, and over a real socket.
func BenchmarkStartToFirstAnswer(b *testing.B) {
	for _, kind := range []struct {
		name string
		live bool
	}{{"virtual", false}, {"live", true}} {
		b.Run(kind.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				firstAnswer(b, kind.live)
			}
		})
	}
}

// A world that is there already answers a lookup from its resolver's cache.
func BenchmarkLookup(b *testing.B) {
	for _, kind := range []struct {
		name string
		live bool
	}{{"virtual", false}, {"live", true}} {
		b.Run(kind.name, func(b *testing.B) {
			b.ReportAllocs()
			w := simtest.StartWith(b, simtest.Options{Scenario: "solvethenetwork", Live: kind.live})
			r := w.Resolver("resolver-a")
			for b.Loop() {
				if _, err := r.LookupNetIP(b.Context(), "ip4", "api.solvethenetwork.com"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The world of each round is closed in it.
func firstAnswer(b *testing.B, live bool) {
	t := &round{TB: b}
	defer t.end()
	w := simtest.StartWith(t, simtest.Options{Scenario: "solvethenetwork", Live: live})
	if _, err := w.Resolver("resolver-a").LookupNetIP(b.Context(), "ip4", "api.solvethenetwork.com"); err != nil {
		b.Fatal(err)
	}
}

// round is a testing.TB whose cleanups run when it ends.
type round struct {
	testing.TB
	cleanups []func()
}

func (r *round) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *round) end() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

// A lookup at a resolver that is dead: ten seconds of the world's time.
func BenchmarkLookupAtTheDead(b *testing.B) {
	b.ReportAllocs()
	w := simtest.Start(b, "solvethenetwork")
	w.Inject("server-down", simtest.Params{"node": "resolver-a"})
	r := w.Resolver("resolver-a")
	for b.Loop() {
		if _, err := r.LookupNetIP(b.Context(), "ip4", "api.solvethenetwork.com"); err == nil {
			b.Fatal("an answer")
		}
	}
}
