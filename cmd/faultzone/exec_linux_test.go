package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// enclosures skips a test where this machine allows none, or fails it where FAULTZONE_REQUIRE_TOOLS=1.
func enclosures(t *testing.T) {
	t.Helper()
	why := refusedHere()
	switch {
	case why == "":
	case os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1":
		t.Fatalf("faultzone exec does not work here: %s", why)
	default:
		t.Skipf("faultzone exec does not work here: %s", why)
	}
}

var refusedHere = sync.OnceValue(func() string {
	out, err := exec.Command("faultzone", "doctor").CombinedOutput()
	if err != nil {
		return string(out)
	}
	return ""
})

// inside is what a command in a world printed, and how it ended.
type inside struct {
	out, err string
	code     int
}

// within runs faultzone exec with arguments, with a folder of its own for the records of running worlds.
func within(t *testing.T, args ...string) inside {
	t.Helper()
	return finish(t, execLineOf(t, args...))
}

func execLineOf(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	for _, name := range []string{"sh", "true"} {
		if slices.Contains(args, name) {
			tool(t, name)
		}
	}
	cmd := exec.Command("faultzone", append([]string{"exec"}, args...)...)
	cmd.Env = append(os.Environ(), "FAULTZONE_RUNTIME_DIR="+filepath.Join(t.TempDir(), "running"))
	return cmd
}

// finish runs a command to its end.
func finish(t *testing.T, cmd *exec.Cmd) inside {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	bound := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	bound.Env, bound.Dir, bound.Stdin, bound.WaitDelay = cmd.Env, cmd.Dir, cmd.Stdin, time.Second
	var stdout, stderr bytes.Buffer
	bound.Stdout, bound.Stderr = &stdout, &stderr
	err := bound.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return inside{stdout.String(), stderr.String(), bound.ProcessState.ExitCode()}
}

func TestExecExitCodes(t *testing.T) {
	t.Parallel()
	enclosures(t)
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("no program"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command []string
		code    int
		says    string
	}{
		{[]string{"true"}, 0, ""},
		{[]string{"sh", "-c", "exit 7"}, 7, ""},
		{[]string{"sh", "-c", "exit 42"}, 42, ""},
		{[]string{"no-such-program"}, 127, "no-such-program"},
		{[]string{"./no/such/program"}, 127, "no such file"},
		{[]string{plain}, 126, "permission denied"},
		{[]string{"sh", "-c", "kill -KILL $$"}, 137, ""},
		{[]string{"sh", "-c", "kill -TERM $$"}, 143, ""},
	} {
		got := within(t, append([]string{"solvethenetwork", "--"}, c.command...)...)
		if got.code != c.code || !strings.Contains(got.err, c.says) || c.says == "" && got.err != "" {
			t.Errorf("%q: exit code %d, %q", c.command, got.code, got.err)
		}
	}
}

// What is wrong with the command line is told with exit code 2.
func TestExecUsage(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                     "want a scenario",
		"-- true":              "want a scenario",
		"solvethenetwork true": `faultzone exec solvethenetwork -- true`,
		"solvethenetwork --edge sideways -- true":             `--edge "sideways": want exact or ports`,
		"solvethenetwork --speed 0 -- true":                   "--speed 0",
		"solvethenetwork --at soon -- true":                   "--at",
		"--edge ports solvethenetwok -- true":                 `there is no scenario "solvethenetwok"`,
		"--edge ports zone-expiry --as web-1 -- true":         `did you mean "web-01"?`,
		"--edge ports zone-expiry --as 10.0.1.20 -- true":     "is ns1's own address",
		"--edge ports zone-expiry --as 127.0.0.1 -- true":     `--as "127.0.0.1": want the address of a host`,
		"--edge ports zone-expiry --without ns3 -- true":      `--without "ns3"`,
		"--edge ports zone-expiry --internet -- true":         "--internet",
		"solvethenetwork --without":                           "--without needs a value: NODE",
		"solvethenetwork --journal /no/such -- --edge ports":  "",
		"--edge ports solvethenetwork --addr-file /no/x -- :": "--addr-file /no/x",
	} {
		if want == "" {
			continue
		}
		got := within(t, strings.Fields(line)...)
		code := 2
		if strings.Contains(line, "/no/") {
			code = 3
		}
		if got.code != code || !strings.Contains(got.err, want) {
			t.Errorf("exec %s: exit code %d, %s", line, got.code, got.err)
		}
	}
}

