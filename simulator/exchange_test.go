package simulator_test

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/simulator"
	"faultzone/simulator/network"
)

// A packed message goes into the world as it is and comes back with its own ID, whatever ID it had on its way.
func TestExchange(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{Trace: true})
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 4711, RecursionDesired: true}, Question: []dns.Question{{Name: "Api.solvethenetwork.com.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}}
	packed, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.Exchange(t.Context(), simulator.Exchange{To: "resolver-a", Network: "udp", Query: packed, Timeout: 5 * time.Second})
	if err != nil || out.Err != nil {
		t.Fatal(err, out.Err)
	}
	var reply dns.Msg
	if err := reply.Unpack(out.Reply); err != nil || reply.Id != 4711 || len(reply.Answer) != 1 || out.Elapsed <= 0 || len(out.Traces) != 1 {
		t.Errorf("%v %v, after %v, %d traces", err, &reply, out.Elapsed, len(out.Traces))
	}

	legs := w.Journal().Legs(out.From, out.To)
	first, last := legs[0], legs[len(legs)-1]
	if first.Name != "Api.solvethenetwork.com." || first.Type != dns.TypeA || first.Reply || first.Target != "resolver-a" || first.Source != "" ||
		first.Fate != network.Delivered || first.Size != len(packed) || first.Network != "udp" || first.To.Port() != 53 {
		t.Errorf("%+v", first)
	}
	if !last.Reply || last.Rcode != dns.RcodeSuccess || last.ID != first.ID || last.Source != "resolver-a" || last.Number != out.To-1 || last.To != first.From {
		t.Errorf("%+v", last)
	}
	if lines := w.Journal().Between(out.From, out.To); len(lines) < len(legs) {
		t.Errorf("%d lines of %d messages", len(lines), len(legs))
	}

	for _, c := range []struct {
		to   string
		want error
	}{{"192.0.2.1", syscall.EHOSTUNREACH}, {"web-01", syscall.ECONNREFUSED}} {
		out, err := w.Exchange(t.Context(), simulator.Exchange{To: c.to, Network: "udp", Query: packed, Timeout: time.Second})
		if err != nil || out.Reply != nil || !errors.Is(out.Err, c.want) {
			t.Errorf("%s: %v %+v", c.to, err, out)
		}
	}
	for _, x := range []simulator.Exchange{{To: "nobody", Network: "udp", Query: packed}, {From: "nobody", To: "ns1", Network: "udp", Query: packed},
		{To: "ns1", Network: "udp", Query: packed[:11]}} {
		if _, err := w.Exchange(t.Context(), x); err == nil {
			t.Errorf("%+v makes sense", x)
		}
	}
}

// What cannot be read is told as far as it can, and extended errors are there as numbers.
func TestLegs(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{})
	garbage := []byte{1, 2, 0x80, 5, 0, 9, 0, 0, 0, 0, 0, 0}
	if _, err := w.Exchange(t.Context(), simulator.Exchange{To: "ns1", Network: "udp", Query: garbage, Timeout: time.Second}); err != nil {
		t.Fatal(err)
	}
	legs := w.Journal().Legs(0, w.Journal().Len())
	last := legs[len(legs)-1]
	if last.Name != "" || last.Rcode != 5 || last.Size != 12 || last.Target != "ns1" {
		t.Errorf("%+v", last)
	}
	if _, err := w.Inject("signer-broken", "", map[string]any{"zone": "solvethenetwork.com.", "how": "signatures-expired"}, 0); err != nil {
		t.Fatal(err)
	}
	from := w.Journal().Len()
	ask(t, w, "resolver-a", "api.solvethenetwork.com.", dns.TypeA)
	legs = w.Journal().Legs(from, w.Journal().Len())
	if last := legs[len(legs)-1]; last.Rcode != dns.RcodeServerFailure || !slices.Equal(last.EDE, []uint16{7}) {
		t.Errorf("%+v", last)
	}
	if legs := w.Journal().Legs(5, 5); len(legs) > 0 {
		t.Errorf("%d messages of nothing", len(legs))
	}
}
