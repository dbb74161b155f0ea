package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// The command is on a client of the world: with its resolv.conf, its address, and what servers tell that address.
func TestExecIsAClient(t *testing.T) {
	t.Parallel()
	enclosures(t)
	tool(t, "dig")
	tool(t, "getent")
	for _, c := range []struct {
		name, as, command string
		want              []string
	}{
		{"the first client", "", "cat /etc/resolv.conf", []string{`^nameserver 10\.0\.1\.10\nnameserver 10\.0\.1\.11\nsearch solvethenetwork\.com\noptions timeout:2 attempts:3 rotate$`}},
		{"names from files and DNS alone", "", "grep ^hosts: /etc/nsswitch.conf; cat /etc/hosts", []string{`^hosts: files dns$`, `^127\.0\.0\.1 localhost$`}},
		{"the C library", "", "getent ahostsv4 api.solvethenetwork.com; getent hosts api", []string{`^10\.0\.2\.50 +STREAM`, `^fd00:2::50 +api\.solvethenetwork\.com$`}},
		{"another client", "branch-01", "cat /etc/resolv.conf", []string{`^nameserver 10\.0\.5\.10\nnameserver 10\.0\.1\.10$`}},
		{"by its address", "10.0.5.20", "cat /etc/resolv.conf", []string{`^nameserver 10\.0\.5\.10$`}},
		{"its neighbour", "10.0.5.77", "cat /etc/resolv.conf; dig +short @10.0.1.20 api.solvethenetwork.com", []string{`^nameserver 10\.0\.5\.10$`, `^10\.0\.2\.50$`}},
		{"inside", "web-01", "dig +short @ns1.solvethenetwork.com api.solvethenetwork.com", []string{`^10\.0\.2\.50$`}},
		{"outside", "roaming-01", "dig +short @ns1.solvethenetwork.com api.solvethenetwork.com; cat /etc/resolv.conf", []string{`^203\.0\.113\.80$`, `^nameserver 198\.51\.100\.8$`}},
		{"over TCP too", "roaming-01", "dig +short +tcp @203.0.113.53 api.solvethenetwork.com", []string{`^203\.0\.113\.80$`}},
		{"dig -b", "web-01", "dig -b 203.0.113.10 +short @203.0.113.53 api.solvethenetwork.com", []string{`^203\.0\.113\.80$`}},
		{"a local stub", "app-01", "cat /etc/resolv.conf; dig +short api.solvethenetwork.com; dig +short +tcp @127.0.0.53 www.solvethenetwork.com",
			[]string{`^nameserver 127\.0\.0\.53$`, `^10\.0\.2\.50$`, `^10\.0\.2\.40$`}},
		{"root servers", "", "dig +norec @198.41.0.4 com NS", []string{`^com\.\s+\d+\s+IN\s+NS\s+a\.gtld-servers\.net\.$`}},
		{"reverse", "", "dig +short -x 10.0.2.50", []string{`^api\.solvethenetwork\.com\.$`}},
		{"resolv.conf can be changed", "", "echo nameserver 10.0.1.11 >/etc/resolv.conf; dig api.solvethenetwork.com | grep SERVER", []string{`SERVER: 10\.0\.1\.11#53`}},
		{"trust anchors", "", "cat /etc/faultzone/root.key /etc/faultzone/root.conf", []string{`IN\s+DS\s+\d+ 13 2`, `^trust-anchors \{$`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"solvethenetwork", "--", "sh", "-c", c.command}
			if c.as != "" {
				args = append([]string{"--as", c.as}, args...)
			}
			got := within(t, args...)
			for _, want := range c.want {
				has(t, got.out, want)
			}
			if t.Failed() {
				t.Log(got.err)
			}
		})
	}
}

// The new subnet is taken for the outside, and only there.
func TestExecSplitHorizon(t *testing.T) {
	t.Parallel()
	enclosures(t)
	tool(t, "dig")
	for as, want := range map[string]string{"branch-01": "203.0.113.80\n", "10.0.5.99": "203.0.113.80\n", "web-01": "10.0.2.50\n"} {
		got := within(t, "split-horizon", "--at", "2m", "--as", as, "--", "dig", "+short", "@ns1.solvethenetwork.com", "api.solvethenetwork.com")
		if got.out != want {
			t.Errorf("%s: %+v", as, got)
		}
	}
}

