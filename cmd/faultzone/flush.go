package main

import (
	"fmt"
	"io"

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
			what := control.Flush{Name: c.Args().Get(1), Tree: c.Bool("tree")}
			return order(c, "POST", "/v1/caches/"+segment(c.Args().First())+"/flush", what, func(w io.Writer, f control.Flushed) {
				fmt.Fprintf(w, "%s had %d entries, and has %d\n", f.Resolver, f.Before, f.After)
			})
		},
	}
}
