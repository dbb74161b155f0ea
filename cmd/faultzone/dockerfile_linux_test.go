package main

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// instruction is the rest of the Dockerfile's line that begins so.
func instruction(t *testing.T, begin string) string {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(begin) + `(.*)$`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("the Dockerfile has no %s", begin)
	}
	return string(m[1])
}

// TestDockerfile does by hand what the Dockerfile says: it builds the program with its command line, runs it as its user
// in an empty place, and asks for its health in its words.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds the program anew")
	}
	root, err := os.MkdirTemp("", "faultzone-image-") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	binary, records := filepath.Join(root, "faultzone"), filepath.Join(root, "run")
	build := exec.Command(tool(t, "sh"), "-c", "CGO_ENABLED=0 go build"+strings.Replace(instruction(t, "RUN CGO_ENABLED=0 go build"), "/out/faultzone", binary, 1))
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	static(t, binary)
	if err := os.Mkdir(records, 0o700); err != nil {
		t.Fatal(err)
	}
	inside := func(args ...string) *exec.Cmd {
		cmd := exec.Command(binary, args...)
		cmd.Dir, cmd.Env = "/", []string{"FAULTZONE_RUNTIME_DIR=" + records}
		if os.Getuid() == 0 { // else it is somebody without privileges already
			const nobody = 65534
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			if err := os.Chown(records, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		return cmd
	}
	if got := instruction(t, "USER "); got != "65534:65534" {
		t.Errorf("USER %s", got)
	}
	var command, health []string
	if err := json.Unmarshal([]byte(instruction(t, "CMD ")), &command); err != nil {
		t.Fatal(err)
	}
	_, words, _ := strings.Cut(instruction(t, "HEALTHCHECK "), "CMD ")
	if err := json.Unmarshal([]byte(words), &health); err != nil {
		t.Fatal(err)
	}
	if out, err := inside("wait", "--timeout", "10ms").CombinedOutput(); err == nil {
		t.Errorf("healthy before anything runs: %s", out)
	}
	world := start(t, inside(command...))
	world.waitFor("Control: ")
	if out, err := inside("wait", "--timeout", patience.String()).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if out, err := inside(health[1:]...).CombinedOutput(); err != nil {
		t.Errorf("its own health check: %v %s", err, out)
	}
	if out, err := inside("status").CombinedOutput(); err != nil || !strings.Contains(string(out), "Nothing is broken") {
		t.Errorf("status: %v %s", err, out)
	}
	if err := world.cmd.Process.Signal(syscall.SIGTERM); err != nil { // docker stop
		t.Fatal(err)
	}
	if code := world.end(); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
}

// static makes sure that a program needs no other file to run.
func static(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program needs a dynamic linker")
		}
	}
}
