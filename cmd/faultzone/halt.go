package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"faultzone/simulator/control"
)

func haltCommand() *cli.Command {
	return &cli.Command{
		Name:         "halt",
		Usage:        "stop the scenario of a running world and heal every fault",
		ArgsUsage:    "[REASON]",
		Description:  "Halting again does nothing more.\n" + remoteExits,
		Flags:        []cli.Flag{worldFlag(), jsonFlag()},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Len() > 1 {
				return usage("halt: want one reason at most, in quotes, got %d", c.Args().Len())
			}
			var body any
			if reason := c.Args().First(); reason != "" {
				body = control.Halt{Reason: reason}
			}
			return order(c, "POST", "/v1/halt", body, func(w io.Writer, h control.Halted) {
				fmt.Fprintf(w, "halted: %s; %s healed\n", h.Reason, plural(h.Healed, "fault"))
			})
		},
	}
}

func resetCommand() *cli.Command {
	return &cli.Command{
		Name:         "reset",
		Usage:        "begin a running world anew: everything as at the start",
		Description:  remoteExits,
		Flags:        []cli.Flag{worldFlag(), jsonFlag()},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noMore(c, 0); err != nil {
				return err
			}
			return order(c, "POST", "/v1/reset", nil, func(w io.Writer, b control.Begun) {
				fmt.Fprintf(w, "everything is as at the start; this is life %d of the world\n", b.Life)
			})
		},
	}
}
