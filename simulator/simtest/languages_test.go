package simtest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Clients in other languages, each with a test of its own in that language's own way: against a world on ports of this
// machine, which the test starts (faultzone run --addr-file), and as a program inside of one (faultzone exec).
func TestLanguages(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "faultzone")
	if out, err := exec.Command("go", "build", "-o", program, "faultzone/cmd/faultzone").CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	for _, language := range []struct {
		name          string
		needs         [][]string // of each list one
		run           []string   // with the runner's name, as found, in front
		ports, inside string
	}{
		{"python", [][]string{{"pytest-3", "pytest"}}, []string{"-q", "-p", "no:cacheprovider"}, "test_lookup.py", "test_inside.py"},
		{"node", [][]string{{"node"}}, []string{"--test"}, "lookup.test.mjs", "inside.test.mjs"},
		{"shell", [][]string{{"bats"}, {"dig"}, {"curl"}}, nil, "lookup.bats", "inside.bats"},
	} {
		t.Run(language.name, func(t *testing.T) {
			t.Parallel()
			line := append([]string{tool(t, language.needs[0]...)}, language.run...)
			for _, names := range language.needs[1:] {
				tool(t, names...)
			}
			folder := filepath.Join("languages", language.name)
			t.Run("ports", func(t *testing.T) { runIn(t, folder, program, append(line, language.ports)...) })
			t.Run("inside", func(t *testing.T) {
				enclosed(t, program)
				scenario := filepath.Join("..", "broken.toml")
				runIn(t, folder, program, append(append([]string{program, "exec", scenario, "--as", "db-01", "--"}, line...), language.inside)...)
			})
		})
	}
}

// tool is the path of the first of some programs that this machine has.
func tool(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	absent(t, "this machine has no "+names[0])
	return ""
}

// absent skips a test for what this machine lacks, or fails it where everything must be there.
func absent(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// enclosed skips a test where this machine allows no namespaces.
func enclosed(t *testing.T, program string) {
	t.Helper()
	const refused = 3
	out, err := exec.Command(program, "doctor").CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit) && exit.ExitCode() == refused:
		absent(t, "faultzone exec does not work here:\n"+string(out))
	default:
		t.Fatalf("faultzone doctor: %v\n%s", err, out)
	}
}

// runIn runs a command line in a folder, which it leaves as it is.
func runIn(t *testing.T, folder, program string, line ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Dir, cmd.WaitDelay = folder, 5*time.Second
	cmd.Env = append(os.Environ(), "FAULTZONE="+program, "PYTHONDONTWRITEBYTECODE=1", "FAULTZONE_RUNTIME_DIR="+filepath.Join(t.TempDir(), "running"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", line, err, out)
	}
}
