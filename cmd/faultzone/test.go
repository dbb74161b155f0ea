package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/play"
)

func testCommand() *cli.Command {
	return &cli.Command{
		Name:      "test",
		Usage:     "play scenarios in virtual time and check what they must show",
		ArgsUsage: "[SCENARIO…]",
		Description: "SCENARIO is a built-in name or a file; with none named, the whole built-in catalogue is played.\n" +
			"Exit code 0: everything held. 1: something did not. 2: a scenario or the command line is wrong.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print the verdict as JSON"},
			&cli.StringFlag{Name: "journal", Usage: "write what happened to `FILE`, as JSON lines (with several scenarios one after another)"},
			&cli.Uint64Flag{Name: "seed", Usage: "use this seed instead of the scenarios' own"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print every step"},
		},
		OnUsageError: onUsageError,
		Action:       testAction,
	}
}

func testAction(c *cli.Context) (err error) {
	names := c.Args().Slice()
	if len(names) == 0 {
		names = scenarios.Names()
	}
	var loaded []*scenarios.Scenario
	var problems []error
	for _, name := range names {
		s, err := load(name, c.App.ErrWriter)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		loaded = append(loaded, s)
	}
	if len(problems) > 0 {
		for _, p := range problems {
			report(c.App.ErrWriter, unwrapExit(p))
		}
		return &exitError{code: exitUsage}
	}
	t := tester{c: c, verbose: c.Bool("verbose") && !c.Bool("json")}
	if path := c.String("journal"); path != "" {
		f, createErr := os.Create(path)
		if createErr != nil {
			return environment(fmt.Errorf("journal: %w", createErr))
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		t.journal = f
	}
	if c.IsSet("seed") {
		seed := c.Uint64("seed")
		t.seed = &seed
	}
	for _, s := range loaded {
		if err := t.play(s); err != nil {
			return err
		}
	}
	return t.verdict()
}

func unwrapExit(err error) error {
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.err
	}
	return err
}

// tester plays scenarios one after another.
type tester struct {
	c       *cli.Context
	verbose bool
	journal io.Writer
	seed    *uint64
	result  verdict
}

// verdict is the JSON form of a test run.
type verdict struct {
	SchemaVersion int        `json:"schema_version"`
	Passed        int        `json:"passed"`
	Failed        int        `json:"failed"`
	Scenarios     []verdict1 `json:"scenarios"`
}

// verdict1 is one scenario in a verdict.
type verdict1 struct {
	Name           string         `json:"name"`
	Title          string         `json:"title"`
	Passed         bool           `json:"passed"`
	Seed           uint64         `json:"seed"`
	Expectations   int            `json:"expectations"`
	VirtualSeconds float64        `json:"virtual_seconds"`
	WallSeconds    float64        `json:"wall_seconds"`
	Faults         []faultVerdict `json:"faults"`
	Failures       []failure      `json:"failures"`
}

type faultVerdict struct {
	Name    string `json:"name"`
	Fault   string `json:"fault"`
	Seen    int64  `json:"seen"`
	Matched int64  `json:"matched"`
	Changed int64  `json:"changed"`
}

// failure is a step that did not show what it must; Step 0 stands for the scenario as a whole.
type failure struct {
	Step    int      `json:"step"`
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	At      float64  `json:"at_seconds"`
	What    string   `json:"what"`
	Got     string   `json:"got,omitempty"`
	Reasons []string `json:"reasons"`
	Path    []string `json:"path,omitempty"`
}

