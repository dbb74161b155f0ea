package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"faultzone/simulator"
	"faultzone/simulator/clock"
	"faultzone/simulator/dnstap"
	"faultzone/simulator/metrics"
	"faultzone/simulator/pcap"
	"faultzone/simulator/recording"
)

// observerFlags are those of the commands whose worlds can be recorded.
func observerFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "pcap", Usage: "capture what crosses the world's network into `FILE`, for Wireshark; where FILE ends in .pcapng with comments on what faults did"},
		&cli.StringFlag{Name: "dnstap", Usage: "write dnstap of every node to `FILE`, or, of a live world, to who listens on unix:PATH"},
	}
}

// observers see all that crosses the networks of a command's worlds.
type observers struct {
	c         *cli.Context
	recorders []*recording.Recorder // each is called as its flag
	metrics   *metrics.Metrics      // of live worlds alone
}

// openObservers opens what the flags ask for. Worlds are attached as they are built ([simulator.Options.OnBuilt]), and the
// caller closes the observers after them.
func openObservers(c *cli.Context, live bool) (*observers, error) {
	o := &observers{c: c}
	for _, open := range []func(bool) error{o.openPcap, o.openDnstap} {
		if err := open(live); err != nil {
			return nil, errors.Join(err, o.close())
		}
	}
	if live {
		var list []metrics.Recording
		for _, r := range o.recorders {
			list = append(list, r)
		}
		o.metrics = metrics.New(list...)
	}
	return o, nil
}

func (o *observers) record(flag string, sink recording.Sink, live bool) {
	o.recorders = append(o.recorders, recording.New(recording.Config{Name: flag, Sink: sink, Live: live}))
}

func (o *observers) openPcap(live bool) error {
	path := o.c.String("pcap")
	if path == "" {
		return nil
	}
	f, err := createRecording(path)
	if err != nil {
		return flagFileError("pcap", path, err)
	}
	w, err := pcap.New(f, path)
	if err != nil {
		return flagFileError("pcap", path, err)
	}
	o.record("pcap", w, live)
	return nil
}

func (o *observers) openDnstap(live bool) error {
	path := o.c.String("dnstap")
	if path == "" {
		return nil
	}
	program := "faultzone " + version()
	if socket, ok := strings.CutPrefix(path, "unix:"); ok {
		if !live || socket == "" {
			return usage("--dnstap %s: want a file%s", path, map[bool]string{true: ", or unix: and the path of a socket"}[live])
		}
		o.record("dnstap", dnstap.NewSocket(socket, program, func(err error) {
			if err == nil {
				fmt.Fprintf(o.c.App.ErrWriter, "faultzone: --dnstap %s: somebody listens again\n", path)
				return
			}
			fmt.Fprintf(o.c.App.ErrWriter, "faultzone: --dnstap %s: %v; messages are dropped until somebody listens there\n", path, err)
		}), live)
		return nil
	}
	f, err := createRecording(path)
	if err != nil {
		return flagFileError("dnstap", path, err)
	}
	w, err := dnstap.NewFile(f, program)
	if err != nil {
		return flagFileError("dnstap", path, err)
	}
	o.record("dnstap", w, live)
	return nil
}

// attach has a world seen from its beginning.
func (o *observers) attach(w *simulator.World) {
	for _, r := range o.recorders {
		r.Attach(w)
	}
	if o.metrics != nil {
		o.metrics.Attach(w)
	}
}

// metricsOf serves Prometheus with the metrics of the world that world returns.
func (o *observers) metricsOf(world func() *simulator.World) http.Handler {
	return o.metrics.Handler(world)
}

// close ends the recordings and says what they lack.
func (o *observers) close() error {
	var errs []error
	for _, r := range o.recorders {
		flag := r.Name()
		if err := r.Close(); err != nil {
			errs = append(errs, flagFileError(flag, o.c.String(flag), err))
		}
		if written, dropped := r.Counts(); dropped > 0 {
			fmt.Fprintf(o.c.App.ErrWriter, "faultzone: --%s %s: %s, %d were dropped\n", flag, o.c.String(flag),
				plural(int(written), "leg")+" recorded", dropped)
		}
	}
	return errors.Join(errs...)
}

// recordingFile is a file that cannot hold its writer up for ever: a pipe that nobody reads fails after a while.
type recordingFile struct {
	*os.File
	wall clock.Wall
}

func createRecording(path string) (*recordingFile, error) {
	f, err := os.Create(path)
	return &recordingFile{File: f}, err
}

func (f *recordingFile) Write(b []byte) (int, error) {
	const patience = 10 * time.Second
	_ = f.SetWriteDeadline(f.wall.In(patience)) // an ordinary file has none, and needs none
	return f.File.Write(b)
}
