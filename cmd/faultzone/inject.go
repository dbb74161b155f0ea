package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator/control"
	"faultzone/simulator/fault"
)

func injectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inject",
		Usage:     "break something in a running world",
		ArgsUsage: "FAULT [KEY=VALUE…]",
		Description: "Keys are the fault's parameters, which faultzone faults FAULT explains; a list is divided by commas. Injecting the\n" +
			"same again does nothing.\n" + remoteExits,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "as", Usage: "call it `NAME`", DefaultText: "as the fault"},
			&cli.StringFlag{Name: "for", Usage: "heal it after this `DURATION` of the world's time", DefaultText: "when somebody heals it"},
			&cli.BoolFlag{Name: "replace", Usage: "put it in the place of another fault of its name", DisableDefaultText: true},
			worldFlag(), jsonFlag(),
		},
		OnUsageError: onUsageError,
		Action:       injectAction,
	}
}

func injectAction(c *cli.Context) error {
	name := c.Args().First()
	if name == "" {
		return usage("inject: want a fault; faultzone faults lists them")
	}
	label := c.String("as")
	if label == "" {
		label = name
	}
	what := control.FaultOrder{Fault: name, For: c.String("for"), Replace: c.Bool("replace"), Params: map[string]any{}}
	for _, arg := range c.Args().Tail() {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return usage("inject: %q: want KEY=VALUE, such as node=ns1; faultzone faults %s lists the keys", arg, name)
		}
		what.Params[key] = paramValue(name, key, value)
	}
	return order(c, "PUT", "/v1/faults/"+segment(label), what, func(w io.Writer, f control.Fault) {
		fmt.Fprintf(w, "%s is at work", f.Name)
		if !f.Until.IsZero() {
			fmt.Fprintf(w, " for %s of the world's time", worldTime(f.Until.Sub(f.Since)))
		}
		fmt.Fprintf(w, "; faultzone heal %s ends it\n", f.Name)
	})
}

// paramValue gives a parameter's text the type that the fault wants, where this program knows the fault; the world checks it.
func paramValue(name, key, text string) any {
	for _, spec := range fault.Vocabulary().Faults {
		for _, p := range spec.Params {
			if spec.Name != name || p.Name != key {
				continue
			}
			switch p.Kind {
			case scenarios.Int:
				return json.Number(text)
			case scenarios.Bool:
				if text == "true" || text == "false" {
					return text == "true"
				}
			case scenarios.Strings, scenarios.Nodes, scenarios.ServerNodes, scenarios.Prefixes, scenarios.Places:
				return split(text)
			}
		}
	}
	return text
}
