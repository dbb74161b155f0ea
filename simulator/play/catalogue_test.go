package play_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
	"faultzone/simulator/play"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func builtin(t testing.TB, name string) *scenarios.Scenario {
	t.Helper()
	s, warnings, err := scenarios.Builtin(name, fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) > 0 {
		t.Errorf("%s: %v", name, warnings)
	}
	return s
}

// run plays a scenario and returns the report and the journal.
func run(t testing.TB, s *scenarios.Scenario, o simulator.Options) (*play.Report, []byte) {
	t.Helper()
	w, err := simulator.New(s, o)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	r, err := play.Run(context.Background(), w, play.Options{})
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	var journal bytes.Buffer
	if err := w.Journal().Write(&journal); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	return r, journal.Bytes()
}

func explain(r *play.Report) string {
	var b strings.Builder
	for i, s := range r.Steps {
		for _, f := range s.Failures {
			fmt.Fprintf(&b, "step %d (line %d), %s: %s; came: %s\n  %s\n", i+1, s.Pos.Line, s.What, f, s.Got, strings.Join(s.Path, "\n  "))
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

// Every scenario of the catalogue holds, whatever the seed, and is seen before, during and after its fault.
func TestCatalogueHolds(t *testing.T) {
	for _, name := range scenarios.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := builtin(t, name)
			for seed := range uint64(8) {
				if r, _ := run(t, s, simulator.Options{Seed: &seed}); !r.Passed {
					t.Fatalf("seed %d:\n%s", seed, explain(r))
				}
			}
		})
	}
}

// A scenario whose fault or edit is taken out must fail with an expectation that did not hold: else it shows nothing.
func TestCatalogueFailsWithoutItsFaults(t *testing.T) {
	for _, name := range scenarios.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := builtin(t, name)
			taken := 0
			for i, step := range s.Steps {
				if step.Kind != scenarios.Inject && step.Kind != scenarios.Edit && step.Kind != scenarios.Roll {
					continue
				}
				taken++
				without := *s
				without.Steps = slices.DeleteFunc(slices.Clone(s.Steps), func(other scenarios.Step) bool {
					return other.Pos == step.Pos || step.Kind == scenarios.Inject && other.Kind == scenarios.Heal && other.Heal == label(step)
				})
				r, _ := run(t, &without, simulator.Options{})
				held := true
				for _, s := range r.Steps {
					held = held && (s.Expect == nil || len(s.Failures) == 0)
				}
				if held {
					t.Errorf("all expectations hold without step %d (line %d): %s", i+1, step.Pos.Line, play.Describe(&step))
				}
			}
			if taken == 0 {
				t.Error("nothing is injected or edited")
			}
		})
	}
}

func label(s scenarios.Step) string {
	if s.Inject.Label != "" {
		return s.Inject.Label
	}
	return s.Inject.Fault
}

// Same scenario, same seed: the same journal, byte for byte, on one core and on two; another seed, another journal.
func TestJournalIsTheSameForTheSameSeed(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, name := range scenarios.Names() {
		s := builtin(t, name)
		var first []byte
		for _, procs := range []int{1, 2} {
			runtime.GOMAXPROCS(procs)
			_, journal := run(t, s, simulator.Options{})
			if first == nil {
				first = journal
			} else if !bytes.Equal(first, journal) {
				t.Errorf("%s: the journals differ: %s", name, difference(first, journal))
			}
		}
		other := s.Seed + 1
		if _, journal := run(t, s, simulator.Options{Seed: &other}); bytes.Equal(first, journal) {
			t.Errorf("%s: another seed gave the same journal", name)
		}
	}
}

// A hundred runs of one scenario that has everything: timeouts, retries, transfers.
func TestJournalIsTheSameAHundredTimes(t *testing.T) {
	s := builtin(t, "auth-outage")
	_, first := run(t, s, simulator.Options{})
	runs := 100
	if testing.Short() {
		runs = 5
	}
	for i := range runs {
		if _, journal := run(t, s, simulator.Options{}); !bytes.Equal(first, journal) {
			t.Fatalf("run %d differs: %s", i, difference(first, journal))
		}
	}
}

func difference(a, b []byte) string {
	left, right := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return fmt.Sprintf("line %d:\n%s\n%s", i+1, left[i], right[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(left), len(right))
}

func BenchmarkCatalogue(b *testing.B) {
	for _, name := range scenarios.Names() {
		s := builtin(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run(b, s, simulator.Options{})
			}
		})
	}
}
