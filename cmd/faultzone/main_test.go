package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts, and the tests of live worlds, run this test binary as the program.
func TestMain(m *testing.M) {
	os.Setenv("GORACE", quickExit)
	testscript.Main(m, map[string]func(){"faultzone": main, "look": look})
}

// quickExit keeps a program with the race detector in it from sleeping for a second at its end.
const quickExit = "atexit_sleep_ms=0"

// TestScripts runs testdata/*.txtar: the command line as its users see it, a feature a file.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(e *testscript.Env) error {
		e.Setenv("GORACE", quickExit)
		e.Setenv("FAULTZONE_RUNTIME_DIR", filepath.Join(e.WorkDir, "running"))
		return nil
	}})
}