// The command is who its user is, without any capability, in its folder and with its environment.
func TestExecChangesNothingElse(t *testing.T) {
	t.Parallel()
	enclosures(t)
	const script = `id -u; id -g; pwd; echo "$COLOUR"; cat; grep -E '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/self/status; echo no >&2`
	cmd := execLineOf(t, "solvethenetwork", "--", "sh", "-c", script)
	cmd.Dir, cmd.Env, cmd.Stdin = t.TempDir(), append(cmd.Env, "COLOUR=blue"), strings.NewReader("from stdin\n")
	got := finish(t, cmd)
	none := "0000000000000000\n"
	want := strconv.Itoa(os.Getuid()) + "\n" + strconv.Itoa(os.Getgid()) + "\n" + cmd.Dir + "\nblue\nfrom stdin\n" +
		"CapInh:\t" + none + "CapPrm:\t" + none + "CapEff:\t" + none + "CapAmb:\t" + none + "NoNewPrivs:\t1\n"
	if got.out != want || got.err != "no\n" || got.code != 0 {
		t.Errorf("got %q, %q, %d, want %q", got.out, got.err, got.code, want)
	}
}

// Nobody needs no privilege.
func TestExecAsNobody(t *testing.T) {
	t.Parallel()
	enclosures(t)
	if os.Getuid() != 0 {
		t.Skip("only root can become nobody; every other test is one of a user without privileges already")
	}
	setpriv := tool(t, "setpriv")
	dir, err := os.MkdirTemp("", "nobody") // not the test's own, which only root may enter
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "faultzone")
	if err := errors.Join(os.WriteFile(path, program, 0o755), os.Chmod(path, 0o755), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	tool(t, "dig")
	cmd := exec.Command(setpriv, "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", path, "exec", "solvethenetwork", "--",
		"sh", "-c", "id -u; dig +short api.solvethenetwork.com; grep CapEff /proc/self/status; exit 42")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "FAULTZONE_RUNTIME_DIR="+filepath.Join(dir, "running"))
	if got := finish(t, cmd); got.out != "65534\n10.0.2.50\nCapEff:\t0000000000000000\n" || got.code != 42 {
		t.Errorf("%+v", got)
	}
}

// Signals to the program come to the command, once.
func TestExecForwardsSignals(t *testing.T) {
	t.Parallel()
	enclosures(t)
	for name, signal := range map[string]syscall.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1} {
		p := start(t, execLineOf(t, "solvethenetwork", "--", "sh", "-c", "trap 'echo got; exit 5' "+name+"; echo ready; while :; do sleep 0.05; done"))
		p.waitFor("ready")
		if err := p.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if code := p.end(); code != 5 || strings.Count(p.String(), "got") != 1 {
			t.Errorf("%s: exit code %d, %q", name, code, p)
		}
	}
}

// processes are those with a word on their command lines.
func processes(t *testing.T, word string) (pids []string) {
	t.Helper()
	list, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list {
		if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), word) {
			pids = append(pids, filepath.Base(filepath.Dir(name)))
		}
	}
	return pids
}

// goneSoon waits until there are no such processes.
func goneSoon(t *testing.T, word string) {
	t.Helper()
	for limit := time.Now().Add(patience); len(processes(t, word)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("left behind: %v", processes(t, word))
		}
	}
}

// Nothing is left: no process, though the command leaves one behind in a session of its own; no mount; no file.
func TestExecLeavesNothing(t *testing.T) {
	t.Parallel()
	enclosures(t)
	tmp := t.TempDir()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	cmd := execLineOf(t, "solvethenetwork", "--", "sh", "-c", "setsid sleep 98765.1 & sleep 98765.1 & exit 3")
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	if got := finish(t, cmd); got.code != 3 {
		t.Errorf("%+v", got)
	}
	if left := processes(t, "98765.1"); len(left) > 0 {
		t.Errorf("processes left behind: %v", left)
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("files left behind: %v", left)
	}
	if now, _ := os.ReadFile("/proc/self/mountinfo"); !bytes.Equal(now, mounts) {
		t.Errorf("mounts before:\n%s\nand after:\n%s", mounts, now)
	}
	if _, err := os.Stat("/etc/faultzone"); err == nil {
		t.Error("/etc/faultzone is there outside")
	}
}

