package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"
)

// short asks for the addresses of a name, as dig +short does, from a local address ("" for any).
func short(t *testing.T, from, server, name string) string {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), dns.TypeA)
	c := &dns.Client{Timeout: patience}
	if from != "" {
		c.Dialer = &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}
	}
	reply, _, err := c.Exchange(m, server)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, rr := range reply.Answer {
		if a, ok := rr.(*dns.A); ok {
			list = append(list, a.A.String())
		}
	}
	return strings.Join(list, " ")
}

func TestRunTakesClientsForAnybody(t *testing.T) {
	t.Parallel()
	for as, want := range map[string]string{"10.0.5.20": "10.0.2.50", "203.0.113.9": "203.0.113.80"} {
		w := runWorld(t, "--as", as)
		if got := short(t, "", w.addresses["NS1"], "api.solvethenetwork.com"); got != want {
			t.Errorf("ns1 tells %s that api is at %s, want %s", as, got, want)
		}
		if !strings.Contains(w.String(), "10.0.1.20") == (as == "10.0.5.20") {
			t.Errorf("the door of ns1 for %s is not in its scope", as)
		}
	}
}

func TestRunOnLoopbackAddresses(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8 on its loopback")
	}
	port := freePort(t)
	w := runWorld(t, "split-horizon", "--edge", "loopback", "--port", port, "--speed", "600")
	w.waitFor("inject ")
	for from, want := range map[string]string{"127.0.5.9": "203.0.113.80", "127.0.2.9": "10.0.2.50", "127.0.0.1": "10.0.2.50"} {
		if got := short(t, from, "127.0.1.20:"+port, "api.solvethenetwork.com"); got != want {
			t.Errorf("ns1 tells %s that api is at %s, want %s", from, got, want)
		}
	}
	out := output(t, "dig", "-b", "127.0.5.9", "@127.0.1.20", "-p", port, "api.solvethenetwork.com", "A", "+short")
	if strings.TrimSpace(out) != "203.0.113.80" {
		t.Errorf("dig says %s", out)
	}
	if got := w.addresses["RESOLVER_A"]; got != "127.0.1.10:"+port {
		t.Errorf("resolver-a is at %s", got)
	}
	if got := w.addresses["A_ROOT_SERVERS_NET"]; !strings.HasPrefix(got, "127.0.0.1:") {
		t.Errorf("the root is at %s", got)
	}
}

func TestRunSeedDecidesTheKeys(t *testing.T) {
	t.Parallel()
	anchors := func(seed string) string {
		text, err := os.ReadFile(runWorld(t, "--seed", seed).anchors)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := anchors("7")
	if anchors("7") != first {
		t.Error("the same seed gave another root key")
	}
	if anchors("8") == first {
		t.Error("another seed gave the same root key")
	}
}

func TestRunBeginsWhenToldTo(t *testing.T) {
	t.Parallel()
	w := runWorld(t, "rrsig-expired", "--start", "2031-05-06T07:08:09Z", "--speed", "0.001")
	w.waitFor("world time 2031-05-06T07:08:09Z")
	w.waitFor("inject resigning-stopped")
	m := new(dns.Msg)
	m.SetQuestion("api.solvethenetwork.com.", dns.TypeA)
	m.SetEdns0(1232, true)
	reply, _, err := (&dns.Client{Timeout: patience}).Exchange(m, w.addresses["NS1"])
	if err != nil {
		t.Fatal(err)
	}
	for _, rr := range reply.Answer {
		if sig, ok := rr.(*dns.RRSIG); ok {
			if got := dns.TimeToString(sig.Expiration); got != "20310506080809" { // an hour after the start
				t.Errorf("the signature ends at %s", got)
			}
			return
		}
	}
	t.Errorf("no signature in %v", reply)
}

func TestRunOnceGivesAVerdict(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wrong := filepath.Join(dir, "wrong.toml")
	if err := os.WriteFile(wrong, []byte(`title = "wrong"
base = "solvethenetwork"
[[step]]
at = "0s"
query = "api.solvethenetwork.com. A"
via = "resolver-a"
expect = { rcode = "NXDOMAIN" }
`), 0o666); err != nil {
		t.Fatal(err)
	}
	journal := filepath.Join(dir, "journal.jsonl")
	for scenario, want := range map[string]int{"split-horizon": 0, wrong: exitFailed} {
		p := start(t, exec.Command("faultzone", "run", scenario, "--once", "--speed", "1200", "--journal", journal))
		if got := p.end(); got != want {
			t.Errorf("%s: exit code %d, want %d", scenario, got, want)
		}
		text, err := os.ReadFile(journal)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		for _, line := range lines {
			if !json.Valid(line) {
				t.Fatalf("%s: the journal has %q", scenario, line)
			}
		}
		if len(lines) < 10 {
			t.Errorf("%s: %d lines of journal", scenario, len(lines))
		}
	}
}

func TestRunTellsOfATakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	p := start(t, exec.Command("faultzone", "run", "--port", port))
	if code := p.end(); code != exitEnvironment {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"a.root-servers.net", "127.0.0.1:" + port, "address already in use", "choose another with --port"} {
		if !strings.Contains(p.String(), want) {
			t.Errorf("nothing of %q", want)
		}
	}
}

