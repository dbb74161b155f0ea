package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds whatever a test waits for.
const patience = 60 * time.Second

// tool finds a real program. Without it the test is skipped, or fails where FAULTZONE_REQUIRE_TOOLS=1.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1":
		t.Fatalf("%s is not installed, and FAULTZONE_REQUIRE_TOOLS=1 asks for it", name)
	default:
		t.Skipf("%s is not installed", name)
	}
	return path
}

// output runs a real program to its end and returns what it printed.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, tool(t, name), args...).CombinedOutput()
	if err != nil {
		t.Logf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(out)
}

// program is a process that runs until it is told to end.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex
	text bytes.Buffer // stdout and stderr
	more chan struct{}
	gone chan struct{}
}

// start runs a program in the background. The test's end ends it.
func start(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, cmd: cmd, more: make(chan struct{}, 1), gone: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p, p
	if cmd.Env == nil { // its record is for this test alone
		cmd.Env = append(os.Environ(), "FAULTZONE_RUNTIME_DIR="+t.TempDir())
	}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(p.gone); cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-p.gone
		if t.Failed() {
			t.Logf("%s printed:\n%s", strings.Join(cmd.Args, " "), p)
		}
	})
	return p
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
	return p.text.Write(b)
}

func (p *program) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// waitFor returns when the program has printed text.
func (p *program) waitFor(text string) {
	p.t.Helper()
	limit := time.After(patience)
	for !strings.Contains(p.String(), text) {
		select {
		case <-p.more:
		case <-p.gone:
			if !strings.Contains(p.String(), text) {
				p.t.Fatalf("it ended without printing %q", text)
			}
		case <-limit:
			p.t.Fatalf("it did not print %q", text)
		}
	}
}

// end waits for the program and returns its exit code.
func (p *program) end() int {
	p.t.Helper()
	select {
	case <-p.gone:
	case <-time.After(patience):
		p.t.Fatal("it did not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// interrupt does what Ctrl-C does, and returns the exit code.
func (p *program) interrupt() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
	return p.end()
}

// world is a running `faultzone run`.
type world struct {
	*program
	addresses map[string]string // of the address file: the name without FAULTZONE_ → its value
	anchors   string            // the anchor file, as DS and DNSKEY records
	conf      string            // the same for BIND
}

// runWorld starts `faultzone run`, and returns once the address file says that everything answers.
func runWorld(t *testing.T, args ...string) *world {
	t.Helper()
	dir := t.TempDir()
	env := filepath.Join(dir, "world.env")
	w := &world{addresses: map[string]string{}, anchors: filepath.Join(dir, "root.key"), conf: filepath.Join(dir, "root.conf")}
	w.program = start(t, exec.Command("faultzone", append([]string{"run", "--addr-file", env, "--anchor-file", w.anchors}, args...)...))
	limit := time.After(patience)
	for {
		text, err := os.ReadFile(env)
		if err == nil {
			for line := range strings.Lines(string(text)) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				w.addresses[strings.TrimPrefix(name, "FAULTZONE_")] = value
			}
			break
		}
		select {
		case <-w.gone:
			t.Fatal("the world ended before it answered")
		case <-limit:
			t.Fatal("no address file")
		case <-time.After(10 * time.Millisecond):
		}
	}
	w.bindAnchors()
	return w
}

// bindAnchors writes the anchors as `--anchor-file root.conf` would, which another run of the world is not needed for.
func (w *world) bindAnchors() {
	w.t.Helper()
	text, err := os.ReadFile(w.anchors)
	if err != nil {
		w.t.Fatal(err)
	}
	var conf strings.Builder
	conf.WriteString("trust-anchors {\n")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 8 && f[3] == "DS" {
			conf.WriteString(". static-ds " + strings.Join(f[4:7], " ") + " \"" + strings.Join(f[7:], "") + "\";\n")
		}
	}
	conf.WriteString("};\n")
	if err := os.WriteFile(w.conf, []byte(conf.String()), 0o666); err != nil {
		w.t.Fatal(err)
	}
}

// port is where a node listens, on 127.0.0.1.
func (w *world) port(node string) string {
	w.t.Helper()
	port, ok := strings.CutPrefix(w.addresses[node], "127.0.0.1:")
	if !ok {
		w.t.Fatalf("%s is at %q", node, w.addresses[node])
	}
	return port
}

// dig asks a node as a person would.
func (w *world) dig(node string, args ...string) string {
	w.t.Helper()
	return output(w.t, "dig", append([]string{"@127.0.0.1", "-p", w.port(node), "+time=10", "+tries=2"}, args...)...)
}
