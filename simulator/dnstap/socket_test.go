package dnstap_test

import (
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	dnstaplib "github.com/dnstap/golang-dnstap"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/dnstap"
	"faultzone/simulator/recording"
)

const patience = 20 * time.Second

// live is a live world that writes to a socket. The reports of the connection's changes are in reports.
func live(t *testing.T, path string, room int) (r *recorded, reports chan error) {
	t.Helper()
	reports = make(chan error, 100)
	r = &recorded{t: t}
	sink := dnstap.NewSocket(path, "faultzone test", func(err error) { reports <- err })
	r.recorder = recording.New(recording.Config{Name: "dnstap", Sink: sink, Live: true, Room: room})
	w, err := simulator.New(builtin(t, "negative-cache"), simulator.Options{Live: true, Speed: 1000, OnBuilt: r.recorder.Attach})
	if err != nil {
		t.Fatal(err)
	}
	r.World = w
	t.Cleanup(func() {
		if err := r.recorder.Close(); err != nil {
			t.Error(err)
		}
		w.Close()
	})
	return r, reports
}

// collector listens and hands each connection to serve.
func collector(t *testing.T, path string, serve func(net.Conn)) (stop func()) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			c.Close()
		}
	}()
	return func() { l.Close(); <-done }
}

func question(name string) scenarios.QueryStep {
	return scenarios.QueryStep{Name: name, Via: "resolver-a"}
}

// A collector gets everything, with the handshake and the farewell of bidirectional Frame Streams.
func TestSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tap.sock")
	got := make(chan []*dnstaplib.Dnstap, 1)
	stop := collector(t, path, func(c net.Conn) { got <- decode(t, c, dnstaplib.ReaderOptions{Bidirectional: true}) })
	defer stop()
	r, reports := live(t, path, 0)
	r.ask(question("db-01.solvethenetwork.com."))
	if err := r.recorder.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case list := <-got:
		if lines := about(list, "db-01.solvethenetwork.com."); len(lines) < 6 {
			t.Errorf("%q", lines)
		}
	case <-time.After(patience):
		t.Fatal("the collector saw no farewell")
	}
	if written, dropped := r.recorder.Counts(); written == 0 || dropped != 0 {
		t.Errorf("%d written, %d dropped", written, dropped)
	}
	if len(reports) > 0 {
		t.Errorf("reported: %v", <-reports)
	}
}

// Nobody listens at first; what is asked then is dropped and counted. A collector that comes gets what follows, goes, and
// may come again.
func TestSocketReconnects(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tap.sock")
	r, reports := live(t, path, 0)
	r.ask(question("db-01.solvethenetwork.com."))
	if err := <-reports; err == nil {
		t.Error("somebody listens where there is no socket")
	}
	for range 2 {
		var frames atomic.Int64
		connected := make(chan struct{})
		stop := collector(t, path, func(c net.Conn) {
			reader, err := dnstaplib.NewReader(c, &dnstaplib.ReaderOptions{Bidirectional: true})
			if err != nil {
				t.Error(err)
				return
			}
			buffer := make([]byte, 1<<17)
			if _, err := reader.ReadFrame(buffer); err != nil {
				t.Error(err)
				return
			}
			frames.Add(1)
			close(connected)
		})
		limit := time.After(patience)
		for waiting := true; waiting; {
			r.ask(question("db-01.solvethenetwork.com."))
			select {
			case <-connected:
				waiting = false
			case <-limit:
				t.Fatal("the collector got nothing")
			case <-time.After(10 * time.Millisecond):
			}
		}
		stop()
		if err := <-reports; err != nil {
			t.Errorf("reported %v, want that somebody listens again", err)
		}
		// It has gone: the next writes find that out.
		for waiting := true; waiting; {
			r.ask(question("db-01.solvethenetwork.com."))
			select {
			case err := <-reports:
				waiting = false
				if err == nil {
					t.Error("somebody listens where nobody does")
				}
			case <-limit:
				t.Fatal("the loss was not noticed")
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	if _, dropped := r.recorder.Counts(); dropped == 0 {
		t.Error("nothing was dropped")
	}
}

// A collector that takes the connection and then nothing more holds up neither the world nor its end.
func TestSocketHalfDead(t *testing.T) {
	t.Parallel()
	var shaken atomic.Bool
	t.Cleanup(func() {
		if !shaken.Load() {
			t.Error("no collector came to read nothing")
		}
	})
	for name, serve := range map[string]func(c net.Conn, end <-chan struct{}){
		"no handshake": func(_ net.Conn, end <-chan struct{}) { <-end },
		"reads nothing after it": func(c net.Conn, end <-chan struct{}) {
			// A second connection, after the first was given up, may end before its handshake.
			if _, err := dnstaplib.NewReader(c, &dnstaplib.ReaderOptions{Bidirectional: true}); err == nil {
				shaken.Store(true)
			}
			<-end
		},
		"garbage": func(c net.Conn, end <-chan struct{}) { c.Write(make([]byte, 100)); <-end },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "tap.sock")
			end := make(chan struct{})
			stop := collector(t, path, func(c net.Conn) { serve(c, end) })
			r, _ := live(t, path, 1<<14)
			for range 3000 { // more than the queue and the socket hold
				r.ask(question("db-01.solvethenetwork.com."))
			}
			if err := r.recorder.Close(); err != nil {
				t.Error(err)
			}
			if _, dropped := r.recorder.Counts(); dropped == 0 {
				t.Error("nothing was dropped")
			}
			close(end)
			stop()
		})
	}
}
