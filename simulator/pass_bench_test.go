package simulator_test

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"faultzone/simulator"
	"faultzone/simulator/network"
)

// What an edge does for a query between two system calls: the rules, the program, the journal. A resolver answers out of
// its cache, an authoritative server out of its zone.
func BenchmarkPass(b *testing.B) {
	w, err := simulator.New(base(b), simulator.Options{Live: true})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 7, RecursionDesired: true},
		Question: []dns.Question{{Name: "api.solvethenetwork.com.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}}
	query, err := m.Pack()
	if err != nil {
		b.Fatal(err)
	}
	for _, to := range []struct{ name, address string }{{"resolver", "10.0.1.10"}, {"authoritative", "10.0.1.20"}} {
		b.Run(to.name, func(b *testing.B) {
			b.ReportAllocs()
			m := network.Message{Network: "udp", From: netip.MustParseAddrPort("10.0.2.100:5353"),
				To: netip.AddrPortFrom(netip.MustParseAddr(to.address), network.Port), Data: query}
			answered := make(chan []byte, 1)
			w.Network().Deliver(m, func(reply []byte) { answered <- reply })
			<-answered
			later := func() network.Later { b.Fatal("it waits"); return network.Later{} }
			for b.Loop() {
				if reply, _ := w.Network().Pass(m, later); reply == nil {
					b.Fatal("no reply")
				}
			}
		})
	}
}
