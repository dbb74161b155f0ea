package main

import (
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
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print the verdict as JSON", DisableDefaultText: true},
			&cli.StringFlag{Name: "junit", Usage: "write the verdict to `FILE` as JUnit XML too, for CI systems"},
			&cli.StringFlag{Name: "journal", Usage: "write what happened to `FILE`, as JSON lines (with several scenarios one after another)"},
			&cli.Uint64Flag{Name: "seed", Usage: "use the seed `N` instead of the scenarios' own", DefaultText: "each scenario's own"},
			&cli.BoolFlag{Name: "trace", Usage: "with --verbose, print the path of each question through the resolvers", DisableDefaultText: true},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print every step", DisableDefaultText: true},
		}, observerFlags()...),
		OnUsageError: onUsageError,
		Action:       testAction,
	}
}

func testAction(c *cli.Context) (err error) {
	loaded, err := loadAll(c)
	if err != nil {
		return err
	}
	t := tester{c: c, verbose: c.Bool("verbose") && !c.Bool("json"), seed: seedOf(c)}
	if path := c.String("journal"); path != "" {
		f, createErr := os.Create(path)
		if createErr != nil {
			return flagFileError("journal", path, createErr)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		t.journal = f
	}
	if path := c.String("junit"); path != "" {
		if err := writeFile(path, t.junit.write); err != nil { // what cannot be written is told now
			return flagFileError("junit", path, err)
		}
		// Whatever way the run ends, the file has what was played.
		defer func() {
			if writeErr := writeFile(path, t.junit.write); writeErr != nil {
				err = flagFileError("junit", path, writeErr)
			}
		}()
	}
	watch, err := openObservers(c, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(watch.close(), err) }()
	t.attach = watch.attach
	names := make([]string, len(loaded))
	for i, s := range loaded {
		names[i] = s.Name
	}
	t.table = newTable(c.App.Writer, names...)
	if !c.Bool("json") && !t.verbose {
		t.table.header()
	}
	for _, s := range loaded {
		if err := t.play(s); err != nil {
			t.junit.broken(s, err)
			return err
		}
	}
	return t.verdict()
}

// loadAll reads the scenarios that the command line names, none meaning all, and tells what is wrong with any of them.
func loadAll(c *cli.Context) ([]*scenarios.Scenario, error) {
	names := c.Args().Slice()
	if len(names) == 0 {
		names = scenarios.Names()
	}
	var loaded []*scenarios.Scenario
	for _, name := range names {
		s, warnings, err := find(name)
		for _, w := range warnings {
			fmt.Fprintln(c.App.ErrWriter, w)
		}
		if err != nil {
			report(c.App.ErrWriter, err)
			continue
		}
		loaded = append(loaded, s)
	}
	if len(loaded) < len(names) {
		return nil, &exitError{code: exitUsage}
	}
	return loaded, nil
}

// seedOf is the seed that the command line asks for; nil: none.
func seedOf(c *cli.Context) *uint64 {
	if !c.IsSet("seed") {
		return nil
	}
	seed := c.Uint64("seed")
	return &seed
}

// tester plays scenarios one after another.
type tester struct {
	c       *cli.Context
	verbose bool
	journal io.Writer
	junit   junit
	seed    *uint64
	attach  func(*simulator.World)
	table   table
	result  verdict
	virtual time.Duration
	wall    time.Duration
}

func (t *tester) play(s *scenarios.Scenario) error {
	w, err := simulator.New(s, simulator.Options{Seed: t.seed, Trace: true, OnBuilt: t.attach})
	if err != nil {
		return usage("%s: %w", s.Name, err)
	}
	defer w.Close()
	options := play.Options{}
	if t.verbose {
		fmt.Fprintf(t.c.App.Writer, "%s: %s\n", s.Name, s.Title)
		options.OnStep = func(step play.Step) {
			printStep(t.c.App.Writer, step)
			if t.c.Bool("trace") {
				printTraces(t.c.App.Writer, "            ", step.Traces)
			}
		}
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
	t.junit.played(r, s, t.seed)
	t.virtual += r.Virtual
	t.wall += r.Wall
	if t.c.Bool("json") {
		t.result.Scenarios = append(t.result.Scenarios, toVerdict(r, s, t.seed))
		return nil
	}
	t.table.report(r)
	if t.verbose {
		fmt.Fprintln(t.c.App.Writer)
	}
	return nil
}

// verdict prints the end and turns it into the exit code.
func (t *tester) verdict() error {
	if t.c.Bool("json") {
		t.result.SchemaVersion = 1
		if err := printJSON(t.c, t.result); err != nil {
			return environment(err)
		}
	} else {
		fmt.Fprintf(t.c.App.Writer, "%d passed, %d failed; %s of the world's time in %s\n", t.result.Passed, t.result.Failed,
			worldTime(t.virtual), wallTime(t.wall))
	}
	if t.result.Failed > 0 {
		return &exitError{code: exitFailed}
	}
	return nil
}
