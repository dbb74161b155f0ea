package enclosure

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain lets this test binary be the inner process too, with the name of a part as its only argument.
func TestMain(m *testing.M) {
	if !Inside() {
		os.Exit(m.Run())
	}
	if err := part(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
}

// part is what an inner process does.
func part(name string) error {
	switch name {
	case "examine":
		return ExamineInside()
	case "serve": // a listener of the host, from inside
		files := Handed()
		l, err := net.FileListener(files["listener"])
		if err != nil {
			return err
		}
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		defer conn.Close()
		interfaces, err := net.Interfaces()
		if err != nil {
			return err
		}
		fmt.Fprintf(conn, "%d interfaces, %d files more", len(interfaces), len(Handed()))
		return nil
	case "place":
		return checkPlace()
	case "links":
		return checkLinks()
	}
	return fmt.Errorf("no part is called %q", name)
}

// enclosed skips the test where this machine allows no enclosures, or fails it where FAULTZONE_REQUIRE_TOOLS=1.
func enclosed(t *testing.T) {
	t.Helper()
	for _, f := range Examine([]string{"test", "examine"}) {
		if f.OK || !f.Needed {
			continue
		}
		if os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
			t.Fatalf("%s: %s", f.Name, f.Detail)
		}
		t.Skipf("%s: %s", f.Name, f.Detail)
	}
}

func TestHandedListenerIsServedFromInside(t *testing.T) {
	enclosed(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	said := make(chan string, 1)
	go func() {
		conn, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			said <- err.Error()
			return
		}
		defer conn.Close()
		text, err := io.ReadAll(conn)
		said <- fmt.Sprint(string(text), " ", err)
	}()
	code, err := Run(Process{Args: []string{"test", "serve"}, Files: []File{{"listener", file}}})
	if err != nil || code != 0 {
		t.Fatalf("exit code %d, %v", code, err)
	}
	if got := <-said; got != "1 interfaces, 0 files more <nil>" {
		t.Errorf("the host heard %q", got)
	}
}

func TestPlace(t *testing.T) {
	enclosed(t)
	if code, err := Run(Process{Args: []string{"test", "place"}}); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v", code, err)
	}
	if _, err := os.Stat(Dir); err == nil {
		t.Errorf("%s is there outside", Dir)
	}
}

// Where there are no overlays links do.
func TestCoverByLinks(t *testing.T) {
	enclosed(t)
	if code, err := Run(Process{Args: []string{"test", "links"}}); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v", code, err)
	}
}

func checkLinks() error {
	before, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return err
	}
	host, err := unix.Open("/etc", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	err = errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), mount("tmpfs", "/etc", "tmpfs", 0, "mode=0755"),
		os.MkdirAll("/etc/top/faultzone", 0o755), os.WriteFile("/etc/top/resolv.conf", []byte("ours"), 0o644),
		coverByLinks("/etc/top", fmt.Sprintf("/proc/self/fd/%d", host)))
	if err != nil {
		return err
	}
	after, err := os.ReadFile("/etc/passwd")
	if err != nil || string(after) != string(before) {
		return fmt.Errorf("passwd is %q, %v", after, err)
	}
	if ours, err := os.ReadFile("/etc/resolv.conf"); err != nil || string(ours) != "ours" {
		return fmt.Errorf("resolv.conf is %q, %v", ours, err)
	}
	return os.WriteFile(Dir+"/x", nil, 0o600)
}

