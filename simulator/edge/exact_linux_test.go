package edge_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
)

const inNamespace = "FAULTZONE_NAMESPACE"

// Every address as it is, in a network namespace of the test's own.
func TestExact(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		if out, err := exec.Command("unshare", "-Urn", "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			if os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
				t.Fatalf("no network namespace can be made here: %v %s", err, out)
			}
			t.Skipf("no network namespace can be made here: %v %s", err, out)
		}
		cmd := exec.Command("unshare", "-Urn", os.Args[0], "-test.run=^TestExact$", "-test.v", "-test.timeout=1m")
		cmd.Env = append(os.Environ(), inNamespace+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestExact") {
			t.Fatalf("in the namespace: %v\n%s", err, out)
		}
		return
	}
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(`link set lo up
addr add 10.0.1.20 dev lo
addr add 10.0.2.30 dev lo
addr add 203.0.113.53 dev lo
addr add fd00::20/128 dev lo nodad
addr add fd00::30/128 dev lo nodad
`)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ip: %v %s", err, out)
	}
	l := newLittle(t)
	l.add(t, "ns1", echo{}, "10.0.1.20", "203.0.113.53", "fd00::20")
	e, err := edge.Exact(l.config(t))
	opened(t, e, err)
	if n := len(e.Doors()); n != 3 {
		t.Fatalf("%d doors", n)
	}
	// Linux makes the routes of IPv6 addresses beside; what is sent before is lost.
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("fd00::30")}, Timeout: time.Second}
	for began := (clock.Wall{}).Now(); ; {
		c, err := d.Dial("tcp", "[fd00::20]:53")
		if err == nil {
			c.Close()
			break
		}
		if (clock.Wall{}).Since(began) > patience {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ at, from, want string }{
		{"10.0.1.20", "10.0.2.30", "10.0.2.30 10.0.1.20:53"},
		{"203.0.113.53", "10.0.2.30", "10.0.2.30 203.0.113.53:53"},
		{"fd00::20", "fd00::30", "fd00::30 [fd00::20]:53"},
		{"10.0.1.20", "127.0.0.1", "10.0.2.100 10.0.1.20:53"},
	} {
		for _, proto := range []string{"udp", "tcp"} {
			conn := dial(t, proto, netip.AddrPortFrom(netip.MustParseAddr(c.at), 53), c.from)
			for _, data := range []string{"now", "later"} {
				if got := exchange(t, conn, data); got != proto+" "+c.want+" "+data {
					t.Errorf("from %s to %s: %q", c.from, c.at, got)
				}
			}
		}
	}
	outside := newLittle(t)
	outside.add(t, "ns9", echo{}, "10.0.1.99")
	// What others could reach is not opened, and what is not here is told with what to do.
	if out, err := exec.Command("sh", "-c", "ip link add out type dummy && ip addr add 10.0.1.99 dev out").CombinedOutput(); err != nil {
		t.Logf("this kernel has no dummy interfaces: %s", out)
	} else if _, err := edge.Exact(outside.config(t)); err == nil || !strings.Contains(err.Error(), "10.0.1.99 of ns9 is an address of out, where others can reach it") {
		t.Errorf("on another interface: %v", err)
	}
	l = newLittle(t)
	l.add(t, "ns8", echo{}, "10.0.1.98", "10.0.1.97")
	if _, err := edge.Exact(l.config(t)); !errors.Is(err, syscall.EADDRNOTAVAIL) || !strings.Contains(err.Error(), "for a in 10.0.1.98 10.0.1.97; do ip addr add") {
		t.Errorf("not here: %v", err)
	}
}
