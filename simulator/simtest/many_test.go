package simtest_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"faultzone/simulator/simtest"
)

// Two hundred worlds side by side in one binary, all of them open at the same time: each answers for itself, its faults
// are its own, and all leave the same journal.
func TestManyWorlds(t *testing.T) {
	const many = 200
	journals := make([][]byte, many)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	t.Run("worlds", func(t *testing.T) {
		worlds := make([]*simtest.World, many)
		for i := range many {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				w := simtest.Start(t, "solvethenetwork")
				worlds[i] = w
				t.Parallel() // all are started by now, and none is closed
				f := w.Inject("server-down", simtest.Params{"node": "resolver-a", "looks": "refused"})
				if a := w.Query("resolver-a", api); a.Failure != "refused" {
					t.Errorf("%+v", a)
				}
				f.Heal()
				if _, err := w.Resolver("resolver-a").LookupNetIP(t.Context(), "ip4", api); err != nil {
					t.Error(err)
				}
				var b bytes.Buffer
				if err := w.World().Journal().Write(&b); err != nil {
					t.Error(err)
				}
				journals[i] = b.Bytes()
			})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(worlds)
	})
	for i, j := range journals {
		if !bytes.Equal(j, journals[0]) {
			t.Errorf("the journal of world %d is another than that of world 0", i)
		}
	}
	t.Logf("%d worlds, open: %d KiB each", many, (after.HeapAlloc-before.HeapAlloc)/many/1024)
}

// Live worlds side by side have their own sockets.
func TestManyLiveWorlds(t *testing.T) {
	for i := range 20 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			w := simtest.StartWith(t, simtest.Options{Scenario: "solvethenetwork", Live: true})
			if i%2 == 0 {
				w.Inject("server-down", simtest.Params{"node": "resolver-a", "looks": "refused"})
			}
			_, err := w.Resolver("resolver-a").LookupNetIP(t.Context(), "ip4", api)
			if failed := err != nil; failed != (i%2 == 0) {
				t.Error(err)
			}
		})
	}
}
