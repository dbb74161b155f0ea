package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"faultzone/scenarios"
	"faultzone/simulator/fault"
)

// loadWorld is find for a world that is only to be served, where built-in worlds and scenarios that expect nothing will
// do; warnings are printed.
func loadWorld(name string, stderr io.Writer) (*scenarios.Scenario, error) {
	var s *scenarios.Scenario
	var warnings []scenarios.Warning
	var err error
	switch {
	case slices.Contains(scenarios.Worlds(), name):
		s, warnings, err = scenarios.BuiltinWorld(name, fault.Vocabulary())
	case isFile(name):
		s, warnings, err = scenarios.LoadWorld(name, fault.Vocabulary())
	default:
		s, warnings, err = find(name)
	}
	for _, w := range warnings {
		fmt.Fprintln(stderr, w)
	}
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return s, nil
}

// isFile tells names that can only be a file's.
func isFile(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".toml")
}

// find takes a name for a built-in when there is one, and for a file otherwise. What has a slash or ends in .toml is
// a file in any case.
func find(name string) (*scenarios.Scenario, []scenarios.Warning, error) {
	if !isFile(name) && slices.Contains(scenarios.Names(), name) {
		return scenarios.Builtin(name, fault.Vocabulary())
	}
	if !isFile(name) {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("there is no scenario %q; `faultzone list` shows those built in, and a file's name ends in .toml%s",
				name, scenarios.DidYouMean(name, scenarios.Names()))
		}
	}
	return scenarios.Load(name, fault.Vocabulary())
}
