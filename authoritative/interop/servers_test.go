package interop_test

import (
	"encoding/base64"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"faultzone/authoritative"
)

func base64Secret(k authoritative.TSIGKey) string { return base64.StdEncoding.EncodeToString(k.Secret) }

// keyClause is the key in the words of named.conf, and of nsupdate's -k.
func keyClause(k authoritative.TSIGKey) string {
	return lines("key %q { algorithm %s; secret %q; };", k.Name, k.Algorithm, base64Secret(k))
}

// other is a real authoritative server that a test can start in either part.
type other struct {
	name string
	// secondary starts it as a secondary of primary; whole asks for AXFR where the program has a choice.
	secondary func(t testing.TB, at, primary netip.AddrPort, k authoritative.TSIGKey, whole bool) *server
	// primary starts it with the content, telling notify. It returns how to make an edit there.
	primary func(t testing.TB, at, notify netip.AddrPort, k authoritative.TSIGKey, text string, whole bool) (*server, func(e edit, after string))
}

func others() []other {
	return []other{
		{"named", namedSecondary, namedPrimary},
		{"nsd", nsdSecondary, nsdPrimary},
		{"knotd", knotSecondary, knotPrimary},
	}
}

func named(t testing.TB, dir string, at netip.AddrPort, conf string) *server {
	t.Helper()
	head := lines("options { directory %q; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file none; session-keyfile none;", dir, at.Port()) +
		lines("  managed-keys-directory %q; dnssec-validation no; check-names primary ignore; check-names secondary ignore; notify-delay 0; max-udp-size 1232; minimal-responses yes; serial-query-rate 1000; notify-rate 1000; startup-notify-rate 1000; };", dir) +
		lines("controls { };")
	return &server{name: "named", at: at, dir: dir,
		program: foreground(t, "running\n", command(t, "named", "-g", "-n", "1", "-c", writeFile(t, dir, "named.conf", head+conf)))}
}

func namedSecondary(t testing.TB, at, primary netip.AddrPort, k authoritative.TSIGKey, whole bool) *server {
	request := "yes"
	if whole {
		request = "no"
	}
	return named(t, t.TempDir(), at, keyClause(k)+
		lines("zone %q { type secondary; file \"zone.db\"; masterfile-format text; request-ixfr %s; notify no; allow-transfer { key %q; };", origin, request, k.Name)+
		lines("  primaries { %s port %d key %q; }; };", primary.Addr(), primary.Port(), k.Name))
}

func namedPrimary(t testing.TB, at, notify netip.AddrPort, k authoritative.TSIGKey, text string, whole bool) (*server, func(edit, string)) {
	dir := t.TempDir()
	file := writeFile(t, dir, "zone.db", text)
	s := named(t, dir, at, keyClause(k)+
		lines("zone %q { type primary; file %q; check-integrity no; allow-transfer { key %q; }; allow-update { key %q; };", origin, file, k.Name, k.Name)+
		lines("  notify explicit; also-notify { %s port %d key %q; }; };", notify.Addr(), notify.Port(), k.Name))
	return s, func(e edit, _ string) {
		t.Helper()
		nsupdate(t, at, &k, e.updates()+"send\n")
	}
}

func nsd(t testing.TB, dir string, at netip.AddrPort, k authoritative.TSIGKey, conf string) *server {
	t.Helper()
	head := lines("server:") +
		lines("  ip-address: 127.0.0.1\n  port: %d\n  username: \"\"\n  chroot: \"\"\n  zonesdir: %q\n  database: \"\"\n  pidfile: \"\"", at.Port(), dir) +
		lines("  xfrdfile: %q\n  xfrdir: %q\n  zonelistfile: %q", filepath.Join(dir, "xfrd.state"), dir, filepath.Join(dir, "zone.list")) +
		lines("  server-count: 1\n  rrl-ratelimit: 0\n  verbosity: 3\n  xfrd-reload-timeout: 0\n  minimal-responses: yes") +
		lines("remote-control:\n  control-enable: yes\n  control-interface: %q", filepath.Join(dir, "ctl")) +
		lines("key:\n  name: %q\n  algorithm: %s\n  secret: %q", k.Name, k.Algorithm, base64Secret(k))
	return &server{name: "nsd", at: at, dir: dir,
		program: foreground(t, "nsd started", command(t, "nsd", "-d", "-c", writeFile(t, dir, "nsd.conf", head+conf)))}
}

