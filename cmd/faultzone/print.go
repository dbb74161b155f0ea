package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/play"
)

// table prints reports, a line each, as they come. Titles stand last, so that a long one disturbs no column.
type table struct {
	w    io.Writer
	name int // the width of the names
}

func newTable(w io.Writer, names ...string) table {
	return table{w, width("SCENARIO", names...)}
}

// width is that of the widest text.
func width(first string, more ...string) int {
	n := utf8.RuneCountInString(first)
	for _, s := range more {
		n = max(n, utf8.RuneCountInString(s))
	}
	return n
}

func (t table) header() {
	fmt.Fprintf(t.w, "      %-*s  %10s  %9s  %7s  %s\n", t.name, "SCENARIO", "WORLD TIME", "WALL TIME", "HELD", "WHAT IT SHOWED")
}

// report prints a scenario's line, and what did not hold.
func (t table) report(r *play.Report) {
	word := "ok  "
	if !r.Passed {
		word = "FAIL"
	}
	missed := 0
	for _, s := range r.Steps {
		if s.Expect != nil && len(s.Failures) > 0 {
			missed++
		}
	}
	fmt.Fprintf(t.w, "%s  %-*s  %10s  %9s  %7s  %s\n", word, t.name, r.Name, worldTime(r.Virtual), wallTime(r.Wall),
		fmt.Sprintf("%d/%d", r.Checked-missed, r.Checked), r.Title)
	for i, s := range r.Steps {
		if len(s.Failures) > 0 {
			printFailure(t.w, i+1, s)
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintf(t.w, "      %s\n", p)
	}
}

// printFailure tells of a step what was done, what was expected, what came, and the way the question took.
func printFailure(w io.Writer, number int, s play.Step) {
	fmt.Fprintf(w, "      step %d, %s:%d, at %s: %s\n", number, s.Pos.File, s.Pos.Line, worldTime(s.Began), s.What)
	for _, f := range s.Failures {
		fmt.Fprintf(w, "        ✗ %s\n", f)
	}
	if s.Got != "" {
		fmt.Fprintf(w, "        came: %s\n", s.Got)
	}
	if len(s.Path) > 0 {
		fmt.Fprintf(w, "        its way through the world:\n")
	}
	for _, line := range s.Path {
		fmt.Fprintf(w, "          %s\n", line)
	}
	printTraces(w, "        ", s.Traces)
}

// printTraces prints the paths that resolvers took for a step's question.
func printTraces(w io.Writer, indent string, traces []*simulator.Trace) {
	for _, t := range traces {
		fmt.Fprintf(w, "%sa resolver's path for %s, asked by %s:\n", indent, t.Query, t.Client)
		for _, line := range t.Lines() {
			fmt.Fprintf(w, "%s  %s\n", indent, line)
		}
	}
}

// printStep prints a step as it happens: the time in the world, what was done, what came of it, and whether that was
// what the scenario expects.
func printStep(w io.Writer, s play.Step) {
	const column = 10
	fmt.Fprintf(w, "%*s  %s\n", column, "+"+worldTime(s.Began), s.What)
	line := func(mark, text string) { fmt.Fprintf(w, "%*s  %s %s\n", column, "", mark, text) }
	if s.Note != "" {
		fmt.Fprintf(w, "%*s  (%s)\n", column, "", s.Note)
	}
	if s.Got != "" {
		mark := "→"
		if s.Expect != nil && len(s.Failures) == 0 {
			mark = "✓"
		}
		line(mark, came(s))
	}
	for _, f := range s.Failures {
		line("✗", f)
	}
}

// came is what came of a step, without the question that its line has just told.
func came(s play.Step) string {
	if s.Kind != scenarios.Query {
		return s.Got
	}
	return strings.TrimPrefix(s.Got, dns.CanonicalName(s.Query.Name)+" "+dns.Type(s.Query.Type).String()+" ")
}

// worldTime rounds to what a person wants to know: a second of an hour, a millisecond of a second.
func worldTime(d time.Duration) string {
	if d < time.Minute {
		return play.Span(d.Round(time.Millisecond))
	}
	return play.Span(d.Round(time.Second))
}

func wallTime(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return play.Span(d.Round(time.Second))
}
