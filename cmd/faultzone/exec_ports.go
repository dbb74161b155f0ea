package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"faultzone/simulator/edge"
	"faultzone/simulator/enclosure"
)

// execOnPorts runs the command where it is, beside a world on ports of 127.0.0.1: the command's environment says where
// each node is. Nothing of the machine is hidden from it, and name resolution is the machine's own.
func execOnPorts(c *cli.Context, line execLine) error {
	if c.Bool("internet") {
		return usage("--internet: with --edge ports the command has the machine's own network")
	}
	w, err := newExecWorld(c, line)
	if err != nil {
		return err
	}
	w.open, w.web = edge.Ports, edge.WebPorts
	if err := w.begin(); err != nil {
		return err
	}
	defer w.end()
	l, err := w.commands.listen()
	if err != nil {
		return err
	}
	d, err := w.command(w.commands, l, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	stop, err := w.play()
	if err != nil {
		return errors.Join(err, stop())
	}
	d.ready()
	code, err := enclosure.Command{Args: line.command, Env: w.environment()}.RunHere()
	if err := errors.Join(err, stop()); err != nil {
		fmt.Fprintf(c.App.ErrWriter, "faultzone: %v\n", err)
	}
	return ended(code)
}
