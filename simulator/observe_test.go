package simulator_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"faultzone/simulator"
	"faultzone/simulator/edge"
	"faultzone/simulator/network"
)

// legsOf are the journal's legs, as what an observer can see of them.
func legsOf(w *simulator.World) (list []string) {
	for _, e := range w.Journal().Since(0) {
		if e.Kind == simulator.KindLeg {
			list = append(list, e.From+" "+e.To+" "+e.Network+" "+e.Fate)
		}
	}
	return list
}

// Who observes from the building on sees every leg that the journal has, in its order, those of the boot too.
func TestObserve(t *testing.T) {
	t.Parallel()
	var seen []string
	w := start(t, base(t), simulator.Options{OnBuilt: func(w *simulator.World) {
		w.Observe(func(e network.Event) {
			seen = append(seen, e.From.String()+" "+e.To.String()+" "+e.Network+" "+e.Fate.String())
		})
	}})
	booted := len(seen)
	ask(t, w, "resolver-a", "api.solvethenetwork.com.", dns.TypeA)
	if want := legsOf(w); booted == 0 || !slices.Equal(seen, want) {
		t.Errorf("%d legs were seen, %d of them of the boot; the journal has %d", len(seen), booted, len(want))
	}
}

// Several may observe at once, and each ends by itself.
func TestObserveStops(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{})
	var counts [3]int
	var stops [3]func()
	for i := range counts {
		stops[i] = w.Observe(func(network.Event) { counts[i]++ })
	}
	ask(t, w, "resolver-a", "api.solvethenetwork.com.", dns.TypeA)
	first := counts[0]
	if first == 0 || counts != [3]int{first, first, first} {
		t.Errorf("saw %v", counts)
	}
	stops[1]()
	stops[1]() // once more changes nothing
	ask(t, w, "resolver-a", "www.solvethenetwork.com.", dns.TypeA)
	if counts[1] != first || counts[0] == first || counts[2] != counts[0] {
		t.Errorf("after one of them stopped: %v, before %d each", counts, first)
	}
	stops[0]()
	stops[2]()
	last := counts
	ask(t, w, "resolver-b", "www.solvethenetwork.com.", dns.TypeA)
	if counts != last {
		t.Errorf("all have stopped: %v, before %v", counts, last)
	}
}

// Real clients' legs are seen too, and observers come and go while they ask.
func TestObserveAtTheEdge(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{Live: true, Speed: 1000})
	var queries, replies atomic.Int64
	vantage := w.VantageAddresses()[0]
	w.Observe(func(e network.Event) {
		switch {
		case !e.Reply && e.From.Addr() == vantage:
			queries.Add(1)
		case e.Reply && e.To.Addr() == vantage:
			replies.Add(1)
		}
	})
	e, err := edge.Ports(edge.Config{Network: w.Network(), Nodes: w.EdgeNodes(), As: w.VantageAddresses()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	const each = 20
	var asking sync.WaitGroup
	for _, proto := range []string{"udp", "tcp"} {
		for _, d := range e.Doors() {
			if d.Node != "resolver-a" && d.Node != "ns1" {
				continue
			}
			asking.Go(func() {
				for range each {
					stop := w.Observe(func(network.Event) {})
					m := new(dns.Msg)
					m.SetQuestion("solvethenetwork.com.", dns.TypeSOA)
					if _, _, err := (&dns.Client{Net: proto}).Exchange(m, d.Real.String()); err != nil {
						t.Error(err)
					}
					stop()
				}
			})
		}
	}
	asking.Wait()
	if queries.Load() < 4*each || queries.Load() != replies.Load() {
		t.Errorf("%d queries and %d replies were seen", queries.Load(), replies.Load())
	}
}
