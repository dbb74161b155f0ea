// Command faultzone breaks DNS on purpose: it plays scenarios of DNS failure and serves broken worlds to real clients.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second Ctrl-C ends the program whatever it is doing
	}()
	os.Exit(run(ctx, os.Args, os.Stdout, os.Stderr))
}
