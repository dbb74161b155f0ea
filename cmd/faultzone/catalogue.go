package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator/fault"
)

func listCommand() *cli.Command {
	return &cli.Command{
		Name:         "list",
		Usage:        "list the built-in scenarios",
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print them as JSON", DisableDefaultText: true}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noMore(c, 0); err != nil {
				return err
			}
			type entry struct {
				Name  string `json:"name"`
				Title string `json:"title"`
				Text  string `json:"text"`
				Base  string `json:"base"`
			}
			var list []entry
			for _, name := range scenarios.Names() {
				s, _, err := scenarios.Builtin(name, fault.Vocabulary())
				if err != nil {
					return err
				}
				list = append(list, entry{s.Name, s.Title, s.Text, s.Base})
			}
			if c.Bool("json") {
				return printJSON(c, map[string]any{"schema_version": 1, "scenarios": list})
			}
			column := width("", scenarios.Names()...)
			for _, e := range list {
				fmt.Fprintf(c.App.Writer, "%-*s  %s\n", column, e.Name, e.Title)
			}
			return nil
		},
	}
}

func showCommand() *cli.Command {
	return &cli.Command{
		Name:         "show",
		Usage:        "print a built-in scenario's TOML, which `faultzone test FILE` takes as it is",
		ArgsUsage:    "NAME",
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noMore(c, 1); err != nil {
				return err
			}
			name := c.Args().First()
			source, err := scenarios.Source(name)
			if err != nil {
				return usage("there is no built-in scenario %q; `faultzone list` shows them%s", name, scenarios.DidYouMean(name, scenarios.Names()))
			}
			_, err = c.App.Writer.Write(source)
			return err
		},
	}
}

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:         "check",
		Usage:        "find all that is wrong with scenario files",
		ArgsUsage:    "FILE…",
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return usage("check: want the name of a scenario file")
			}
			wrong := false
			for _, name := range c.Args().Slice() {
				s, warnings, err := find(name)
				for _, w := range warnings {
					fmt.Fprintln(c.App.ErrWriter, w)
				}
				if err != nil {
					report(c.App.ErrWriter, err)
					wrong = true
					continue
				}
				fmt.Fprintf(c.App.Writer, "%s: fine: %s, %s%s\n", name, plural(len(s.Steps), "step"),
					plural(expectations(s), "expectation"), but(len(warnings)))
			}
			if wrong {
				return &exitError{code: exitUsage}
			}
			return nil
		},
	}
}

func faultsCommand() *cli.Command {
	return &cli.Command{
		Name:         "faults",
		Usage:        "list the ways to break a world, or explain one with its parameters",
		ArgsUsage:    "[NAME]",
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print them as JSON", DisableDefaultText: true}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Len() > 1 {
				return usage("faults: want one name at most")
			}
			list := fault.Vocabulary().Faults
			names := make([]string, len(list))
			for i, f := range list {
				names[i] = f.Name
			}
			column := width("", names...)
			name := c.Args().First()
			if name != "" {
				at := slices.Index(names, name)
				if at < 0 {
					return usage("there is no fault %q; `faultzone faults` lists them%s", name, scenarios.DidYouMean(name, names))
				}
				list = list[at : at+1]
			}
			if c.Bool("json") {
				return printJSON(c, map[string]any{"schema_version": 1, "faults": faultsJSON(list)})
			}
			for _, f := range list {
				if name != "" {
					explain(c, f)
				} else {
					fmt.Fprintf(c.App.Writer, "%-*s  %s\n", column, f.Name, f.Summary)
				}
			}
			return nil
		},
	}
}

// explain prints a fault with its parameters and the lines that inject it.
func explain(c *cli.Context, f scenarios.FaultSpec) {
	out := c.App.Writer
	fmt.Fprintf(out, "%s: %s\n\n%s\n\nParameters:\n", f.Name, f.Summary, wrap(f.Text, 96))
	column := 0
	for _, p := range f.Params {
		column = width("", p.Name, strings.Repeat(" ", column))
	}
	for _, p := range f.Params {
		notes := []string{string(p.Kind)}
		if len(p.Choices) > 0 {
			notes = append(notes, "one of "+strings.Join(p.Choices, ", "))
		}
		switch {
		case p.Required:
			notes = append(notes, "required")
		case p.Default != "":
			notes = append(notes, "default "+p.Default)
		}
		fmt.Fprintf(out, "  %-*s  %s (%s)\n", column, p.Name, p.Summary, strings.Join(notes, "; "))
	}
	column = max(column, len("inject"))
	fmt.Fprintf(out, "\nIn a scenario:\n  [[step]]\n  %-*s = \"1m\"\n  %-*s = %q\n", column, "at", column, "inject", f.Name)
	for _, p := range f.Params {
		if p.Required {
			fmt.Fprintf(out, "  %-*s = …\n", column, p.Name)
		}
	}
}

// wrap breaks a paragraph into lines of at most n characters.
func wrap(text string, n int) string {
	var b strings.Builder
	used := 0
	for _, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case used == 0:
		case used+1+length > n:
			b.WriteByte('\n')
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += length
	}
	return b.String()
}

func faultsJSON(list []scenarios.FaultSpec) []any {
	type param struct {
		Name     string   `json:"name"`
		Kind     string   `json:"kind"`
		Required bool     `json:"required"`
		Default  string   `json:"default,omitempty"`
		Choices  []string `json:"choices,omitempty"`
		Summary  string   `json:"summary"`
	}
	var out []any
	for _, f := range list {
		params := []param{}
		for _, p := range f.Params {
			params = append(params, param{p.Name, string(p.Kind), p.Required, p.Default, p.Choices, p.Summary})
		}
		out = append(out, struct {
			Name    string  `json:"name"`
			Summary string  `json:"summary"`
			Text    string  `json:"text"`
			Params  []param `json:"params"`
		}{f.Name, f.Summary, f.Text, params})
	}
	return out
}

// expectations is the number of steps that must show something.
func expectations(s *scenarios.Scenario) int {
	n := 0
	for _, step := range s.Steps {
		if step.Expect != nil {
			n++
		}
	}
	return n
}

func but(warnings int) string {
	if warnings == 0 {
		return ""
	}
	return ", " + plural(warnings, "warning")
}

// noMore refuses a number of arguments other than the one that the command takes.
func noMore(c *cli.Context, want int) error {
	if got := c.Args().Len(); got != want {
		return usage("%s: want %s, got %d", c.Command.Name, plural(want, "argument"), got)
	}
	return nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func printJSON(c *cli.Context, v any) error {
	enc := json.NewEncoder(c.App.Writer)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
