package simulator_test

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

// A program from outside answers at a node's address, through the network's rules, and comes back when the node is healed.
func TestReplacedByAProgramFromOutside(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{Live: true, Speed: 100})
	var mu sync.Mutex
	var asked []string
	err := w.Replace("resolver-a", func(network string, from, to netip.AddrPort, query []byte) ([]byte, error) {
		m := new(dns.Msg)
		if err := m.Unpack(query); err != nil {
			return nil, err
		}
		mu.Lock()
		asked = append(asked, network+" "+from.Addr().String()+" "+to.String()+" "+m.Question[0].Name)
		mu.Unlock()
		if m.Question[0].Name == "lost." {
			return nil, errors.New("nobody answers")
		}
		return m.SetRcode(m, dns.RcodeNotImplemented).Pack()
	})
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string) simulator.Result {
		t.Helper()
		r, err := w.Query(t.Context(), scenarios.QueryStep{Name: name, Type: dns.TypeA, Via: "resolver-a", From: "10.0.5.7"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := put("here."); r.Reply == nil || r.Reply.Rcode != dns.RcodeNotImplemented {
		t.Errorf("it said %v", r.Reply)
	}
	if r := put("lost."); r.Reply != nil {
		t.Errorf("a lost question was answered with %v", r.Reply)
	}
	in, err := w.Inject("server-down", "", fault.Params{"node": "resolver-a"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if r := put("down."); r.Reply != nil {
		t.Errorf("a node that is down said %v", r.Reply)
	}
	if err := in.Heal(); err != nil {
		t.Fatal(err)
	}
	if r := put("back."); r.Reply == nil || r.Reply.Rcode != dns.RcodeNotImplemented {
		t.Errorf("healed, it said %v", r.Reply)
	}
	mu.Lock()
	defer mu.Unlock()
	text := strings.Join(asked, "\n")
	if !strings.HasPrefix(text, "udp 10.0.5.7 10.0.1.10:53 here.\n") || strings.Contains(text, "down.") {
		t.Errorf("it was asked:\n%s", text)
	}
	for _, name := range []string{"web-01", "nobody"} {
		if err := w.Replace(name, nil); err == nil {
			t.Errorf("%s was replaced", name)
		}
	}
}
