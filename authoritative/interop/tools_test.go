package interop_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds whatever a test waits for, and the life of each program that it starts.
const patience = time.Minute

// tool finds a real program. Without it the test is skipped, or fails where FAULTZONE_REQUIRE_TOOLS=1.
func tool(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	missing(t, name+" is not installed")
	return ""
}

// missing ends a test that cannot be made here.
func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s, and FAULTZONE_REQUIRE_TOOLS=1 asks for it", why)
	}
	t.Skip(why)
}

// command is a real program about to be run. It is told to end when the test does, or when patience has passed.
func command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, tool(t, name), args...)
}

// try runs a program to its end.
func try(t testing.TB, c *exec.Cmd) (out string, err error) {
	t.Helper()
	var both bytes.Buffer
	c.Stdout, c.Stderr = &both, &both
	err = c.Run()
	return both.String(), err
}

// run is try for a program that has to succeed.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := try(t, command(t, name, args...))
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// server is a real server in the foreground.
type server struct {
	name string
	at   netip.AddrPort
	dir  string
	*program
}

// program is a process that runs until the test ends.
type program struct {
	t    testing.TB
	cmd  *exec.Cmd
	mu   sync.Mutex
	said bytes.Buffer
	more chan struct{}
	gone chan struct{}
}

// foreground starts a program and returns when it has said that it is ready.
func foreground(t testing.TB, ready string, c *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, cmd: c, more: make(chan struct{}, 1), gone: make(chan struct{})}
	c.Stdout, c.Stderr = p, p
	c.WaitDelay = 2 * time.Second
	if err := c.Start(); err != nil {
		t.Fatalf("%s: %v", c.Path, err)
	}
	go func() { defer close(p.gone); _ = c.Wait() }()
	t.Cleanup(p.end)
	p.waitFor(ready)
	return p
}

// end asks the process to end, by its ID, and makes it if it does not.
func (p *program) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // nsd has children of its own to end
	select {
	case <-p.gone:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.gone
	}
	if p.t.Failed() && os.Getenv("INTEROP_LOGS") != "" {
		p.t.Logf("%s printed:\n%s", p.cmd.Path, p)
	}
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
	return p.said.Write(b)
}

func (p *program) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

func (p *program) waitFor(text string) {
	p.t.Helper()
	limit := time.After(patience)
	for !strings.Contains(p.String(), text) {
		select {
		case <-p.more:
		case <-p.gone:
			if !strings.Contains(p.String(), text) {
				p.t.Fatalf("%s ended before it printed %q:\n%s", p.cmd.Path, text, p)
			}
		case <-limit:
			p.t.Fatalf("%s did not print %q:\n%s", p.cmd.Path, text, p)
		}
	}
}

// eventually waits until f is content.
func eventually(t testing.TB, what string, f func() error) {
	t.Helper()
	limit := time.Now().Add(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// ports hands out addresses of 127.0.0.1 that are free for UDP and TCP, never one of them twice.
type ports struct {
	mu    sync.Mutex
	given map[uint16]bool
}

var allPorts = ports{given: map[uint16]bool{}}

func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	allPorts.mu.Lock()
	defer allPorts.mu.Unlock()
	for range 100 {
		tcp, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at := tcp.Addr().(*net.TCPAddr).AddrPort()
		udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		tcp.Close()
		if err != nil {
			continue
		}
		udp.Close()
		if !allPorts.given[at.Port()] {
			allPorts.given[at.Port()] = true
			return at
		}
	}
	t.Fatal("no port is free")
	return netip.AddrPort{}
}

func writeFile(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// shortDir is a directory with a path short enough for a Unix socket in it.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fz")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// lines is text with a format, for configuration files.
func lines(format string, args ...any) string { return fmt.Sprintf(format, args...) + "\n" }
