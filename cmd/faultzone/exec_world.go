package main

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
	"faultzone/simulator/enclosure"
	"faultzone/simulator/live"
)

// execWorld is the world that a command is run in.
type execWorld struct {
	c        *cli.Context
	scenario *scenarios.Scenario
	guest    guest
	options  simulator.Options
	commands controlOptions
	without  []string
	open     func(edge.Config) (*edge.Edge, error)
	web      edge.WebForm
	outside  simulator.RealProgram // how the programs of --without are asked; nil: nobody does
	host     *live.Host
	at       time.Duration
	steps    stepWatch
	watch    *observers
}

// newExecWorld reads what the command line says of the world.
func newExecWorld(c *cli.Context, line execLine) (*execWorld, error) {
	w := &execWorld{c: c, at: line.at, without: c.StringSlice("without")}
	w.steps.done = make(chan struct{}, 1)
	var err error
	if w.options, err = liveOptions(c); err != nil {
		return nil, err
	}
	w.options.Trace = true // of the questions that are put through the API
	if w.commands, err = controlOptionsOf(c); err != nil {
		return nil, err
	}
	if w.at > 0 && w.options.Start.IsZero() { // what is outside of the world goes by the wall, and is to agree with it then
		w.options.Start = clock.Wall{}.Now().UTC().Truncate(time.Second).Add(-w.at)
	}
	if w.scenario, err = loadWorld(line.before[0], c.App.ErrWriter); err != nil {
		return nil, err
	}
	if w.guest, err = guestOf(w.scenario, c.String("as")); err != nil {
		return nil, err
	}
	if err := w.knowsAll(); err != nil {
		return nil, err
	}
	if err := prepareJournal(c); err != nil {
		return nil, err
	}
	if w.watch, err = openObservers(c, true); err != nil {
		return nil, err
	}
	w.options.OnBuilt = w.watch.attach
	return w, nil
}

// begin builds the world and opens its sockets. Its time stands still. What fails closes what is open.
func (w *execWorld) begin() (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, w.watch.close())
		}
	}()
	as := slices.Concat(w.guest.addresses, w.scenario.World.Vantage)
	h, err := live.New(live.Config{Scenario: w.scenario, Options: w.options, Open: w.open, As: as, Web: &w.web, Without: w.without, Outside: w.outside, LocalStub: w.guest.client,
		Report: func(err error) { report(w.c.App.ErrWriter, err) },
		OnStep: w.onStep})
	var refused *live.EdgeError
	switch {
	case errors.As(err, &refused):
		return environment(err)
	case err != nil:
		return usage("%s: %w", w.scenario.Name, err)
	}
	w.host = h
	if err := writeFiles(w.c, h.World(), w.doors()); err != nil {
		return errors.Join(err, h.Close())
	}
	return nil
}

// doors are where the nodes are, and the web hosts.
func (w *execWorld) doors() []edge.Door { return append(w.host.Doors(), w.host.WebDoors()...) }

// knowsAll checks that the nodes of --without are there.
func (w *execWorld) knowsAll() error {
	var names []string
	for _, n := range w.scenario.World.Servers {
		names = append(names, n.Name)
	}
	for _, n := range w.scenario.World.Resolvers {
		names = append(names, n.Name)
	}
	for _, name := range w.without {
		if !slices.Contains(names, name) {
			return usage("--without %q: no server or resolver of the scenario has that name; there are %s%s", name, orNone(names),
				scenarios.DidYouMean(name, names))
		}
	}
	return nil
}

// place is the inside around this world.
func (w *execWorld) place(nodes []edge.Node) enclosure.Place {
	var addresses []netip.Addr
	add := func(list []netip.Addr) {
		for _, a := range list {
			if !a.IsLoopback() && !slices.Contains(addresses, a) {
				addresses = append(addresses, a)
			}
		}
	}
	for _, n := range nodes {
		add(n.Addresses)
	}
	for _, n := range inhabitants(w.scenario) {
		add(n.addresses) // those of --without and of clients
	}
	add(w.scenario.World.Vantage)
	add(w.guest.addresses)
	as := slices.Concat(w.guest.addresses, w.scenario.World.Vantage)
	machines, _ := os.ReadFile("/etc/nsswitch.conf") // none is as good as an empty one
	return enclosure.Place{
		Addresses: addresses,
		Source: func(to netip.Addr) (netip.Addr, bool) {
			if from, ok := edge.Source(w.guest.addresses, to); ok {
				return from, true
			}
			return edge.Source(as, to)
		},
		Etc: map[string][]byte{
			"resolv.conf":   w.guest.resolvConf(),
			"hosts":         w.guest.hostsFile(),
			"nsswitch.conf": switchFile(machines),
		},
		Folders: []string{"bin"},
		Logs:    []string{"named"},
	}
}

// furnishMore puts into the enclosure's folder what programs inside may want.
func (w *execWorld) furnishMore() error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Symlink(exe, filepath.Join(enclosure.Dir, "bin", "faultzone")); err != nil {
		return err
	}
	if err := writeStandIns(); err != nil {
		return err
	}
	if ds, _ := w.host.World().Anchors(); len(ds) > 0 {
		for _, name := range []string{"root.key", "root.conf"} {
			var b bytes.Buffer
			if err := writeAnchors(&b, name, w.host.World()); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(enclosure.Dir, name), b.Bytes(), 0o644); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(environmentFile(), []byte(strings.Join(w.environment(), "\x00")), 0o600)
}

// environment is the command's: this process's, with the world's variables.
func (w *execWorld) environment() []string {
	env := os.Environ()
	if w.c.String("edge") == "exact" {
		env = append(env, "PATH="+filepath.Join(enclosure.Dir, "bin")+":"+os.Getenv("PATH"))
	}
	var b bytes.Buffer
	_ = writeAddresses(&b, w.host.World(), w.doors()) // a buffer takes everything
	for line := range strings.Lines(b.String()) {
		env = append(env, strings.TrimSuffix(line, "\n"))
	}
	return env
}

// end closes the world and writes its journal.
func (w *execWorld) end() {
	if err := errors.Join(writeJournal(w.c, w.host.World()), w.host.Close(), w.watch.close()); err != nil {
		report(w.c.App.ErrWriter, err)
	}
}
