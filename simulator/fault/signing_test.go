package fault_test

import (
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator/fault"
)

// Denial can be broken in three ways in both kinds of chain: names that do not exist turn into SERVFAIL, those that do
// exist resolve.
func TestDenialBroken(t *testing.T) {
	t.Parallel()
	for _, denial := range []string{"nsec", "nsec3"} {
		for _, how := range []string{"wrong-span", "unsigned", "missing"} {
			w := started(t, denial)
			healthy := settings(t, w)
			in := inject(t, w, "denial-broken", fault.Params{"zone": "example.org.", "how": how})
			for q, want := range map[scenarios.QueryStep]string{
				{Name: "www.example.org.", Via: "cache"}:              "NOERROR ad 10.9.5.5",
				{Name: "no.example.org.", Via: "cache"}:               "SERVFAIL",
				{Name: "www.example.org.", Type: 28, Via: "cache"}:    "NOERROR ad", // its own record denies the type
				{Name: "no.example.org.", Via: "open"}:                "NXDOMAIN",
				{Name: "no.example.org.", Via: "cache", CD: true}:     "NXDOMAIN",
				{Name: "nowhere.example.org.", Via: "ns1", DO: false}: "NXDOMAIN",
			} {
				if q.Type == 28 && how != "wrong-span" {
					want = "SERVFAIL"
				}
				if got := outcome(t, w, q); got != want {
					t.Errorf("%s, %s, %+v: %s, want %s", denial, how, q, got, want)
				}
			}
			if in.Counts().Changed == 0 {
				t.Errorf("%s, %s: %+v", denial, how, in.Counts())
			}
			heal(t, in)
			advance(t, w, time.Hour)
			if after := settings(t, w); after != healthy {
				t.Errorf("%s, %s: %s", denial, how, difference(healthy, after))
			}
		}
	}
}

// A zone that nobody signs has neither signatures to let run out nor a DS to lose.
func TestSigningFaultsNeedASignedZone(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	healthy := settings(t, w)
	for _, name := range []string{"denial-broken", "resigning-stopped", "ds-missing", "key-roll-unannounced"} {
		for _, zone := range []string{"plain.test.", "nothing.invalid."} {
			if _, err := w.Inject(name, "", fault.Params{"zone": zone}, 0); err == nil {
				t.Errorf("%s %s: injected", name, zone)
			}
		}
	}
	// The root is signed, and has no parent.
	for name, ok := range map[string]bool{"denial-broken": true, "resigning-stopped": true, "ds-missing": false, "key-roll-unannounced": false} {
		if _, err := w.Inject(name, "", fault.Params{"zone": "."}, 0); (err == nil) != ok {
			t.Errorf("%s of the root: %v", name, err)
		}
	}
	if err := w.HealAll(); err != nil {
		t.Fatal(err)
	}
	if after := settings(t, w); after != healthy {
		t.Error(difference(healthy, after))
	}
}

// A key roll outlives other faults on the same signer, and another roll after it makes other keys again.
func TestKeyRollsStayAndCanBeRepeated(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	www := scenarios.QueryStep{Name: "www.example.org.", Via: "cache"}
	const good = "NOERROR ad 10.9.5.5"
	for round := range 2 {
		roll := inject(t, w, "key-roll-unannounced", fault.Params{"zone": "example.org."})
		advance(t, w, 2*24*time.Hour)
		if got := outcome(t, w, www); got != "SERVFAIL" {
			t.Fatalf("roll %d: %s", round, got)
		}
		heal(t, roll)
		advance(t, w, 2*24*time.Hour)
		if got := outcome(t, w, www); got != good {
			t.Fatalf("roll %d, healed and waited for: %s", round, got)
		}
		stopped := inject(t, w, "resigning-stopped", fault.Params{"zone": "example.org."})
		broken := inject(t, w, "denial-broken", fault.Params{"zone": "example.org."})
		advance(t, w, 2*time.Hour)
		if got := outcome(t, w, www); got != good {
			t.Errorf("roll %d, under other faults of the signer: %s", round, got)
		}
		heal(t, stopped)
		if got := outcome(t, w, scenarios.QueryStep{Name: "no.example.org.", Via: "cache"}); got != "SERVFAIL" {
			t.Errorf("roll %d: the denial is not broken any more, though only the other fault was healed: %s", round, got)
		}
		heal(t, broken)
		advance(t, w, 2*24*time.Hour)
		if got := outcome(t, w, www); got != good {
			t.Errorf("roll %d, at its end: %s", round, got)
		}
	}
}

// Nobody misses a DS of whom it was not asked: questions without DNSSEC, and for the parent's other names, do not count.
func TestDSMissingCounts(t *testing.T) {
	t.Parallel()
	w := started(t, "nsec")
	in := inject(t, w, "ds-missing", fault.Params{"zone": "example.org."})
	ask(t, w, scenarios.QueryStep{Name: "www.example.org.", Via: "tld", From: "desk"})
	ask(t, w, scenarios.QueryStep{Name: "other.org.", Via: "tld", From: "desk", DO: true})
	if n := in.Counts(); n.Matched != 0 {
		t.Errorf("%+v", n)
	}
	ask(t, w, scenarios.QueryStep{Name: "example.org.", Type: 43, Via: "tld", From: "desk"})
	ask(t, w, scenarios.QueryStep{Name: "www.example.org.", Via: "tld", From: "desk", DO: true})
	if n := in.Counts(); n.Changed != 2 {
		t.Errorf("%+v", n)
	}
}
