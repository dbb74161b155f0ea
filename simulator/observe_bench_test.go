package simulator

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"faultzone/simulator/network"
)

// What a leg costs beside its way: the journal, and those who observe it.
func BenchmarkLeg(b *testing.B) {
	e := network.Event{At: time.Unix(1_775_120_400, 0), Network: "udp", From: netip.MustParseAddrPort("10.0.2.100:4000"),
		To: netip.MustParseAddrPort("10.0.1.10:53"), Data: make([]byte, 60)}
	for _, observers := range []int{0, 1, 3} {
		b.Run(fmt.Sprint("observers", observers), func(b *testing.B) {
			w := &World{journal: &Journal{}}
			seen := 0
			for range observers {
				w.Observe(func(network.Event) { seen++ })
			}
			b.ReportAllocs()
			for b.Loop() {
				w.leg(e)
			}
			if observers > 0 && seen == 0 {
				b.Error("nothing was seen")
			}
		})
	}
	b.Run("journal", func(b *testing.B) {
		j := &Journal{}
		b.ReportAllocs()
		for b.Loop() {
			j.addLeg(e)
		}
	})
}
