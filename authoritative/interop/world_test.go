package interop_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/edge"
	"faultzone/simulator/fault"
	"faultzone/simulator/play"
)

// worldVariable holds, for this test binary run once more in a namespace of its own, which world it is to be.
const worldVariable = "FAULTZONE_INTEROP_WORLD"

func TestMain(m *testing.M) {
	if text := os.Getenv(worldVariable); text != "" {
		if err := beWorld(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// plan is a world to be.
type plan struct {
	Scenario string // a file
	Start    time.Time
	Anchors  string // a file to be written
}

// outside and inside are where the tests' programs ask from.
const (
	outside = "203.0.113.100"
	inside  = "10.0.2.100"
)

// beWorld is a live world on its exact addresses, until its standard input ends: with whoever started it.
func beWorld(text string) error {
	var p plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	s, _, err := scenarios.LoadWorld(p.Scenario, fault.Vocabulary())
	if err != nil {
		return err
	}
	w, err := simulator.New(s, simulator.Options{Live: true, Start: p.Start})
	if err != nil {
		return err
	}
	defer w.Close()
	addresses := []netip.Addr{netip.MustParseAddr(outside), netip.MustParseAddr(inside)}
	for _, n := range w.EdgeNodes() {
		addresses = append(addresses, n.Addresses...)
	}
	if err := haveAddresses(addresses); err != nil {
		return err
	}
	e, err := edge.Exact(edge.Config{Network: w.Network(), Nodes: w.EdgeNodes(), As: w.VantageAddresses()})
	if err != nil {
		return err
	}
	defer e.Close()
	r, err := play.Run(context.Background(), w, play.Options{})
	if err != nil {
		return err
	}
	for _, f := range r.Faults {
		fmt.Printf("%+v\n", f)
	}
	if err := w.Advance(time.Minute); err != nil { // whatever was changed reaches the secondaries
		return err
	}
	ds, dnskey := w.Anchors()
	var anchors strings.Builder
	for _, rr := range append(ds, dnskey...) {
		fmt.Fprintln(&anchors, rr)
	}
	if err := os.WriteFile(p.Anchors, []byte(anchors.String()), 0o644); err != nil {
		return err
	}
	fmt.Println("the world is ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// haveAddresses gives the namespace's loopback its addresses.
func haveAddresses(list []netip.Addr) error {
	script := "link set lo up\n"
	for _, a := range list {
		script += fmt.Sprintf("addr replace %s dev lo\n", a)
	}
	c := exec.Command("ip", "-batch", "-")
	c.Stdin = strings.NewReader(script)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w: %s", err, out)
	}
	return nil
}

// world is a world in a network namespace of its own, where every address is as in life and servers are at port 53.
type world struct {
	*program
	t       testing.TB
	dir     string
	anchors string // the root's DS and DNSKEY, as records
	conf    string // the same in BIND's words
	hints   string
}

// startWorld starts the base world with steps (TOML), its scenario's beginning set to start, and waits until they are done.
func startWorld(t testing.TB, steps, calendar string, start time.Time) *world {
	t.Helper()
	tool(t, "ip")
	tool(t, "nsenter")
	dir := t.TempDir()
	w := &world{t: t, dir: dir, anchors: filepath.Join(dir, "root.key"), conf: filepath.Join(dir, "root.conf")}
	w.hints = writeFile(t, dir, "root.hints", ". 518400 NS a.root-servers.net.\n. 518400 NS b.root-servers.net.\n"+
		"a.root-servers.net. 518400 A 198.41.0.4\nb.root-servers.net. 518400 A 170.247.170.2\n")
	scenario := writeFile(t, dir, "world.toml", "title = \"for other programs\"\nbase = \"solvethenetwork\"\n"+calendar+"\n"+steps)
	text, err := json.Marshal(plan{Scenario: scenario, Start: start, Anchors: w.anchors})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), worldVariable+"="+string(text), "GORACE=atexit_sleep_ms=0")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	held, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Close() })
	if out, err := exec.Command("unshare", "-Urn", "true").CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("network namespaces are not to be had here (%v: %s)", err, out))
	}
	w.program = foreground(t, "the world is ready", c)
	w.bindAnchors()
	return w
}

// bindAnchors writes the anchors as BIND's trust-anchors.
func (w *world) bindAnchors() {
	w.t.Helper()
	text, err := os.ReadFile(w.anchors)
	if err != nil {
		w.t.Fatal(err)
	}
	conf := "trust-anchors {\n"
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 8 && f[3] == "DS" {
			conf += lines(". static-ds %s \"%s\";", strings.Join(f[4:7], " "), strings.Join(f[7:], ""))
		}
	}
	writeFile(w.t, w.dir, "root.conf", conf+"};\n")
}

// command is a real program about to be run in the world.
func (w *world) command(name string, args ...string) *exec.Cmd {
	w.t.Helper()
	enter := []string{"-t", fmt.Sprint(w.cmd.Process.Pid), "-U", "-n", "--preserve-credentials", "--", tool(w.t, name)}
	return command(w.t, "nsenter", append(enter, args...)...)
}

// run runs a program in the world, and tells what it printed, whether it was content or not.
func (w *world) run(name string, args ...string) string {
	w.t.Helper()
	out, err := try(w.t, w.command(name, args...))
	if err != nil {
		out += fmt.Sprintf("(%v)\n", err)
	}
	return out
}
