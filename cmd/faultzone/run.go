package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/edge"
	"faultzone/simulator/live"
	"faultzone/simulator/play"
)

// defaultWorld is what run serves when nobody says otherwise: the base world, healthy.
const defaultWorld = "solvethenetwork"

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "serve a live world on real sockets of this machine until interrupted",
		ArgsUsage: "[SCENARIO]",
		Description: "SCENARIO is a built-in name or a file; with none, the base world is served, healthy. Its steps are played\n" +
			"in live time and printed as they happen.\n" +
			"Exit code 130: interrupted. With --once 0: everything held, 1: something did not, 4: somebody halted it. 2: a scenario\n" +
			"or the command line is wrong. 3: this machine refused a port or a file.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "edge", Value: "ports", Usage: "`KIND` of sockets: ports (127.0.0.1:PORT a node), loopback (10.a.b.c is 127.a.b.c) or exact (every address as it is, port 53, in a network namespace that has them)"},
			&cli.UintFlag{Name: "port", Usage: "with ports: the first node's `PORT`, the others follow; with loopback: that of all",
				DefaultText: "free ones; 5300"},
			&cli.StringFlag{Name: "as", Usage: "take real clients for the host with this `ADDRESS`"},
			&cli.BoolFlag{Name: "once", Usage: "end after the last step, with the verdict as exit code", DisableDefaultText: true},
		}, slices.Concat(liveFlags(), controlFlags())...),
		OnUsageError: onUsageError,
		Action:       runAction,
	}
}

// liveFlags are those of every command that makes a live world.
func liveFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "start", Usage: "begin at `TIME` (RFC 3339)", DefaultText: "the wall's now"},
		&cli.Float64Flag{Name: "speed", Value: 1, Usage: "let world time pass `N` times as fast as the wall"},
		&cli.StringFlag{Name: "addr-file", Usage: "write FAULTZONE_NAME=ADDRESS:PORT lines to `FILE` once everything answers"},
		&cli.StringFlag{Name: "anchor-file", Usage: "write the root's trust anchors to `FILE`: DS and DNSKEY records, or BIND's trust-anchors where FILE ends in .conf or .keys"},
		&cli.StringFlag{Name: "journal", Usage: "write what happened to `FILE` at the end, as JSON lines"},
		&cli.Uint64Flag{Name: "seed", Usage: "use the seed `N` instead of the scenario's own", DefaultText: "the scenario's own"},
	}, observerFlags()...)
}

func runAction(c *cli.Context) error {
	if c.Args().Len() > 1 {
		return usage("run: want one scenario at most, got %d", c.Args().Len())
	}
	name := c.Args().First()
	if name == "" {
		name = defaultWorld
	}
	options, err := liveOptions(c)
	if err != nil {
		return err
	}
	doors, err := edgeConfig(c)
	if err != nil {
		return err
	}
	commands, err := controlOptionsOf(c)
	if err != nil {
		return err
	}
	s, err := loadWorld(name, c.App.ErrWriter)
	if err != nil {
		return err
	}
	if err := prepareJournal(c); err != nil {
		return err
	}
	return runScenario(c, s, options, doors, commands)
}

// runScenario serves a scenario's world until it is to end.
func runScenario(c *cli.Context, s *scenarios.Scenario, options simulator.Options, doors doorFlags, commands controlOptions) (err error) {
	watch, err := openObservers(c, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(watch.close(), err) }()
	options.OnBuilt = watch.attach
	l, err := commands.listen()
	if err != nil {
		return err
	}
	h, err := host(c, s, options, doors)
	if err != nil {
		if l != nil {
			l.Close()
		}
		return err
	}
	defer h.Close()
	commands.metrics = watch.metricsOf(h.World)
	d, err := commands.start(l, h, "run", options.Speed, c.App.ErrWriter)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := announce(c, h, options.Speed, d); err != nil {
		return err
	}
	if err := h.Go(); err != nil {
		return err
	}
	d.ready()
	err = serve(c, h)
	return errors.Join(err, writeJournal(c, h.World()))
}

// host puts the scenario's world onto sockets. Until everything listens it stands still: its first step waits for its
// first client.
func host(c *cli.Context, s *scenarios.Scenario, o simulator.Options, doors doorFlags) (*live.Host, error) {
	as, err := doors.clients(s)
	if err != nil {
		return nil, err
	}
	out := c.App.Writer
	h, err := live.New(live.Config{Scenario: s, Options: o, Open: doors.listen, Port: uint16(doors.port), As: as, Web: &doors.web, Report: doors.report,
		OnStep: func(s play.Step) { printStep(out, s) }})
	var refused *live.EdgeError
	switch {
	case errors.Is(err, edge.ErrPortsEnd):
		return nil, usage("--port %w", err)
	case errors.As(err, &refused):
		return nil, environment(err)
	case err != nil:
		return nil, usage("%s: %w", s.Name, err)
	}
	return h, nil
}