// A failure looks to a socket as it is.
func TestExecFailuresLookTrue(t *testing.T) {
	t.Parallel()
	enclosures(t)
	file := filepath.Join(t.TempDir(), "failures.toml")
	text := "title = \"Each failure\"\nbase = \"solvethenetwork\"\n"
	for node, looks := range map[string]string{"resolver-a": "silent", "resolver-b": "refused", "resolver-branch": "hang"} {
		text += fmt.Sprintf("[[step]]\nat = \"0s\"\ninject = \"server-down\"\nnode = %q\nlooks = %q\nas = %q\n", node, looks, looks)
	}
	text += "[[step]]\nat = \"0s\"\ninject = \"partition\"\nbetween = [\"web-01\"]\nand = [\"ns2\"]\n"
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	got := within(t, file, "--", "look", "10.0.1.10", "10.0.1.11", "10.0.5.10", "10.0.3.20", "10.0.1.20", "10.99.99.99", "2001:db8:9::9")
	const want = `10.0.1.10 udp read: timeout
10.0.1.10 tcp connect: timeout
10.0.1.11 udp read: connection refused
10.0.1.11 tcp connect: connection refused
10.0.5.10 udp read: timeout
10.0.5.10 tcp read: timeout
10.0.3.20 udp read: timeout
10.0.3.20 tcp read: timeout
10.0.1.20 udp answer
10.0.1.20 tcp answer
10.99.99.99 udp connect: no route to host
10.99.99.99 tcp connect: no route to host
2001:db8:9::9 udp connect: no route to host
2001:db8:9::9 tcp connect: no route to host
`
	if got.out != want {
		t.Errorf("it looks like this:\n%s%s", got.out, got.err)
	}
}

// What is silent comes back when it is healed, over both transports.
func TestExecHeals(t *testing.T) {
	t.Parallel()
	enclosures(t)
	if got := within(t, "resolver-down", "--at", "11m", "--", "look", "10.0.1.10"); got.out != "10.0.1.10 udp answer\n10.0.1.10 tcp answer\n" {
		t.Errorf("%+v", got)
	}
}

// unboundIn is a configuration of unbound as resolver-a of a world, with nothing but the root's names and anchor.
func unboundIn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "unbound.conf")
	text := fmt.Sprintf(`server:
	use-syslog: no
	log-queries: yes
	do-daemonize: no
	chroot: ""
	username: ""
	directory: %[1]q
	pidfile: ""
	interface: 10.0.1.10
	access-control: 0.0.0.0/0 allow
	root-hints: "%[1]s/hints"
	trust-anchor-file: "/etc/faultzone/root.key"
	do-not-query-localhost: no
	ede: yes
remote-control:
	control-enable: no
`, dir)
	hints := ". 3600000 NS a.root-servers.net.\na.root-servers.net. 3600000 A 198.41.0.4\n"
	for name, text := range map[string]string{conf: text, filepath.Join(dir, "hints"): hints} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return conf
}

// A real resolver takes a node's place, finds the root servers where they are in life, and lives through an outage.
func TestExecUnboundInTheWorld(t *testing.T) {
	t.Parallel()
	enclosures(t)
	unbound := tool(t, "unbound")
	tool(t, "dig")
	conf := unboundIn(t)
	const script = `"$0" -d -c "$1" >&2 &
for i in $(seq 100); do dig +short +time=1 +tries=1 @10.0.1.10 api.solvethenetwork.com | grep -q . && break; sleep 0.1; done
dig @10.0.1.10 api.solvethenetwork.com A +dnssec
while dig +short +time=1 +tries=1 @10.0.3.20 www.solvethenetwork.com | grep -q ^10; do sleep 0.1; done
dig +time=10 @10.0.1.10 api.solvethenetwork.com A | sed s/^/cached:/
dig +time=3 +tries=1 @10.0.1.10 www.solvethenetwork.com A | sed s/^/gone:/
`
	got := within(t, "--without", "resolver-a", "auth-outage", "--at", "2m4s", "--", "sh", "-c", script, unbound, conf)
	has(t, got.out, `^;; flags: qr rd ra ad; QUERY: 1, ANSWER: 2`)
	has(t, got.out, `^cached:api\.solvethenetwork\.com\.\s+\d+\s+IN\s+A\s+10\.0\.2\.50$`)
	has(t, got.out, `^gone:.*(status: SERVFAIL|timed out)`)
	if t.Failed() {
		t.Log(got.err)
	}
	if left := processes(t, conf); len(left) > 0 {
		t.Errorf("unbound is left behind: %v", left)
	}
}

