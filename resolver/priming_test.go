package resolver_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
)

// Without priming nothing is sent that the question does not take.
func TestNoPrimingByDefault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plainly(nil).want("www.plain.com A", "NOERROR 300 192.0.2.70")
	if got := names(w.asked()); !slices.Equal(got, []string{"www.plain.com. A", "www.plain.com. A", "www.plain.com. A"}) {
		t.Errorf("asked %q", got)
	}
}

const newRoot = `@ 86400 IN SOA a.root-servers.net. nstld.example. 1 1800 900 604800 86400
@ 518400 IN NS c.root-servers.net.
c.root-servers.net. 518400 IN A 192.33.4.12
com. 172800 IN NS a.gtld.com.
a.gtld.com. 172800 IN A 192.5.6.30`

// RFC 9609 sections 3 and 4: the hints are asked once who the root's servers are, without RD and with EDNS, and from then
// on those are asked that were told, until their TTL is over.
func TestPriming9609(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host("192.33.4.12", ".", newRoot)
	for _, at := range []string{"198.41.0.4", "170.247.170.2"} {
		w.break_(at, func(q *dns.Msg, _ string, right func() *dns.Msg) act {
			if q.RecursionDesired || q.IsEdns0() == nil {
				t.Errorf("the priming query: %v", q)
			}
			return act{reply: right()}
		})
	}
	c := w.plainly(func(cfg *resolver.Config) { cfg.Prime = true })
	c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
	first := w.asked()
	if len(first) != 4 || !strings.HasSuffix(first[0], " . NS") || first[1] != "192.33.4.12 udp www.plain.com. A" {
		t.Fatalf("asked %q, want the root's NS of a hint, and then the server that it told", first)
	}
	c.want("www.nosuch A", "NXDOMAIN soa=./10800")
	w.wantAsked(t, "192.33.4.12 udp www.nosuch. A")
	w.advance(518400 * time.Second)
	c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
	if asked := w.asked(); len(asked) < 2 || !strings.HasSuffix(asked[0], " . NS") {
		t.Errorf("after the TTL: asked %q, want to prime again", asked)
	}
}

// Nobody answers the priming query: the hints do, and priming is left alone for as long as a failure is remembered.
func TestPrimingFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"198.41.0.4", "170.247.170.2"} {
		w.break_(at, func(q *dns.Msg, network string, right func() *dns.Msg) act {
			if q.Question[0].Name == "." {
				return rcode(dns.RcodeServerFailure)(q, network, right)
			}
			return act{reply: right()}
		})
	}
	c := w.plainly(func(cfg *resolver.Config) { cfg.Prime = true })
	c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
	c.want("www.nosuch A", "NXDOMAIN soa=./10800")
	if got := strings.Count(strings.Join(w.asked(), "\n"), " . NS"); got != 2 {
		t.Errorf("%d priming queries, want one to each hint", got)
	}
	w.advance(6 * time.Second)
	c.want("www.nosuch2 A", "NXDOMAIN soa=./10800")
	if got := strings.Count(strings.Join(w.asked(), "\n"), " . NS"); got != 2 {
		t.Errorf("%d priming queries later, want to try again", got)
	}
}

// Two clients at once prime once.
func TestPrimingOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.plainly(func(cfg *resolver.Config) { cfg.Prime = true })
	c.together("www.plain.com A", "www.nosuch A", "www.example.com A")
	if got := strings.Count(strings.Join(w.asked(), "\n"), " . NS"); got != 1 {
		t.Errorf("%d priming queries, want 1", got)
	}
}

// A primed answer that is told is validated as any.
func TestPrimedRootIsValidated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) { cfg.Prime = true })
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
	w.asked()
	m := c.ask(". NS")
	if !m.AuthenticatedData || len(m.Answer) != 2 {
		t.Errorf(". NS: %s", brief(m))
	}
	if asked := w.asked(); len(asked) != 0 {
		t.Errorf("asked %q for what is in the cache", asked)
	}
}
