package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
)

// permute puts a command's flags before its arguments: the library stops reading flags at the first argument and
// would take those behind it for arguments too. What stands behind "--" are arguments, whatever they look like.
func permute(app *cli.App, args []string) []string {
	at := slices.IndexFunc(args[min(1, len(args)):], func(a string) bool { return !strings.HasPrefix(a, "-") || a == "--" })
	if at < 0 || args[at+1] == "--" {
		return args
	}
	at++ // the command's place in args
	command := app.Command(args[at])
	if command == nil {
		return args
	}
	var flags, rest []string
	for tail := args[at+1:]; len(tail) > 0; tail = tail[1:] {
		a := tail[0]
		if a == "--" {
			if strings.Contains(command.ArgsUsage, "--") {
				rest = append(rest, a) // it parts the arguments
			}
			rest = append(rest, tail[1:]...)
			break
		}
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		flags = append(flags, a)
		if takesValue(command, a) {
			if len(tail) == 1 { // the library says so; an argument put behind it would become its value
				return slices.Concat(args[:at+1], flags)
			}
			tail = tail[1:]
			flags = append(flags, tail[0])
		}
	}
	if len(rest) > 0 {
		flags = append(flags, "--")
	}
	return slices.Concat(args[:at+1], flags, rest)
}

// takesValue tells whether a flag, as written, has its value in the next argument.
func takesValue(command *cli.Command, arg string) bool {
	f := flagNamed(command.Flags, strings.TrimLeft(arg, "-"))
	if f == nil || strings.Contains(arg, "=") {
		return false
	}
	_, isBool := f.(*cli.BoolFlag)
	return !isBool
}

func flagNamed(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// onUsageError is for every command: a flag that is wrong ends with exit code 2.
func onUsageError(c *cli.Context, err error, _ bool) error {
	return usage("%s: %s; see faultzone %s --help", c.Command.Name, flagError(c.Command.Flags, err), c.Command.Name)
}

// flagError says what the library says of a flag in this program's words: what was written, and what is wanted.
func flagError(flags []cli.Flag, err error) string {
	text := err.Error()
	if m := regexp.MustCompile(`^flag provided but not defined: -(.*)$`).FindStringSubmatch(text); m != nil {
		if len(m[1]) == 1 {
			return "there is no flag " + dashed(m[1])
		}
		var names []string
		for _, f := range flags {
			for _, name := range f.Names() {
				names = append(names, dashed(name))
			}
		}
		return "there is no flag " + dashed(m[1]) + scenarios.DidYouMean(dashed(m[1]), names)
	}
	if m := regexp.MustCompile(`^flag needs an argument: -(.*)$`).FindStringSubmatch(text); m != nil {
		return dashed(m[1]) + " needs a value: " + wanted(flagNamed(flags, m[1]))
	}
	if m := regexp.MustCompile(`^invalid (?:boolean )?value "(.*)" for (?:flag )?-(.*?): `).FindStringSubmatch(text); m != nil {
		return dashed(m[2]) + " " + m[1] + ": want " + wanted(flagNamed(flags, m[2]))
	}
	return text
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// wanted is what a flag takes.
func wanted(f cli.Flag) string {
	switch f := f.(type) {
	case *cli.BoolFlag:
		return "true, false, or nothing"
	case *cli.Float64Flag:
		return "a number"
	case *cli.UintFlag, *cli.Uint64Flag:
		return "a whole number, 0 or above"
	case cli.DocGenerationFlag:
		if parts := strings.Split(f.GetUsage(), "`"); len(parts) == 3 {
			return parts[1]
		}
	}
	return "a text"
}
