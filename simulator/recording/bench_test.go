package recording_test

import (
	"io"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/dnstap"
	"faultzone/simulator/fault"
	"faultzone/simulator/metrics"
	"faultzone/simulator/network"
	"faultzone/simulator/pcap"
	"faultzone/simulator/recording"
)

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// What it costs a live world to be observed: a real client's question that the cache answers, which is two legs. What a
// recording's own goroutine does with them comes on top, on a core of its own where there is one.
func BenchmarkObservedQuestion(b *testing.B) {
	sinks := map[string]func() (recording.Sink, error){
		"dnstap": func() (recording.Sink, error) { return dnstap.NewFile(nowhere{io.Discard}, "faultzone") },
		"pcap":   func() (recording.Sink, error) { return pcap.New(nowhere{io.Discard}, "a.pcap") },
	}
	for _, by := range []string{"nobody", "metrics", "dnstap", "pcap"} {
		b.Run(by, func(b *testing.B) {
			var attach func(*simulator.World)
			if by == "metrics" {
				attach = metrics.New().Attach
			}
			if open := sinks[by]; open != nil {
				sink, err := open()
				if err != nil {
					b.Fatal(err)
				}
				r := recording.New(recording.Config{Name: by, Sink: sink, Live: true})
				defer func() {
					if err := r.Close(); err != nil {
						b.Error(err)
					}
					written, dropped := r.Counts()
					b.ReportMetric(float64(dropped)/float64(written+dropped), "dropped/leg")
				}()
				attach = r.Attach
			}
			benchmarkQuestion(b, attach)
		})
	}
}

func benchmarkQuestion(b *testing.B, attach func(*simulator.World)) {
	s, _, err := scenarios.Builtin("negative-cache", fault.Vocabulary())
	if err != nil {
		b.Fatal(err)
	}
	w, err := simulator.New(s, simulator.Options{Live: true, OnBuilt: attach})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	q := new(dns.Msg)
	q.SetQuestion("www.solvethenetwork.com.", dns.TypeA)
	packed, err := q.Pack()
	if err != nil {
		b.Fatal(err)
	}
	m := network.Message{Network: "udp", From: netip.MustParseAddrPort("10.0.2.100:4000"), To: netip.MustParseAddrPort("10.0.1.10:53"), Data: packed}
	answered := make(chan struct{}, 1)
	later := func() network.Later { return network.Later{Reply: func([]byte) { answered <- struct{}{} }} }
	if reply, _ := w.Network().Pass(m, later); reply == nil {
		<-answered
	}
	b.ReportAllocs()
	for b.Loop() {
		if reply, fate := w.Network().Pass(m, later); reply == nil || fate != network.Delivered {
			b.Fatal(fate)
		}
	}
}

// What a recording's own goroutine does with each leg, or, in virtual time, the world itself.
func BenchmarkSink(b *testing.B) {
	var legs []recording.Leg
	collect := &sink{}
	r := recording.New(recording.Config{Sink: collect})
	s, _, err := scenarios.Builtin("negative-cache", fault.Vocabulary())
	if err != nil {
		b.Fatal(err)
	}
	w, err := simulator.New(s, simulator.Options{OnBuilt: r.Attach})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	for _, l := range collect.legs {
		if l.Network == "udp" {
			legs = append(legs, l)
		}
	}
	for _, format := range []string{"dnstap", "pcap", "pcapng"} {
		b.Run(format, func(b *testing.B) {
			var sink recording.Sink
			var err error
			if sink, err = dnstap.NewFile(nowhere{io.Discard}, "faultzone"); format != "dnstap" {
				sink, err = pcap.New(nowhere{io.Discard}, "a."+format)
			}
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := sink.Write(&legs[i%len(legs)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
