package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"faultzone/simulator/enclosure"
	"faultzone/simulator/running"
)

// environmentFile has the environment of a world's command, variables ended by NUL, for those that come later.
func environmentFile() string { return filepath.Join(enclosure.Dir, "environment") }

// attachedVariable is set, to the folder that it was called from, in this program's second run, inside another's world.
const attachedVariable = "FAULTZONE_ATTACHED"

func attached() bool { return os.Getenv(attachedVariable) != "" }

// attach replaces this process by one in the namespaces of a running world, which runs the command.
func attach(c *cli.Context, line execLine) error {
	id := ""
	if len(line.before) > 0 {
		id = line.before[0]
	}
	w, err := findEnclosed(id)
	if err != nil {
		return err
	}
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "/"
	}
	args := append([]string{filepath.Join(enclosure.Dir, "bin", "faultzone"), "exec", "--attach", "--"}, line.command...)
	env := append(os.Environ(), attachedVariable+"="+cwd)
	if err := enclosure.Enter(w.Inside, args, env); err != nil {
		return refusal(fmt.Errorf("enter the world %s: %w", w.ID, err))
	}
	return nil
}

// findEnclosed finds a world that a command runs in: the one of that ID, or the only one.
func findEnclosed(id string) (running.World, error) {
	list, err := running.List(running.Dir())
	if err != nil {
		return running.World{}, environment(err)
	}
	var ids []string
	var found []running.World
	for _, w := range list {
		if w.Inside == 0 {
			continue
		}
		ids = append(ids, w.ID)
		if id == "" || w.ID == id {
			found = append(found, w)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(ids) == 0:
		return running.World{}, environment(errors.New("exec --attach: no command runs in a world on this machine: start one with faultzone exec SCENARIO -- COMMAND…"))
	case id == "":
		return running.World{}, usage("exec --attach: there are several worlds: say which: %s", strings.Join(ids, ", "))
	}
	return running.World{}, usage("exec --attach: no command runs in a world called %q; there are: %s", id, strings.Join(ids, ", "))
}

// runAttached runs the command, inside, as that which the world was made for: with its environment and without privileges.
func runAttached(command []string) error {
	cwd := os.Getenv(attachedVariable)
	text, err := os.ReadFile(environmentFile())
	if err != nil {
		return environment(fmt.Errorf("the environment of the world's command: %w", err))
	}
	_ = os.Chdir(cwd) // it need not exist in the world
	env := strings.Split(string(text), "\x00")
	for _, name := range []string{"TERM", "COLUMNS", "LINES", "SHELL", "PWD"} { // the terminal is this one's own
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	code, err := enclosure.Command{Args: command, Env: env}.Become()
	fmt.Fprintf(os.Stderr, "faultzone: %v\n", err)
	return ended(code)
}
