package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"faultzone/simulator/running"
)

// commanded is a folder for records, and the worlds in it.
type commanded struct {
	t   *testing.T
	dir string
}

func newCommanded(t *testing.T) commanded { return commanded{t, t.TempDir()} }

// run starts a world and waits until it is ready.
func (c commanded) run(id string, args ...string) *program {
	c.t.Helper()
	p := start(c.t, c.command(append([]string{"run"}, args...)...))
	if out, code := c.say("wait", "--timeout", patience.String(), "--world", id); code != 0 {
		c.t.Fatalf("wait: %d %s", code, out)
	}
	return p
}

func (c commanded) command(args ...string) *exec.Cmd {
	cmd := exec.Command("faultzone", args...)
	cmd.Env = append(os.Environ(), "FAULTZONE_RUNTIME_DIR="+c.dir)
	return cmd
}

// say runs a command to its end.
func (c commanded) say(args ...string) (output string, code int) {
	c.t.Helper()
	cmd := c.command(args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (c commanded) find(id string) running.World {
	c.t.Helper()
	w, err := running.Find(c.dir, id)
	if err != nil {
		c.t.Fatal(err)
	}
	return w
}

// Two worlds run side by side, and nobody takes one for the other.
func TestTwoWorlds(t *testing.T) {
	t.Parallel()
	c := newCommanded(t)
	c.run("solvethenetwork", "solvethenetwork")
	c.run("solvethenetwork-2", "solvethenetwork")
	out, code := c.say("status")
	if code != exitEnvironment || !strings.Contains(out, "say which with --world: solvethenetwork, solvethenetwork-2") {
		t.Errorf("%d %s", code, out)
	}
	if out, code := c.say("inject", "server-down", "node=ns1", "--world", "solvethenetwork-2"); code != 0 {
		t.Errorf("%d %s", code, out)
	}
	for id, broken := range map[string]bool{"solvethenetwork": false, "solvethenetwork-2": true} {
		out, code := c.say("status", "--world", id)
		if code != 0 || strings.Contains(out, "Nothing is broken") == broken || !strings.HasPrefix(out, id+": ") {
			t.Errorf("%s: %d %s", id, code, out)
		}
	}
	// The token of one is nothing to the other.
	one, two := c.find("solvethenetwork"), c.find("solvethenetwork-2")
	q, err := http.NewRequest("GET", two.Control+"/v1/world", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+one.Token)
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// A world is called what it is told to be called, or does not run.
func TestNamedWorld(t *testing.T) {
	t.Parallel()
	c := newCommanded(t)
	c.run("staging", "--name", "staging")
	if out, code := c.say("run", "--name", "staging"); code != exitEnvironment || !strings.Contains(out, "a world of that name runs already; staging-2 would be free") {
		t.Errorf("%d %s", code, out)
	}
	if out, code := c.say("status", "--world", "staging"); code != 0 || !strings.HasPrefix(out, "staging: ") {
		t.Errorf("%d %s", code, out)
	}
}

// A second world on the same control port ends with 3 and says what to do.
func TestControlPortIsTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	out, code := newCommanded(t).say("run", "--control", l.Addr().String())
	if code != exitEnvironment || !strings.Contains(out, "--control "+l.Addr().String()+": address already in use; leave --control out for a free port") {
		t.Errorf("%d %s", code, out)
	}
}

// Whoever kills a world leaves nothing that stops the next, on the same ports and under the same name.
func TestKilledWorldLeavesNothing(t *testing.T) {
	t.Parallel()
	c := newCommanded(t)
	control := "127.0.0.1:" + freePort(t)
	p := c.run("solvethenetwork", "--control", control)
	first := c.find("solvethenetwork")
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.gone
	if out, code := c.say("status"); code != exitEnvironment || !strings.Contains(out, "no world runs") {
		t.Errorf("%d %s", code, out)
	}
	c.run("solvethenetwork", "--control", control)
	second := c.find("solvethenetwork")
	if second.Control != first.Control || second.Token == first.Token {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

// SIGTERM ends a world with streams open and calls under way, and takes its record away.
func TestEndUnderStreams(t *testing.T) {
	t.Parallel()
	c := newCommanded(t)
	p := c.run("solvethenetwork", "--speed", "0.000001")
	follow := start(t, c.command("journal", "--follow", "--from", "0"))
	follow.waitFor("world start")
	query := start(t, c.command("query", "api.solvethenetwork.com"))
	follow.waitFor("query by ")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.end(); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	if code := follow.end(); code != 0 || !strings.Contains(follow.String(), "has ended") {
		t.Errorf("the follower: %d", code)
	}
	if code := query.end(); code == 0 && !strings.Contains(query.String(), "no answer") {
		t.Errorf("the question: %d %s", code, query)
	}
	if files, err := os.ReadDir(c.dir); err != nil || len(files) > 0 {
		t.Errorf("left: %v %v", files, err)
	}
}

// The token is in files that nobody else reads, and nowhere else.
func TestTokenFile(t *testing.T) {
	t.Parallel()
	c := newCommanded(t)
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	p := c.run("solvethenetwork", "--token-file", path)
	w := c.find("")
	text, err := os.ReadFile(path)
	if err != nil || strings.TrimSpace(string(text)) != w.Token || len(w.Token) < 26 {
		t.Errorf("%q, the record has %q: %v", text, w.Token, err)
	}
	for _, file := range []string{path, filepath.Join(c.dir, "solvethenetwork.world")} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, info.Mode(), err)
		}
	}
	for token, want := range map[string]int{w.Token: http.StatusOK, "": http.StatusUnauthorized} { // Prometheus takes it from the file
		q, err := http.NewRequest("GET", w.Control+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || strings.Contains(string(text), "faultzone_") != (want == http.StatusOK) {
			t.Errorf("metrics: %d %.200s", resp.StatusCode, text)
		}
	}
	if strings.Contains(p.String(), w.Token) {
		t.Error("the token was printed")
	}
}

// What lies where the token is to go gives it to nobody: not a file or a link that somebody else has put there, nor one
// under a name that could be guessed.
func TestTokenInASharedFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	theirs, path := filepath.Join(dir, "theirs"), filepath.Join(dir, "token")
	if err := os.WriteFile(theirs, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{path, path + "." + strconv.Itoa(os.Getpid()) + ".part"} {
		if err := os.Symlink(theirs, link); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := writeToken(path, "secret"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
	}
	if text, err := os.ReadFile(theirs); err != nil || len(text) != 0 {
		t.Errorf("they have %q, %v", text, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 3 {
		t.Errorf("left behind: %v", left)
	}
	if err := writeToken(os.DevNull, "secret"); err != nil { // a device stays one
		t.Error(err)
	}
	if err := writeToken(dir, "secret"); err == nil {
		t.Error("a folder is written to")
	}
}

// A world without an API is there for all but those who would command it.
func TestControlOff(t *testing.T) {
	t.Parallel()
	c := newCommanded(t)
	p := start(t, c.command("run", "--control", "off"))
	p.waitFor("Nothing is broken")
	if strings.Contains(p.String(), "Control:") {
		t.Error("it tells of an API")
	}
	for _, command := range [][]string{{"status"}, {"halt"}, {"wait", "--timeout", "10ms"}} {
		out, code := c.say(command...)
		if code != exitEnvironment || !strings.Contains(out, "has no API: it was started with --control off") {
			t.Errorf("%s: %d %s", command, code, out)
		}
	}
}

// halt ends a world that plays once with exit code 4.
func TestHaltEndsOnce(t *testing.T) {
	t.Parallel()
	c := newCommanded(t)
	p := c.run("rrsig-expired", "rrsig-expired", "--once", "--speed", "0.001")
	if out, code := c.say("halt", "enough"); code != 0 {
		t.Errorf("%d %s", code, out)
	}
	if code := p.end(); code != exitHalted || !strings.Contains(p.String(), "halted: enough") {
		t.Errorf("exit code %d", code)
	}
}

// A reset has the scenario play anew, in what the world prints too.
func TestResetPlaysAnew(t *testing.T) {
	t.Parallel()
	c := newCommanded(t)
	p := c.run("rrsig-expired", "rrsig-expired", "--speed", "0.001")
	p.waitFor("inject resigning-stopped")
	if out, code := c.say("reset"); code != 0 {
		t.Errorf("%d %s", code, out)
	}
	p.waitFor("Everything is as at the start.")
	out, code := c.say("status", "--json")
	var s struct {
		World struct{ Life int }
	}
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != 0 || s.World.Life != 2 {
		t.Errorf("%d %v %s", code, err, out)
	}
}

// The records of worlds in a folder that others may write to are nobody's, so none is kept there.
func TestUnsafeRecords(t *testing.T) {
	t.Parallel()
	c := newCommanded(t)
	if err := os.Chmod(c.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	out, code := c.say("run")
	if code != exitEnvironment || !strings.Contains(out, "FAULTZONE_RUNTIME_DIR") || !strings.Contains(out, "--token-file") {
		t.Errorf("%d %s", code, out)
	}
	p := start(t, c.command("run", "--token-file", filepath.Join(t.TempDir(), "token")))
	p.waitFor("Control: ")
	if !strings.Contains(p.String(), "will not find this world by themselves") {
		t.Error("no warning")
	}
	if !slices.Contains([]int{exitInterrupted}, p.interrupt()) {
		t.Error("it did not end well")
	}
}
