package simtest_test

import (
	"strings"
	"testing"
	"time"

	"faultzone/simulator/simtest"
)

// What was asked of whom: a cold question goes down the tree, a warm one nowhere.
func TestQueries(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	w.Query("resolver-a", api)
	for _, c := range []struct {
		filter simtest.Filter
		want   simtest.Count
	}{
		{simtest.Filter{Node: "resolver-a"}, simtest.Exactly(1)},
		{simtest.Filter{Node: "10.0.1.10", Name: "API.solvethenetwork.com.", Type: "a"}, simtest.Exactly(1)},
		{simtest.Filter{From: "10.0.2.100"}, simtest.Exactly(1)},
		{simtest.Filter{From: "resolver-a", Name: "*.solvethenetwork.com", Rcode: "NOERROR"}, simtest.AtLeast(1)},
		{simtest.Filter{From: "resolver-a", Type: "DNSKEY"}, simtest.Count{Min: 3, Max: 4}},
		{simtest.Filter{Node: "resolver-b"}, simtest.None()},
		{simtest.Filter{Name: "*.api.solvethenetwork.com"}, simtest.None()},
		{simtest.Filter{From: "ns2", Node: "ns1"}, simtest.AtLeast(1)}, // it checks its zones
		{simtest.Filter{Fate: "dropped"}, simtest.None()},
	} {
		w.ExpectQueries(c.filter, c.want)
	}
	mark := w.Mark()
	w.Query("resolver-a", api)
	w.ExpectQueries(simtest.Filter{After: mark, From: "resolver-a"}, simtest.None())
	w.Advance(301 * time.Second)
	w.Query("resolver-a", api+" A +tcp")
	w.ExpectQueries(simtest.Filter{After: mark, From: "resolver-a", Name: api}, simtest.Exactly(1))
	list := w.Queries(simtest.Filter{After: mark, Network: "tcp", Node: "resolver-a"})
	if len(list) != 1 || list[0].String() != "+5m1.0934s 10.0.2.100 → resolver-a tcp api.solvethenetwork.com. A: NOERROR" && !strings.HasPrefix(list[0].String(), "+5m1.") {
		t.Errorf("%v", list)
	}
	w.Inject("server-down", simtest.Params{"node": "resolver-b", "looks": "refused"})
	w.Query("resolver-b", api)
	w.ExpectQueries(simtest.Filter{Node: "resolver-b", Fate: "refused"}, simtest.Exactly(3))
}

func TestExpectQueriesSaysWhatWasAsked(t *testing.T) {
	t.Parallel()
	r := record(t, func(t testing.TB) {
		w := simtest.Start(t, "solvethenetwork")
		w.Query("resolver-a", "www.solvethenetwork.com")
		w.ExpectQueries(simtest.Filter{Node: "resolver-a", Name: api, Type: "A"}, simtest.Exactly(1))
		w.ExpectQueries(simtest.Filter{Node: "resolver-b"}, simtest.AtLeast(1))
		w.ExpectQueries(simtest.Filter{Node: "resolver-a"}, simtest.None())
	})
	for _, want := range []string{
		"expected exactly 1 queries for api.solvethenetwork.com A of resolver-a, got 0; of resolver-a was asked:\n  +0s 10.0.2.100 → resolver-a udp www.solvethenetwork.com. A: NOERROR",
		"expected at least 1 queries of resolver-b, got 0; nothing was asked of resolver-b",
		"expected no queries of resolver-a, got 1\n  +0s",
	} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("%q is not in\n%s", want, r.said())
		}
	}
}

// A filter that nothing can pass is a mistake, and no proof that nothing was asked.
func TestFilterOfNothing(t *testing.T) {
	t.Parallel()
	for want, filter := range map[string]simtest.Filter{
		`Node: "resolver-aa" is neither a node of the world nor an address; did you mean "resolver-a"?`: {Node: "resolver-aa"},
		`From: "web-1" is neither a node of the world nor an address; did you mean "web-01"?`:           {From: "web-1"},
		`type "AAA": want a record type`: {Type: "AAA"},
		`rcode "SERVFAL": want a response code such as SERVFAIL; did you mean "SERVFAIL"?`:             {Rcode: "SERVFAL"},
		`network "dtp": want one of udp, tcp`:                                                          {Network: "dtp"},
		`fate "droped": want one of delivered, dropped, refused, unreachable; did you mean "dropped"?`: {Fate: "droped"},
	} {
		r := record(t, func(t testing.TB) {
			simtest.Start(t, "solvethenetwork").ExpectQueries(filter, simtest.None())
		})
		if !strings.Contains(r.said(), want) {
			t.Errorf("%q is not in\n%s", want, r.said())
		}
	}
}

// In a live world the same is told of what other programs ask.
func TestQueriesOfALiveWorld(t *testing.T) {
	t.Parallel()
	w := simtest.StartWith(t, simtest.Options{Scenario: "solvethenetwork", Live: true, From: "10.0.5.9"})
	if _, err := w.Resolver("resolver-branch").LookupNetIP(t.Context(), "ip4", api); err != nil {
		t.Fatal(err)
	}
	w.ExpectQueries(simtest.Filter{From: "10.0.5.9", Node: "resolver-branch", Name: api}, simtest.Exactly(1))
	w.Inject("server-down", simtest.Params{"node": "resolver-branch", "looks": "refused"}).Heal()
}
