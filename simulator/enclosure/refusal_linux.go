package enclosure

import (
	"errors"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// diagnose makes of a system's error what it means and what to do about it, by what the machine says of itself under root
// ("/" but in tests). The kernel's own words mislead: it has no space left on the device where no namespaces are allowed.
func diagnose(root, step string, err error) error {
	m := machine{root}
	r := &Refused{Step: step, Err: err}
	none := m.limit()
	switch {
	case none != "":
		r.Advice = []string{
			"The limit " + none + " is 0 here, so nobody may make namespaces.",
			"As root: sysctl -w user." + none + "=15000, and to keep it: a file in /etc/sysctl.d.",
		}
	case m.reads("proc/sys/kernel/unprivileged_userns_clone") == "0":
		r.Advice = []string{
			"This kernel lets only root make user namespaces.",
			"As root: sysctl -w kernel.unprivileged_userns_clone=1, and to keep it: a file in /etc/sysctl.d.",
		}
	case m.reads("proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" && denied(err):
		r.Advice = append([]string{
			"AppArmor keeps programs without a profile from using user namespaces here (Ubuntu from 23.10 on).",
			"As root, give this program one: write the lines below to /etc/apparmor.d/faultzone, then apparmor_parser -r /etc/apparmor.d/faultzone.",
		}, profile()...)
		r.Advice = append(r.Advice, "Or for every program: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0.")
	case m.filtered() && denied(err):
		r.Advice = []string{
			"A seccomp filter is in force, as containers have one, and denies what makes namespaces.",
			"In Docker or Podman: run the container with --security-opt seccomp=unconfined, and if mounts are refused then, with --security-opt apparmor=unconfined --security-opt systempaths=unconfined or --cap-add SYS_ADMIN.",
		}
	case errors.Is(err, unix.EPERM) && m.cannotMapRoot():
		r.Advice = []string{"Here is root, but without the capability SETFCAP, and the kernel lets nobody else map root into a namespace: run it as another user."}
	case errors.Is(err, unix.ENOSPC):
		r.Advice = []string{"There are as many namespaces as allowed: see /proc/sys/user/max_*_namespaces."}
	case errors.Is(err, unix.EUSERS):
		r.Advice = []string{"User namespaces lie too deep in each other here; the kernel allows 32."}
	case errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS):
		r.Advice = []string{"This kernel was built without user, network or mount namespaces."}
	case errors.Is(err, unix.ENODEV):
		r.Advice = []string{"This kernel has no overlay file system, or none that is loaded: modprobe overlay as root."}
	case errors.Is(err, unix.EPERM):
		r.Advice = []string{"In a chroot no user namespace can be made; otherwise a security module of this machine denies it."}
	}
	r.Advice = append(r.Advice, "Without namespaces: faultzone exec --edge ports, which gives the command the nodes' ports in FAULTZONE_* variables.")
	return r
}

// denied tells the errors of what is forbidden from those of what cannot be.
func denied(err error) bool { return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) }

// machine is what a machine says of itself.
type machine struct{ root string }

func (m machine) reads(name string) string {
	text, err := os.ReadFile(path.Join(m.root, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// limit is the name of a limit of namespaces that is 0, or "".
func (m machine) limit() string {
	for _, name := range []string{"max_user_namespaces", "max_net_namespaces", "max_mnt_namespaces"} {
		if m.reads("proc/sys/user/"+name) == "0" {
			return name
		}
	}
	return ""
}

// filtered tells whether a seccomp filter is in force (proc_pid_status(5)).
func (m machine) filtered() bool {
	for line := range strings.Lines(m.reads("proc/self/status")) {
		if mode, ok := strings.CutPrefix(line, "Seccomp:"); ok {
			return strings.TrimSpace(mode) == "2"
		}
	}
	return false
}

// cannotMapRoot tells whether this is root without what Linux (from 5.12 on) asks of those who map root into a user
// namespace (user_namespaces(7)).
func (m machine) cannotMapRoot() bool {
	root, able := false, true
	for line := range strings.Lines(m.reads("proc/self/status")) {
		switch fields := strings.Fields(line); {
		case len(fields) < 2:
		case fields[0] == "Uid:":
			root = fields[1] == "0"
		case fields[0] == "CapEff:":
			set, err := strconv.ParseUint(fields[1], 16, 64)
			able = err != nil || set&(1<<unix.CAP_SETFCAP) != 0
		}
	}
	return root && !able
}

// profile is an AppArmor profile for this program.
func profile() []string {
	exe, err := os.Executable()
	if err != nil {
		exe = "/usr/local/bin/faultzone"
	}
	return []string{
		"  abi <abi/4.0>,",
		"  include <tunables/global>",
		"  profile faultzone " + exe + " flags=(unconfined) {",
		"    userns,",
		"  }",
	}
}
