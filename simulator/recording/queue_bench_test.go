package recording

import (
	"net/netip"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
	"faultzone/simulator/network"
)

type nothing struct{}

func (nothing) Write(*Leg) error { return nil }
func (nothing) Flush() error     { return nil }
func (nothing) Close() error     { return nil }

// What a leg waits for a recording: its copy into the queue.
func BenchmarkQueue(b *testing.B) {
	s, _, err := scenarios.Builtin("negative-cache", fault.Vocabulary())
	if err != nil {
		b.Fatal(err)
	}
	w, err := simulator.New(s, simulator.Options{Live: true})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	r := New(Config{Sink: nothing{}, Live: true})
	defer r.Close()
	scene := newScene(w)
	e := network.Event{At: time.Unix(1_775_120_400, 0), Network: "udp", From: netip.MustParseAddrPort("10.0.2.100:4000"),
		To: netip.MustParseAddrPort("10.0.1.10:53"), Data: make([]byte, 60)}
	b.ReportAllocs()
	for b.Loop() {
		r.see(w, scene, e)
	}
}
