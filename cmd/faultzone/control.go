package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator/control"
	"faultzone/simulator/live"
	"faultzone/simulator/running"
)

// controlFlags are the flags of a command that runs a world which others may command.
func controlFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "name", Usage: "call the world `ID` on this machine, for --world of the other commands", DefaultText: "the scenario's name, with a number where that is taken"},
		&cli.StringFlag{Name: "control", Value: "127.0.0.1:0", Usage: "serve the HTTP API that commands the world at `ADDRESS:PORT` (port 0: a free one), or off for none"},
		&cli.BoolFlag{Name: "control-public", Usage: "let --control be an address that other machines reach; the token is all that keeps them out", DisableDefaultText: true},
		&cli.StringFlag{Name: "control-name", Usage: "let the API be called by these host `NAMES` too, divided by commas"},
		&cli.StringFlag{Name: "token-file", Usage: "write the API's token to `FILE`, which only this user reads"},
		&cli.StringFlag{Name: "allow-faults", Usage: "let only these faults be injected from outside: `NAMES`, divided by commas"},
		&cli.StringFlag{Name: "protect", Usage: "let nothing be done from outside to these nodes and zones: `NAMES`, divided by commas"},
		&cli.UintFlag{Name: "most-faults", Usage: "let no more than `N` faults be at work when one is injected from outside", DefaultText: "any number"},
		&cli.StringFlag{Name: "longest-fault", Usage: "let faults from outside last no longer than this `DURATION` of the world's time", DefaultText: "for ever"},
	}
}

// controlOptions is what the flags say.
type controlOptions struct {
	name      string // what the world is to be called; empty: by its scenario
	off       bool
	public    bool
	at        netip.AddrPort
	names     []string
	tokenFile string
	limits    control.Limits
	metrics   http.Handler // of the command's worlds, for the API to serve
	// inside is a process in the world's namespaces; 0: it has none.
	inside int
}

