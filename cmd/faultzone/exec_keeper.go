package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"faultzone/simulator"
	"faultzone/simulator/enclosure"
)

// keeper keeps the log of the machine that the organisation's name server runs on: what the server says of itself, as its
// log file has it, and when its program came and went, as the machine's service manager would note. All of it is the
// world's: nothing is made up, and a server that is silent about something has no line for it.
type keeper struct {
	w    *execWorld
	node string // the server's; empty: the world has none

	mu     sync.Mutex
	lines  []keptLine
	state  string    // the server's, as last seen
	since  time.Time // in the world
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// keptLine is a line of the log.
type keptLine struct {
	at   time.Time // in the world
	who  string    // named or systemd
	text string
}

// namedServer is the first primary of the world's lowest zone: the server that people mean by "named" there.
func namedServer(w *simulator.World) string {
	name, _ := w.ExampleName()
	best, depth := "", -1
	for _, s := range w.Scenario().World.Servers {
		for _, v := range s.Views {
			for _, z := range v.Zones {
				if labels := dns.CountLabel(z.Origin); len(z.Primaries) == 0 && dns.IsSubDomain(z.Origin, name) && labels > depth {
					best, depth = s.Name, labels
				}
			}
		}
	}
	return best
}

// logFile is named's log.
func logFile() string { return filepath.Join(enclosure.Dir, "named", "named.log") }

// keep begins the log. Its end is stop.
func keep(w *execWorld) *keeper {
	k := &keeper{w: w, node: namedServer(w.host.World())}
	var ctx context.Context
	ctx, k.cancel = context.WithCancel(context.Background())
	k.wg.Go(func() {
		for ctx.Err() == nil { // a life after another
			k.follow(ctx)
		}
	})
	return k
}

func (k *keeper) stop() { k.cancel(); k.wg.Wait() }

// follow keeps the log of one life of the world.
func (k *keeper) follow(ctx context.Context) {
	life := k.w.host.Life()
	journal := life.World.Journal()
	k.mu.Lock()
	k.lines, k.state, k.since = nil, stateOf(life.World, k.node), life.World.Start()
	if first, _ := journal.Page(0, 1); len(first) > 0 {
		k.since = first[0].At // programs are started some seconds before the scenario
	}
	k.mu.Unlock()
	file, err := os.Create(logFile())
	if err != nil {
		report(k.w.c.App.ErrWriter, err)
		<-ctx.Done()
		return
	}
	defer file.Close()
	const page = 1000
	for next := 0; ; {
		var list []simulator.Numbered
		list, next = journal.Page(next, page, simulator.KindAuthoritative, simulator.KindFault)
		for _, e := range list {
			k.take(life.World, e.Entry, file)
		}
		select {
		case <-journal.Grown(next):
		case <-ctx.Done():
			return
		case <-life.Ended():
			return
		}
	}
}

// take takes an entry of the journal.
func (k *keeper) take(w *simulator.World, e simulator.Entry, file *os.File) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e.Kind == simulator.KindFault { // of which the machine sees what it does to the program
		before, now := k.state, stateOf(w, k.node)
		if runs(before) == runs(now) {
			k.state = now
			return
		}
		k.state, k.since = now, e.At
		text := "Started named.service."
		if !runs(now) {
			text = "named.service: Main process exited."
		}
		k.lines = append(k.lines, keptLine{e.At, "systemd", text})
		return
	}
	if e.Node != k.node {
		return
	}
	text := e.What
	if e.Zone != "" {
		text += " " + e.Zone + "/" + e.View
	}
	if e.Serial != 0 {
		text += fmt.Sprintf(" serial %d", e.Serial)
	}
	text += ": " + strings.ReplaceAll(e.Text, "\n", " ")
	k.lines = append(k.lines, keptLine{e.At, "named", text})
	fmt.Fprintf(file, "%s %s\n", e.At.UTC().Format("02-Jan-2006 15:04:05.000"), text)
	const most = 20000
	if len(k.lines) > most {
		k.lines = append(k.lines[:0], k.lines[len(k.lines)-most/2:]...)
	}
}

// runs tells whether a node's program is there, be it stuck.
func runs(state string) bool { return state == "up" || state == "hanging" }

// stateOf is how a node's program looks from outside.
func stateOf(w *simulator.World, node string) string {
	for _, n := range w.Nodes() {
		if n.Name == node {
			return n.State
		}
	}
	return ""
}

// from are the lines from a moment on.
func (k *keeper) from(at time.Time) []keptLine {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, line := range k.lines {
		if !line.at.Before(at) {
			return append([]keptLine(nil), k.lines[i:]...)
		}
	}
	return nil
}
