package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/edge"
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
			"in live time and printed as they happen.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "start", Usage: "begin at `TIME` (RFC 3339) instead of the wall's now"},
			&cli.Float64Flag{Name: "speed", Value: 1, Usage: "let world time pass `N` times as fast as the wall"},
			&cli.StringFlag{Name: "edge", Value: "ports", Usage: "`ports`: 127.0.0.1:PORT a node; loopback: 10.a.b.c is 127.a.b.c"},
			&cli.UintFlag{Name: "port", Usage: "with ports: the first node's `PORT`, the others follow (default: free ones); with loopback: that of all (default: 5300)"},
			&cli.StringFlag{Name: "as", Usage: "take real clients for the host with this `ADDRESS`"},
			&cli.StringFlag{Name: "addr-file", Usage: "write FAULTZONE_NAME=ADDRESS:PORT lines to `FILE` once everything answers"},
			&cli.StringFlag{Name: "anchor-file", Usage: "write the root's trust anchors to `FILE`: DS and DNSKEY records, or BIND's trust-anchors where FILE ends in .conf or .keys"},
			&cli.StringFlag{Name: "journal", Usage: "write what happened to `FILE` at the end, as JSON lines"},
			&cli.Uint64Flag{Name: "seed", Usage: "use this seed instead of the scenario's own"},
			&cli.BoolFlag{Name: "once", Usage: "end after the last step, with the verdict as exit code"},
		},
		OnUsageError: onUsageError,
		Action:       runAction,
	}
}

func runAction(c *cli.Context) error {
	if c.Args().Len() > 1 {
		return usage("run: want one scenario at most, got %d", c.Args().Len())
	}
	name := c.Args().First()
	if name == "" {
		name = defaultWorld
	}
	s, err := loadWorld(name, c.App.ErrWriter)
	if err != nil {
		return err
	}
	options, err := liveOptions(c)
	if err != nil {
		return err
	}
	w, err := simulator.New(s, options)
	if err != nil {
		return usage("%s: %w", s.Name, err)
	}
	defer w.Close()
	e, err := openEdge(c, w)
	if err != nil {
		return err
	}
	defer e.Close()
	if err := answers(c.Context, e.Doors(), w); err != nil {
		return environment(err)
	}
	printDoors(c.App.Writer, w, e.Doors())
	if err := writeFiles(c, w, e.Doors()); err != nil {
		return environment(err)
	}
	err = serve(c, w)
	if path := c.String("journal"); path != "" {
		err = errors.Join(err, writeFile(path, w.Journal().Write))
	}
	return err
}

// serve plays the steps and then stays until it is interrupted.
func serve(c *cli.Context, w *simulator.World) error {
	r, err := play.Run(c.Context, w, play.Options{OnStep: func(s play.Step) { printStep(c.App.Writer, s) }})
	if c.Context.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	if err != nil {
		return err
	}
	if r.Checked > 0 {
		printReport(c.App.Writer, r)
	}
	if c.Bool("once") {
		if !r.Passed {
			return &exitError{code: exitFailed}
		}
		return nil
	}
	fmt.Fprintln(c.App.ErrWriter, "all steps are done; the world goes on until it is interrupted (Ctrl-C)")
	<-c.Context.Done()
	return &exitError{code: exitInterrupted}
}

func liveOptions(c *cli.Context) (simulator.Options, error) {
	o := simulator.Options{Live: true, Speed: c.Float64("speed")}
	if o.Speed <= 0 {
		return o, usage("--speed %v: want a number above 0", c.Float64("speed"))
	}
	if text := c.String("start"); text != "" {
		start, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return o, usage("--start %q: want a time such as 2026-04-10T11:00:00Z", text)
		}
		o.Start = start
	}
	if c.IsSet("seed") {
		seed := c.Uint64("seed")
		o.Seed = &seed
	}
	return o, nil
}

func openEdge(c *cli.Context, w *simulator.World) (*edge.Edge, error) {
	config := edge.Config{Network: w.Network(), Nodes: w.EdgeNodes(), As: w.VantageAddresses(), Port: uint16(c.Uint("port")),
		Report: func(err error) { report(c.App.ErrWriter, err) }}
	if c.Uint("port") > 65535 {
		return nil, usage("--port %d: want 1 to 65535", c.Uint("port"))
	}
	if text := c.String("as"); text != "" {
		as, err := netip.ParseAddr(text)
		if err != nil {
			return nil, usage("--as %q: want an address of the world, such as 10.0.5.20", text)
		}
		config.As = []netip.Addr{as}
	}
	open := edge.Ports
	switch kind := c.String("edge"); kind {
	case "ports":
	case "loopback":
		open = edge.Loopback
	default:
		return nil, usage("--edge %q: want ports or loopback", kind)
	}
	e, err := open(config)
	if err != nil {
		return nil, environment(err)
	}
	return e, nil
}

// printDoors says where everything listens, and a line to paste.
func printDoors(w io.Writer, world *simulator.World, doors []edge.Door) {
	fmt.Fprintf(w, "%s\nworld time %s\n\n", world.Scenario().Title, world.Now().Format(time.RFC3339))
	fmt.Fprintf(w, "%-22s %-18s %s\n", "NODE", "IN THE WORLD", "HERE (UDP AND TCP)")
	for _, d := range doors {
		fmt.Fprintf(w, "%-22s %-18s %s\n", d.Node, d.World, d.Real)
	}
	fmt.Fprintf(w, "\nTry:\n  %s\n\n", digLine(world, doors))
}

// digLine is a question that the world can answer, as a command: to a resolver, about a name of a zone below the top.
func digLine(world *simulator.World, doors []edge.Door) string {
	name, rrtype := exampleName(world)
	at := doors[0].Real
	for _, d := range doors {
		if _, err := world.Resolver(d.Node); err == nil {
			at = d.Real
			break
		}
	}
	return fmt.Sprintf("dig @%s -p %d %s %s", at.Addr(), at.Port(), name, rrtype)
}

// exampleName picks the question of the scenario's first query, else the SOA of its lowest zone.
func exampleName(world *simulator.World) (name, rrtype string) {
	for _, s := range world.Scenario().Steps {
		if s.Kind == scenarios.Query && s.Query.Via != "" {
			fields := strings.Fields(play.Describe(&s))
			return fields[3], fields[4]
		}
	}
	return world.ExampleName()
}

// answers waits until each door answers a real question, so that whoever reads the address file can rely on it. Nodes
// that the scenario has not started count as answering.
func answers(ctx context.Context, doors []edge.Door, w *simulator.World) error {
	for _, d := range doors {
		if err := probe(ctx, d); err != nil {
			return fmt.Errorf("%s does not answer at %s: %w", d.Node, d.Real, err)
		}
	}
	return nil
}
