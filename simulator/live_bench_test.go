package simulator_test

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"

	"faultzone/simulator"
	"faultzone/simulator/edge"
)

// From TOML to the first validated answer on a real socket. At speed 1 most of it is the latency of the world's links:
// a cold question goes to the root and the TLD several times. At speed 1000 that costs next to nothing, and what is left
// is the start itself.
func BenchmarkLiveStartToFirstAnswer(b *testing.B) {
	for _, speed := range []float64{1, 1000} {
		b.Run(fmt.Sprint("speed", speed), func(b *testing.B) { benchmarkLiveStart(b, speed) })
	}
}

func benchmarkLiveStart(b *testing.B, speed float64) {
	b.ReportAllocs()
	for b.Loop() {
		w, err := simulator.New(base(b), simulator.Options{Live: true, Speed: speed})
		if err != nil {
			b.Fatal(err)
		}
		e, err := edge.Ports(edge.Config{Network: w.Network(), Nodes: w.EdgeNodes(), As: w.VantageAddresses()})
		if err != nil {
			b.Fatal(err)
		}
		m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 7, RecursionDesired: true, AuthenticatedData: true},
			Question: []dns.Question{{Name: "api.solvethenetwork.com.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}}
		for _, d := range e.Doors() {
			if d.Node != "resolver-a" {
				continue
			}
			reply, _, err := new(dns.Client).Exchange(m, d.Real.String())
			if err != nil || !reply.AuthenticatedData {
				b.Fatal(reply, err)
			}
		}
		e.Close()
		w.Close()
	}
}
