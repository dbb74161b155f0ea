package cache

import (
	"testing"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// RFC 9520 section 3.2: failures are remembered for at least a second and at most five minutes, with back-off.
func TestFailures(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	ede := []dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeNoReachableAuthority}}
	now := t0
	for _, want := range []uint32{5, 10, 20, 40, 60, 60} {
		e := c.Fail("x.Example", dns.TypeA, ede, now)
		if e.TTL(now) != want || e.Kind != Failure || e.EDE[0].InfoCode != 22 {
			t.Fatalf("%+v for %d s, want %d", e, e.TTL(now), want)
		}
		if again := c.Fail("x.example.", dns.TypeA, ede, now); again.TTL(now) != want {
			t.Errorf("one that failed at the same time doubles it to %d s", again.TTL(now))
		}
		if _, ok := c.Get("x.example.", dns.TypeA, now); ok {
			t.Error("Get gives a failure")
		}
		if f, ok := c.Failure("X.example.", dns.TypeA, now); !ok || f.Kind != Failure {
			t.Error("the failure is not remembered")
		}
		if _, ok := c.Failure("x.example.", dns.TypeAAAA, now); ok {
			t.Error("a failure of A answers for AAAA")
		}
		now = now.Add(time.Duration(want) * time.Second)
		if _, ok := c.Failure("x.example.", dns.TypeA, now); ok {
			t.Error("the failure lives on")
		}
	}
	c.Put(positive(t, "x.example. 1 IN A 10.0.0.1"), now)
	if e := c.Fail("x.example.", dns.TypeA, nil, now); e.TTL(now) != 5 {
		t.Errorf("after an answer it begins with %d s", e.TTL(now))
	}
	if e := c.Fail("x.example.", dns.TypeA, nil, now.Add(time.Hour)); e.TTL(now.Add(time.Hour)) != 5 {
		t.Error("the series goes on after an hour")
	}
}

// A failure of validation grows on, though the data that could not be judged was put into the cache in between.
func TestFailuresOfChecking(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	now := t0
	for _, want := range []uint32{5, 10, 20} {
		c.Put(positive(t, "x.example. 300 IN A 10.0.0.1"), now)
		if e := c.FailChecking("x.example.", dns.TypeA, nil, now); e.TTL(now) != want || !e.Checking {
			t.Errorf("%d s, checking %v, want %d s", e.TTL(now), e.Checking, want)
		}
		c.Put(positive(t, "x.example. 300 IN A 10.0.0.1"), now)
		if _, ok := c.Failure("x.example.", dns.TypeA, now); !ok {
			t.Error("data that was not judged ended it")
		}
		now = now.Add(time.Duration(want) * time.Second)
	}
	judged := positive(t, "x.example. 300 IN A 10.0.0.1")
	judged.Status = validate.Secure
	c.Put(judged, now.Add(-time.Millisecond))
	if _, ok := c.Failure("x.example.", dns.TypeA, now.Add(-time.Millisecond)); ok {
		t.Error("data that was judged did not")
	}
}

func TestStale(t *testing.T) {
	t.Parallel()
	c := New(Config{KeepExpired: time.Hour})
	e := c.Put(positive(t, apiA), t0)
	if _, ok := c.Get("api.example.", dns.TypeA, at(300)); ok {
		t.Error("Get gives what has expired")
	}
	c.Put(&Entry{Name: "api.example.", Type: dns.TypeA, Kind: NODATA, Rank: Answer}, at(300)) // no SOA: who knows what it is worth
	if got, ok := c.Stale("api.example.", dns.TypeA, at(3899)); !ok || got != e || got.TTL(at(3899)) != 0 {
		t.Errorf("got %+v, want the expired answer", got)
	}
	if _, ok := c.Stale("api.example.", dns.TypeA, at(3900)); ok {
		t.Error("it is kept for too long")
	}
	if n := c.Len(at(3000)); n != 0 {
		t.Errorf("Len counts %d expired entries", n)
	}
	// What is news ends it, though it has no life of its own.
	c.Put(positive(t, "api.example. 0 IN A 10.0.2.51"), at(3000))
	if got, ok := c.Stale("api.example.", dns.TypeA, at(3000)); ok {
		t.Errorf("%v is told though it is known to be over", got.Set.RRs)
	}
	c = New(Config{KeepExpired: time.Hour})
	nx := &Entry{Name: "api.example.", Kind: NXDOMAIN, Rank: Answer, SOA: set(t, "example. 60 IN SOA a. b. 1 2 3 4 60")}
	c.Put(nx, t0)
	c.Put(positive(t, "api.example. 0 IN A 10.0.2.51"), at(61))
	if got, ok := c.Stale("api.example.", dns.TypeA, at(61)); ok {
		t.Errorf("%v is told of a name that exists", got.Kind)
	}
}
