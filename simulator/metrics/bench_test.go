package metrics

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/simulator/network"
)

// A query and its reply, with EDNS and without an extended error.
func BenchmarkSee(b *testing.B) {
	m := New()
	n := m.node("resolver-a")
	client, server := netip.MustParseAddrPort("10.0.2.100:4000"), netip.MustParseAddrPort("10.0.1.10:53")
	packed := reply(b, dns.RcodeSuccess, func(*dns.OPT) {})
	query := network.Event{At: time.Unix(1_775_120_400, 0), Network: "udp", From: client, To: server, Data: packed[:33]}
	answer := network.Event{At: query.At, Network: "udp", From: server, To: client, Reply: true, Data: packed}
	b.ReportAllocs()
	for b.Loop() {
		m.see(n, &query)
		m.see(n, &answer)
	}
}
