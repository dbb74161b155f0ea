package simulator_test

import (
	"context"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// With Trace a question's result has the path of each resolver that was asked, from the cold cache to the warm one; a
// client's stub too. Without, it has none.
func TestQueriesTellTheirPaths(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{Trace: true})
	ask := func(q scenarios.QueryStep) simulator.Result {
		t.Helper()
		q.Name, q.Type = "api.solvethenetwork.com.", dns.TypeA
		r, err := w.Query(context.Background(), q)
		if err != nil || r.Reply == nil {
			t.Fatal(err, r.Err)
		}
		return r
	}
	cold := ask(scenarios.QueryStep{Via: "resolver-a"})
	if len(cold.Traces) != 1 {
		t.Fatalf("%d paths", len(cold.Traces))
	}
	text := cold.Traces[0].String()
	for _, part := range []string{"from the hints", "referral api.solvethenetwork.com. A @192.", "validate . DNSKEY", "verdict: NOERROR, 1 records, TTL 300, secure"} {
		if !strings.Contains(text, part) {
			t.Errorf("the path lacks %q:\n%s", part, text)
		}
	}
	if cold.Traces[0].Ended.Sub(cold.Traces[0].Began) > cold.Elapsed {
		t.Errorf("%v passed, and the path took longer:\n%s", cold.Elapsed, text)
	}
	warm := ask(scenarios.QueryStep{Via: "resolver-a"})
	if len(warm.Traces) != 1 || len(warm.Traces[0].Steps) != 2 {
		t.Errorf("from the cache: %v", warm.Traces)
	}
	if r := ask(scenarios.QueryStep{Client: "web-01"}); len(r.Traces) != 1 || r.Traces[0].Rcode != "NOERROR" {
		t.Errorf("a client's: %v", r.Traces)
	}
	if r := ask(scenarios.QueryStep{Via: "ns1", From: "10.0.2.100"}); len(r.Traces) != 0 {
		t.Errorf("an authoritative server's: %v", r.Traces)
	}
	quiet := start(t, base(t), simulator.Options{})
	r, err := quiet.Query(context.Background(), scenarios.QueryStep{Via: "resolver-a", Name: "api.solvethenetwork.com.", Type: dns.TypeA})
	if err != nil || r.Traces != nil {
		t.Errorf("unasked for: %v %v", r.Traces, err)
	}
}
