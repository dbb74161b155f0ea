package simulator_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
	"faultzone/simulator"
	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
	"faultzone/simulator/upstream"
)

// over is an Exchanger that does everything over one transport.
type over struct {
	*upstream.Exchanger
	network string
}

func (o over) Exchange(ctx context.Context, server netip.AddrPort, _ string, query []byte, timeout time.Duration,
	accept func(reply []byte) bool) ([]byte, error) {
	return o.Exchanger.Exchange(ctx, server, o.network, query, timeout, accept)
}

// A resolver that lives outside of a world, under a clock of its own, resolves and validates through the world's doors on
// real sockets, over UDP and TCP; what is switched off inside is refused outside.
func TestResolverOnRealSockets(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{Live: true})
	e, err := edge.Ports(edge.Config{Network: w.Network(), Nodes: w.EdgeNodes(), As: w.VantageAddresses()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	doors := map[netip.Addr]netip.AddrPort{}
	for _, n := range w.EdgeNodes() {
		for _, d := range e.Doors() {
			if d.Node != n.Name {
				continue
			}
			for _, a := range n.Addresses {
				doors[a] = d.Real
			}
		}
	}
	c, err := clock.NewLive(w.Now(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	x := upstream.New(upstream.Config{Clock: c, Route: func(server netip.AddrPort) (netip.AddrPort, bool) {
		real, ok := doors[server.Addr()]
		return real, ok
	}})
	defer x.Close()
	anchors, _ := w.Anchors()
	ask := func(network, name string) (reply *dns.Msg) {
		t.Helper()
		r, err := resolver.New(resolver.Config{TrustAnchors: anchors, Clock: c, Exchanger: over{x, network}, Hints: []dns.RR{
			&dns.NS{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: "a.root-servers.net."},
			&dns.A{Hdr: dns.RR_Header{Name: "a.root-servers.net.", Rrtype: dns.TypeA, Class: dns.ClassINET}, A: []byte{198, 41, 0, 4}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		q := &dns.Msg{MsgHdr: dns.MsgHdr{RecursionDesired: true, AuthenticatedData: true},
			Question: []dns.Question{{Name: name, Qtype: dns.TypeA, Qclass: dns.ClassINET}}}
		if err := c.Run(func() { reply = r.Resolve(context.Background(), q, netip.MustParseAddr("10.0.2.100")) }); err != nil {
			t.Fatal(err)
		}
		return reply
	}
	for _, network := range []string{"udp", "tcp"} {
		if m := ask(network, "api.solvethenetwork.com."); m.Rcode != dns.RcodeSuccess || !m.AuthenticatedData || len(m.Answer) != 1 {
			t.Errorf("%s: %v", network, m)
		}
		if m := ask(network, "nosuch.solvethenetwork.com."); m.Rcode != dns.RcodeNameError || !m.AuthenticatedData {
			t.Errorf("%s: %v", network, m)
		}
	}
	for _, node := range []string{"ns1", "ns2"} {
		if _, err := w.Inject("server-down", "off "+node, map[string]any{"node": node, "looks": "refused"}, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, network := range []string{"udp", "tcp"} {
		if m := ask(network, "api.solvethenetwork.com."); m.Rcode != dns.RcodeServerFailure {
			t.Errorf("%s, with the servers off: %v", network, m)
		}
	}
}
