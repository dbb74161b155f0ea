package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// block is a fenced block of the README.
type block struct {
	language, text string
	line           int
}

func readmeBlocks(t *testing.T) []block {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []block
	var open *block
	for i, line := range strings.Split(string(readme), "\n") {
		fence, fenced := strings.CutPrefix(line, "```")
		switch {
		case fenced && open == nil:
			open = &block{language: fence, line: i + 1}
		case fenced:
			list = append(list, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Fatalf("README.md:%d: this block has no end", open.line)
	}
	return list
}

// goStandIn stands in for the go command, so that the README's lines about it run this very test binary: built once,
// and without testing the tests in the tests. What it does not know fails.
const goStandIn = `#!/bin/sh
case "$*" in
"test ./...") ;;
"build -o faultzone ./cmd/faultzone") ln -sf "$FAULTZONE" faultzone ;;
"run ./cmd/faultzone "*) shift 2; exec "$FAULTZONE" "$@" ;;
*) echo "the README says go $*, which its test does not know" >&2; exit 1 ;;
esac
`

// TestReadme does what the README says, block by block, in one folder, as a newcomer would.
func TestReadme(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sh", "ln", "sleep"} { // its blocks are for a Unix shell
		tool(t, name)
	}
	program, err := exec.LookPath("faultzone")
	if err != nil {
		t.Fatal(err)
	}
	dir, bin := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(goStandIn), 0o755); err != nil {
		t.Fatal(err)
	}
	environ := append(os.Environ(), "FAULTZONE="+program, "FAULTZONE_RUNTIME_DIR="+filepath.Join(dir, "running"), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if source, err := filepath.Abs("../../simulator"); err != nil || os.Symlink(source, filepath.Join(dir, "simulator")) != nil {
		t.Fatal("the folder cannot be shown the sources")
	}
	blocks := readmeBlocks(t)
	for _, b := range blocks { // the files come first: lines refer to those behind them
		name := map[string]string{"toml": "example.toml", "zone": "example.org.zone"}[b.language]
		switch {
		case name != "":
			if err := os.WriteFile(filepath.Join(dir, name), []byte(b.text), 0o666); err != nil {
				t.Fatal(err)
			}
		case b.language == "go":
			b.isTested(t, "../../simulator/simtest/readme_test.go")
		case b.language != "sh":
			t.Errorf("README.md:%d: a block in %q, which this test does not know", b.line, b.language)
		}
	}
	ran := 0
	for _, b := range blocks {
		if b.language != "sh" {
			continue
		}
		ran++
		first, _, _ := strings.Cut(b.text, "\n")
		t.Run(first, func(t *testing.T) {
			for _, name := range []string{"dig", "delv", "curl", "pytest-3", "node", "bats", "tshark", "dnstap-read"} {
				if regexp.MustCompile(`(?m)^` + name + ` | -- ` + name + ` |\b` + name + ` -s`).MatchString(b.text) {
					tool(t, name)
				}
			}
			if regexp.MustCompile(`faultzone exec \S+ (-- |--a)`).MatchString(b.text) {
				enclosures(t)
			}
			b.run(t, dir, environ)
		})
	}
	if ran < 5 {
		t.Errorf("only %d blocks to run were found", ran)
	}
}

// isTested makes sure that a block of Go stands as it is in a test.
func (b block) isTested(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), b.text) {
		t.Errorf("README.md:%d: this block is not in %s as it stands here", b.line, file)
	}
}

// run runs a block in a shell that ends at the first failure.
func (b block) run(t *testing.T, dir string, environ []string) {
	// A world that is served until it is interrupted has been seen when its steps are done.
	if regexp.MustCompile(`^\./faultzone run .*[^&]\n$`).MatchString(b.text) && !strings.Contains(b.text, "--once") {
		args := strings.Fields(b.text)
		cmd := exec.Command(filepath.Join(dir, args[0]), args[1:]...)
		cmd.Dir, cmd.Env = dir, environ
		p := start(t, cmd)
		p.waitFor("All steps are done.")
		if code := p.interrupt(); code != exitInterrupted {
			t.Errorf("README.md:%d: exit code %d", b.line, code)
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-eu", "-c", b.text)
	cmd.Dir, cmd.Env = dir, environ
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what it leaves in the background goes with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("README.md:%d: %v\n%s", b.line, err, out)
	}
	for command, shows := range map[string]string{"\ndig ": "10.0.2.50", "\ndelv ": "; fully validated", "exec rrsig-expired": "EDE: 7 (Signature Expired)", "pytest-3": "passed", "faultzone test": "0 failed"} {
		if strings.Contains(b.text, command) && !strings.Contains(string(out), shows) {
			t.Errorf("README.md:%d: %q shows no %q:\n%s", b.line, strings.TrimSpace(command), shows, out)
		}
	}
}
