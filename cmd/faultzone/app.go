package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
)

// Exit codes.
const (
	exitFailed      = 1   // an expectation did not hold
	exitUsage       = 2   // the command line or a scenario is wrong
	exitEnvironment = 3   // this machine refused: a port, a permission, a file
	exitHalted      = 4   // somebody halted the world
	exitInterrupted = 130 // SIGINT or SIGTERM
)

// exitError carries the exit code that an error ends the program with.
type exitError struct {
	code int
	err  error // nil: everything has been said
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func environment(err error) error { return &exitError{exitEnvironment, err} }

// run is the whole program: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	app := newApp(stdout, stderr)
	err := app.RunContext(ctx, permute(app, args))
	var exit *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		if exit.err != nil {
			report(stderr, exit.err)
		}
		return exit.code
	case ctx.Err() != nil:
		return exitInterrupted
	}
	report(stderr, err)
	return exitUsage
}

// report prints an error; a scenario's own errors stand a line each, ready for an editor to jump to.
func report(w io.Writer, err error) {
	var list scenarios.Errors
	if errors.As(err, &list) {
		for _, e := range list {
			fmt.Fprintln(w, e)
		}
		return
	}
	fmt.Fprintf(w, "faultzone: %v\n", err)
}

func newApp(stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:      "faultzone",
		Usage:     "a fault-injection simulator of DNS failure modes, for testing and training",
		Writer:    stdout,
		ErrWriter: stderr,
		Commands: []*cli.Command{
			testCommand(), runCommand(), execCommand(), listCommand(), showCommand(), checkCommand(), faultsCommand(), doctorCommand(), standInCommand(),
			statusCommand(), injectCommand(), healCommand(), queryCommand(), flushCommand(), editCommand(), retransferCommand(), resignCommand(), advanceCommand(), speedCommand(),
			pauseCommand(), resumeCommand(), haltCommand(), resetCommand(), journalCommand(), waitCommand(), tokenCommand(),
		},
		DisableSliceFlagSeparator: true, // a record may have a comma in it
		HideHelpCommand:           true,
		HideVersion:               true, // the library's own would take -v for itself
		Flags:                     []cli.Flag{&cli.BoolFlag{Name: "version", Usage: "print the version"}},
		// Errors come back from RunContext, and nothing else ends the program.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError: func(c *cli.Context, err error, _ bool) error {
			return usage("%s; see faultzone --help", flagError(c.App.Flags, err))
		},
		Action: rootAction,
	}
}

// rootAction runs when no command has been named.
func rootAction(c *cli.Context) error {
	if c.Bool("version") {
		fmt.Fprintln(c.App.Writer, "faultzone", version())
		return nil
	}
	name := c.Args().First()
	if name == "" {
		return cli.ShowAppHelp(c)
	}
	if name == "help" {
		if about := c.Args().Get(1); c.App.Command(about) != nil {
			return cli.ShowCommandHelp(c, about)
		}
		return cli.ShowAppHelp(c)
	}
	var names []string
	for _, command := range c.App.Commands {
		if !command.Hidden {
			names = append(names, command.Name)
		}
	}
	return usage("there is no command %q; there are %s%s", name, strings.Join(names, ", "), scenarios.DidYouMean(name, names))
}
