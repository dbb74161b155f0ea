package enclosure

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
)

// RunHere runs the command to its end without any enclosure, and returns its exit code, as [Command.Run] does.
func (c Command) RunHere() (code int, err error) {
	runtime.LockOSThread() // parents die by threads
	defer runtime.UnlockOSThread()
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Env = c.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = endWithParent()
	signals, stop := forwarded(), make(chan struct{})
	defer close(stop)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return NotFound, fmt.Errorf("run %w", err)
		}
		return CannotRun, fmt.Errorf("run %w", err)
	}
	go pass(signals, cmd.Process.Pid, stop)
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return CannotRun, err
	}
	return exitCode(cmd.ProcessState), nil
}
