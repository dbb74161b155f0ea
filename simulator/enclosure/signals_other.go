//go:build !unix

package enclosure

import (
	"os"
	"os/signal"
)

// forwarded are the signals that are passed on, as they come.
func forwarded() chan os.Signal {
	c := make(chan os.Signal, 16)
	signal.Notify(c, os.Interrupt)
	return c
}

// pass takes signals and does nothing: the console sends them to every program on it.
func pass(signals <-chan os.Signal, _ int, stop <-chan struct{}) {
	for {
		select {
		case <-signals:
		case <-stop:
			return
		}
	}
}

func exitCode(s *os.ProcessState) int { return s.ExitCode() }
