package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// dig follows the delegations from the root by itself, over the world's own addresses.
func TestDigTracesTheExactWorld(t *testing.T) {
	t.Parallel()
	unshare, ip := tool(t, "unshare"), tool(t, "ip")
	tool(t, "dig")
	if out, err := exec.Command(unshare, "-Urn", ip, "link", "set", "lo", "up").CombinedOutput(); err != nil {
		if os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
			t.Fatalf("no network namespace can be made here: %v %s", err, out)
		}
		t.Skipf("no network namespace can be made here: %v %s", err, out)
	}
	ready := filepath.Join(t.TempDir(), "addresses")
	script := `set -e
echo "nameserver 10.0.1.10" >"$1.resolv"
mount --bind "$1.resolv" /etc/resolv.conf
ip link set lo up
for a in 198.41.0.4 170.247.170.2 192.5.6.30 192.33.14.30 10.0.1.20 203.0.113.53 10.0.3.20 198.51.100.53 10.0.1.10 10.0.1.11 10.0.5.10 198.51.100.8 10.0.2.100 203.0.113.9 10.0.2.50 203.0.113.80; do
	ip addr add $a dev lo
done
ip addr add fd00:2::50 dev lo
ip addr add 2001:db8:cb00::80 dev lo
"$0" run --edge exact --addr-file "$1" >&2 &
trap "kill $!" EXIT
for i in $(seq 300); do [ -e "$1" ] && break; sleep 0.1; done
dig -b 10.0.2.100 @10.0.1.10 +trace +nodnssec api.solvethenetwork.com A
echo "outside: $(dig -b 203.0.113.9 @198.51.100.53 +short api.solvethenetwork.com A)"
echo "inside: $(dig -b 10.0.2.100 @10.0.1.10 +short -x 10.0.2.50)"
`
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, unshare, "-Urnm", "--fork", "--kill-child", "sh", "-c", script, "faultzone", ready)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(string(out), "inside:") {
		t.Fatalf("%v\n%s", err, out)
	}
	has(t, string(out), `Received \d+ bytes from 198\.41\.0\.4#53|Received \d+ bytes from 170\.247\.170\.2#53`)
	has(t, string(out), `Received \d+ bytes from 192\.\d+\.\d+\.30#53`)
	has(t, string(out), `^api\.solvethenetwork\.com\.\s+300\s+IN\s+A\s+10\.0\.2\.50$`)
	has(t, string(out), `^outside: 203\.0\.113\.80$`)
	has(t, string(out), `^inside: api\.solvethenetwork\.com\.$`)
}
