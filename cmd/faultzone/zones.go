package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"faultzone/simulator/control"
)

func retransferCommand() *cli.Command {
	return zoneCommand("retransfer", "have a secondary of a running world transfer a zone anew", "SERVER ZONE", 2, func(c *cli.Context) error {
		server, origin := c.Args().First(), c.Args().Get(1)
		what := control.Place{Server: server, View: c.String("view")}
		return order(c, "POST", "/v1/zones/"+segment(origin)+"/retransfer", what, func(w io.Writer, _ control.Zones) {
			fmt.Fprintf(w, "%s transfers %s\n", server, origin) // which goes on after this
		})
	})
}

func resignCommand() *cli.Command {
	return zoneCommand("resign", "sign a zone of a running world at once", "ZONE", 1, func(c *cli.Context) error {
		return order(c, "POST", "/v1/zones/"+segment(c.Args().First())+"/resign", control.Place{View: c.String("view")}, printSerials)
	})
}

// zoneCommand is a command that has servers of a zone do something.
func zoneCommand(name, does, args string, count int, do cli.ActionFunc) *cli.Command {
	return &cli.Command{
		Name: name, Usage: does, ArgsUsage: args, Description: remoteExits,
		Flags:        []cli.Flag{&cli.StringFlag{Name: "view", Usage: "in this `VIEW`", DefaultText: "each that has the zone"}, worldFlag(), jsonFlag()},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noMore(c, count); err != nil {
				return err
			}
			return do(c)
		},
	}
}
