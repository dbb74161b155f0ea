package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
)

// Exit codes.
const (
	exitFailed      = 1   // an expectation did not hold
	exitUsage       = 2   // the command line or a scenario is wrong
	exitEnvironment = 3   // this machine refused: a port, a permission, a file
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
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EACCES):
		report(stderr, err)
		return exitEnvironment
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
			testCommand(), runCommand(), listCommand(), showCommand(), checkCommand(), faultsCommand(),
		},
		HideHelpCommand: true,
		// Errors come back from RunContext, and nothing else ends the program.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return usage("%v; see faultzone --help", err)
		},
		Action: func(c *cli.Context) error {
			if name := c.Args().First(); name != "" {
				names := make([]string, len(c.App.Commands))
				for i, command := range c.App.Commands {
					names[i] = command.Name
				}
				return usage("there is no command %q; there are %s", name, strings.Join(names, ", "))
			}
			return cli.ShowAppHelp(c)
		},
	}
}

// onUsageError is for every command: a flag that is wrong ends with exit code 2.
func onUsageError(c *cli.Context, err error, _ bool) error {
	return usage("%s: %v; see faultzone %s --help", c.Command.Name, err, c.Command.Name)
}

// permute puts a command's flags before its arguments: the library stops reading flags at the first argument and
// would take those behind it for arguments too. Everything after "--" stays where it is.
func permute(app *cli.App, args []string) []string {
	at := slices.IndexFunc(args[min(1, len(args)):], func(a string) bool { return !strings.HasPrefix(a, "-") })
	if at < 0 {
		return args
	}
	at++ // the command's place in args
	command := app.Command(args[at])
	if command == nil {
		return args
	}
	var flags, rest []string
	tail := args[at+1:]
	for i := 0; i < len(tail); i++ {
		a := tail[i]
		if a == "--" {
			rest = append(rest, tail[i:]...)
			break
		}
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		flags = append(flags, a)
		if takesValue(command, a) && i+1 < len(tail) {
			i++
			flags = append(flags, tail[i])
		}
	}
	return slices.Concat(args[:at+1], flags, rest)
}

// takesValue tells whether a flag, as written, has its value in the next argument.
func takesValue(command *cli.Command, arg string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	name := strings.TrimLeft(arg, "-")
	for _, f := range command.Flags {
		if slices.Contains(f.Names(), name) {
			_, isBool := f.(*cli.BoolFlag)
			return !isBool
		}
	}
	return false
}