// The world's own clients ask the real resolver too, from their own addresses, and what the network does to the node is
// done to it.
func TestExecStepsAskTheRealResolver(t *testing.T) {
	t.Parallel()
	enclosures(t)
	unbound := tool(t, "unbound")
	tool(t, "dig")
	file := filepath.Join(t.TempDir(), "steps.toml")
	const text = `title = "Questions to a real resolver"
base = "solvethenetwork"
[[step]]
at = "3s"
query = "api.solvethenetwork.com. A +tcp"
via = "resolver-a"
expect = { rcode = "NOERROR", ad = true, answer = ["10.0.2.50"] }
[[step]]
at = "3s"
query = "api.solvethenetwork.com. A"
client = "db-01"
expect = { rcode = "NOERROR", answer = ["10.0.2.50"], server = "resolver-a" }
`
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	conf := unboundIn(t)
	got := within(t, "--without", "resolver-a", "--verbose", file, "--", "sh", "-c", `"$0" -d -c "$1" >"$1.log" 2>&1 & sleep 4; cat "$1.log"`, unbound, conf)
	has(t, got.err, `ask resolver-a for api\.solvethenetwork\.com\. A \+tcp\n.*✓ NOERROR ad`)
	has(t, got.err, `db-01.*api\.solvethenetwork\.com\. A\n.*✓ NOERROR`)
	has(t, got.out, `10\.0\.2\.30`)
}

// The diagnosis's steps in the healthy world, as they are written. The last of them are in TestExecStandIns.
func TestExecDiagnosis(t *testing.T) {
	t.Parallel()
	enclosures(t)
	for _, program := range []string{"curl", "dig", "nc", "awk"} {
		tool(t, program)
	}
	const steps = `curl -o /dev/null -s -w "%{http_code}" http://10.0.2.50/healthz; echo
curl -o /dev/null -s -w "%{http_code}" http://api.solvethenetwork.com/healthz; echo
dig @10.0.1.10 . SOA +time=2 +tries=1
nc -uzv 10.0.1.10 53
cat /etc/resolv.conf
dig solvethenetwork.com NS +short
dig @ns1.solvethenetwork.com api.solvethenetwork.com A +noall +answer
dig @10.0.1.10 api.solvethenetwork.com A +dnssec
for ns in ns1.solvethenetwork.com ns2.solvethenetwork.com; do
  echo -n "$ns serial: "
  dig @$ns solvethenetwork.com SOA +short | awk '{print $3}'
done
`
	got := within(t, "solvethenetwork", "--", "bash", "-c", steps)
	has(t, got.out, `\A200\n200$`)
	has(t, got.out, `status: NOERROR`)
	has(t, got.err, `10\.0\.1\.10.*53`)
	has(t, got.out, `^ns1\.solvethenetwork\.com\.$`)
	has(t, got.out, `^api\.solvethenetwork\.com\.\s+300\s+IN\s+A\s+10\.0\.2\.50$`)
	has(t, got.out, `^;; flags: qr rd ra ad; QUERY: 1, ANSWER: 2`)
	has(t, got.out, `^ns1\.solvethenetwork\.com serial: 2024040201\nns2\.solvethenetwork\.com serial: 2024040201$`)
}

// The address goes on working when the name does not.
func TestExecAddressWithoutName(t *testing.T) {
	t.Parallel()
	enclosures(t)
	tool(t, "curl")
	got := within(t, "rrsig-expired", "--at", "1h6m", "--as", "10.0.5.21", "--", "sh", "-c",
		`echo nameserver 10.0.1.10 >/etc/resolv.conf
for host in 10.0.2.50 api.solvethenetwork.com; do curl -o /dev/null -s -w "%{http_code}\n" http://$host/healthz; done`)
	if got.out != "200\n000\n" {
		t.Errorf("%+v", got)
	}
}

// What the steps do is told on request, and the journal has it all.
func TestExecTells(t *testing.T) {
	t.Parallel()
	enclosures(t)
	journal := filepath.Join(t.TempDir(), "journal.jsonl")
	got := within(t, "rrsig-expired", "--verbose", "--journal", journal, "--", "true")
	has(t, got.err, `inject resigning-stopped`)
	if got := within(t, "rrsig-expired", "--", "true"); got.err != "" || got.out != "" {
		t.Errorf("it speaks: %+v", got)
	}
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	has(t, string(text), `"kind":"fault","what":"inject"`)
}
