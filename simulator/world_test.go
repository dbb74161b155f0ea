package simulator_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func base(t testing.TB) *scenarios.Scenario {
	t.Helper()
	s, _, err := scenarios.Builtin("negative-cache", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	bare := *s
	bare.Steps = nil
	return &bare
}

func start(t testing.TB, s *scenarios.Scenario, o simulator.Options) *simulator.World {
	t.Helper()
	w, err := simulator.New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func ask(t testing.TB, w *simulator.World, via, name string, rrtype uint16) simulator.Result {
	t.Helper()
	r, err := w.Query(context.Background(), scenarios.QueryStep{Name: name, Type: rrtype, Via: via})
	if err != nil {
		t.Fatal(err)
	}
	if r.Reply == nil {
		t.Fatalf("%s %s via %s: %v", name, dns.Type(rrtype), via, r.Err)
	}
	return r
}

// Every answer comes by the root, com. and the zone's own servers, and is validated on the way.
func TestBaseWorldResolvesFromTheRoot(t *testing.T) {
	w := start(t, base(t), simulator.Options{})
	r := ask(t, w, "resolver-a", "api.solvethenetwork.com.", dns.TypeA)
	if r.Reply.Rcode != dns.RcodeSuccess || !r.Reply.AuthenticatedData || len(r.Reply.Answer) != 1 {
		t.Fatalf("got %s\n%v", simulator.SummaryOf(r.Reply), w.Path(r))
	}
	asked := map[string]bool{}
	for _, e := range w.Journal().Since(r.From) {
		if e.Kind == simulator.KindLeg && e.Source == "resolver-a" && !(e.What == "reply") {
			asked[e.Target] = true
		}
	}
	for _, level := range [][2]string{{"a.root-servers.net", "b.root-servers.net"}, {"a.gtld-servers.net", "b.gtld-servers.net"}, {"ns1", "ns2"}} {
		if !asked[level[0]] && !asked[level[1]] {
			t.Errorf("neither of %v was asked", level)
		}
	}
}

// From TOML to the first validated answer, in memory.
func BenchmarkStartToFirstAnswer(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		w, err := simulator.New(base(b), simulator.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if r := ask(b, w, "resolver-a", "api.solvethenetwork.com.", dns.TypeA); !r.Reply.AuthenticatedData {
			b.Fatal("not validated")
		}
		w.Close()
	}
}

// A cached answer, from the client's question to the answer, over the world's network.
func BenchmarkCachedAnswer(b *testing.B) {
	w := start(b, base(b), simulator.Options{})
	ask(b, w, "resolver-a", "api.solvethenetwork.com.", dns.TypeA)
	q := scenarios.QueryStep{Name: "api.solvethenetwork.com.", Type: dns.TypeA, Via: "resolver-a"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Query(context.Background(), q); err != nil {
			b.Fatal(err)
		}
	}
}

// A week of a quiet world: refreshes, notifies, renewals.
func BenchmarkQuietWeek(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		w, err := simulator.New(base(b), simulator.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := w.Advance(7 * 24 * 3600e9); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		w.Close()
		b.StartTimer()
	}
}

// A hundred worlds side by side, each up and with its first answer.
func BenchmarkHundredWorlds(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		worlds := make([]*simulator.World, 100)
		for i := range worlds {
			w, err := simulator.New(base(b), simulator.Options{})
			if err != nil {
				b.Fatal(err)
			}
			ask(b, w, "resolver-a", "api.solvethenetwork.com.", dns.TypeA)
			worlds[i] = w
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB/100worlds")
		for _, w := range worlds {
			w.Close()
		}
	}
}