func nsdSecondary(t testing.TB, at, primary netip.AddrPort, k authoritative.TSIGKey, whole bool) *server {
	mode := ""
	if whole {
		mode = "AXFR "
	}
	return nsd(t, shortDir(t), at, k, lines("zone:\n  name: %q\n  zonefile: zone.db\n  request-xfr: %s%s@%d %s\n  allow-notify: %s %s\n  provide-xfr: 127.0.0.1 %s",
		origin, mode, primary.Addr(), primary.Port(), k.Name, primary.Addr(), k.Name, k.Name))
}

func nsdPrimary(t testing.TB, at, notify netip.AddrPort, k authoritative.TSIGKey, text string, whole bool) (*server, func(edit, string)) {
	dir := shortDir(t)
	writeFile(t, dir, "zone.db", text)
	increments := ""
	if !whole {
		increments = "  store-ixfr: yes\n  create-ixfr: yes\n"
	}
	s := nsd(t, dir, at, k, lines("zone:\n  name: %q\n  zonefile: zone.db\n%s  notify: %s@%d %s\n  provide-xfr: 127.0.0.1 %s",
		origin, increments, notify.Addr(), notify.Port(), k.Name, k.Name))
	return s, func(_ edit, after string) {
		t.Helper()
		writeFile(t, dir, "zone.db", after)
		run(t, "nsd-control", "-c", filepath.Join(dir, "nsd.conf"), "reload", strings.TrimSuffix(origin, "."))
	}
}

func knotd(t testing.TB, dir string, at, peer netip.AddrPort, k authoritative.TSIGKey, zone string) *server {
	t.Helper()
	conf := lines("server:\n  rundir: %q\n  listen: 127.0.0.1@%d\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1", dir, at.Port()) +
		lines("control:\n  listen: %q", filepath.Join(dir, "ctl")) +
		lines("log:\n  - target: stdout\n    any: info") +
		lines("database:\n  storage: %q\n  journal-db-max-size: 16M\n  kasp-db-max-size: 8M\n  timer-db-max-size: 4M\n  catalog-db-max-size: 8M", dir) +
		lines("key:\n  - id: %s\n    algorithm: %s\n    secret: %s", k.Name, k.Algorithm, base64Secret(k)) +
		lines("remote:\n  - id: peer\n    address: %s@%d\n    key: %s", peer.Addr(), peer.Port(), k.Name) +
		lines("acl:\n  - id: all\n    address: 127.0.0.1\n    key: %s\n    action: [notify, transfer, update]", k.Name) +
		extraPolicy(dir) +
		lines("zone:\n  - domain: %s\n    storage: %q\n    file: zone.db\n    acl: all\n    zonefile-sync: -1\n%s", origin, dir, zone)
	return &server{name: "knotd", at: at, dir: dir,
		program: foreground(t, "server started", command(t, "knotd", "-c", writeFile(t, dir, "knot.conf", conf)))}
}

// knotSecondary has no way to ask for whole zones alone. It checks every version that it takes: its signatures, its denial
// and its ZONEMD.
func knotSecondary(t testing.TB, at, primary netip.AddrPort, k authoritative.TSIGKey, _ bool) *server {
	return knotd(t, shortDir(t), at, primary, k, "    master: peer\n    dnssec-validation: on\n    zonemd-verify: on\n    zonefile-load: none\n    journal-content: all\n")
}

func knotPrimary(t testing.TB, at, notify netip.AddrPort, k authoritative.TSIGKey, text string, whole bool) (*server, func(edit, string)) {
	dir := shortDir(t)
	writeFile(t, dir, "zone.db", text)
	journal := "    journal-content: changes\n"
	if whole {
		journal = "    journal-content: none\n"
	}
	s := knotd(t, dir, at, notify, k, "    notify: peer\n    serial-policy: increment\n    zonefile-load: whole\n"+journal)
	return s, func(e edit, after string) {
		t.Helper()
		if whole { // without a journal there is only the file
			writeFile(t, dir, "zone.db", after)
			run(t, "knotc", "-s", filepath.Join(dir, "ctl"), "-b", "zone-reload", origin)
			return
		}
		nsupdate(t, at, &k, e.updates()+"send\n")
		knotNotifies(t, s)
	}
}

// knotNotifies spares the test the second for which knotd waits before it sends a NOTIFY.
func knotNotifies(t testing.TB, s *server) {
	t.Helper()
	run(t, "knotc", "-s", filepath.Join(s.dir, "ctl"), "-b", "zone-notify", origin)
}

// extraPolicy is the policy for a zone that knotd signs, if there is one: it has to come before the zone.
func extraPolicy(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "policy.conf"))
	if err != nil {
		return ""
	}
	return string(text)
}
