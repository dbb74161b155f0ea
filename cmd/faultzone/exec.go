package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator/edge"
	"faultzone/simulator/enclosure"
)

func execCommand() *cli.Command {
	return &cli.Command{
		Name:      "exec",
		Usage:     "run a command inside a live world: its resolv.conf, its addresses, its failures",
		ArgsUsage: "SCENARIO -- COMMAND…",
		Description: "The command sees the world as one of its clients does: every address of it exists, on port 53, and nothing else\n" +
			"does. Its terminal, signals, folder, environment, user and exit code are what they would be without. The steps of\n" +
			"the scenario are played in live time from the moment at which it starts. Without a COMMAND it is your shell. What is\n" +
			"in /etc/faultzone then: bin (first on the PATH), and the root's trust anchors in root.key and root.conf.\n" +
			"With --attach: faultzone exec --attach [ID] [-- COMMAND…] opens another shell in a world that runs already.\n" +
			"Exit code: the command's; 126 or 127: it could not be run; 128 and a signal's number: it was ended by it. 2: a\n" +
			"scenario or the command line is wrong. 3: this machine does not allow it; see faultzone doctor.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "as", Usage: "be the `CLIENT` of that name, or a host with that address", DefaultText: "the scenario's first client"},
			&cli.StringFlag{Name: "at", Usage: "begin at the moment `TIME` of the scenario, such as 1h30m: with all its steps until then done", DefaultText: "its start"},
			&cli.StringSliceFlag{Name: "without", Usage: "leave the addresses of `NODE` to a program of yours (may be repeated)"},
			&cli.StringFlag{Name: "edge", Value: "exact", Usage: "`KIND` of sockets: exact (every address as it is, in namespaces), or ports (127.0.0.1:PORT a node, in FAULTZONE_* variables, without namespaces)"},
			&cli.BoolFlag{Name: "internet", Usage: "let what is not in the world be reached through pasta", DisableDefaultText: true},
			&cli.BoolFlag{Name: "verbose", Usage: "tell on stderr what the steps do", DisableDefaultText: true},
			&cli.BoolFlag{Name: "attach", Usage: "run the command in a world that runs already", DisableDefaultText: true},
		}, slices.Concat(liveFlags(), controlFlags())...),
		OnUsageError: onUsageError,
		Action:       execAction,
	}
}

// execLine is what an exec's command line asks for.
type execLine struct {
	before  []string // what stands before "--": the scenario, or the world's ID
	command []string
	at      time.Duration // the moment of the scenario at which the command starts
}

func execAction(c *cli.Context) error {
	line, err := readExecLine(c)
	switch {
	case err != nil:
		return err
	case attached():
		return runAttached(line.command)
	case c.Bool("attach"):
		return attach(c, line)
	case c.String("edge") == "ports":
		return execOnPorts(c, line)
	case enclosure.Inside():
		return execInside(c, line)
	}
	return execOutside(c)
}

// readExecLine takes the command line apart, and checks what can be checked without a world.
func readExecLine(c *cli.Context) (line execLine, err error) {
	args := c.Args().Slice()
	line.before = args
	if i := slices.Index(args, "--"); i >= 0 {
		line.before, line.command = args[:i], args[i+1:]
	}
	if len(line.before) > 1 {
		return line, usage("exec: want one scenario, and a command behind --, got %q: faultzone exec %s -- %s",
			strings.Join(args, " "), line.before[0], strings.Join(line.before[1:], " "))
	}
	if len(line.before) == 0 && !c.Bool("attach") && !attached() {
		return line, usage("exec: want a scenario: faultzone exec SCENARIO -- COMMAND…")
	}
	if kind := c.String("edge"); kind != "exact" && kind != "ports" {
		return line, usage("--edge %q: want exact or ports", kind)
	}
	if _, err := liveOptions(c); err != nil {
		return line, err
	}
	if text := c.String("at"); text != "" {
		if line.at, err = scenarios.ParseDuration(text); err != nil {
			return line, usage("--at: %w", err)
		}
	}
	if len(line.command) == 0 {
		line.command = []string{shell()}
	}
	return line, nil
}

// shell is the user's.
func shell() string {
	if s := os.Getenv("SHELL"); s != "" {
		return s
	}
	return "/bin/sh"
}

// execOutside runs this program again, with the same command line, in namespaces of its own, and ends as that does.
func execOutside(c *cli.Context) error {
	commands, err := controlOptionsOf(c)
	if err != nil {
		return err
	}
	files, err := handedOver(commands)
	if err != nil {
		return err
	}
	code, err := enclosure.Run(enclosure.Process{Args: os.Args, Files: files, Internet: c.Bool("internet"), Outside: true})
	for _, f := range files {
		f.File.Close()
	}
	if err != nil {
		return refusal(err)
	}
	return ended(code)
}

// ended is an exit code that a command came to.
func ended(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code}
}

// refusal tells what this machine refused from what is wrong elsewhere.
func refusal(err error) error {
	var refused *enclosure.Refused
	if errors.As(err, &refused) {
		return environment(refused)
	}
	return err
}

// execInside makes the world around this process, and runs the command in it.
func execInside(c *cli.Context, line execLine) error {
	handed := enclosure.Handed()
	w, err := newExecWorld(c, line)
	if err != nil {
		return err
	}
	w.web, w.outside = edge.WebExact, askOutside
	if out := enclosure.OutsideOf(handed); out != nil { // the servers of an [upstream] are where the host finds them
		w.options.DialOut = out.Dial
	}
	w.open = func(config edge.Config) (*edge.Edge, error) {
		if err := enclosure.Furnish(w.place(config.Nodes)); err != nil {
			return nil, err
		}
		return edge.Exact(config)
	}
	if err := w.begin(); err != nil {
		return err
	}
	defer w.end()
	if err := w.furnishMore(); err != nil {
		return err
	}
	standIns, err := serveStandIns(w)
	if err != nil {
		return err
	}
	defer standIns.close()
	l, err := handedListener(handed)
	if err != nil {
		return environment(err)
	}
	d, err := w.command(w.commands, l, os.Getpid())
	if err != nil {
		return err
	}
	defer d.Close()
	if err := enclosure.WaitForInternet(handed); err != nil {
		return environment(err)
	}
	stop, err := w.play()
	if err != nil {
		return errors.Join(err, stop())
	}
	d.ready()
	code, err := enclosure.Command{Args: line.command, Env: w.environment()}.Run()
	if err := errors.Join(err, stop()); err != nil {
		fmt.Fprintf(c.App.ErrWriter, "faultzone: %v\n", err)
	}
	return ended(code)
}
