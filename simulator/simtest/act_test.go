package simtest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator/simtest"
)

// Records can be edited, caches flushed, and a fault injected many times over.
func TestActs(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	address := func(node string) string { return strings.Join(w.Query(node, api).Records, " ") }
	address("resolver-a")
	address("resolver-b")
	w.Edit(scenarios.EditStep{Zone: "solvethenetwork.com.", Replace: []string{"api 300 IN A 10.0.2.51"}})
	w.Advance(time.Second) // ns2 is told, and transfers it
	w.Flush("resolver-a", api)
	w.Flush("resolver-b", ".com")
	if a, b := address("resolver-a"), address("resolver-b"); a != "10.0.2.51" || b != "10.0.2.51" {
		t.Errorf("%s, %s", a, b)
	}
	w.Flush("resolver-a")
	for range 3 {
		f := w.Inject("server-down", simtest.Params{"node": "resolver-a", "looks": "refused"})
		if a := w.Query("resolver-a", api); a.Failure != "refused" {
			t.Errorf("%+v", a)
		}
		f.ExpectEffect()
		f.Heal()
		f.Heal()
		if f.Active() || f.Counts().Changed != 3 {
			t.Errorf("active %v, %+v", f.Active(), f.Counts())
		}
	}
	two := []*simtest.Fault{w.Inject("server-down", simtest.Params{"node": "ns1"}), w.Inject("server-down", simtest.Params{"node": "ns2"})}
	w.Flush("resolver-a")
	if a := w.Query("resolver-a", api); a.Rcode != "SERVFAIL" {
		t.Errorf("%+v", a)
	}
	two[0].Heal()
	if !two[1].Active() {
		t.Error("one was healed, and both are")
	}
}

// A node is asked by its name and by each of its addresses; a client's stub is asked, whichever of the two it is.
func TestQueryPlaces(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	for _, at := range []string{"resolver-a", "10.0.1.10", "10.0.1.10:53", "ns1", "203.0.113.53", "web-01", "10.0.2.10"} {
		if a := w.Query(at, api); a.Rcode != "NOERROR" || len(a.Records) != 1 {
			t.Errorf("at %s: %+v", at, a)
		}
	}
	if a := w.Query("web-01", "api AAAA"); len(a.Records) != 1 || a.Records[0] != "fd00:2::50" || a.TTL <= 0 {
		t.Errorf("by the search list: %+v", a)
	}
	if a := w.Query("192.0.2.9", api); a.Failure != "unreachable" || a.Err == nil {
		t.Errorf("where nobody is: %+v", a)
	}
	if a := w.Query("ns1", "solvethenetwork.com ANY +tcp"); len(a.Records) == 0 {
		t.Errorf("any type: %+v", a)
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault  string
		params simtest.Params
		want   string
	}{
		{"server-don", nil, `did you mean "server-down"?`},
		{"server-down", nil, "it needs the parameter node"},
		{"server-down", simtest.Params{"nod": "ns1"}, `it has no parameter "nod"; it has node, looks`},
		{"server-down", simtest.Params{"node": 1}, "node: expected a string, got 1, a int"},
		{"server-down", simtest.Params{"node": "ns9"}, `no node "ns9"`},
		{"server-down", simtest.Params{"node": "ns1", "looks": "silence"}, `expected one of silent, refused, hang, got "silence"; did you mean "silent"?`},
		{"partition", simtest.Params{"between": []int{1}, "and": "ns1"}, "expected a string or a []string"},
		{"partition", simtest.Params{"between": []string{"nobody"}, "and": "ns1"}, "nobody"},
	} {
		r := record(t, func(t testing.TB) { simtest.Start(t, "solvethenetwork").Inject(c.fault, c.params) })
		if !r.failed || !strings.Contains(r.said(), c.want) {
			t.Errorf("%s %v: %q is not in\n%s", c.fault, c.params, c.want, r.said())
		}
	}
	w := simtest.Start(t, "solvethenetwork")
	w.Inject("partition", simtest.Params{"between": []string{"resolver-a", "resolver-b"}}, simtest.Params{"and": []string{"ns1", "ns2"}})
	if a := w.Query("resolver-a", api); a.Rcode != "SERVFAIL" {
		t.Errorf("%+v", a)
	}
}

// What cannot be done fails the test at once, and says what to do.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for want, test := range map[string]func(w *simtest.World){
		"a virtual world has no sockets; start it with simtest.Options{Live: true}": func(w *simtest.World) { w.Addr("resolver-a") },
		`"resolver-q" is neither a node of the world nor an address; did you mean`:  func(w *simtest.World) { w.Resolver("resolver-q") },
		"time does not go backwards":                      func(w *simtest.World) { w.Advance(-time.Second) },
		"expected NAME, TYPE and switches":                func(w *simtest.World) { w.Query("resolver-a", "a b c") },
		"+dc is none of +cd":                              func(w *simtest.World) { w.Query("resolver-a", "a +dc") },
		"it has no name":                                  func(w *simtest.World) { w.Query("resolver-a", "+cd") },
		"flush ns1: ns1 is no resolver":                   func(w *simtest.World) { w.Flush("ns1") },
		"edit nowhere.: no such zone nowhere.":            func(w *simtest.World) { w.Edit(scenarios.EditStep{Zone: "nowhere.", Delete: []string{"a"}}) },
		"has changed nothing since 0s (saw 0, matched 0)": func(w *simtest.World) { w.Inject("server-down", simtest.Params{"node": "ns1"}).ExpectEffect() },
	} {
		r := record(t, func(t testing.TB) { test(simtest.Start(t, "solvethenetwork")) })
		if !r.failed || !strings.Contains(r.said(), want) {
			t.Errorf("%q is not in\n%s", want, r.said())
		}
	}
}

// Another program reaches a live world's nodes at their addresses, over UDP and TCP.
func TestAddr(t *testing.T) {
	t.Parallel()
	w := simtest.StartWith(t, simtest.Options{Scenario: "solvethenetwork", Live: true})
	m := new(dns.Msg)
	m.SetQuestion("api.solvethenetwork.com.", dns.TypeA)
	for _, node := range []string{"resolver-a", "10.0.1.10", "ns1", "203.0.113.53"} {
		for _, network := range []string{"udp", "tcp"} {
			reply, _, err := (&dns.Client{Net: network}).Exchange(m, w.Addr(node))
			if err != nil || len(reply.Answer) == 0 {
				t.Errorf("%s over %s: %v %v", node, network, reply, err)
			}
		}
	}
	if r, err := http.Get("http://" + w.Addr("api") + "/healthz"); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("%v %v", r, err)
	} else {
		r.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	r := record(t, func(t testing.TB) {
		simtest.StartWith(t, simtest.Options{Scenario: "solvethenetwork", Live: true}).Addr("web-01")
	})
	if !strings.Contains(r.said(), `the address of "web-01": no node of that name listens`) {
		t.Error(r.said())
	}
}
