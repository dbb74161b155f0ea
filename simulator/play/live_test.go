package play_test

import (
	"context"
	"testing"

	"faultzone/simulator"
	"faultzone/simulator/play"
)

// In live time a question comes at its second too: the one of 12:00:00 is the last that finds a valid signature, and at
// this speed the machine's own work between two steps would be minutes of the world's.
func TestLivePlayIsAsExactAsVirtual(t *testing.T) {
	w, err := simulator.New(builtin(t, "rrsig-expired"), simulator.Options{Live: true, Speed: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r, err := play.Run(context.Background(), w, play.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Passed {
		t.Error(explain(r))
	}
	for i, s := range r.Steps {
		if s.Began < s.At {
			t.Errorf("step %d began at %v, before its time %v", i+1, s.Began, s.At)
		}
	}
}
