package authoritative

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tool finds a real program. Without it the test is skipped, or fails where FAULTZONE_REQUIRE_TOOLS=1.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	if os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is not installed, and FAULTZONE_REQUIRE_TOOLS=1 asks for it", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// foreground runs a real server until the test ends, and returns when it has said that it is ready.
func foreground(t testing.TB, ready string, command ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), command[0], command[1:]...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) } // nsd has children to end
	c.WaitDelay = 5 * time.Second
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = w, w
	err = c.Start()
	w.Close()
	if err != nil {
		t.Fatalf("%s: %v", command[0], err)
	}
	t.Cleanup(func() { _ = c.Wait(); r.Close() }) // t's context has ended by now
	lines := bufio.NewScanner(r)
	var said strings.Builder
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if strings.Contains(lines.Text(), ready) {
			go io.Copy(io.Discard, r)
			return
		}
	}
	t.Fatalf("%s ended before it was ready:\n%s", command[0], said.String())
}

// freePort is a port of 127.0.0.1 that is free for UDP and TCP. It lies below those that the system hands out by itself,
// so that no program's outgoing socket takes it before it is used.
func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	for range 100 {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(10000+rand.IntN(20000)))
		tcp, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
		if err != nil {
			continue
		}
		udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		tcp.Close()
		if err == nil {
			udp.Close()
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

// startNamed serves zone files, by origin, with named.
func startNamed(t testing.TB, zones map[string]string) netip.AddrPort {
	t.Helper()
	dir, at := t.TempDir(), freePort(t)
	var conf strings.Builder
	fmt.Fprintf(&conf, "options { directory %q; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; minimal-responses yes;\n"+
		"  pid-file none; session-keyfile none; managed-keys-directory %q; dnssec-validation no; notify no; max-udp-size 1232; check-names primary ignore; };\ncontrols { };\n",
		dir, at.Port(), dir)
	for _, origin := range sortedKeys(zones) {
		fmt.Fprintf(&conf, "zone %q { type primary; file %q; check-integrity no; };\n", origin, zones[origin])
	}
	foreground(t, "all zones loaded", tool(t, "named"), "-g", "-n", "1", "-c", writeFile(t, dir, "named.conf", conf.String()))
	return at
}

// startNSD serves zone files, by origin, with nsd, its rate limit off.
func startNSD(t testing.TB, zones map[string]string) netip.AddrPort {
	t.Helper()
	dir, at := t.TempDir(), freePort(t)
	var conf strings.Builder
	fmt.Fprintf(&conf, "server:\n  ip-address: 127.0.0.1\n  port: %d\n  username: \"\"\n  chroot: \"\"\n  zonesdir: %q\n  database: \"\"\n  pidfile: \"\"\n"+
		"  xfrdfile: %q\n  xfrdir: %q\n  zonelistfile: %q\n  server-count: 1\n  minimal-responses: yes\n  rrl-ratelimit: 0\n  verbosity: 2\nremote-control:\n  control-enable: no\n",
		at.Port(), dir, filepath.Join(dir, "xfrd.state"), dir, filepath.Join(dir, "zone.list"))
	for _, origin := range sortedKeys(zones) {
		fmt.Fprintf(&conf, "zone:\n  name: %q\n  zonefile: %q\n", origin, zones[origin])
	}
	foreground(t, "nsd started", tool(t, "nsd"), "-d", "-c", writeFile(t, dir, "nsd.conf", conf.String()))
	return at
}
