package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator/clock"
	"faultzone/simulator/running"
)

func waitCommand() *cli.Command {
	return &cli.Command{
		Name:  "wait",
		Usage: "wait until a world runs on this machine and is ready",
		Description: "For scripts and health checks: ready means that its zones are signed, its sockets are bound and its time passes.\n" +
			"Exit code 0: it is. 3: it was not in time.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "timeout", Value: "30s", Usage: "give up after this `DURATION`"},
			worldFlag(),
		},
		OnUsageError: onUsageError,
		Action:       waitAction,
	}
}

func waitAction(c *cli.Context) error {
	const interval = 20 * time.Millisecond
	if err := noMore(c, 0); err != nil {
		return err
	}
	limit, err := scenarios.ParseDuration(c.String("timeout"))
	if err != nil {
		return usage("--timeout: %w", err)
	}
	ctx, cancel := clock.Wall{}.WithTimeout(c.Context, limit)
	defer cancel()
	tick, stop := clock.Wall{}.Every(interval)
	defer stop()
	var why error
	for {
		err := ready(ctx, c.String("world"))
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || why == nil {
			why = err
		}
		select {
		case <-tick:
		case <-ctx.Done():
			if c.Context.Err() != nil {
				return &exitError{code: exitInterrupted}
			}
			return environment(fmt.Errorf("not ready after %s: %w", scenarios.FormatDuration(limit), why))
		}
	}
}

// ready tells whether a world runs and says of itself that it is.
func ready(ctx context.Context, id string) error {
	w, err := running.Find(running.Dir(), id)
	if err != nil {
		return err
	}
	r, err := dial(w)
	if err != nil {
		return err
	}
	_, err = r.call(ctx, "GET", "/readyz", nil, nil)
	return err
}
