package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// has fails the test where a program's output lacks a pattern.
func has(t *testing.T, out, pattern string) {
	t.Helper()
	if !regexp.MustCompile("(?m)" + pattern).MatchString(out) {
		t.Errorf("nothing like %q in:\n%s", pattern, out)
	}
}

func TestDigAsksEveryNode(t *testing.T) {
	t.Parallel()
	w := runWorld(t)
	for node, about := range map[string]string{
		"A_ROOT_SERVERS_NET": ".", "B_ROOT_SERVERS_NET": ".", "A_GTLD_SERVERS_NET": "com", "B_GTLD_SERVERS_NET": "com",
		"NS1": "solvethenetwork.com", "NS2": "solvethenetwork.com",
	} {
		for _, proto := range []string{"+notcp", "+tcp"} {
			out := w.dig(node, about, "SOA", "+norec", proto)
			has(t, out, `status: NOERROR`)
			has(t, out, `flags: qr aa;`)
		}
	}
	for node, want := range map[string]string{
		"RESOLVER_A": "10.0.2.50", "RESOLVER_B": "10.0.2.50", "RESOLVER_BRANCH": "10.0.2.50", "RESOLVER_PUBLIC": "203.0.113.80",
	} {
		for _, proto := range []string{"+notcp", "+tcp"} {
			if got := strings.TrimSpace(w.dig(node, "api.solvethenetwork.com", "A", "+short", proto)); got != want {
				t.Errorf("%s %s: api is at %q, want %s", node, proto, got, want)
			}
		}
	}
	for _, key := range []string{"TSIG_INTERNAL_TRANSFER", "TSIG_EXTERNAL_TRANSFER"} {
		out := w.dig("NS1", "solvethenetwork.com", "AXFR", "-y", w.addresses[key])
		has(t, out, `^api\.solvethenetwork\.com\.\s`)
		has(t, out, `^solvethenetwork\.com\.\s.*SOA`)
	}
}

func TestDigLinesOfTheArticle(t *testing.T) {
	t.Parallel()
	w := runWorld(t)
	has(t, w.dig("RESOLVER_A", "api.solvethenetwork.com", "A", "+noall", "+answer"),
		`^api\.solvethenetwork\.com\.\s+(300|2\d\d)\s+IN\s+A\s+10\.0\.2\.50$`)
	out := w.dig("RESOLVER_A", "solvethenetwork.com", "A", "+dnssec")
	has(t, out, `flags: qr rd ra ad; QUERY: 1, ANSWER: 2,`)
	has(t, out, `IN\s+RRSIG\s+A 13 2 3600 `)
	has(t, w.dig("RESOLVER_A", "solvethenetwork.com", "RRSIG", "+dnssec", "+noall", "+answer"), `RRSIG\s+\w+ 13 2 \d+ \d{14} \d{14} \d+ solvethenetwork\.com\.`)
	has(t, w.dig("RESOLVER_A", ".", "SOA", "+time=2", "+tries=1"), `status: NOERROR`)
	for _, ns := range []string{"NS1", "NS2"} {
		has(t, w.dig(ns, "solvethenetwork.com", "SOA", "+short"), `^\S+ \S+ 2024040201 3600 900 604800 300$`)
	}
	has(t, w.dig("RESOLVER_A", "solvethenetwork.com", "NS", "+short"), `^ns1\.solvethenetwork\.com\.$`)
	has(t, w.dig("RESOLVER_A", "solvethenetwork.com", "NS", "+short"), `^ns2\.solvethenetwork\.com\.$`)
	has(t, w.dig("NS1", "api.solvethenetwork.com", "A", "+noall", "+answer"), `\s300\s+IN\s+A\s+10\.0\.2\.50$`)
	has(t, w.dig("NS1", "solvethenetwork.com", "RRSIG", "+dnssec", "+short"), `^\w+ 13 2 3600 \d{14} \d{14} \d+ solvethenetwork\.com\. `)
}

func TestRealValidatorsValidate(t *testing.T) {
	t.Parallel()
	w := runWorld(t)
	delv := func(t *testing.T, name, rrtype string) string {
		return output(t, "delv", "@127.0.0.1", "-p", w.port("RESOLVER_A"), "-a", w.conf, "+root=.", name, rrtype)
	}
	t.Run("delv", func(t *testing.T) {
		out := delv(t, "api.solvethenetwork.com", "A")
		has(t, out, `^; fully validated$`)
		has(t, out, `\sA\s+10\.0\.2\.50$`)
		has(t, delv(t, "nothing.solvethenetwork.com", "A"), `negative response, fully validated`)
		has(t, delv(t, "api.solvethenetwork.com", "MX"), `negative response, fully validated`)
		has(t, delv(t, "any.apps.solvethenetwork.com", "A"), `^; fully validated$`)
	})
	t.Run("drill", func(t *testing.T) {
		out := output(t, "drill", "-p", w.port("RESOLVER_A"), "-k", w.anchors, "-S", "api.solvethenetwork.com", "@127.0.0.1", "A")
		has(t, out, `^;; Chase successful`)
	})
	t.Run("kdig", func(t *testing.T) {
		out := output(t, "kdig", "@127.0.0.1", "-p", w.port("RESOLVER_A"), "+dnssec", "api.solvethenetwork.com", "A")
		has(t, out, `Flags: qr rd ra ad;`)
		has(t, out, `RRSIG\s+A 13 3 300 `)
	})
}