// announce makes sure of every door, and then tells people and programs of them.
func announce(c *cli.Context, h *live.Host, speed float64, d *controlled) error {
	w, doors, web := h.World(), h.Doors(), h.WebDoors()
	if err := forgetAddresses(c.String("addr-file")); err != nil {
		return err
	}
	for _, d := range doors {
		if err := probe(c.Context, d); err != nil {
			if c.Context.Err() != nil {
				return &exitError{code: exitInterrupted}
			}
			return environment(fmt.Errorf("%s does not answer at %s: %w", d.Node, d.Real, err))
		}
	}
	printDoors(c.App.Writer, w, doors, web)
	d.print(c.App.Writer)
	printPlan(c.App.Writer, w, speed)
	return writeFiles(c, w, append(doors, web...))
}

// printPlan says what is going to happen.
func printPlan(w io.Writer, world *simulator.World, speed float64) {
	steps := world.Scenario().Steps
	if len(steps) == 0 {
		fmt.Fprintf(w, "Nothing is broken. The world goes on until it is interrupted (Ctrl-C).\n\n")
		return
	}
	length := steps[len(steps)-1].At
	fmt.Fprintf(w, "%s in %s of the world's time", plural(len(steps), "step"), worldTime(length))
	if speed != 1 {
		fmt.Fprintf(w, ", which is %s at %v times the wall's pace", worldTime(time.Duration(float64(length)/speed)), speed)
	}
	fmt.Fprintf(w, ":\n\n")
}

// serve plays the steps, anew after each reset, and then stays until it is interrupted.
func serve(c *cli.Context, h *live.Host) error {
	out := c.App.Writer
	for {
		life := h.Life()
		r, err := h.Play(c.Context)
		switch {
		case c.Context.Err() != nil:
			return &exitError{code: exitInterrupted}
		case errors.Is(err, live.ErrReset):
			fmt.Fprintf(out, "\nEverything is as at the start.\n\n")
			continue
		case errors.Is(err, live.ErrHalted):
			fmt.Fprintf(out, "\n%v. Every fault is healed, and no more steps are played.\n", err)
			if c.Bool("once") {
				return &exitError{code: exitHalted}
			}
		case err != nil:
			return err
		default:
			if err := told(c, r); err != nil || c.Bool("once") {
				return err
			}
		}
		select {
		case <-c.Context.Done():
			return &exitError{code: exitInterrupted}
		case <-life.Ended():
			fmt.Fprintf(out, "\nEverything is as at the start.\n\n")
		}
	}
}

// told prints what a play came to. With --once the error is the verdict.
func told(c *cli.Context, r *play.Report) error {
	out := c.App.Writer
	if r.Checked > 0 {
		fmt.Fprintln(out)
		t := newTable(out, r.Name)
		t.header()
		t.report(r)
	}
	if c.Bool("once") {
		if !r.Passed {
			return &exitError{code: exitFailed}
		}
		return nil
	}
	if len(r.Steps) > 0 {
		fmt.Fprintf(out, "\nAll steps are done. The world goes on until it is interrupted (Ctrl-C).\n")
	}
	return nil
}

// liveOptions reads the flags that are about time and chance.
func liveOptions(c *cli.Context) (simulator.Options, error) {
	const fastest = 1e6
	o := simulator.Options{Live: true, Speed: c.Float64("speed"), Seed: seedOf(c), Trace: true}
	if !(o.Speed > 0 && o.Speed <= fastest) { // NaN is neither
		return o, usage("--speed %v: want a number above 0, and 1000000 at most", o.Speed)
	}
	if !c.IsSet("start") {
		return o, nil
	}
	text := c.String("start")
	start, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return o, usage("--start %q: want a time such as 2026-04-10T11:00:00Z", text)
	}
	// Signatures tell times in 32 bits of seconds since 1970 (RFC 4034 3.1.5).
	if start.Unix() < 0 || start.Year() > 2105 {
		return o, usage("--start %s: want a time from 1970 to 2105, the years that signatures can tell", text)
	}
	o.Start = start
	return o, nil
}
