package fault_test

import (
	"testing"

	"faultzone/scenarios"
	"faultzone/simulator/fault"
)

// Whoever is refused anyway is no victim of the fault.
func TestResolverACLCountsItsOwnRefusals(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	in := inject(t, w, "resolver-acl", fault.Params{"node": "cache", "deny": []string{"192.0.2.0/24", "desk"}})
	if got := outcome(t, w, scenarios.QueryStep{Name: "www.example.org.", Via: "cache", From: "192.0.2.9"}); got != "REFUSED" {
		t.Fatal(got)
	}
	if n := in.Counts(); n.Changed != 0 || n.Matched == 0 {
		t.Errorf("a stranger: %+v", n)
	}
	ask(t, w, scenarios.QueryStep{Name: "www.example.org.", Via: "cache", From: "desk"})
	if n := in.Counts(); n.Changed != 1 {
		t.Errorf("a client: %+v", n)
	}
}

// A resolver that serves everybody serves everybody else.
func TestResolverACLOfEverybody(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	healthy := settings(t, w)
	in := inject(t, w, "resolver-acl", fault.Params{"node": "open", "deny": "10.9.3.2/32"})
	for from, want := range map[string]string{"desk": "REFUSED", "laptop": "NOERROR 10.9.5.5", "192.0.2.9": "NOERROR 10.9.5.5"} {
		if got := outcome(t, w, scenarios.QueryStep{Name: "www.example.org.", Via: "open", From: from}); got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
	heal(t, in)
	if after := settings(t, w); after != healthy {
		t.Error(difference(healthy, after))
	}
}

// Two faults on one list heal in any order.
func TestAccessListsHealInAnyOrder(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	healthy := settings(t, w)
	acl := func(label, deny string) interface{ Heal() error } {
		return injectAs(t, w, "resolver-acl", label, fault.Params{"node": "cache", "deny": deny})
	}
	view := func(label, subnet string) interface{ Heal() error } {
		return injectAs(t, w, "view-subnet-missing", label, fault.Params{"server": "ns1", "view": "inside", "subnet": subnet})
	}
	for _, in := range []interface{ Heal() error }{
		acl("one", "10.9.3.0/24"), acl("two", "10.9.2.0/24"), view("three", "10.9.3.0/24"), view("four", "10.9.2.0/24"),
	} {
		if err := in.Heal(); err != nil {
			t.Fatal(err)
		}
	}
	first, second := acl("five", "10.9.3.0/24"), acl("six", "10.9.2.0/24")
	third, fourth := view("seven", "10.9.3.0/24"), view("eight", "10.9.2.0/24")
	for _, in := range []interface{ Heal() error }{first, third} {
		if err := in.Heal(); err != nil {
			t.Fatal(err)
		}
	}
	fromDesk := scenarios.QueryStep{Name: "www.example.org.", Via: "cache", From: "desk"}
	if got := outcome(t, w, fromDesk); got == "REFUSED" {
		t.Error("the first fault is healed, and its subnet is refused still")
	}
	if got := outcome(t, w, scenarios.QueryStep{Name: "www.example.org.", Via: "cache", From: "open"}); got != "REFUSED" {
		t.Errorf("the second fault is active, and yet: %s", got)
	}
	for _, in := range []interface{ Heal() error }{second, fourth} {
		if err := in.Heal(); err != nil {
			t.Fatal(err)
		}
	}
	if after := settings(t, w); after != healthy {
		t.Error(difference(healthy, after))
	}
}

// One server twice in the list, or one that has no such view: the first is harmless, the second changes nothing at all.
func TestViewFaultsOnListsOfServers(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	healthy := settings(t, w)
	heal(t, inject(t, w, "view-leak", fault.Params{"server": []string{"ns1", "ns1"}, "view": "inside"}))
	if after := settings(t, w); after != healthy {
		t.Error(difference(healthy, after))
	}
	for _, servers := range [][]string{{"ns1", "ns2"}, {"ns1", "cache"}, {"ns1", "nobody"}} {
		if _, err := w.Inject("view-leak", "", fault.Params{"server": servers, "view": "inside"}, 0); err == nil {
			t.Errorf("%v: injected", servers)
		}
		if after := settings(t, w); after != healthy {
			t.Errorf("%v: %s", servers, difference(healthy, after))
		}
	}
}

// A view that takes in a subnet which an earlier one has already shows nothing new to anybody.
func TestViewLeakBehindAnotherViewIsNotVisible(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	in := inject(t, w, "view-subnet-missing", fault.Params{"server": "ns1", "view": "outside", "subnet": "10.9.3.0/24"})
	ask(t, w, scenarios.QueryStep{Name: "www.example.org.", Via: "ns1", From: "desk"})
	if n := in.Counts(); n.Matched == 0 || n.Changed != 0 {
		t.Errorf("%+v", n)
	}
}

// A server that is no primary of the zone has no transfers to refuse.
func TestTransferRefusedNeedsAPrimary(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	if _, err := w.Inject("transfer-refused", "", fault.Params{"server": "ns2", "zone": "example.org."}, 0); err == nil {
		t.Error("injected at a secondary")
	}
}