// A killed program takes everything with it.
func TestExecKilled(t *testing.T) {
	t.Parallel()
	enclosures(t)
	p := start(t, execLineOf(t, "solvethenetwork", "--", "sh", "-c", "setsid sleep 98765.2 & sh -c 'echo ready; sleep 98765.2'; true"))
	p.waitFor("ready")
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	goneSoon(t, "98765.2")
}

// Without namespaces the command goes with the process that serves its world.
func TestExecOnPortsKilled(t *testing.T) {
	t.Parallel()
	p := start(t, execLineOf(t, "--edge", "ports", "solvethenetwork", "--", "sh", "-c", `echo ready; exec sleep 98765.4`))
	p.waitFor("ready")
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	goneSoon(t, "98765.4")
}

// The inner process is killed: the outer one sweeps.
func TestExecInnerKilled(t *testing.T) {
	t.Parallel()
	enclosures(t)
	cmd := execLineOf(t, "solvethenetwork", "--", "sh", "-c", "setsid sleep 98765.3 & echo ready $PPID; sleep 98765.3; true")
	p := start(t, cmd)
	p.waitFor("ready")
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(p.String(), "ready")))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := p.end(); code != 137 {
		t.Errorf("exit code %d", code)
	}
	goneSoon(t, "98765.3")
}

// On a terminal a shell has job control.
func TestExecOnTerminal(t *testing.T) {
	t.Parallel()
	enclosures(t)
	script := tool(t, "script")
	tool(t, "bash")
	runtime := "FAULTZONE_RUNTIME_DIR=" + filepath.Join(t.TempDir(), "running")
	typed := func(command string) string {
		cmd := exec.Command(script, "-qec", "faultzone exec solvethenetwork -- "+command, "/dev/null")
		cmd.Env = append(os.Environ(), runtime)
		return finish(t, cmd).out
	}
	out := typed(`bash --norc -i -c 'set -o | grep monitor; sleep 30 & kill %1; wait %1; echo "ended with $?"'`)
	has(t, out, `^monitor\s+on`)
	has(t, out, `^ended with 143`)
	if strings.Contains(out, "no job control") {
		t.Errorf("no job control: %s", out)
	}
	// What is no shell is in the terminal's foreground as it is.
	if groups := strings.Fields(typed(`sh -c 'ps -o pgid=,tpgid= -p $$'`)); len(groups) != 2 || groups[0] != groups[1] {
		t.Errorf("its group and that in the foreground: %q", groups)
	}
}

func TestExecAttaches(t *testing.T) {
	t.Parallel()
	enclosures(t)
	tool(t, "nsenter")
	tool(t, "dig")
	world := execLineOf(t, "solvethenetwork", "--as", "branch-01", "--", "sh", "-c", "COLOUR=red; echo ready; exec cat")
	stdin, err := world.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, world)
	p.waitFor("ready")
	attach := func(args ...string) inside {
		cmd := execLineOf(t, append([]string{"--attach"}, args...)...)
		cmd.Env = world.Env
		cmd.Dir = t.TempDir()
		return finish(t, cmd)
	}
	got := attach("--", "sh", "-c", "cat /etc/resolv.conf; dig +short api.solvethenetwork.com; command -v faultzone; pwd | wc -l; grep CapEff /proc/self/status; exit 9")
	if got.code != 9 {
		t.Errorf("%+v", got)
	}
	has(t, got.out, `^nameserver 10\.0\.5\.10$`)
	has(t, got.out, `^10\.0\.2\.50$`)
	has(t, got.out, `^/etc/faultzone/bin/faultzone$`)
	has(t, got.out, `^CapEff:\s0+$`)
	if got := attach("solvethenetwork", "--", "true"); got.code != 0 {
		t.Errorf("by its ID: %+v", got)
	}
	if got := attach("other", "--", "true"); got.code != 2 || !strings.Contains(got.err, "solvethenetwork") {
		t.Errorf("by another's ID: %+v", got)
	}
	stdin.Close()
	if code := p.end(); code != 0 {
		t.Errorf("the world's command ended with %d", code)
	}
	if got := attach("--", "true"); got.code != 3 || !strings.Contains(got.err, "faultzone exec SCENARIO") {
		t.Errorf("without a world: %+v", got)
	}
}

