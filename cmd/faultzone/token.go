package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

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
