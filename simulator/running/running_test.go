//go:build unix

package running_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"faultzone/simulator/running"
)

func announce(t *testing.T, dir, id string) *running.Record {
	t.Helper()
	r, err := running.Announce(dir, running.World{ID: id, PID: os.Getpid(), Command: "run", Scenario: id, Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ids(t *testing.T, dir string) string {
	t.Helper()
	list, err := running.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, w := range list {
		all = append(all, w.ID)
	}
	return strings.Join(all, " ")
}

// Whoever looks at the records while a world is announced does not take its name from it.
func TestAnnouncedUnderEyes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	var over atomic.Bool
	var watchers sync.WaitGroup
	for range 4 {
		watchers.Go(func() {
			for !over.Load() {
				if _, err := running.List(dir); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 500 {
		r := announce(t, dir, "w")
		if r.ID != "w" {
			t.Errorf("it is called %s", r.ID)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	over.Store(true)
	watchers.Wait()
}

func TestRecords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	if _, err := running.Find(dir, ""); err == nil || !strings.Contains(err.Error(), "faultzone run") {
		t.Errorf("in an empty folder: %v", err)
	}
	one := announce(t, dir, "zone-expiry")
	info, err := os.Stat(one.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the record's mode: %v %v", info.Mode(), err)
	}
	if w, err := running.Find(dir, ""); err != nil || w.ID != "zone-expiry" || w.Token != "secret" {
		t.Errorf("the only one: %+v %v", w, err)
	}
	two := announce(t, dir, "zone-expiry")
	three := announce(t, dir, "../etc/my world.toml")
	if got := ids(t, dir); got != "etc-my-world-toml zone-expiry zone-expiry-2" {
		t.Errorf("there are %s", got)
	}
	if _, err := running.Find(dir, ""); err == nil || !strings.Contains(err.Error(), "zone-expiry, zone-expiry-2") {
		t.Errorf("which of three: %v", err)
	}
	if _, err := running.Find(dir, "zone"); err == nil || !strings.Contains(err.Error(), `"zone"`) {
		t.Errorf("an unknown one: %v", err)
	}
	w := two.World
	w.Control = "http://127.0.0.1:1"
	if err := two.Update(w); err != nil {
		t.Fatal(err)
	}
	if w, err := running.Find(dir, "zone-expiry-2"); err != nil || w.Control != "http://127.0.0.1:1" {
		t.Errorf("after an update: %+v %v", w, err)
	}
	for _, r := range []*running.Record{one, two, three} {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A link is no record, wherever it leads.
func TestLinkForARecord(t *testing.T) {
	dir := t.TempDir()
	elsewhere := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(elsewhere, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "w.world")); err != nil {
		t.Fatal(err)
	}
	if r, err := running.Announce(dir, running.World{ID: "w"}); err == nil {
		t.Errorf("announced as %s", r.ID)
	}
	if got := ids(t, dir); got != "" {
		t.Errorf("listed: %s", got)
	}
	if text, err := os.ReadFile(elsewhere); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
}

// A killed program's record is nobody's: it is not listed, and its ID is free.
func TestKilledWorldLeavesNothing(t *testing.T) {
	dir := os.Getenv("FAULTZONE_TEST_RECORDS")
	if dir != "" {
		r := announce(t, dir, "killed")
		os.Stdout.WriteString("announced\n")
		os.Stdin.Read(make([]byte, 1)) // until it is killed
		runtime.KeepAlive(r)
		return
	}
	dir = t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWorldLeavesNothing$")
	cmd.Env = append(os.Environ(), "FAULTZONE_TEST_RECORDS="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 10)); err != nil {
		t.Error(err)
	}
	if got := ids(t, dir); got != "killed" {
		t.Errorf("while it runs: %q", got)
	}
	cmd.Process.Kill()
	cmd.Wait()
	r := announce(t, dir, "killed")
	defer r.Close()
	if got := ids(t, dir); got != "killed" || r.ID != "killed" {
		t.Errorf("after its end: %q", got)
	}
}

// A folder that others can write to is refused: what is in it need not be ours.
func TestFolderOfOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := running.Announce(dir, running.World{ID: "a"}); err == nil || !strings.Contains(err.Error(), "FAULTZONE_RUNTIME_DIR") {
		t.Errorf("got %v", err)
	}
}
