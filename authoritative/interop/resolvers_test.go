package interop_test

import (
	"path/filepath"
)

// Real resolvers stand in the world at 127.0.0.1 and a port of their own, find everything from the root on, and ask from
// outside of the organisation. Their caches are new.
const (
	unboundPort = "5301"
	namedPort   = "53" // drill has no other
)

func (w *world) unbound() {
	w.t.Helper()
	dir := w.t.TempDir()
	conf := lines("server:\n  verbosity: 1\n  use-syslog: no\n  do-daemonize: no\n  chroot: \"\"\n  username: \"\"\n  directory: %q\n  pidfile: \"\"", dir) +
		lines("  interface: 127.0.0.1\n  port: %s\n  outgoing-interface: %s\n  do-ip6: no\n  num-threads: 1\n  root-hints: %q", unboundPort, outside, w.hints) +
		lines("  trust-anchor-file: %q\n  module-config: \"validator iterator\"\n  val-sig-skew-min: 0\n  val-sig-skew-max: 0\n  val-log-level: 2\n  ede: yes", w.anchors) +
		lines("remote-control:\n  control-enable: no")
	foreground(w.t, "start of service", w.command("unbound", "-d", "-p", "-c", writeFile(w.t, dir, "unbound.conf", conf)))
}

func (w *world) named() *program {
	w.t.Helper()
	dir := w.t.TempDir()
	conf := lines("include %q;", w.conf) +
		lines("options { directory %q; listen-on port %s { 127.0.0.1; }; listen-on-v6 { none; }; query-source address %s; pid-file none; session-keyfile none;", dir, namedPort, outside) +
		lines("  managed-keys-directory %q; dnssec-validation yes; empty-zones-enable no; recursion yes; allow-query { any; }; };\ncontrols { };", dir) +
		lines("zone \".\" { type hint; file %q; };", w.hints)
	return foreground(w.t, "running\n", w.command("named", "-4", "-g", "-n", "1", "-c", writeFile(w.t, dir, "named.conf", conf)))
}

// dig asks one of the two.
func (w *world) dig(port string, args ...string) string {
	w.t.Helper()
	return w.run("dig", append([]string{"@127.0.0.1", "-p", port, "+dnssec", "+time=10", "+tries=1"}, args...)...)
}

// delv validates by itself what a resolver gives it unchecked.
func (w *world) delv(args ...string) string {
	w.t.Helper()
	return w.run("delv", append([]string{"@127.0.0.1", "-p", namedPort, "-a", w.conf, "+root=.", "+cdflag"}, args...)...)
}

// chase is drill -S: from the name up to the anchor, by way of a resolver asked without checking.
func (w *world) chase(name, rrtype string) string {
	w.t.Helper()
	return w.run("drill", "-p", namedPort, "-k", w.anchors, "-S", "-o", "CD", name, "@127.0.0.1", rrtype)
}

// trace is drill -TD: from the root down to the name, by the authoritative servers themselves. Only for the addresses of
// name servers without glue it has a resolver.
func (w *world) trace(name, rrtype string) string {
	w.t.Helper()
	conf := writeFile(w.t, w.dir, "resolv.conf", "nameserver 127.0.0.1\n")
	return w.run("drill", "-4", "-c", conf, "-k", w.anchors, "-r", w.hints, "-TD", name, rrtype)
}

// dnsviz probes the authoritative servers from the root on for a few names of solvethenetwork.com, and grok judges what
// they gave.
func (w *world) dnsviz() *verdict {
	w.t.Helper()
	dir := w.t.TempDir()
	probe, grok := filepath.Join(dir, "probe.json"), filepath.Join(dir, "grok.json")
	if out, err := try(w.t, w.command("dnsviz", "probe", "-A", "-4", "-b", outside, "-a", ".", "-x", ".:a.root-servers.net=198.41.0.4,b.root-servers.net=170.247.170.2",
		"-d", "1", "-o", probe, "solvethenetwork.com", "www.solvethenetwork.com", "nosuch.solvethenetwork.com", "portal.solvethenetwork.com", "any.apps.solvethenetwork.com")); err != nil {
		w.t.Fatalf("dnsviz probe: %v\n%s", err, out)
	}
	c := command(w.t, "dnsviz", "grok", "-t", w.keys(), "-r", probe, "-l", "info", "-o", grok)
	// Debian 12's dnsviz looks for a module that Debian 12's pygraphviz does not have any more.
	writeFile(w.t, dir, "sitecustomize.py", "import sys, types\nrelease = types.ModuleType('pygraphviz.release')\nrelease.version = '1.7'\nsys.modules['pygraphviz.release'] = release\n")
	c.Env = append(c.Environ(), "PYTHONPATH="+dir)
	if out, err := try(w.t, c); err != nil {
		w.t.Fatalf("dnsviz grok: %v\n%s", err, out)
	}
	return readVerdict(w.t, grok)
}
