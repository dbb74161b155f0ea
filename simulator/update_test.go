package simulator_test

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

// A zone that lets itself be updated is, by those named, and the journal tells.
func TestZoneTakesDynamicUpdates(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world.toml")
	err := os.WriteFile(file, []byte(`
[server.ns1]
addresses = ["192.0.2.53"]
[server.ns1.zone."example.org."]
update = ["10.0.2.0/24"]
data   = """
@ 300 IN SOA ns1 host 1 3600 900 604800 300
@ 300 IN NS ns1
ns1 300 IN A 192.0.2.53
"""
[resolver.office]
addresses = ["10.0.0.53"]
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := scenarios.LoadWorld(file, fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, s, simulator.Options{})
	update := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 5, Opcode: dns.OpcodeUpdate}}
	update.Question = []dns.Question{{Name: "example.org.", Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}
	rr, err := dns.NewRR("new.example.org. 60 IN A 192.0.2.9")
	if err != nil {
		t.Fatal(err)
	}
	update.Insert([]dns.RR{rr})
	for from, want := range map[string]int{"10.0.3.1": dns.RcodeRefused, "10.0.2.1": dns.RcodeSuccess} {
		if got := exchange(t, w, from, "192.0.2.53", update); got.Rcode != want {
			t.Errorf("from %s: %s, want %s", from, dns.RcodeToString[got.Rcode], dns.RcodeToString[want])
		}
	}
	if r := ask(t, w, "office", "new.example.org.", dns.TypeA); len(r.Reply.Answer) != 1 {
		t.Errorf("after the update: %s", simulator.SummaryOf(r.Reply))
	}
}

// exchange sends one message over UDP, from any address of the world.
func exchange(t *testing.T, w *simulator.World, from, to string, m *dns.Msg) *dns.Msg {
	t.Helper()
	packed, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	socket := w.Network().SocketFrom(rand.New(rand.NewPCG(1, 2)), netip.MustParseAddr(from))
	reply := new(dns.Msg)
	var failed error
	if err := w.Run(func() {
		var raw []byte
		raw, failed = socket.Exchange(context.Background(), netip.AddrPortFrom(netip.MustParseAddr(to), 53), "udp", packed,
			time.Second, func([]byte) bool { return true })
		if failed == nil {
			failed = reply.Unpack(raw)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if failed != nil {
		t.Fatal(failed)
	}
	return reply
}
