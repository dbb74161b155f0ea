package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"faultzone/simulator/control"
)

func advanceCommand() *cli.Command {
	return clockCommand("advance", "move a running world's clock on, through all that comes due", "DURATION", 1, func(c *cli.Context) (string, string, any, error) {
		return "POST", "advance", control.Jump{By: c.Args().First()}, nil
	})
}

func speedCommand() *cli.Command {
	return clockCommand("speed", "change the pace of a running world's clock", "N", 1, func(c *cli.Context) (string, string, any, error) {
		speed, err := strconv.ParseFloat(c.Args().First(), 64)
		if err != nil || speed != speed || speed > 1e6 || speed < 0 {
			return "", "", nil, usage("speed %s: want a number from 0 (stand still) to 1000000 (times the wall's pace)", c.Args().First())
		}
		return "PUT", "speed", control.Pace{Speed: &speed}, nil
	})
}

func pauseCommand() *cli.Command {
	return clockCommand("pause", "have a running world's clock stand still", "", 0, func(*cli.Context) (string, string, any, error) {
		return "POST", "pause", nil, nil
	})
}

func resumeCommand() *cli.Command {
	return clockCommand("resume", "have a running world's clock go on as it did", "", 0, func(*cli.Context) (string, string, any, error) {
		return "POST", "resume", nil, nil
	})
}

// clockCommand is a command that does something to the clock: what says which call it is, and with what.
func clockCommand(name, does, args string, count int, what func(*cli.Context) (method, path string, body any, err error)) *cli.Command {
	return &cli.Command{
		Name: name, Usage: does, ArgsUsage: args, Description: remoteExits,
		Flags:        []cli.Flag{worldFlag(), jsonFlag()},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noMore(c, count); err != nil {
				return err
			}
			method, path, body, err := what(c)
			if err != nil {
				return err
			}
			return order(c, method, "/v1/clock/"+path, body, func(w io.Writer, k control.Clock) {
				fmt.Fprintf(w, "world time %s, %s after the start, %s\n", k.Now.Format(time.RFC3339), worldTime(k.Now.Sub(k.Start)), paceOf(k))
			})
		},
	}
}
