package simtest_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

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
