package simtest_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator/fault"
	"faultzone/simulator/simtest"
)

const api = "api.solvethenetwork.com"

// The steps of a scenario play as world time comes to them, in both kinds of time.
func TestStepsPlayAsTimePasses(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		w := simtest.StartWith(t, simtest.Options{Scenario: "rrsig-expired", Live: live})
		if a := w.Query("resolver-a", api); a.Rcode != "NOERROR" || !a.AD || !slices.Equal(a.Records, []string{"10.0.2.50"}) {
			t.Errorf("live %v, before: %+v", live, a)
		}
		w.Advance(65 * time.Minute)
		if a := w.Query("resolver-a", api); a.Rcode != "SERVFAIL" || !slices.Contains(a.EDE, 7) {
			t.Errorf("live %v, after the signatures' end: %+v", live, a)
		}
		if a := w.Query("resolver-a", api+" A +cd"); a.Rcode != "NOERROR" {
			t.Errorf("live %v, unchecked: %+v", live, a)
		}
		if a := w.Query("resolver-b", api); a.Rcode != "NOERROR" || a.AD {
			t.Errorf("live %v, where nobody validates: %+v", live, a)
		}
		w.Advance(time.Hour)
		if a := w.Query("resolver-a", api); a.Rcode != "NOERROR" || !a.AD {
			t.Errorf("live %v, healed: %+v", live, a)
		}
	}
}

// A live world's steps play without anybody moving its time.
func TestStepsFollowTheWall(t *testing.T) {
	t.Parallel()
	w := simtest.StartWith(t, simtest.Options{Live: true, Speed: 600, TOML: `
title = "edits"
base = "solvethenetwork"
[[step]]
at = "1m"
edit = "solvethenetwork.com."
add = ["soon 60 IN A 192.0.2.1"]
`})
	for w.Query("ns1", "soon.solvethenetwork.com").Rcode == "NXDOMAIN" {
		if w.Elapsed() > time.Hour {
			t.Fatal("an hour has passed, and the step of the first minute is still to come")
		}
	}
}

// What a step takes of the world's time delays the next, and a question asked in between finds the steps done that are due.
func TestStepsCatchUpBeforeAQuestion(t *testing.T) {
	t.Parallel()
	w := simtest.StartWith(t, simtest.Options{TOML: `
title = "an edit while a question waits"
base = "solvethenetwork"
[[step]]
at = "3s"
edit = "solvethenetwork.com."
add = ["soon 60 IN A 192.0.2.1"]
`})
	down := w.Inject("server-down", simtest.Params{"node": "resolver-a"})
	if a := w.Query("resolver-a", api); a.Failure != "timeout" || a.Elapsed != 15*time.Second {
		t.Fatalf("%+v", a)
	}
	down.Heal()
	if a := w.Query("resolver-b", "soon.solvethenetwork.com"); a.Rcode != "NOERROR" {
		t.Errorf("%+v", a)
	}
}

func TestPlay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"auth-outage", "negative-cache", "split-horizon"} {
		w := simtest.Start(t, name)
		if r := w.Play(); !r.Passed || r.Checked == 0 {
			t.Errorf("%s: %d of %d", name, r.Failures(), r.Checked)
		}
	}
}

func TestPlayFailsTheTest(t *testing.T) {
	t.Parallel()
	r := record(t, func(t testing.TB) {
		w := simtest.StartWith(t, simtest.Options{TOML: `
title = "wrong twice"
base = "solvethenetwork"
[[step]]
at = "0s"
query = "api.solvethenetwork.com. A"
via = "resolver-a"
expect = { rcode = "SERVFAIL" }
[[step]]
at = "1m"
inject = "server-down"
node = "resolver-branch"
`})
		w.Play()
	})
	for _, want := range []string{"scenario.toml:4: step 1", "expected rcode SERVFAIL, got NOERROR", "resolver-a udp query: api.solvethenetwork.com. A",
		"the fault server-down changed nothing"} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("%q is not in\n%s", want, r.said())
		}
	}
}

// A step that the test has made impossible fails it, with the step's place.
func TestStepThatCannotBeDone(t *testing.T) {
	t.Parallel()
	r := record(t, func(t testing.TB) {
		w := simtest.StartWith(t, simtest.Options{TOML: `
title = "healed twice"
base = "solvethenetwork"
[[step]]
at = "0s"
inject = "server-down"
node = "ns1"
[[step]]
at = "1m"
heal = "server-down"
`})
		if err := w.World().Heal("server-down"); err != nil {
			t.Error(err)
		}
		w.Advance(time.Minute)
	})
	if !strings.Contains(r.said(), `scenario.toml:8: the step "heal server-down" cannot be done`) {
		t.Error(r.said())
	}
}

func TestNoSteps(t *testing.T) {
	t.Parallel()
	w := simtest.StartWith(t, simtest.Options{Scenario: "auth-outage", NoSteps: true})
	w.Advance(24 * time.Hour)
	if a := w.Query("resolver-a", api); a.Rcode != "NOERROR" {
		t.Errorf("%+v", a)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	plan, _, err := scenarios.Builtin("auth-outage", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	w := simtest.StartWith(t, simtest.Options{Plan: plan, Start: start, From: "203.0.113.9"})
	if !w.World().Start().Equal(start) || w.Now().Before(start) {
		t.Errorf("it began at %v", w.World().Start())
	}
	if a := w.Query("ns1", api); !slices.Equal(a.Records, []string{"203.0.113.80"}) {
		t.Errorf("from outside: %+v", a)
	}
	for _, c := range []struct {
		options simtest.Options
		want    string
	}{
		{simtest.Options{}, "one must be set, and 0 are"},
		{simtest.Options{Scenario: "auth-outage", Plan: plan}, "one must be set, and 2 are"},
		{simtest.Options{Scenario: "auth-outtage"}, `did you mean "auth-outage"?`},
		{simtest.Options{Scenario: "nowhere.toml"}, "nowhere.toml: cannot read the scenario"},
		{simtest.Options{TOML: "titel = 1"}, `scenario.toml:1:1: `},
		{simtest.Options{Scenario: "auth-outage", Speed: 10}, "not Live has none"},
		{simtest.Options{Scenario: "auth-outage", Live: true, From: "nobody"}, `"nobody": neither a node of the world nor an address`},
	} {
		r := record(t, func(t testing.TB) { simtest.StartWith(t, c.options) })
		if !r.failed || !strings.Contains(r.said(), c.want) {
			t.Errorf("%+v: %q is not in\n%s", c.options, c.want, r.said())
		}
	}
}

// The same test sees the same, byte for byte.
func TestJournalsAreAlike(t *testing.T) {
	t.Parallel()
	run := func() []byte {
		w := simtest.Start(t, "auth-outage")
		w.Advance(3 * time.Minute)
		w.Query("web-01", "status")
		w.Inject("server-down", simtest.Params{"node": "resolver-a", "looks": "refused"})
		for _, r := range []string{"resolver-a", "resolver-b", "web-01", "203.0.113.77"} {
			_, _ = w.Resolver(r).LookupNetIP(t.Context(), "ip4", api)
		}
		var b bytes.Buffer
		if err := w.World().Journal().Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if a, b := run(), run(); !bytes.Equal(a, b) {
		t.Error("two runs of the same left two journals")
	}
}
