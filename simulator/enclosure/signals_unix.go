//go:build unix

package enclosure

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// forwarded are the signals that are passed on, as they come.
func forwarded() chan os.Signal {
	c := make(chan os.Signal, 16)
	signal.Notify(c, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM)
	return c
}

// pass passes signals on to a process until stop is closed.
func pass(signals <-chan os.Signal, pid int, stop <-chan struct{}) {
	for {
		select {
		case s := <-signals:
			if number, ok := s.(syscall.Signal); ok && !(typed(number) && inForeground()) {
				unix.Kill(pid, number)
			}
		case <-stop:
			return
		}
	}
}

// typed tells the signals of keys, Ctrl-C and Ctrl-\, which a terminal sends to all of its foreground group: the command
// has them already.
func typed(s syscall.Signal) bool { return s == syscall.SIGINT || s == syscall.SIGQUIT }

// inForeground tells whether this process is in its terminal's foreground group.
func inForeground() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// exitCode is a process's as shells have it.
func exitCode(s *os.ProcessState) int {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return signalled + int(status.Signal())
	}
	return s.ExitCode()
}
