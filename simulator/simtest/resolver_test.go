package simtest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator/simtest"
)

func lookup(t *testing.T, r *net.Resolver, name string) ([]string, *net.DNSError) {
	t.Helper()
	found, err := r.LookupHost(t.Context(), name)
	var dnsErr *net.DNSError
	if err != nil && !errors.As(err, &dnsErr) {
		t.Fatalf("%s: %T %v", name, err, err)
	}
	return found, dnsErr
}

// Names are found with and without the dot at their end, at a node by its name and by its address, in both kinds of time.
func TestResolverFindsNames(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		w := simtest.StartWith(t, simtest.Options{Scenario: "solvethenetwork", Live: live})
		for _, node := range []string{"resolver-a", "10.0.1.10", "resolver-b", "web-01", "app-01"} {
			for _, name := range []string{"api.solvethenetwork.com", "api.solvethenetwork.com."} {
				found, err := lookup(t, w.Resolver(node), name)
				if err != nil || !slices.Contains(found, "10.0.2.50") {
					t.Errorf("live %v, %s at %s: %v %v", live, name, node, found, err)
				}
			}
			if _, err := lookup(t, w.Resolver(node), "nowhere.solvethenetwork.com"); err == nil || !err.IsNotFound {
				t.Errorf("live %v, at %s: %v", live, node, err)
			}
		}
	}
}

// A lookup at a dead resolver takes the world's time and not the test's, and fails as it does in life.
func TestResolverTimesOutInWorldTime(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	down := w.Inject("server-down", simtest.Params{"node": "resolver-a"})
	r := w.Resolver("resolver-a")
	before := w.Now()
	_, err := r.LookupNetIP(t.Context(), "ip4", "api.solvethenetwork.com")
	var dnsErr *net.DNSError
	if !errors.As(err, &dnsErr) || !dnsErr.IsTimeout || dnsErr.IsNotFound {
		t.Fatalf("%#v", err)
	}
	if took := w.Now().Sub(before); took != 10*time.Second {
		t.Errorf("it took %v of the world's time, want two attempts of 5s", took)
	}
	w.ExpectQueries(simtest.Filter{Node: "resolver-a", Name: "api.solvethenetwork.com", Fate: "dropped"}, simtest.Exactly(2))

	// A lookup's own deadline counts in world time too.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	before = w.Now()
	if _, err := r.LookupTXT(ctx, "api.solvethenetwork.com"); !errors.As(err, &dnsErr) || !dnsErr.IsTimeout {
		t.Errorf("%v", err)
	}
	if took := w.Now().Sub(before); took != 2*time.Second {
		t.Errorf("it took %v of the world's time, want the 2s of its context", took)
	}
	down.ExpectEffect()
	down.Heal()
	if found, err := lookup(t, r, "api.solvethenetwork.com"); err != nil {
		t.Errorf("after the healing: %v %v", found, err)
	}
}

// A client's view has its name servers in their order, its waits, its search list and its hosts file; Go's own repeats do
// not show.
func TestResolverOfAClient(t *testing.T) {
	t.Parallel()
	w := simtest.StartWith(t, simtest.Options{TOML: `
title = "a client of our own"
base = "solvethenetwork"
[client.desk]
addresses = ["10.0.2.77"]
nameservers = ["10.0.1.10", "10.0.1.11"]
search = ["solvethenetwork.com"]
options = "timeout:2 attempts:3"
hosts = ["192.0.2.9 printer"]
`})
	desk := w.Resolver("desk")
	for name, want := range map[string]string{"api": "10.0.2.50", "printer": "192.0.2.9"} {
		if found, err := lookup(t, desk, name); err != nil || !slices.Contains(found, want) {
			t.Errorf("%s: %v %v", name, found, err)
		}
	}
	w.Inject("server-down", simtest.Params{"node": "resolver-a"})
	mark, before := w.Mark(), w.Now()
	if _, err := desk.LookupNetIP(t.Context(), "ip4", api); err != nil {
		t.Fatal(err)
	}
	if took := w.Now().Sub(before); took < 2*time.Second || took > 3*time.Second {
		t.Errorf("with the first of two dead it took %v, want the timeout of 2s", took)
	}
	w.ExpectQueries(simtest.Filter{From: "desk", Node: "resolver-a", After: mark}, simtest.Exactly(1))
	w.ExpectQueries(simtest.Filter{From: "desk", Node: "resolver-b", After: mark}, simtest.Exactly(1))

	other := w.Inject("server-down", simtest.Params{"node": "resolver-b"})
	mark, before = w.Mark(), w.Now()
	var dnsErr *net.DNSError
	if _, err := desk.LookupNetIP(t.Context(), "ip4", api); !errors.As(err, &dnsErr) || !dnsErr.IsTimeout {
		t.Errorf("%v", err)
	}
	if took := w.Now().Sub(before); took != 12*time.Second {
		t.Errorf("with both dead it took %v, want 3 attempts of 2s at each", took)
	}
	w.ExpectQueries(simtest.Filter{From: "desk", After: mark}, simtest.Exactly(6))
	other.Heal()
	if _, err := desk.LookupNetIP(t.Context(), "ip4", api); err != nil {
		t.Errorf("after the healing: %v", err)
	}
}

// How each failure looks to a program that uses Go's resolver.
func TestResolverErrors(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	w.Inject("server-down", simtest.Params{"node": "resolver-branch", "looks": "refused"})
	w.Inject("signer-broken", simtest.Params{"zone": "solvethenetwork.com", "how": "signatures-corrupt"})
	for _, c := range []struct {
		at, name                   string
		notFound, timeout, retried bool
		text                       string
	}{
		{"resolver-a", "nowhere.net", true, false, false, "no such host"},
		{"resolver-a", api, false, false, true, "server misbehaving"},
		{"resolver-branch", api, false, false, true, "connection refused"},
		{"192.0.2.77", api, false, false, true, "no route to host"},
		{"ns1", "www.example.net", false, false, false, "server misbehaving"},
	} {
		_, err := lookup(t, w.Resolver(c.at), c.name)
		if err == nil || err.IsNotFound != c.notFound || err.IsTimeout != c.timeout || err.IsTemporary != c.retried || !strings.Contains(err.Err, c.text) {
			t.Errorf("%s at %s: %#v", c.name, c.at, err)
		}
	}
}

// An answer that does not fit into a datagram comes by TCP.
func TestResolverGoesOnOverTCP(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	var records []string
	for i := range 120 {
		records = append(records, fmt.Sprintf("many 300 IN A 192.0.2.%d", i+1))
	}
	w.Edit(scenarios.EditStep{Zone: "solvethenetwork.com.", Add: records})
	for _, node := range []string{"resolver-a", "web-01"} {
		if found, err := lookup(t, w.Resolver(node), "many.solvethenetwork.com"); err != nil || len(found) != 120 {
			t.Errorf("%s: %d addresses, %v", node, len(found), err)
		}
	}
	w.ExpectQueries(simtest.Filter{Node: "resolver-a", Type: "A", Network: "tcp"}, simtest.AtLeast(1))
}

// Many lookups at once in one virtual world, of names and types that share failures.
func TestResolverAtOnce(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	w.Inject("server-down", simtest.Params{"node": "resolver-branch"})
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if _, err := w.Resolver("resolver-a").LookupHost(t.Context(), api); err != nil {
				t.Error(err)
			}
			_, err := w.Resolver("resolver-branch").LookupHost(t.Context(), fmt.Sprintf("host-%d.solvethenetwork.com", i))
			var dnsErr *net.DNSError
			if !errors.As(err, &dnsErr) || !dnsErr.IsTimeout {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
