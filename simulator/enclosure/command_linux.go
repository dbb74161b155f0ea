package enclosure

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Run runs the command to its end, in the inner process, with its own terminal, signals and folder, and returns its exit
// code. Nothing of what it started is left then. An error goes with [CannotRun] or [NotFound].
func (c Command) Run() (code int, err error) {
	runtime.LockOSThread() // what is dropped is dropped of a thread, and the command's parent is one
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return CannotRun, fmt.Errorf("adopt what the command leaves behind: %w", err)
	}
	if err := DropPrivileges(); err != nil {
		return CannotRun, err
	}
	cmd, code, err := c.prepare()
	if err != nil {
		return code, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stop := make(chan struct{})
	defer close(stop)
	signals := forwarded()
	defer signal.Stop(signals)
	// Ctrl-Z stops the command and the outer process, for the shell to see. What the command looks at goes on.
	unstopped := make(chan os.Signal, 1)
	signal.Notify(unstopped, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	defer signal.Stop(unstopped)
	outer, _ := strconv.Atoi(os.Getenv(outerVariable))
	os.Unsetenv(outerVariable)
	if outer != 0 && os.Getppid() != outer {
		return CannotRun, errors.New("the process that was to wait for the command has ended")
	}
	if err := cmd.Start(); err != nil {
		return CannotRun, fmt.Errorf("run %s: %w", c.Args[0], reason(err))
	}
	go passOrEnd(signals, outer, cmd.Process.Pid, stop)
	code = wait(cmd.Process.Pid)
	sweep(anybody)
	return code, nil
}

// passOrEnd passes signals on, and kills everything when the outer process has ended: its end comes as a signal too.
func passOrEnd(signals <-chan os.Signal, outer, pid int, stop <-chan struct{}) {
	one := make(chan os.Signal)
	go pass(one, pid, stop)
	for {
		select {
		case s := <-signals:
			if outer != 0 && os.Getppid() != outer {
				unix.Kill(pid, unix.SIGKILL)
				continue
			}
			select {
			case one <- s:
			case <-stop:
			}
		case <-stop:
			return
		}
	}
}

// prepare finds the program by the PATH of the command's own environment.
func (c Command) prepare() (cmd *exec.Cmd, code int, err error) {
	path, err := lookPath(c.Args[0], c.Env)
	if err != nil {
		code = CannotRun
		if errors.Is(err, fs.ErrNotExist) {
			code = NotFound
		}
		return nil, code, fmt.Errorf("run %s: %w", c.Args[0], reason(err))
	}
	cmd = &exec.Cmd{Path: path, Args: c.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	for _, v := range c.Env {
		if !strings.HasPrefix(v, outerVariable+"=") && !strings.HasPrefix(v, filesVariable+"=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd, 0, nil
}

// lookPath is exec.LookPath in another environment.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		if _, err := os.Stat(name); err != nil {
			return "", err
		}
		return name, nil
	}
	var found error = fs.ErrNotExist
	for _, dir := range strings.Split(variable(env, "PATH"), ":") {
		if dir == "" {
			dir = "."
		}
		path := dir + "/" + name
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			continue
		}
		if unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
		found = fs.ErrPermission
	}
	if errors.Is(found, fs.ErrNotExist) {
		return "", fmt.Errorf("no such program on the PATH: %w", found)
	}
	return "", found
}

// variable is the last value of a variable of an environment.
func variable(env []string, name string) (value string) {
	for _, v := range env {
		if rest, ok := strings.CutPrefix(v, name+"="); ok {
			value = rest
		}
	}
	return value
}

// reason is the system's word for a failure, without the path that has been said already.
func reason(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// DropPrivileges takes from the calling thread, which must be locked to its goroutine, every capability that it has in its
// user namespace, and the means to get others. What it starts from then on has none.
func DropPrivileges() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forgo new privileges: %w", err)
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("drop the ambient capabilities: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("drop the capabilities: %w", err)
	}
	return nil
}
