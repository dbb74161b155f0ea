package simtest_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"faultzone/simulator/simtest"
)

// The README's test, word for word.

func TestSurvivesExpiredSignatures(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "rrsig-expired") // a world of its own, closed with the test
	client := &http.Client{Transport: &http.Transport{DialContext: w.DialContext, DisableKeepAlives: true}}
	r, err := client.Get("http://api.solvethenetwork.com/healthz") // a web host of the world; w.Serve adds your own
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, r.Body)
	r.Body.Close()

	w.Advance(65 * time.Minute) // the signatures have ended: milliseconds of yours
	if _, err := w.Resolver("resolver-a").LookupHost(t.Context(), "api.solvethenetwork.com"); err == nil {
		t.Error("a validating resolver answers all the same")
	}
	w.ExpectQueries(simtest.Filter{Node: "resolver-a", Name: "api.solvethenetwork.com", Rcode: "SERVFAIL"}, simtest.AtLeast(1))

	outage := w.Inject("server-down", simtest.Params{"node": "resolver-b"})
	if _, err := w.Resolver("resolver-b").LookupHost(t.Context(), "api.solvethenetwork.com"); err == nil {
		t.Error("the dead resolver answers")
	}
	outage.ExpectEffect()
	outage.Heal()
}
