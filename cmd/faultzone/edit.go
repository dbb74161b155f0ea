package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"faultzone/simulator/control"
)

func editCommand() *cli.Command {
	return &cli.Command{
		Name:        "edit",
		Usage:       "change records of a running world's zone",
		ArgsUsage:   "ZONE",
		Description: "The flags may be given several times.\n" + remoteExits,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "add", Usage: "add a `RECORD`, such as \"www 300 IN A 192.0.2.1\""},
			&cli.StringSliceFlag{Name: "delete", Usage: "delete what `WHAT` says: NAME, NAME TYPE or NAME TYPE RDATA"},
			&cli.StringSliceFlag{Name: "replace", Usage: "put a `RECORD` in the place of those of its name and type"},
			&cli.StringFlag{Name: "on", Usage: "on this `SERVER`", DefaultText: "each primary of the zone"},
			&cli.StringFlag{Name: "view", Usage: "in this `VIEW`", DefaultText: "each that has the zone"},
			worldFlag(), jsonFlag(),
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noMore(c, 1); err != nil {
				return err
			}
			what := control.Edit{Add: c.StringSlice("add"), Delete: c.StringSlice("delete"), Replace: c.StringSlice("replace"),
				On: c.String("on"), View: c.String("view")}
			return order(c, "POST", "/v1/zones/"+segment(c.Args().First())+"/edit", what, printSerials)
		},
	}
}

// printSerials prints the serials of a zone's primaries.
func printSerials(w io.Writer, z control.Zones) {
	for _, one := range z.Zones {
		if one.Primary {
			fmt.Fprintf(w, "%s on %s, view %s: serial %d\n", one.Zone, one.Server, one.View, one.Serial)
		}
	}
}