func (t *tester) play(s *scenarios.Scenario) error {
	w, err := simulator.New(s, simulator.Options{Seed: t.seed})
	if err != nil {
		return usage("%s: %w", s.Name, err)
	}
	defer w.Close()
	options := play.Options{}
	if t.verbose {
		fmt.Fprintf(t.c.App.Writer, "%s: %s\n", s.Name, s.Title)
		options.OnStep = func(step play.Step) { printStep(t.c.App.Writer, step) }
	}
	r, err := play.Run(t.c.Context, w, options)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	if t.journal != nil {
		if err := w.Journal().Write(t.journal); err != nil {
			return environment(fmt.Errorf("journal: %w", err))
		}
	}
	if r.Passed {
		t.result.Passed++
	} else {
		t.result.Failed++
	}
	if t.c.Bool("json") {
		t.result.Scenarios = append(t.result.Scenarios, toVerdict(r, s, t.seed))
		return nil
	}
	printReport(t.c.App.Writer, r)
	return nil
}

// verdict prints the end and turns it into the exit code.
func (t *tester) verdict() error {
	if t.c.Bool("json") {
		t.result.SchemaVersion = 1
		enc := json.NewEncoder(t.c.App.Writer)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(t.result); err != nil {
			return environment(err)
		}
	} else {
		fmt.Fprintf(t.c.App.Writer, "%d passed, %d failed\n", t.result.Passed, t.result.Failed)
	}
	if t.result.Failed > 0 {
		return &exitError{code: exitFailed}
	}
	return nil
}

func toVerdict(r *play.Report, s *scenarios.Scenario, seed *uint64) verdict1 {
	v := verdict1{Name: r.Name, Title: r.Title, Passed: r.Passed, Seed: s.Seed, Expectations: r.Checked,
		VirtualSeconds: r.Virtual.Seconds(), WallSeconds: r.Wall.Seconds(), Faults: []faultVerdict{}, Failures: []failure{}}
	if seed != nil {
		v.Seed = *seed
	}
	for _, f := range r.Faults {
		v.Faults = append(v.Faults, faultVerdict{f.Label, f.Name, f.Counts.Seen, f.Counts.Matched, f.Counts.Changed})
	}
	for i, step := range r.Steps {
		if len(step.Failures) > 0 {
			v.Failures = append(v.Failures, failure{Step: i + 1, File: step.Pos.File, Line: step.Pos.Line, At: step.Began.Seconds(),
				What: step.What, Got: step.Got, Reasons: step.Failures, Path: step.Path})
		}
	}
	if len(r.Problems) > 0 {
		v.Failures = append(v.Failures, failure{What: "the scenario as a whole", Reasons: r.Problems})
	}
	return v
}

// printReport prints a scenario's line, and what did not hold.
func printReport(w io.Writer, r *play.Report) {
	word := "ok  "
	if !r.Passed {
		word = "FAIL"
	}
	fmt.Fprintf(w, "%s  %-24s %-60s %10s world  %6.1f ms\n", word, r.Name, r.Title, play.Span(r.Virtual.Round(time.Second)),
		float64(r.Wall.Microseconds())/1000)
	for i, step := range r.Steps {
		if len(step.Failures) == 0 {
			continue
		}
		fmt.Fprintf(w, "      step %d, %s:%d, at %s: %s\n", i+1, step.Pos.File, step.Pos.Line, play.Span(step.Began), step.What)
		for _, f := range step.Failures {
			fmt.Fprintf(w, "        %s\n", f)
		}
		if step.Got != "" {
			fmt.Fprintf(w, "        came: %s\n", step.Got)
		}
		for _, line := range step.Path {
			fmt.Fprintf(w, "          %s\n", line)
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "      %s\n", p)
	}
}

// printStep prints a step as it happens.
func printStep(w io.Writer, s play.Step) {
	fmt.Fprintf(w, "%10s  %s\n", "+"+play.Span(s.Began.Round(time.Millisecond)), s.What)
	if s.Note != "" {
		fmt.Fprintf(w, "%12s%s\n", "", s.Note)
	}
	if s.Got != "" {
		fmt.Fprintf(w, "%12s→ %s\n", "", s.Got)
	}
	for _, f := range s.Failures {
		fmt.Fprintf(w, "%12s✗ %s\n", "", f)
	}
}
