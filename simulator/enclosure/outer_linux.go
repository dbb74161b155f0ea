package enclosure

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The environment variables by which the inner process knows itself. The command does not see them.
const (
	outerVariable = "FAULTZONE_ENCLOSURE" // the outer process's ID
	filesVariable = "FAULTZONE_ENCLOSURE_FILES"
)

// Run runs the inner process to its end and returns its exit code. The error is [Refused] where the machine allows no
// such namespaces.
func Run(p Process) (code int, err error) {
	// Parents die by threads: the one that starts the inner process must live as long as this one does.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("adopt what the command leaves behind: %w", err)
	}
	files := p.Files
	var gate *os.File
	if p.Internet {
		if err := havePasta(); err != nil {
			return 0, err
		}
		inner, outer, err := os.Pipe()
		if err != nil {
			return 0, err
		}
		defer inner.Close()
		defer outer.Close()
		gate, files = outer, append(files[:len(files):len(files)], File{gateName, inner})
	}
	if p.Outside {
		inner, outer, err := wayOut()
		if err != nil {
			return 0, err
		}
		served := make(chan struct{})
		go func() { defer close(served); giveSockets(outer) }()
		defer func() { inner.Close(); outer.Close(); <-served }()
		files = append(files[:len(files):len(files)], File{outsideName, inner})
	}
	cmd := innerCommand(p.Args, files)
	stop := make(chan struct{})
	defer close(stop)
	signals := forwarded()
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 0, diagnose("/", "make namespaces for the command", err)
	}
	go pass(signals, cmd.Process.Pid, stop)
	var failed error
	if gate != nil {
		if failed = startPasta(cmd.Process.Pid); failed == nil {
			_, failed = gate.Write([]byte{1})
		}
		gate.Close()
	}
	if failed != nil {
		cmd.Process.Kill()
	}
	code = wait(cmd.Process.Pid)
	sweep(elsewhere)
	return code, failed
}

// innerCommand is this program in namespaces of its own, with its user's own ID and what it takes to furnish them.
func innerCommand(args []string, files []File) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = args
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), outerVariable+"="+strconv.Itoa(os.Getpid()))
	if len(files) > 0 {
		names := make([]string, len(files))
		for i, f := range files {
			names[i] = f.Name
			cmd.ExtraFiles = append(cmd.ExtraFiles, f.File)
		}
		cmd.Env = append(cmd.Env, filesVariable+"="+strings.Join(names, ","))
	}
	uid, gid := os.Geteuid(), os.Getegid()
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE},
		Pdeathsig:   syscall.SIGTERM,
		// On a terminal everybody stays in one group, which it stops, continues and interrupts as a whole. Elsewhere a
		// signal to the outer process's group must not come to the command once by itself and once passed on.
		Setpgid: !onTerminal(),
	}
	return cmd
}

// onTerminal tells whether there is a controlling terminal.
func onTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// Handed are the files that the outer process has handed over, by name. They do not go on to the command. The second
// call returns none.
func Handed() map[string]*os.File {
	files := map[string]*os.File{}
	list := os.Getenv(filesVariable)
	os.Unsetenv(filesVariable)
	if list == "" {
		return files
	}
	const first = 3 // after stdin, stdout and stderr
	for i, name := range strings.Split(list, ",") {
		unix.CloseOnExec(first + i)
		files[name] = os.NewFile(uintptr(first+i), name)
	}
	return files
}

// Inside tells whether this is the inner process of a Run.
func Inside() bool { return os.Getenv(outerVariable) != "" }

// wait returns the exit code of a child, and buries all others that end meanwhile.
func wait(pid int) int {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return signalled // nobody's child: cannot be
		case got == pid && status.Signaled():
			return signalled + int(status.Signal())
		case got == pid:
			return status.ExitStatus()
		}
	}
}
