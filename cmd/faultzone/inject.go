package main

import (
	"encoding/json"
	"fmt"
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
			"same again does nothing. " + remoteExits,
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
	order := control.FaultOrder{Fault: name, For: c.String("for"), Replace: c.Bool("replace"), Params: map[string]any{}}
	for _, arg := range c.Args().Tail() {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return usage("inject: %q: want KEY=VALUE, such as node=ns1; faultzone faults %s lists the keys", arg, name)
		}
		order.Params[key] = paramValue(name, key, value)
	}
	r, err := remoteWorld(c)
	if err != nil {
		return err
	}
	label := c.String("as")
	if label == "" {
		label = name
	}
	var f control.Fault
	data, err := r.call(c.Context, "PUT", "/v1/faults/"+segment(label), order, &f)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printAnswer(c, data)
	}
	fmt.Fprintf(c.App.Writer, "%s is at work", f.Name)
	if !f.Until.IsZero() {
		fmt.Fprintf(c.App.Writer, " for %s of the world's time", worldTime(f.Until.Sub(f.Since)))
	}
	fmt.Fprintf(c.App.Writer, "; faultzone heal %s ends it\n", f.Name)
	return nil
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

func healCommand() *cli.Command {
	return &cli.Command{
		Name:         "heal",
		Usage:        "end a fault of a running world",
		ArgsUsage:    "NAME",
		Description:  "Healing again does nothing. " + remoteExits,
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "end every fault", DisableDefaultText: true}, worldFlag(), jsonFlag()},
		OnUsageError: onUsageError,
		Action:       healAction,
	}
}

func healAction(c *cli.Context) error {
	path := "/v1/faults"
	switch {
	case c.Bool("all") && c.Args().Len() > 0:
		return usage("heal: want a fault's name or --all, got both")
	case !c.Bool("all") && c.Args().Len() != 1:
		return usage("heal: want the name of a fault, which faultzone status lists, or --all; got %s", plural(c.Args().Len(), "argument"))
	case !c.Bool("all"):
		path += "/" + segment(c.Args().First())
	}
	r, err := remoteWorld(c)
	if err != nil {
		return err
	}
	data, err := r.call(c.Context, "DELETE", path, nil, nil)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printAnswer(c, data)
	}
	var healed struct {
		control.Fault
		control.Faults
	}
	if err := json.Unmarshal(data, &healed); err != nil {
		return environment(err)
	}
	if c.Bool("all") {
		fmt.Fprintln(c.App.Writer, "every fault is healed")
		return nil
	}
	f := healed.Fault
	fmt.Fprintf(c.App.Writer, "%s is healed; it saw %d messages, matched %d, changed %d\n", f.Name, f.Seen, f.Matched, f.Changed)
	return nil
}
