package fault_test

import (
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator/fault"
)

// A process that is gone looks in three ways from outside, and each costs the caller something else.
func TestServerDownLooks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		looks    string
		tcp      bool
		want     string
		shortest time.Duration
		longest  time.Duration
	}{
		{"silent", false, "timeout", 15 * time.Second, 15 * time.Second},
		{"silent", true, "timeout", 15 * time.Second, 15 * time.Second},
		{"refused", false, "refused", 0, 10 * time.Millisecond},
		{"refused", true, "refused", 0, 10 * time.Millisecond},
		{"hang", false, "timeout", 15 * time.Second, 15 * time.Second},
		{"hang", true, "timeout", 15 * time.Second, 15 * time.Second},
	} {
		w := started(t, "nsec")
		in := inject(t, w, "server-down", fault.Params{"node": "ns1", "looks": c.looks})
		r := ask(t, w, scenarios.QueryStep{Name: "www.example.org.", Via: "ns1", From: "desk", TCP: c.tcp})
		if r.Failure() != c.want || r.Elapsed < c.shortest || r.Elapsed > c.longest {
			t.Errorf("%s, TCP %v: %s after %v", c.looks, c.tcp, r.Failure(), r.Elapsed)
		}
		if n := in.Counts(); n.Changed == 0 || n.Changed != n.Matched {
			t.Errorf("%s: %+v", c.looks, n)
		}
	}
}

// A resolver that is started anew has forgotten everything but its configuration.
func TestServerDownEmptiesTheCacheAndKeepsTheConfiguration(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	www := scenarios.QueryStep{Name: "www.example.org.", Via: "cache"}
	ask(t, w, www)
	acl := inject(t, w, "resolver-acl", fault.Params{"node": "cache", "deny": "10.9.3.0/24"})
	heal(t, inject(t, w, "server-down", fault.Params{"node": "cache"}))
	if r, err := w.Resolver("cache"); err != nil || r.CacheLen() != 0 {
		t.Errorf("%d entries after the restart: %v", r.CacheLen(), err)
	}
	fromDesk := www
	fromDesk.From = "desk"
	if got := outcome(t, w, fromDesk); got != "REFUSED" {
		t.Errorf("the access list did not outlive the process: %s", got)
	}
	heal(t, acl)
	if got := outcome(t, w, fromDesk); got != "NOERROR ad 10.9.5.5" {
		t.Errorf("the resolver that runs now does not have its list back: %s", got)
	}
}

// A node that is down for two reasons is up when both are over, in whatever order.
func TestServerDownTwice(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	www := scenarios.QueryStep{Name: "www.example.org.", Via: "cache"}
	crash := injectAs(t, w, "server-down", "crash", fault.Params{"node": "cache", "looks": "refused"})
	dark := injectAs(t, w, "server-down", "dark", fault.Params{"node": "cache"})
	heal(t, crash)
	if got := outcome(t, w, www); got != "timeout" {
		t.Errorf("the host is dark still, and yet: %s", got)
	}
	heal(t, dark)
	if got := outcome(t, w, www); got != "NOERROR ad 10.9.5.5" {
		t.Errorf("both are healed, and yet: %s", got)
	}
}

// A fault on a node that has nothing to stop says so, and stands nowhere.
func TestStubListenerNeedsAStub(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	for _, node := range []string{"desk", "nobody"} {
		if _, err := w.Inject("stub-listener-down", "", fault.Params{"client": node}, 0); err == nil {
			t.Errorf("%s: injected", node)
		}
	}
	if list := w.Faults(); len(list) != 0 {
		t.Errorf("%d faults are listed", len(list))
	}
}

// A partition is silence both ways, over UDP and TCP, and only between its two sides.
func TestPartitionSides(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	inject(t, w, "partition", fault.Params{"between": []string{"ns1"}, "and": []string{"10.9.3.0/24", "203.0.113.200"}})
	for _, c := range []struct {
		from, via string
		tcp       bool
		want      string
	}{
		{"desk", "ns1", false, "timeout"},
		{"desk", "203.0.113.1", true, "timeout"},
		{"outer", "ns1", false, "timeout"},
		{"desk", "ns2", false, "NOERROR 10.9.5.5"},
		{"open", "ns1", true, "NOERROR 10.9.5.5"},
		{"192.0.2.9", "ns1", false, "NOERROR 203.0.113.55"},
	} {
		q := scenarios.QueryStep{Name: "www.example.org.", Via: c.via, From: c.from, TCP: c.tcp}
		if got := outcome(t, w, q); got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.from, c.via, got, c.want)
		}
	}
}
