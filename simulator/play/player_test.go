package play_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
	"faultzone/simulator/play"
)

// A scenario that is played a step at a time, with something else done in between, comes to what it comes to in one go.
func TestPlayerGoesStepByStep(t *testing.T) {
	t.Parallel()
	s, _, err := scenarios.Builtin("auth-outage", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	world := func() *simulator.World {
		w, err := simulator.New(s, simulator.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.Close() })
		return w
	}
	w := world()
	p := play.NewPlayer(w)
	steps := 0
	for {
		at, ok := p.Next()
		if !ok {
			break
		}
		if gap := at.Sub(w.Now()); gap > time.Second {
			if err := w.Advance(gap - time.Second); err != nil {
				t.Fatal(err)
			}
		}
		step, err := p.Step(context.Background())
		if err != nil || len(step.Failures) > 0 {
			t.Fatalf("%s: %v %v", step.What, err, step.Failures)
		}
		steps++
	}
	if step, err := p.Step(context.Background()); err != nil || step.What != "" {
		t.Errorf("a step after the last: %+v %v", step, err)
	}
	whole, err := play.Run(context.Background(), world(), play.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := p.Report()
	if steps != len(s.Steps) || !got.Passed || got.Checked != whole.Checked || !reflect.DeepEqual(got.Faults, whole.Faults) || got.Virtual != whole.Virtual {
		t.Errorf("step by step: %d steps, %+v; at once: %+v", steps, got, whole)
	}
}