func controlOptionsOf(c *cli.Context) (o controlOptions, err error) {
	o = controlOptions{name: c.String("name"), public: c.Bool("control-public"), names: split(c.String("control-name")), tokenFile: c.String("token-file"),
		limits: control.Limits{Faults: split(c.String("allow-faults")), Protected: split(c.String("protect")), MostFaults: int(c.Uint("most-faults"))}}
	if c.IsSet("name") && !regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]{0,98}[A-Za-z0-9])?$`).MatchString(o.name) {
		return o, usage("--name %q: want letters, digits, - and _, such as staging-2", o.name)
	}
	if text := c.String("longest-fault"); c.IsSet("longest-fault") {
		o.limits.LongestFault, err = scenarios.ParseDuration(text)
		if err != nil {
			return o, usage("--longest-fault: %w", err)
		}
	}
	address := c.String("control")
	if o.off = address == "off"; o.off {
		for _, name := range []string{"control-public", "control-name", "token-file"} {
			if c.IsSet(name) {
				return o, usage("--%s: there is no API with --control off", name)
			}
		}
		return o, nil
	}
	if o.at, err = netip.ParseAddrPort(strings.Replace(address, "localhost:", "127.0.0.1:", 1)); err != nil {
		return o, usage("--control %s: want ADDRESS:PORT such as 127.0.0.1:7053, or off", address)
	}
	if !o.at.Addr().IsLoopback() && !o.public {
		return o, usage("--control %s: other machines reach this address; add --control-public if that is meant", address)
	}
	return o, nil
}

// split reads names that are divided by commas.
func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// controlled is a world's API, and its record on this machine.
type controlled struct {
	server *control.Server // nil: it has none
	record *running.Record // nil: none could be kept
	url    string
	served []chan error // an outcome each
}

// listen opens the API's socket, before anything else is done; nil when there is to be none.
func (o controlOptions) listen() (net.Listener, error) {
	if o.off {
		return nil, nil
	}
	network := "tcp6"
	if o.at.Addr().Is4() {
		network = "tcp4" // 0.0.0.0 is every IPv4 address and no more
	}
	l, err := net.Listen(network, o.at.String())
	if err != nil {
		var system *os.SyscallError
		if errors.As(err, &system) {
			err = system.Err
		}
		return nil, environment(fmt.Errorf("--control %s: %w; leave --control out for a free port, or choose another", o.at, err))
	}
	return l, nil
}

// closed closes a listener, if there is one.
func closed(l net.Listener) error {
	if l == nil {
		return nil
	}
	return l.Close()
}

// start serves the API on a listener (nil: on none) and enters the world into this machine's record.
func (o controlOptions) start(l net.Listener, h *live.Host, command string, speed float64, stderr io.Writer) (*controlled, error) {
	s := h.World().Scenario()
	record := running.World{ID: s.Name, PID: os.Getpid(), Command: command, Scenario: s.Name, Title: s.Title, Inside: o.inside}
	d := &controlled{}
	if l != nil {
		record.Token, record.Control = control.NewToken(), "http://"+callable(l.Addr())
		d.url = record.Control
	}
	var refused *exitError
	switch err := o.announce(d, &record); {
	case errors.As(err, &refused):
		return nil, errors.Join(err, d.Close(), closed(l))
	case err != nil && command == "exec" && o.tokenFile == "":
		report(stderr, fmt.Errorf("no other program will find this world, and it has no API: %w", err))
		return d, closed(l)
	case err != nil && l != nil && o.tokenFile == "":
		return nil, errors.Join(environment(fmt.Errorf("%w, or name a --token-file for the API's token, or run with --control off", err)), d.Close(), l.Close())
	case err != nil:
		report(stderr, fmt.Errorf("other programs will not find this world by themselves: %w", err))
	}
	if l == nil {
		return d, nil
	}
	if err := o.serve(d, l, h, record, speed); err != nil {
		d.server = nil // it serves nobody
		return nil, errors.Join(err, d.Close(), l.Close())
	}
	return d, nil
}

// announce enters the world into this machine's record, which gives it its ID.
func (o controlOptions) announce(d *controlled, w *running.World) (err error) {
	if o.name != "" {
		w.ID = o.name
	}
	if d.record, err = running.Announce(running.Dir(), *w); err != nil {
		return err
	}
	if w.ID = d.record.ID; o.name != "" && w.ID != o.name {
		return environment(fmt.Errorf("--name %s: a world of that name runs already; %s would be free", o.name, w.ID))
	}
	return nil
}

func (o controlOptions) serve(d *controlled, l net.Listener, h *live.Host, record running.World, speed float64) (err error) {
	d.server, err = control.New(control.Config{Host: h, ID: record.ID, Token: record.Token, Public: o.public, Names: o.names, Limits: o.limits, Speed: speed,
		Metrics: o.metrics})
	if err != nil {
		return usage("%w", err)
	}
	if o.tokenFile != "" {
		if err := writeToken(o.tokenFile, record.Token); err != nil {
			return flagFileError("token-file", o.tokenFile, err)
		}
	}
	d.serve(l)
	return nil
}

// serve answers on a listener too, which it closes in the end.
func (d *controlled) serve(l net.Listener) {
	served := make(chan error, 1)
	d.served = append(d.served, served)
	go func() { served <- d.server.Serve(l) }()
}

// callable is an address that a client on this machine can call.
func callable(a net.Addr) string {
	at, err := netip.ParseAddrPort(a.String())
	switch {
	case err != nil:
		return a.String()
	case at.Addr().IsUnspecified() && at.Addr().Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port()).String()
	case at.Addr().IsUnspecified():
		return netip.AddrPortFrom(netip.IPv6Loopback(), at.Port()).String()
	}
	return at.String()
}

// writeToken puts the token into a file that nobody else reads, in place of an older one or of a link to a file: what lies
// there already, under a name that others can guess, may be readable by others. A device or a pipe is written to.
func writeToken(path, token string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, []byte(token+"\n"), 0o600)
	}
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return err
	}
	_, err = part.WriteString(token + "\n")
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		os.Remove(part.Name())
	}
	return err
}

// print says how the world is commanded.
func (d *controlled) print(w io.Writer) {
	if d.server == nil {
		return
	}
	id := ""
	if d.record != nil {
		id = " --world " + d.record.ID
	}
	fmt.Fprintf(w, "Control: %s, by faultzone status%s (inject, heal, query, halt …) or curl -H \"Authorization: Bearer $(faultzone token%[2]s)\"\n\n", d.url, id)
}

// ready has others told that the world is.
func (d *controlled) ready() {
	if d.server != nil {
		d.server.Ready()
	}
}

// Close ends the API, and takes the record away first, so that nobody finds what is about to end.
func (d *controlled) Close() error {
	var errs []error
	if d.record != nil {
		errs = append(errs, d.record.Close())
	}
	if d.server != nil {
		errs = append(errs, d.server.Close())
	}
	for _, served := range d.served {
		errs = append(errs, <-served)
	}
	return errors.Join(errs...)
}
