package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"faultzone/simulator/control"
)

func healCommand() *cli.Command {
	return &cli.Command{
		Name:         "heal",
		Usage:        "end a fault of a running world",
		ArgsUsage:    "NAME",
		Description:  "Healing again does nothing.\n" + remoteExits,
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "end every fault", DisableDefaultText: true}, worldFlag(), jsonFlag()},
		OnUsageError: onUsageError,
		Action:       healAction,
	}
}

func healAction(c *cli.Context) error {
	const path = "/v1/faults"
	switch {
	case c.Bool("all") && c.Args().Len() > 0:
		return usage("heal: want a fault's name or --all, got both")
	case c.Bool("all"):
		return order(c, "DELETE", path, nil, func(w io.Writer, _ control.Faults) { fmt.Fprintln(w, "every fault is healed") })
	case c.Args().Len() != 1:
		return usage("heal: want the name of a fault, which faultzone status lists, or --all; got %s", plural(c.Args().Len(), "argument"))
	}
	return order(c, "DELETE", path+"/"+segment(c.Args().First()), nil, func(w io.Writer, f control.Fault) {
		fmt.Fprintf(w, "%s is healed; it saw %d messages, matched %d, changed %d\n", f.Name, f.Seen, f.Matched, f.Changed)
	})
}