// checkPlace furnishes and looks around.
func checkPlace() error {
	four, other, six, mine := netip.MustParseAddr("198.41.0.4"), netip.MustParseAddr("10.0.2.10"), netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2")
	err := Furnish(Place{
		Addresses: []netip.Addr{four, other, six, mine},
		Source: func(to netip.Addr) (netip.Addr, bool) {
			if to.Is4() {
				return other, true
			}
			return mine, true
		},
		Etc:     map[string][]byte{"resolv.conf": []byte("nameserver 192.0.2.1\n"), "no-such-file-before": []byte("here\n")},
		Folders: []string{"one", "two/three"},
		Logs:    []string{"first", "second"},
	})
	if err != nil {
		return err
	}
	for name, want := range map[string]string{"/etc/resolv.conf": "nameserver 192.0.2.1\n", "/etc/no-such-file-before": "here\n"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			return fmt.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := os.Stat("/etc/passwd"); err != nil {
		return fmt.Errorf("the host's own files: %w", err)
	}
	for _, name := range []string{Dir + "/one", Dir + "/two/three", "/var/log/first", "/var/log/second"} {
		if err := os.WriteFile(filepath.Join(name, "x"), nil, 0o600); err != nil {
			return err
		}
	}
	for _, c := range []struct {
		to, from netip.Addr
	}{{four, other}, {other, other}, {six, mine}} {
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.to, 53)))
		if err != nil {
			return err
		}
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return err
		}
		if got := conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr(); got != c.from {
			return fmt.Errorf("to %s one comes from %s, want %s", c.to, got, c.from)
		}
		conn.Close()
		l.Close()
	}
	for _, a := range []string{"203.0.113.1:53", "[fd00::9]:53"} {
		if _, err := net.Dial("tcp", a); !errors.Is(err, unix.EHOSTUNREACH) {
			return fmt.Errorf("%s: %v, want it to be unreachable", a, err)
		}
	}
	return nil
}

// Each refusal is told with its reason and with what to do.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files map[string]string
		err   error
		want  string
	}{
		{"no namespaces allowed", map[string]string{"proc/sys/user/max_user_namespaces": "0"}, unix.ENOSPC, "sysctl -w user.max_user_namespaces=15000"},
		{"no network namespaces allowed", map[string]string{"proc/sys/user/max_net_namespaces": "0"}, unix.ENOSPC, "max_net_namespaces is 0"},
		{"too many", map[string]string{"proc/sys/user/max_user_namespaces": "5"}, unix.ENOSPC, "as many namespaces as allowed"},
		{"Debian's switch", map[string]string{"proc/sys/kernel/unprivileged_userns_clone": "0"}, unix.EPERM, "kernel.unprivileged_userns_clone=1"},
		{"AppArmor at the mapping", map[string]string{"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"}, unix.EACCES, "/etc/apparmor.d/faultzone"},
		{"AppArmor at a mount", map[string]string{"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"}, fmt.Errorf("mount: %w", unix.EPERM), "userns,"},
		{"seccomp", map[string]string{"proc/self/status": "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n"}, unix.EPERM, "seccomp=unconfined"},
		{"root without capabilities", map[string]string{"proc/self/status": "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000000000\n"}, unix.EPERM, "SETFCAP"},
		{"nothing known", map[string]string{"proc/self/status": "Seccomp:\t0\n"}, unix.EPERM, "chroot"},
		{"too deep", nil, unix.EUSERS, "32"},
		{"an old kernel", nil, unix.EINVAL, "built without"},
		{"no overlay", nil, unix.ENODEV, "modprobe overlay"},
	} {
		root := t.TempDir()
		for name, text := range c.files {
			path := filepath.Join(root, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text+"\n"), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		err := diagnose(root, "try", c.err)
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--edge ports") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Only those of the command are swept: a child from before this program, in the same namespace, is left alone.
func TestSweepLeavesOthers(t *testing.T) {
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	sweep(elsewhere)
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("it was swept: %v", err)
	}
}

func TestLookPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"program": 0o755, "plain": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"PATH=/nowhere", "PATH=/no/such:" + dir}
	if got, err := lookPath("program", env); err != nil || got != filepath.Join(dir, "program") {
		t.Errorf("%s, %v", got, err)
	}
	for name, want := range map[string]error{"plain": os.ErrPermission, "nothing": os.ErrNotExist, "./nothing": os.ErrNotExist} {
		if _, err := lookPath(name, env); !errors.Is(err, want) && !(name == "plain" && os.Getuid() == 0 && err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
