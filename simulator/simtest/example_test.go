package simtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"faultzone/simulator/simtest"
)

// exampleT stands for the *testing.T that a test has.
func exampleT() *round { return &round{TB: new(testing.T)} }

// The code under test looks names up with the world's resolver; the world breaks as its time is moved on.
func Example() {
	t := exampleT() // in a test, the test's own
	defer t.end()

	w := simtest.Start(t, "rrsig-expired")
	resolver := w.Resolver("resolver-a")
	_, err := resolver.LookupHost(context.Background(), "api.solvethenetwork.com")
	fmt.Println("at first:", err)

	w.Advance(65 * time.Minute)
	_, err = resolver.LookupHost(context.Background(), "api.solvethenetwork.com")
	var dnsErr *net.DNSError
	fmt.Println("after the signatures' end:", errors.As(err, &dnsErr), dnsErr.Err, dnsErr.IsTemporary)

	a := w.Query("resolver-a", "api.solvethenetwork.com A +cd")
	fmt.Println("unchecked:", a.Rcode, a.Records)
	// Output:
	// at first: <nil>
	// after the signatures' end: true server misbehaving true
	// unchecked: NOERROR [10.0.2.50]
}

// A fault is injected, had an effect, and heals.
func ExampleWorld_Inject() {
	t := exampleT() // in a test, the test's own
	defer t.end()

	w := simtest.Start(t, "solvethenetwork")
	outage := w.Inject("server-down", simtest.Params{"node": "resolver-a"})
	before := w.Now()
	_, err := w.Resolver("resolver-a").LookupNetIP(context.Background(), "ip4", "api.solvethenetwork.com")
	var dnsErr *net.DNSError
	fmt.Println(errors.As(err, &dnsErr), dnsErr.IsTimeout, "after", w.Now().Sub(before), "of the world's time")
	outage.ExpectEffect()
	outage.Heal()
	fmt.Println(w.Query("resolver-a", "api.solvethenetwork.com").Rcode)
	// Output:
	// true true after 10s of the world's time
	// NOERROR
}

// An HTTP client that dials by the world's names: to a web host of the scenario, and to a handler of the test.
func ExampleWorld_DialContext() {
	t := exampleT() // in a test, the test's own
	defer t.end()

	w := simtest.Start(t, "solvethenetwork")
	w.Serve("10.0.2.40:80", http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(out, "%s is mine\n", r.Host)
	}))
	client := &http.Client{Transport: &http.Transport{DialContext: w.DialContext, DisableKeepAlives: true}}
	for _, url := range []string{"http://api.solvethenetwork.com/healthz", "http://www.solvethenetwork.com/"} {
		r, err := client.Get(url)
		if err != nil {
			fmt.Println(err)
			continue
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		fmt.Print(string(body))
	}
	// Output:
	// ok
	// www.solvethenetwork.com is mine
}

// What was asked of whom: the resolver asks the name servers once, and then answers from its cache until the TTL ends.
func ExampleWorld_ExpectQueries() {
	t := exampleT() // in a test, the test's own
	defer t.end()

	w := simtest.Start(t, "solvethenetwork")
	for range 5 {
		w.Query("resolver-a", "api.solvethenetwork.com")
		w.Advance(time.Minute)
	}
	asked := simtest.Filter{From: "resolver-a", Name: "api.solvethenetwork.com", Type: "A", Rcode: "NOERROR"}
	for _, q := range w.Queries(simtest.Filter{Node: "resolver-a"}) {
		fmt.Println(q.Name, q.Type, q.Rcode)
	}
	fmt.Println(w.ExpectQueries(asked, simtest.AtMost(3))) // the root, com. and the zone's own
	// Output:
	// api.solvethenetwork.com. A NOERROR
	// api.solvethenetwork.com. A NOERROR
	// api.solvethenetwork.com. A NOERROR
	// api.solvethenetwork.com. A NOERROR
	// api.solvethenetwork.com. A NOERROR
	// true
}

// A world on real sockets, for code that speaks DNS itself and for other processes.
func ExampleStartWith_live() {
	t := exampleT() // in a test, the test's own
	defer t.end()

	w := simtest.StartWith(t, simtest.Options{Scenario: "solvethenetwork", Live: true})
	conn, err := net.Dial("udp", w.Addr("resolver-a"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	host, _, _ := net.SplitHostPort(w.Addr("resolver-a"))
	fmt.Println(host)
	// Output: 127.0.0.1
}
