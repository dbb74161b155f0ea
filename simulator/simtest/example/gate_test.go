package gate

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator/simtest"
)

// behind puts a gate before an upstream of a world, with the names as the world's resolver-a has them.
func behind(t *testing.T, w *simtest.World, upstream string) *Gate {
	t.Helper()
	g, err := New(Config{Upstream: upstream, Resolver: w.Resolver("resolver-a"), Dial: w.DialContext, Now: w.Now,
		Fresh: 30 * time.Second, Stale: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// expect asks the gate for its page and checks what comes.
func expect(t *testing.T, g *Gate, status int, names, body string) {
	t.Helper()
	r := httptest.NewRecorder()
	g.ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/", nil))
	if r.Code != status || r.Header().Get("Upstream-Names") != names || !strings.Contains(r.Body.String(), body) {
		t.Errorf("got %d, names %q, %q; want %d, %q, %q", r.Code, r.Header().Get("Upstream-Names"), r.Body, status, names, body)
	}
}

// Both name servers die two minutes into the scenario. The resolver's copy lives for what is left of its five minutes,
// then the gate lives on its own for an hour, and a day later all is well again.
func TestOutage(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "auth-outage")
	g := behind(t, w, "api.solvethenetwork.com:80")
	expect(t, g, 200, "fresh", "solvethenetwork API")

	w.Advance(3 * time.Minute)
	if a := w.Query("resolver-a", "api.solvethenetwork.com"); a.TTL > 2*time.Minute {
		t.Errorf("the resolver's copy has %v to live, want less than two minutes", a.TTL)
	}
	expect(t, g, 200, "fresh", "solvethenetwork API")

	w.Advance(3 * time.Minute)
	expect(t, g, 200, "stale", "solvethenetwork API")
	w.ExpectQueries(simtest.Filter{Node: "ns1", Name: "api.solvethenetwork.com", Fate: "dropped"}, simtest.AtLeast(1))

	w.Advance(time.Hour)
	expect(t, g, 503, "failed", "server misbehaving")

	w.Advance(25 * time.Hour)
	expect(t, g, 200, "fresh", "solvethenetwork API")
}

// A name that was asked for before it was published does not exist for as long as the resolver remembers that.
func TestNXDOMAINWindow(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "negative-cache")
	w.Serve("10.0.2.75:80", http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(out, "billing") }))
	g := behind(t, w, "billing.solvethenetwork.com:80")
	expect(t, g, 502, "none", "no such host")

	w.Advance(time.Minute) // it is published
	if a := w.Query("ns1", "billing.solvethenetwork.com"); a.Rcode != "NOERROR" {
		t.Errorf("ns1 says %s", a.Rcode)
	}
	mark := w.Mark()
	expect(t, g, 502, "none", "no such host")
	w.ExpectQueries(simtest.Filter{From: "resolver-a", After: mark}, simtest.None())

	w.Advance(5 * time.Minute)
	expect(t, g, 200, "fresh", "billing")

	// And when the name is withdrawn the gate forgets it as soon as it hears of that, and does not live on for an hour.
	w.Edit(scenarios.EditStep{Zone: "solvethenetwork.com.", On: "ns1", View: "internal", Delete: []string{"billing"}})
	w.Advance(6 * time.Minute)
	expect(t, g, 502, "none", "no such host")
}

// The zone's signatures expire: the resolver answers SERVFAIL for a name that is as it always was.
func TestExpiredSignature(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "rrsig-expired")
	g := behind(t, w, "api.solvethenetwork.com:80")
	w.Advance(59 * time.Minute)
	expect(t, g, 200, "fresh", "solvethenetwork API")
	w.Advance(6 * time.Minute)
	expect(t, g, 200, "stale", "solvethenetwork API")
	if a := w.Query("resolver-a", "api.solvethenetwork.com"); a.Rcode != "SERVFAIL" || len(a.EDE) == 0 || a.EDE[0] != 7 {
		t.Errorf("%+v", a)
	}
	w.Advance(30 * time.Minute) // the signer lives again
	expect(t, g, 200, "fresh", "solvethenetwork API")
}

// A resolver that does not answer costs its waits, in the world's time alone.
func TestDeadResolver(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	dead := w.Inject("server-down", simtest.Params{"node": "resolver-a"})
	g := behind(t, w, "api.solvethenetwork.com:80")
	before := w.Now()
	expect(t, g, 504, "failed", "i/o timeout")
	if waited := w.Now().Sub(before); waited < 5*time.Second {
		t.Errorf("it waited for %v", waited)
	}
	dead.ExpectEffect()
	dead.Heal()
	expect(t, g, 200, "fresh", "solvethenetwork API")
}
