package play_test

import (
	"bytes"
	"strings"
	"testing"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

func file(t testing.TB, path string) *scenarios.Scenario {
	t.Helper()
	s, warnings, err := scenarios.Load(path, fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Error(w)
	}
	return s
}

// Worlds of other people, in their own files: nothing in the code knows solvethenetwork.com.
func TestOtherWorlds(t *testing.T) {
	for _, path := range []string{"testdata/otherworld/harbour.toml", "testdata/ownroot/ownroot.toml"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := file(t, path)
			for seed := range uint64(8) {
				r, journal := run(t, s, simulator.Options{Seed: &seed})
				if !r.Passed {
					t.Fatalf("seed %d:\n%s", seed, explain(r))
				}
				if bytes.Contains(journal, []byte("solvethenetwork")) {
					t.Error("the base world is in it")
				}
				if _, again := run(t, s, simulator.Options{Seed: &seed}); !bytes.Equal(journal, again) {
					t.Errorf("seed %d: the journals differ: %s", seed, difference(journal, again))
				}
			}
		})
	}
}

// The harbour's transfers go over both families, each view's under its own key.
func TestOtherWorldTransfersOverBothFamilies(t *testing.T) {
	t.Parallel()
	_, journal := run(t, file(t, "testdata/otherworld/harbour.toml"), simulator.Options{})
	for _, want := range []string{`"from":"[fd40:1::3]:`, `"to":"[fd40:1::1]:53"`, `"from":"10.40.1.2:`} {
		found := false
		for line := range strings.Lines(string(journal)) {
			found = found || strings.Contains(line, `"network":"tcp"`) && strings.Contains(line, want) && strings.Contains(line, "AXFR")
		}
		if !found {
			t.Errorf("no transfer %s", want)
		}
	}
}