// unbound starts a real unbound in front of a node, with the world's anchor, and returns its port.
func (w *world) unbound(node string) string {
	w.t.Helper()
	path := tool(w.t, "unbound")
	dir := w.t.TempDir()
	port := freePort(w.t)
	conf := fmt.Sprintf(`server:
	verbosity: 1
	use-syslog: no
	log-queries: no
	do-daemonize: no
	chroot: ""
	username: ""
	directory: %[1]q
	pidfile: ""
	interface: 127.0.0.1
	port: %[2]s
	do-ip6: no
	do-not-query-localhost: no
	trust-anchor-file: %[3]q
	module-config: "validator iterator"
	val-sig-skew-min: 0
	val-sig-skew-max: 0
	ede: yes
remote-control:
	control-enable: no
forward-zone:
	name: "."
	forward-addr: 127.0.0.1@%[4]s
`, dir, port, w.anchors, w.port(node))
	file := filepath.Join(dir, "unbound.conf")
	if err := os.WriteFile(file, []byte(conf), 0o666); err != nil {
		w.t.Fatal(err)
	}
	start(w.t, exec.Command(path, "-d", "-p", "-c", file)).waitFor("start of service")
	return port
}

// freePort is a port of 127.0.0.1 that nobody had a moment ago, over UDP and TCP.
func freePort(t *testing.T) string {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		u, err := net.ListenPacket("udp4", "127.0.0.1:"+port)
		l.Close()
		if err == nil {
			u.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

func TestUnboundValidatesTheHealthyWorld(t *testing.T) {
	t.Parallel()
	w := runWorld(t)
	port := w.unbound("RESOLVER_A")
	ask := func(args ...string) string {
		return output(t, "dig", append([]string{"@127.0.0.1", "-p", port, "+time=20"}, args...)...)
	}
	out := ask("api.solvethenetwork.com", "A", "+dnssec")
	has(t, out, `status: NOERROR`)
	has(t, out, `flags: qr rd ra ad;`)
	has(t, out, `\sA\s+10\.0\.2\.50$`)
	out = ask("nothing.solvethenetwork.com", "A")
	has(t, out, `status: NXDOMAIN`)
	has(t, out, `flags: qr rd ra ad;`)
}

// Ten minutes of the world a second: the signatures end while dig looks on.
func TestDigSeesTheEndOfSignatures(t *testing.T) {
	t.Parallel()
	w := runWorld(t, "rrsig-expired", "--speed", "600")
	w.waitFor("inject resigning-stopped")
	has(t, w.dig("RESOLVER_A", "www.solvethenetwork.com", "A"), `status: NOERROR`)
	w.waitFor("ask resolver-a for crl.solvethenetwork.com. A") // a second after the end
	out := w.dig("RESOLVER_A", "logs.solvethenetwork.com", "A")
	has(t, out, `status: SERVFAIL`)
	has(t, out, `EDE: 7 \(Signature Expired\)`)
	has(t, w.dig("RESOLVER_A", "logs.solvethenetwork.com", "A", "+cd"), `status: NOERROR`)
	has(t, w.dig("RESOLVER_B", "logs.solvethenetwork.com", "A"), `status: NOERROR`)
	has(t, w.dig("NS1", "logs.solvethenetwork.com", "A"), `status: NOERROR`)
	w.waitFor("heal resigning-stopped")
	has(t, w.dig("RESOLVER_A", "ldap1.solvethenetwork.com", "A"), `status: NOERROR`)
}

// A validator outside of the world goes by the wall. In a world that began two hours ago the signatures ended an hour
// ago, and unbound sees that by itself, behind a resolver that does not validate.
func TestUnboundSeesTheEndOfSignatures(t *testing.T) {
	t.Parallel()
	w := runWorld(t, "rrsig-expired", "--start", time.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339))
	w.waitFor("inject resigning-stopped")
	port := w.unbound("RESOLVER_B")
	ask := func(args ...string) string {
		return output(t, "dig", append([]string{"@127.0.0.1", "-p", port, "+time=20"}, args...)...)
	}
	out := ask("api.solvethenetwork.com", "A")
	has(t, out, `status: SERVFAIL`)
	has(t, out, `EDE: (7|9) `) // Signature Expired or, because those of the DNSKEY RRset are too, DNSKEY Missing
	has(t, ask("api.solvethenetwork.com", "A", "+cd"), `status: NOERROR`)
	has(t, ask("com", "SOA"), `flags: qr rd ra ad;`)
	has(t, w.dig("RESOLVER_B", "api.solvethenetwork.com", "A"), `status: NOERROR`)
}