// Where namespaces are refused the program says why, and what to do. Elsewhere it is the same text with other reasons.
func TestExecRefused(t *testing.T) {
	t.Parallel()
	enclosures(t)
	const script = `echo 0 >/proc/sys/user/max_user_namespaces && exec faultzone "$@"`
	unshare := tool(t, "unshare")
	for _, args := range [][]string{{"doctor"}, {"exec", "solvethenetwork", "--", "true"}} {
		got := finish(t, exec.Command(unshare, append([]string{"-Ur", "sh", "-c", script, "sh"}, args...)...))
		if got.code != 3 {
			t.Errorf("%q: %+v", args, got)
		}
		text := got.out + got.err
		for _, want := range []string{"max_user_namespaces is 0", "sysctl -w user.max_user_namespaces=", "--edge ports"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q says nothing of %q:\n%s", args, want, text)
			}
		}
	}
}

// In a container /etc has mounts in it, which no overlay may hide.
func TestExecWithMountsInEtc(t *testing.T) {
	t.Parallel()
	enclosures(t)
	unshare := tool(t, "unshare")
	tool(t, "getent")
	const script = `mount --bind /etc/passwd /etc/resolv.conf && mount --bind /etc/group /etc/hosts && mount --bind /etc/shells /etc/hostname && exec faultzone "$@"`
	cmd := exec.Command(unshare, "-Urm", "sh", "-c", script, "sh", "exec", "solvethenetwork", "--", "sh", "-c", "getent ahostsv4 api; cat /etc/hostname; ls /etc/passwd")
	cmd.Env = append(os.Environ(), "FAULTZONE_RUNTIME_DIR="+filepath.Join(t.TempDir(), "running"))
	got := finish(t, cmd)
	has(t, got.out, `^10\.0\.2\.50 +STREAM`)
	has(t, got.out, `^/bin/sh$`)
	if got.code != 0 {
		t.Errorf("%+v", got)
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	enclosures(t)
	got := finish(t, exec.Command("faultzone", "doctor"))
	if got.code != 0 {
		t.Errorf("%+v", got)
	}
	has(t, got.out, `^ok +namespaces`)
	has(t, got.out, `^ok +files`)
	has(t, got.out, `^faultzone exec will work here\.$`)
	got = finish(t, exec.Command("faultzone", "doctor", "--json"))
	has(t, got.out, `"schema_version": 1`)
	has(t, got.out, `"exec": true`)
	if got := finish(t, exec.Command("faultzone", "doctor", "who")); got.code != 2 {
		t.Errorf("with an argument: %+v", got)
	}
}

// Without namespaces the environment says where everything is.
func TestExecOnPorts(t *testing.T) {
	t.Parallel()
	got := within(t, "--edge", "ports", "zone-expiry", "--", "sh", "-c", `echo "$FAULTZONE_RESOLVER_A $FAULTZONE_API $FAULTZONE_TSIG_INTERNAL_TRANSFER"; exit 7`)
	has(t, got.out, `^127\.0\.0\.1:\d+ 127\.0\.0\.1:\d+ hmac-sha256:internal-transfer:\S+$`)
	if got.code != 7 {
		t.Errorf("%+v", got)
	}
	if got := within(t, "--edge", "ports", "zone-expiry", "--", "no-such-program"); got.code != 127 {
		t.Errorf("%+v", got)
	}
	if got := within(t, "--edge", "ports", "zone-expiry", "--", "sh", "-c", "kill -KILL $$"); got.code != 137 {
		t.Errorf("%+v", got)
	}
}

// With pasta there is a way out, and the world's names stay the world's.
func TestExecInternet(t *testing.T) {
	t.Parallel()
	enclosures(t)
	tool(t, "pasta")
	tool(t, "dig")
	got := within(t, "solvethenetwork", "--internet", "--", "sh", "-c", "cat /proc/net/dev; dig +short api.solvethenetwork.com; exit 6")
	if got.code == 3 && strings.Contains(got.err, "pasta") {
		t.Skipf("pasta does not work here: %s", got.err)
	}
	if lines := strings.Count(got.out, ":"); got.code != 6 || lines != 2 || !strings.Contains(got.out, "\n10.0.2.50\n") {
		t.Errorf("%+v", got)
	}
	empty := t.TempDir()
	cmd := execLineOf(t, "solvethenetwork", "--internet", "--", "true")
	cmd.Env = append(cmd.Env, "PATH="+empty)
	if got := finish(t, cmd); got.code != 3 || !strings.Contains(got.err, "apt install passt") {
		t.Errorf("without pasta: %+v", got)
	}
}
