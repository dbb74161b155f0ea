package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"faultzone/simulator/control"
)

func flushCommand() *cli.Command {
	return &cli.Command{
		Name:         "flush",
		Usage:        "empty the cache of a running world's resolver, or a part of it",
		ArgsUsage:    "RESOLVER [NAME]",
		Description:  remoteExits,
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "tree", Usage: "everything below NAME too", DisableDefaultText: true}, worldFlag(), jsonFlag()},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if n := c.Args().Len(); n < 1 || n > 2 {
				return usage("flush: want a resolver, and perhaps a name, got %s", plural(n, "argument"))
			}
			r, err := remoteWorld(c)
			if err != nil {
				return err
			}
			var f control.Flushed
			order := control.Flush{Name: c.Args().Get(1), Tree: c.Bool("tree")}
			data, err := r.call(c.Context, "POST", "/v1/caches/"+segment(c.Args().First())+"/flush", order, &f)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return printAnswer(c, data)
			}
			fmt.Fprintf(c.App.Writer, "%s had %d entries, and has %d\n", f.Resolver, f.Before, f.After)
			return nil
		},
	}
}

func editCommand() *cli.Command {
	return &cli.Command{
		Name:        "edit",
		Usage:       "change records of a running world's zone",
		ArgsUsage:   "ZONE",
		Description: "The flags may be given several times. " + remoteExits,
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
			r, err := remoteWorld(c)
			if err != nil {
				return err
			}
			order := control.Edit{Add: c.StringSlice("add"), Delete: c.StringSlice("delete"), Replace: c.StringSlice("replace"),
				On: c.String("on"), View: c.String("view")}
			var z control.Zones
			data, err := r.call(c.Context, "POST", "/v1/zones/"+segment(c.Args().First())+"/edit", order, &z)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return printAnswer(c, data)
			}
			for _, one := range z.Zones {
				if one.Primary {
					fmt.Fprintf(c.App.Writer, "%s on %s, view %s: serial %d\n", one.Zone, one.Server, one.View, one.Serial)
				}
			}
			return nil
		},
	}
}

func haltCommand() *cli.Command {
	return &cli.Command{
		Name:         "halt",
		Usage:        "stop the scenario of a running world and heal every fault",
		ArgsUsage:    "[REASON]",
		Description:  "Halting again does nothing more. " + remoteExits,
		Flags:        []cli.Flag{worldFlag(), jsonFlag()},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Len() > 1 {
				return usage("halt: want one reason at most, in quotes, got %d", c.Args().Len())
			}
			r, err := remoteWorld(c)
			if err != nil {
				return err
			}
			var body any
			if reason := c.Args().First(); reason != "" {
				body = control.Halt{Reason: reason}
			}
			var h control.Halted
			data, err := r.call(c.Context, "POST", "/v1/halt", body, &h)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return printAnswer(c, data)
			}
			fmt.Fprintf(c.App.Writer, "halted: %s; %s healed\n", h.Reason, plural(h.Healed, "fault"))
			return nil
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
			r, err := remoteWorld(c)
			if err != nil {
				return err
			}
			var b control.Begun
			data, err := r.call(c.Context, "POST", "/v1/reset", nil, &b)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return printAnswer(c, data)
			}
			fmt.Fprintf(c.App.Writer, "everything is as at the start; this is life %d of the world\n", b.Life)
			return nil
		},
	}
}

// tokenCommand is for those who call the API by other programs.
func tokenCommand() *cli.Command {
	return &cli.Command{
		Name:         "token",
		Usage:        "print the token of a running world's API, for curl and its like",
		Description:  remoteExits,
		Flags:        []cli.Flag{worldFlag(), &cli.BoolFlag{Name: "url", Usage: "print the API's address instead", DisableDefaultText: true}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noMore(c, 0); err != nil {
				return err
			}
			r, err := remoteWorld(c)
			if err != nil {
				return err
			}
			if c.Bool("url") {
				fmt.Fprintln(c.App.Writer, r.Control)
			} else {
				fmt.Fprintln(c.App.Writer, r.Token)
			}
			return nil
		},
	}
}
