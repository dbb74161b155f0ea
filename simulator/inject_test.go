package simulator_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/simulator"
	"faultzone/simulator/fault"
)

// down stops resolver-a, for a while or for good.
func down(t *testing.T, w *simulator.World, label string, forTime time.Duration) *simulator.Injected {
	t.Helper()
	in, err := w.Inject("server-down", label, fault.Params{"node": "resolver-a", "looks": "refused"}, forTime)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func faultNotes(w *simulator.World) string {
	var lines []string
	for _, e := range w.Journal().Since(0) {
		if e.Kind == simulator.KindFault {
			lines = append(lines, e.At.Sub(w.Start()).String()+" "+e.What+" "+e.Text)
		}
	}
	return strings.Join(lines, "\n")
}

// A fault with a deadline heals itself at that very time, and not before.
func TestFaultHealsItselfByItsDeadline(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{})
	in := down(t, w, "", 10*time.Minute)
	for _, c := range []struct {
		after  time.Duration
		active bool
	}{{10*time.Minute - 1, true}, {1, false}, {time.Hour, false}} {
		if err := w.Advance(c.after); err != nil {
			t.Fatal(err)
		}
		if in.Active() != c.active {
			t.Errorf("after %v: active %v", w.Elapsed(), in.Active())
		}
	}
	const want = "0s inject server-down\n10m0s heal server-down saw 0, matched 0, changed 0"
	if got := faultNotes(w); got != want {
		t.Errorf("the journal says\n%s\nwant\n%s", got, want)
	}
	ask(t, w, "resolver-a", "api.solvethenetwork.com.", dns.TypeA)
}

// A fault that was healed by hand is not healed again by its deadline; nor is another one that has its label by then.
func TestFaultHealedBeforeItsDeadline(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{})
	first := down(t, w, "outage", 10*time.Minute)
	if err := w.Heal("outage"); err != nil {
		t.Fatal(err)
	}
	second := down(t, w, "outage", 0)
	if err := w.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	if first.Active() || !second.Active() {
		t.Errorf("the first is active: %v, the second: %v", first.Active(), second.Active())
	}
	if got := faultNotes(w); strings.Count(got, "heal") != 1 {
		t.Errorf("the journal says\n%s", got)
	}
}

func TestFaultLabels(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{})
	in := down(t, w, "", 0)
	if in.Label() != "server-down" || in.Name() != "server-down" || !in.Since().Equal(w.Start()) {
		t.Errorf("label %q, name %q, since %v", in.Label(), in.Name(), in.Since())
	}
	if _, err := w.Inject("server-down", "", fault.Params{"node": "resolver-b"}, 0); err == nil || !strings.Contains(err.Error(), "active already") {
		t.Errorf("a second of the same label: %v", err)
	}
	if r := ask(t, w, "resolver-b", "api.solvethenetwork.com.", dns.TypeA); r.Reply.Rcode != dns.RcodeSuccess {
		t.Error("a fault that was refused has had its effect")
	}
	other := down(t, w, "another", 0)
	for _, label := range []string{"server-down", "another"} {
		if err := w.Heal(label); err != nil {
			t.Error(err)
		}
		if err := w.Heal(label); err == nil || !strings.Contains(err.Error(), label) {
			t.Errorf("healed twice: %v", err)
		}
	}
	for _, in := range []*simulator.Injected{in, other} {
		if err := in.Heal(); err == nil {
			t.Errorf("%s healed again", in.Label())
		}
	}
	if list := w.Faults(); len(list) != 2 || list[0] != in || list[1] != other {
		t.Errorf("%d faults are listed", len(list))
	}
}