func TestRunTellsOfAPrivilegedPort(t *testing.T) {
	t.Parallel()
	first := 1024
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err == nil {
		first, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	if first < 2 {
		t.Skip("this machine has no privileged ports")
	}
	path, err := exec.LookPath("faultzone")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "run", "--port", "1")
	if os.Getuid() == 0 {
		const nobody = 65534
		copied := unprivilegedCopy(t, path)
		cmd = exec.Command(copied, "run", "--port", "1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		cmd.Dir = "/"
	}
	p := start(t, cmd)
	if code := p.end(); code != exitEnvironment {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"permission denied", "ports below 1024 need a privilege", "--port"} {
		if !strings.Contains(p.String(), want) {
			t.Errorf("nothing of %q", want)
		}
	}
}

// unprivilegedCopy puts the program where everybody may run it; its name is what makes the test binary the program.
func unprivilegedCopy(t *testing.T, path string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "faultzone-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "faultzone")
	if err := os.WriteFile(copied, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return copied
}

func TestInterruptClosesEverySocket(t *testing.T) {
	t.Parallel()
	w := runWorld(t, "rrsig-expired")
	c, err := net.Dial("tcp4", w.addresses["NS1"]) // a client that stays connected holds nothing up
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if code := w.interrupt(); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	for name, address := range w.addresses {
		if strings.HasPrefix(name, "TSIG_") {
			continue
		}
		u, err := net.ListenPacket("udp4", address)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		u.Close()
		if c, err := net.Dial("tcp4", address); err == nil {
			c.Close()
			t.Errorf("%s still answers", name)
		}
	}
}

// What was there before, a device or a link, is written to and not replaced; a file of an earlier world is.
func TestRunFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stale, link, target := filepath.Join(dir, "world.env"), filepath.Join(dir, "link"), filepath.Join(dir, "target")
	if err := os.WriteFile(stale, []byte("FAULTZONE_OLD=127.0.0.1:1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	p := start(t, exec.Command("faultzone", "run", "resolver-down", "--speed", "100000", "--once", "--addr-file", stale,
		"--anchor-file", link, "--journal", os.DevNull))
	p.end()
	if text, _ := os.ReadFile(stale); !bytes.Contains(text, []byte("FAULTZONE_NS1=")) || bytes.Contains(text, []byte("OLD")) {
		t.Errorf("the address file holds %q", text)
	}
	if text, _ := os.ReadFile(target); !bytes.Contains(text, []byte("DS")) {
		t.Errorf("the link's target holds %q", text)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().IsRegular() {
		t.Errorf("the link was replaced")
	}
	if info, err := os.Lstat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s was replaced", os.DevNull)
	}
}
