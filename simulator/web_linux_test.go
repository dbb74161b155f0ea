package simulator_test

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"faultzone/simulator"
	"faultzone/simulator/edge"
)

const webNamespace = "FAULTZONE_WEB_NAMESPACE"

// Step 1 of a diagnosis, with curl as an operator types it: by address and by name, in a namespace that has the world's
// addresses. While the resolver is gone only the address works.
func TestCurlByAddressAndByName(t *testing.T) {
	if os.Getenv(webNamespace) == "" {
		missing := ""
		if _, err := exec.LookPath("curl"); err != nil {
			missing = "curl is not installed"
		} else if out, err := exec.Command("unshare", "-Urnm", "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			missing = fmt.Sprintf("no network namespace can be made here: %v %s", err, out)
		}
		if missing != "" {
			if os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
		cmd := exec.Command("unshare", "-Urnm", os.Args[0], "-test.run=^TestCurlByAddressAndByName$", "-test.v", "-test.timeout=1m")
		cmd.Env = append(os.Environ(), webNamespace+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestCurlByAddressAndByName") {
			t.Fatalf("in the namespace: %v\n%s", err, out)
		}
		return
	}
	w := start(t, base(t), simulator.Options{Live: true})
	addresses := "link set lo up\n"
	add := func(list []netip.Addr) {
		for _, a := range list {
			nodad := ""
			if a.Is6() {
				nodad = " nodad"
			}
			addresses += fmt.Sprintf("addr add %s/%d dev lo%s\n", a, a.BitLen(), nodad)
		}
	}
	for _, n := range w.EdgeNodes() {
		add(n.Addresses)
	}
	for _, n := range w.WebNodes() {
		add(n.Addresses)
	}
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(addresses)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ip: %v %s", err, out)
	}
	conf := t.TempDir() + "/resolv.conf"
	if err := os.WriteFile(conf, []byte("nameserver 10.0.1.10\noptions timeout:1 attempts:1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "--bind", conf, "/etc/resolv.conf").CombinedOutput(); err != nil {
		t.Fatalf("mount: %v %s", err, out)
	}
	dns, err := edge.Exact(edge.Config{Network: w.Network(), Nodes: w.EdgeNodes(), As: w.VantageAddresses()})
	if err != nil {
		t.Fatal(err)
	}
	defer dns.Close()
	web, err := edge.Web(edge.WebConfig{Network: w.Network(), Nodes: w.WebNodes(), Form: edge.WebExact, As: w.VantageAddresses()})
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()

	curl := func(url string) (string, error) {
		out, err := exec.Command("sh", "-c", `curl -o /dev/null -s -w "%{http_code}" `+url).Output()
		return string(out), err
	}
	check := func(when, url, want string) {
		t.Helper()
		if got, err := curl(url); got != want {
			t.Errorf("%s: %s: %q, %v, want %s", when, url, got, err, want)
		}
	}
	const byAddress, byName = "http://10.0.2.50/healthz", "http://api.solvethenetwork.com/healthz"
	check("healthy", byAddress, "200")
	check("healthy", byName, "200")
	if _, err := w.Inject("server-down", "", map[string]any{"node": "resolver-a", "looks": "refused"}, 0); err != nil {
		t.Fatal(err)
	}
	check("without a resolver", byAddress, "200")
	check("without a resolver", byName, "000")
	if err := w.HealAll(); err != nil {
		t.Fatal(err)
	}
	check("healed", byName, "200")
}