// A fault that makes no sense in this world is one clear error, and leaves no trace.
func TestFaultsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{})
	for _, c := range []struct {
		fault  string
		params fault.Params
		want   string
	}{
		{"earthquake", nil, `there is no fault "earthquake"`},
		{"server-down", fault.Params{"node": "ns9"}, `no node "ns9"`},
		{"server-down", nil, `no node ""`},
		{"server-down", fault.Params{"node": "web-01"}, "client without a local stub"},
		{"stub-listener-down", fault.Params{"client": "web-01"}, "client without a local stub"},
		{"resolver-acl", fault.Params{"node": "ns1", "deny": "10.0.0.0/8"}, "ns1 is no resolver"},
		{"resolver-acl", fault.Params{"node": "resolver-a", "deny": "nowhere"}, "neither a node of the world nor a prefix"},
		{"resolver-acl", fault.Params{"node": "resolver-a"}, "no address"},
		{"partition", fault.Params{"between": "ns1", "and": []string{"ns9"}}, `"ns9" is neither`},
		{"partition", fault.Params{"between": "ns1"}, "no address"},
		{"view-leak", fault.Params{"server": "resolver-a", "view": "internal"}, "no authoritative server"},
		{"view-leak", fault.Params{"server": "ns1", "view": "sideways"}, `view "sideways": no such view`},
		{"view-subnet-missing", fault.Params{"server": "ns1", "view": "internal"}, "neither a node of the world nor a prefix"},
		{"transfer-refused", fault.Params{"server": "ns2", "zone": "solvethenetwork.com."}, "no primary of solvethenetwork.com."},
		{"transfer-refused", fault.Params{"server": "ns1", "zone": "example.org."}, "primary of example.org."},
		{"resigning-stopped", fault.Params{"zone": "10.in-addr.arpa."}, "not signed"},
		{"denial-broken", fault.Params{"zone": "gtld-servers.net."}, "not signed"},
		{"ds-missing", fault.Params{"zone": "gtld-servers.net."}, "net. has no DS for gtld-servers.net."},
		{"ds-missing", fault.Params{"zone": "."}, "no zone of the world is above"},
		{"key-roll-unannounced", fault.Params{"zone": "example.org."}, "has no DS for example.org."},
	} {
		_, err := w.Inject(c.fault, "", c.params, 0)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v, want %q", c.fault, c.params, err, c.want)
		}
	}
	if len(w.Faults()) != 0 || faultNotes(w) != "" {
		t.Errorf("%d faults are listed; the journal says %s", len(w.Faults()), faultNotes(w))
	}
}

// One halt heals everything, whatever stands on whatever.
func TestHealAll(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{})
	ask(t, w, "resolver-a", "api.solvethenetwork.com.", dns.TypeA)
	zone := fault.Params{"zone": "solvethenetwork.com."}
	for _, f := range []struct {
		name, label string
		params      fault.Params
	}{
		{"resigning-stopped", "", zone}, {"denial-broken", "", zone}, {"ds-missing", "", zone},
		{"server-down", "one", fault.Params{"node": "resolver-a"}}, {"server-down", "two", fault.Params{"node": "resolver-a", "looks": "hang"}},
		{"partition", "", fault.Params{"between": "resolver-a", "and": "0.0.0.0/0"}},
		{"resolver-acl", "", fault.Params{"node": "resolver-a", "deny": "0.0.0.0/0"}},
		{"view-leak", "", fault.Params{"server": "ns1", "view": "internal"}},
	} {
		if _, err := w.Inject(f.name, f.label, f.params, 0); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := w.HealAll(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	if r := ask(t, w, "resolver-a", "www.solvethenetwork.com.", dns.TypeA); !r.Reply.AuthenticatedData {
		t.Errorf("after the halt: %s", simulator.SummaryOf(r.Reply))
	}
}

// Faults come and go from many goroutines at a time: an operator, a deadline, a halt.
func TestFaultsFromManySides(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{Live: true, Speed: 1000})
	var all sync.WaitGroup
	for _, label := range []string{"a", "b", "c", "d"} {
		all.Go(func() {
			for range 25 {
				in, err := w.Inject("server-down", label, fault.Params{"node": "ns2"}, time.Second)
				if err != nil {
					t.Error(err)
					return
				}
				in.Counts()
				_ = in.Heal() // perhaps another was faster
			}
		})
	}
	all.Go(func() {
		for range 25 {
			if err := w.HealAll(); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	if err := errors.Join(w.HealAll(), w.Advance(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if r := ask(t, w, "ns2", "solvethenetwork.com.", dns.TypeSOA); r.Reply.Rcode != dns.RcodeSuccess {
		t.Errorf("in the end: %s", simulator.SummaryOf(r.Reply))
	}
}
