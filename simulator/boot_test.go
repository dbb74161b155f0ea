package simulator_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// ns2 gets each view by a transfer over the world's network under that view's own key, before the scenario begins.
func TestSecondaryTransfersEachViewUnderItsKey(t *testing.T) {
	w := start(t, base(t), simulator.Options{})
	transfers := map[string]bool{}
	legs := 0
	for _, e := range w.Journal().Since(0) {
		if e.Kind == simulator.KindAuthoritative && e.Node == "ns2" && e.What == "transfer" && e.Zone == "solvethenetwork.com." {
			transfers[e.View] = true
		}
		if e.Kind == simulator.KindLeg && e.Source == "ns2" && e.Target == "ns1" && e.Network == "tcp" && strings.Contains(e.Text, "solvethenetwork.com. AXFR") {
			legs++
			if !e.At.Before(w.Start()) {
				t.Errorf("a transfer at %v, after the start", e.At)
			}
		}
	}
	if !transfers["internal"] || !transfers["external"] || legs < 2 {
		t.Errorf("views transferred: %v, by %d queries over TCP", transfers, legs)
	}
	server, err := w.Authoritative("ns1")
	if err != nil {
		t.Fatal(err)
	}
	for view, key := range map[string]string{"internal": "key internal-transfer.", "external": "key external-transfer."} {
		match, err := server.Transfer(view, "solvethenetwork.com.")
		if err != nil || len(match) != 1 || match[0].String() != key {
			t.Errorf("%s may be transferred by %v, %v; want only %s", view, match, err, key)
		}
	}
	for _, z := range zoneStates(t, w, "ns2") {
		if z.Serial != 2024040201 || !z.Loaded || z.Primary || !z.Fresh() {
			t.Errorf("%+v", z)
		}
	}
}

func zoneStates(t *testing.T, w *simulator.World, server string) []simulator.ZoneState {
	t.Helper()
	list, err := w.Zone(scenarios.ZoneStep{Server: server, Zone: "solvethenetwork.com."})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Four resolvers, of which one does not validate; inside and outside see different addresses.
func TestResolversSeeWhatTheirPlaceShows(t *testing.T) {
	w := start(t, base(t), simulator.Options{})
	for _, c := range []struct {
		via, address string
		ad           bool
	}{
		{"resolver-a", "10.0.2.50", true},
		{"resolver-b", "10.0.2.50", false},
		{"resolver-branch", "10.0.2.50", true},
		{"resolver-public", "203.0.113.80", true},
	} {
		from := ""
		if c.via == "resolver-branch" {
			from = "10.0.5.20"
		}
		r, err := w.Query(t.Context(), scenarios.QueryStep{Name: "api.solvethenetwork.com.", Type: dns.TypeA, Via: c.via, From: from, DO: true})
		if err != nil {
			t.Fatal(err)
		}
		if r.Reply == nil || len(r.Reply.Answer) != 2 || r.Reply.AuthenticatedData != c.ad {
			t.Errorf("%s: %v, want an address and its signature, AD %v", c.via, simulator.SummaryOf(r.Reply), c.ad)
			continue
		}
		if got := simulator.Rdata(r.Reply.Answer[0]); got != c.address {
			t.Errorf("%s: %s, want %s", c.via, got, c.address)
		}
	}
}
