package enclosure

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Enter replaces this process by a program in the namespaces of another process, the inner one of a [Run] of the same user.
// It returns only with an error. The program has capabilities there until it becomes a command ([Command.Become]).
func Enter(pid int, args, env []string) error {
	// A program with threads cannot change its user namespace; nsenter has one.
	path, err := exec.LookPath("nsenter")
	if err != nil {
		return &Refused{Step: "enter namespaces", Err: errors.New("nsenter is not installed"), Advice: []string{"It is in the package util-linux."}}
	}
	argv := append([]string{"nsenter", "-t", strconv.Itoa(pid), "-U", "-n", "-m", "--preserve-credentials", "--"}, args...)
	return fmt.Errorf("run nsenter: %w", unix.Exec(path, argv, env))
}

// Become replaces this process, which has come into a namespace by [Enter], by the command, without the capabilities there.
// It returns only with an error, and [CannotRun] or [NotFound].
func (c Command) Become() (code int, err error) {
	runtime.LockOSThread()
	if err := DropPrivileges(); err != nil {
		return CannotRun, err
	}
	cmd, code, err := c.prepare()
	if err != nil {
		return code, err
	}
	return CannotRun, fmt.Errorf("run %s: %w", c.Args[0], unix.Exec(cmd.Path, cmd.Args, cmd.Env))
}
