package simulator_test

import (
	"fmt"
	"strings"
	"syscall"

	"github.com/miekg/dns"

	"faultzone/simulator"
)

// dieWithParent has no program outlive the test.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// rootHints are those of a world whose root was added.
const rootHints = `. 518400 IN NS a.root-servers.net.
a.root-servers.net. 518400 IN A 198.41.0.4
`

func anchorOf(w *simulator.World) *dns.DS {
	ds, _ := w.Anchors()
	return ds[0].(*dns.DS)
}

// programs are the real resolvers, each as it is by default but for where it listens, what it trusts, and what would ask
// for names that nobody asked it for.
var programs = []program{
	{"unbound", "unbound", "10.0.1.101", func(dir, address string, w *simulator.World) (map[string]string, []string) {
		return map[string]string{"hints": rootHints, "anchor": anchorOf(w).String() + "\n", "conf": fmt.Sprintf(`server:
	use-syslog: no
	do-daemonize: no
	chroot: ""
	username: ""
	directory: %[1]q
	pidfile: ""
	interface: %[2]s
	outgoing-interface: %[2]s
	access-control: 0.0.0.0/0 allow
	do-ip6: no
	do-not-query-localhost: no
	root-hints: hints
	trust-anchor-file: anchor
	trust-anchor-signaling: no
	module-config: "validator iterator"
	val-sig-skew-min: 0
	val-sig-skew-max: 0
	ede: yes
	val-log-level: 2
remote-control:
	control-enable: no
`, dir, address)}, []string{"-d", "-p", "-c", dir + "/conf"}
	}},
	{"named", "named", "10.0.1.102", func(dir, address string, w *simulator.World) (map[string]string, []string) {
		ds := anchorOf(w)
		return map[string]string{"hints": rootHints, "conf": fmt.Sprintf(`options {
	directory %[1]q;
	listen-on { %[2]s; };
	listen-on-v6 { none; };
	query-source address %[2]s;
	allow-query { any; };
	allow-recursion { any; };
	recursion yes;
	dnssec-validation yes;
	empty-zones-enable no;
	trust-anchor-telemetry no;
	pid-file none;
	session-keyfile none;
};
controls { };
trust-anchors { . static-ds %[3]d %[4]d %[5]d "%[6]s"; };
zone "." { type hint; file "hints"; };
`, dir, address, ds.KeyTag, ds.Algorithm, ds.DigestType, strings.ToUpper(ds.Digest))}, []string{"-4", "-n", "1", "-g", "-c", dir + "/conf"}
	}},
	{"kresd", "kresd", "10.0.1.103", func(dir, address string, w *simulator.World) (map[string]string, []string) {
		return map[string]string{"hints": rootHints, "conf": fmt.Sprintf(`net.ipv6 = false
net.outgoing_v4('%[2]s')
net.listen('%[2]s', 53, { kind = 'dns' })
cache.size = 10*MB
modules.load('hints')
modules.unload('priming')
modules.unload('ta_signal_query')
modules.unload('ta_update')
modules.unload('detect_time_skew')
modules.unload('detect_time_jump')
hints.root_file('%[1]s/hints')
trust_anchors.remove('.')
trust_anchors.add('%[3]s')
`, dir, address, strings.ReplaceAll(anchorOf(w).String(), "\t", " "))}, []string{"-c", dir + "/conf", "-n", dir}
	}},
	{"pdns_recursor", "pdns_recursor", "10.0.1.104", func(dir, address string, w *simulator.World) (map[string]string, []string) {
		ds := anchorOf(w)
		return map[string]string{"hints": rootHints,
			"trust.lua": fmt.Sprintf("clearTA('.')\naddTA('.', '%d %d %d %s')\n", ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest),
			"recursor.conf": fmt.Sprintf(`local-address=%[2]s
local-port=53
query-local-address=%[2]s
allow-from=0.0.0.0/0
dont-query=
hint-file=%[1]s/hints
lua-config-file=%[1]s/trust.lua
dnssec=validate
extended-resolution-errors=yes
signature-inception-skew=0
serve-rfc1918=no
security-poll-suffix=
daemon=no
disable-syslog=yes
socket-dir=%[1]s
setuid=
setgid=
threads=1
write-pid=no
`, dir, address)}, []string{"--config-dir=" + dir}
	}},
}
