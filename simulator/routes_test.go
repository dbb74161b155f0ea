package simulator_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// What a scenario says about a resolver's ways to other servers is what the resolver does: resolver-branch forwards to
// resolver-public but for the zone whose servers it is given, and asks nobody else.
func TestResolverRoutes(t *testing.T) {
	s := base(t)
	resolvers := append([]scenarios.Resolver(nil), s.World.Resolvers...)
	for i := range resolvers {
		if r := &resolvers[i]; r.Name == "resolver-branch" {
			r.Forward = []scenarios.Route{{Zone: ".", Servers: []netip.AddrPort{netip.MustParseAddrPort("198.51.100.8:53")}}}
			r.Stub = []scenarios.Route{{Zone: "solvethenetwork.com.", Servers: []netip.AddrPort{netip.MustParseAddrPort("10.0.1.20:53")}}}
			r.QNAMEMinimisation = "strict"
		}
	}
	s.World.Resolvers = resolvers
	w := start(t, s, simulator.Options{})
	r := ask(t, w, "resolver-branch", "api.solvethenetwork.com.", dns.TypeA)
	if r.Reply.Rcode != dns.RcodeSuccess || !r.Reply.AuthenticatedData || !strings.Contains(r.Reply.Answer[0].String(), "10.0.2.50") {
		t.Fatalf("got %s\n%v", simulator.SummaryOf(r.Reply), w.Path(r))
	}
	asked := map[string]bool{}
	for _, e := range w.Journal().Since(r.From) {
		if e.Kind == simulator.KindLeg && e.Source == "resolver-branch" && e.What != "reply" {
			asked[e.Target] = true
		}
	}
	delete(asked, "") // its answer to whoever asks
	if !asked["ns1"] || !asked["resolver-public"] || asked["a.root-servers.net"] || asked["a.gtld-servers.net"] || asked["ns2"] {
		t.Errorf("asked %v, want ns1 for the zone and resolver-public for what vouches for it", asked)
	}
}
