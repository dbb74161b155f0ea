package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"faultzone/scenarios"
	"faultzone/simulator/play"
)

func TestTimesAreForPeople(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                         "0s",
		1178400 * time.Nanosecond: "1ms",
		1500 * time.Millisecond:   "1.5s",
		7*24*time.Hour + 2*time.Hour + 20*time.Minute + 4*time.Millisecond: "7d2h20m",
		time.Hour + 999*time.Millisecond:                                   "1h1s",
	} {
		if got := worldTime(d); got != want {
			t.Errorf("worldTime(%v) is %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		2718 * time.Microsecond: "2.7 ms", 4040 * time.Millisecond: "4.0 s", 80*time.Minute + time.Millisecond: "1h20m",
	} {
		if got := wallTime(d); got != want {
			t.Errorf("wallTime(%v) is %q, want %q", d, got, want)
		}
	}
}

// Whatever names and titles there are, the columns stand under their heads.
func TestTableIsAligned(t *testing.T) {
	t.Parallel()
	reports := []*play.Report{
		{Name: "short", Title: "A title", Passed: true, Checked: 3, Virtual: 7 * 24 * time.Hour, Wall: 72 * time.Millisecond},
		{Name: "a-scenario-with-a-very-long-näme", Title: strings.Repeat("long ", 40), Checked: 112, Virtual: time.Second, Wall: time.Hour},
	}
	var out bytes.Buffer
	table := newTable(&out, reports[0].Name, reports[1].Name)
	table.header()
	for _, r := range reports {
		table.report(r)
	}
	column := -1
	for i, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
		last := []string{"WHAT IT SHOWED", "A title", "long "}[i]
		at := utf8.RuneCountInString(line[:strings.Index(line, last)])
		if column < 0 {
			column = at
		}
		if at != column {
			t.Errorf("%q begins in column %d, not %d:\n%s", last, at, column, out.String())
		}
	}
}

func TestStepIsPrintedWithItsOutcome(t *testing.T) {
	t.Parallel()
	step := play.Step{Began: time.Hour + time.Second, What: "ask resolver-a for crl.example. A", Got: "crl.example. A SERVFAIL"}
	step.Kind, step.Note = scenarios.Query, "after the end"
	step.Query = scenarios.QueryStep{Name: "CRL.example", Type: 1, Via: "resolver-a"}
	step.Expect = &scenarios.Expect{Rcode: "SERVFAIL"}
	var held, missed bytes.Buffer
	printStep(&held, step)
	step.Failures = []string{"expected rcode NOERROR, got SERVFAIL"}
	printStep(&missed, step)
	head := "     +1h1s  ask resolver-a for crl.example. A\n            (after the end)\n"
	if want := head + "            ✓ SERVFAIL\n"; held.String() != want {
		t.Errorf("got\n%swant\n%s", held.String(), want)
	}
	if want := head + "            → SERVFAIL\n            ✗ expected rcode NOERROR, got SERVFAIL\n"; missed.String() != want {
		t.Errorf("got\n%swant\n%s", missed.String(), want)
	}
}
