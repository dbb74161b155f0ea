package fault_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

// Each fault of the catalogue is met by questions that it is about and by others that it is not; it tells the two
// apart, and when it is healed everything is as it was.
func TestEveryFaultFiresAndDoesNotFire(t *testing.T) {
	type question = scenarios.QueryStep
	www := "www.example.org."
	cases := map[string]struct {
		params     fault.Params
		before     func(*testing.T, *simulator.World) // after the injection
		during     func(*testing.T, *simulator.World) // after the idle question
		idle, fire question
		want       string // of fire
		changes    bool   // something stays: healing is not undoing
	}{
		"denial-broken": {params: fault.Params{"zone": "example.org."},
			idle: question{Name: www, Via: "cache"}, fire: question{Name: "nowhere.example.org.", Via: "cache"}, want: "SERVFAIL"},
		"ds-missing": {params: fault.Params{"zone": "example.org."},
			idle: question{Name: "www.plain.test.", Via: "outer"}, fire: question{Name: www, Via: "cache"}, want: "NOERROR 10.9.5.5"},
		"key-roll-unannounced": {params: fault.Params{"zone": "example.org."}, changes: true,
			idle: question{Name: "www.plain.test.", Via: "outer"}, fire: question{Name: www, Via: "cache"}, want: "SERVFAIL"},
		"partition": {params: fault.Params{"between": []string{"cache"}, "and": []string{"10.9.3.0/24"}},
			idle: question{Name: www, Via: "cache"}, fire: question{Name: www, Via: "cache", From: "desk"}, want: "timeout"},
		"resigning-stopped": {params: fault.Params{"zone": "example.org."},
			before: func(t *testing.T, w *simulator.World) {
				advance(t, w, 9*24*time.Hour)
			},
			idle: question{Name: "www.plain.test.", Via: "outer"}, fire: question{Name: www, Via: "cache"}, want: "SERVFAIL", changes: true},
		"resolver-acl": {params: fault.Params{"node": "cache", "deny": []string{"10.9.3.0/24"}},
			idle: question{Name: www, Via: "cache"}, fire: question{Name: www, Via: "cache", From: "desk"}, want: "REFUSED"},
		"server-down": {params: fault.Params{"node": "cache"},
			idle: question{Name: www, Via: "open"}, fire: question{Name: www, Via: "cache"}, want: "timeout"},
		"signer-broken": {params: fault.Params{"zone": "example.org.", "how": "signatures-corrupt", "types": []string{"A"}},
			idle: question{Name: "www.plain.test.", Via: "outer"}, fire: question{Name: www, Via: "cache"}, want: "SERVFAIL"},
		"stub-listener-down": {params: fault.Params{"client": "laptop"},
			idle: question{Name: www, Client: "desk"}, fire: question{Name: www, Client: "laptop"}, want: "refused"},
		"transfer-refused": {params: fault.Params{"server": "ns1", "zone": "example.org."},
			// Whoever had no right to it before is no victim of the fault.
			idle: question{Name: "example.org.", Via: "ns1", From: "desk", Type: dns.TypeAXFR, TCP: true},
			during: func(t *testing.T, w *simulator.World) {
				if err := w.Retransfer(scenarios.ZoneStep{Server: "ns2", Zone: "example.org."}); err != nil {
					t.Fatal(err)
				}
				advance(t, w, time.Second)
			},
			fire: question{Name: www, Via: "ns2"}, want: "NOERROR 10.9.5.5"},
		"view-leak": {params: fault.Params{"server": "ns1", "view": "inside"},
			idle: question{Name: www, Via: "ns1", From: "10.9.3.2"}, fire: question{Name: www, Via: "ns1", From: "192.0.2.1"}, want: "NOERROR 10.9.5.5"},
		"view-subnet-missing": {params: fault.Params{"server": []string{"ns1"}, "view": "inside", "subnet": "10.9.3.0/24"},
			idle: question{Name: www, Via: "ns1", From: "10.9.2.1"}, fire: question{Name: www, Via: "ns1", From: "10.9.3.2"}, want: "NOERROR 203.0.113.55"},
	}
	for _, spec := range fault.Catalogue() {
		c, ok := cases[spec.Name]
		if !ok {
			t.Errorf("%s has no case here", spec.Name)
			continue
		}
		t.Run(spec.Name, func(t *testing.T) {
			t.Parallel()
			w := started(t, "nsec")
			healthy := settings(t, w)
			in := inject(t, w, spec.Name, c.params)
			if c.before != nil {
				c.before(t, w)
			}
			ask(t, w, c.idle)
			if n := in.Counts().Changed; n != 0 {
				t.Errorf("%s changed %d before it was met", spec.Name, n)
			}
			if c.during != nil {
				c.during(t, w)
			}
			if got := outcome(t, w, c.fire); got != c.want {
				t.Errorf("with the fault: got %q, want %q", got, c.want)
			}
			n := in.Counts()
			if n.Changed == 0 || n.Matched < n.Changed || n.Seen < n.Matched {
				t.Errorf("counts %+v", n)
			}
			heal(t, in)
			if in.Active() {
				t.Error("healed, and active still")
			}
			healed := in.Counts()
			advance(t, w, 10*time.Second) // the secondary hears of it
			if after := settings(t, w); !c.changes && after != healthy {
				t.Errorf("before the fault and after its heal:\n%s", difference(healthy, after))
			}
			advance(t, w, 2*24*time.Hour) // whatever was cached is over
			ask(t, w, c.idle)
			if got := outcome(t, w, c.fire); got == c.want && spec.Name != "transfer-refused" {
				t.Errorf("after the heal: %q still", got)
			}
			if got := outcome(t, w, scenarios.QueryStep{Name: www, Via: "cache"}); got != "NOERROR ad 10.9.5.5" {
				t.Errorf("after the heal, two days later: %q", got)
			}
			if in.Counts() != healed {
				t.Errorf("counts went on after the heal: %+v, then %+v", healed, in.Counts())
			}
		})
	}
}
