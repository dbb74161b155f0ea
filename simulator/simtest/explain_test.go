package simtest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faultzone/simulator"
	"faultzone/simulator/simtest"
)

// The log of a test that fails has the way of each failing question, and the journal is left in the artifact folder.
func TestFailureIsExplained(t *testing.T) {
	t.Parallel()
	r := record(t, func(t testing.TB) {
		w := simtest.Start(t, "rrsig-expired")
		w.Advance(65 * time.Minute)
		if _, err := w.Resolver("resolver-a").LookupNetIP(t.Context(), "ip4", api); err != nil {
			t.Errorf("the service: %v", err)
		}
		other := simtest.Start(t, "solvethenetwork")
		other.Inject("server-down", simtest.Params{"node": "resolver-a"})
		other.Query("resolver-a", api)
	})
	for _, want := range []string{
		"server misbehaving",
		"10.0.2.100 → resolver-a udp api.solvethenetwork.com. A: SERVFAIL [EDE 7 Signature Expired]\n  its way through the world:\n",
		"→ resolver-a udp reply: api.solvethenetwork.com. A NOERROR aa",
		"verdict: ",
		"10.0.2.100 → resolver-a udp api.solvethenetwork.com. A: dropped",
		"(kept with go test -artifacts)",
	} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("%q is not in\n%s", want, r.said())
		}
	}
	if strings.Contains(r.said(), "crl.solvethenetwork.com. A: SERVFAIL") {
		t.Errorf("a step's question failed as it must, and is told:\n%s", r.said())
	}
	for _, name := range []string{"journal.jsonl", "journal-2.jsonl"} {
		data, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
		var e simulator.Entry
		if err := json.Unmarshal(lines[len(lines)-1], &e); err != nil || len(lines) < 10 {
			t.Errorf("%s: %d lines, the last: %v", name, len(lines), err)
		}
	}
}

// A test that passes leaves nothing, and says nothing but of faults that proved nothing.
func TestSuccessIsQuiet(t *testing.T) {
	t.Parallel()
	r := record(t, func(t testing.TB) {
		w := simtest.Start(t, "solvethenetwork")
		w.Inject("server-down", simtest.Params{"node": "ns1"})
		w.Inject("server-down", simtest.Params{"node": "resolver-b"})
		w.Query("resolver-b", api)
	})
	if r.failed || r.said() != "the fault server-down changed nothing (saw 0, matched 0)\n" {
		t.Error(r.said())
	}
	if files, _ := os.ReadDir(r.dir); len(files) > 0 {
		t.Errorf("it left %v", files)
	}
}
