package resolver_test

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
)

func servers(addresses ...string) (list []netip.AddrPort) {
	for _, a := range addresses {
		list = append(list, netip.AddrPortFrom(netip.MustParseAddr(a), 53))
	}
	return list
}

// forwarder puts a resolver of its own at an address, which iterates in the same world, and returns it.
func (w *world) forwarder(at string) *client {
	f := w.resolver(nil)
	w.break_(at, func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		return act{reply: f.r.Resolve(context.Background(), q, netip.MustParseAddr("10.0.1.10"))}
	})
	return f
}

func forwardAll(f resolver.Forward) func(*resolver.Config) {
	f.Zone = "."
	return func(cfg *resolver.Config) { cfg.Forward = []resolver.Forward{f} }
}

// Everything forwarded, and validated just the same (RFC 6840 section 5.9): the answers are those of a resolver that
// iterates, and only the forwarder is asked.
func TestForwardAll(t *testing.T) {
	t.Parallel()
	questions := []string{"www.example.com A", "nosuch.example.com A", "x.wild.example.com A", "alias.example.com A", "abroad.example.com A",
		"www.old.example.com A", "toplain.example.com A", "example.com DS", "com DNSKEY", ". NS", "www.nsec3.com AAAA", "www.plain.com A",
		"nosuch.plain.com A", "plain.com DS", "big.example.com TXT"}
	for _, question := range questions {
		w := newWorld(t)
		want := ageless(w.resolver(nil).ask(question))
		w.forwarder("10.0.0.9")
		c := w.resolver(forwardAll(resolver.Forward{Servers: servers("10.0.0.9")}))
		if got := ageless(c.ask(question)); got != want {
			t.Errorf("%s: forwarded %q, iterated %q", question, got, want)
		}
	}
}

// ageless is a reply's brief form without its TTLs.
func ageless(m *dns.Msg) string {
	var words []string
	for _, word := range strings.Fields(brief(m)) {
		if _, err := strconv.Atoi(word); err != nil {
			name, _, _ := strings.Cut(word, "/")
			words = append(words, name)
		}
	}
	return strings.Join(words, " ")
}

// A forwarder is asked to recurse and, by who validates, not to check; it gets no question for whose zone it is not given.
func TestForwardFlags(t *testing.T) {
	t.Parallel()
	for _, validating := range []bool{true, false} {
		w := newWorld(t)
		f := w.forwarder("10.0.0.9")
		seen := 0
		w.break_("10.0.0.9", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
			seen++
			if !q.RecursionDesired || q.CheckingDisabled != validating {
				t.Errorf("RD %v, CD %v", q.RecursionDesired, q.CheckingDisabled)
			}
			return act{reply: f.r.Resolve(context.Background(), q, netip.MustParseAddr("10.0.1.10"))}
		})
		c := w.resolver(func(cfg *resolver.Config) {
			cfg.Forward = []resolver.Forward{{Zone: "example.com", Servers: servers("10.0.0.9")}}
			if !validating {
				cfg.TrustAnchors = nil
			}
		})
		c.ask("www.example.com A")
		asked := w.asked()
		c.ask("www.plain.com A")
		if got := to(w.asked(), "10.0.0.9"); len(got) != 0 || seen == 0 {
			t.Errorf("the forwarder got %d queries, and also %q", seen, got)
		}
		for _, s := range to(asked, "10.0.0.9") {
			if strings.HasSuffix(s, " example.com. DS") {
				t.Errorf("the DS of the forwarded zone is its parent's, and was forwarded: %s", s)
			}
		}
	}
}

// What a forwarder says is bogus when it is: forged data gets no further than with any server.
func TestForwardedForgeryIsBogus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.forwarder("10.0.0.9")
	w.break_("10.0.0.9", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		m := f.r.Resolve(context.Background(), q, netip.MustParseAddr("10.0.1.10"))
		for i, r := range m.Answer {
			if _, ok := r.(*dns.A); ok {
				m.Answer[i] = rr("www.example.com. 300 IN A 203.0.113.66")
			}
		}
		return act{reply: m}
	})
	c := w.resolver(forwardAll(resolver.Forward{Servers: servers("10.0.0.9")}))
	if m := c.ask("www.example.com A"); m.Rcode != dns.RcodeServerFailure || codes(m)[0] != dns.ExtendedErrorCodeDNSBogus {
		t.Errorf("forged: %s", brief(m))
	}
	// With First, the zone's own servers are asked when the forwarder's answers are of no use.
	c = w.resolver(forwardAll(resolver.Forward{Servers: servers("10.0.0.9"), First: true}))
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
}

// What a forwarder does wrong has the next one asked; when there is none, SERVFAIL, or with First, iteration.
func TestForwarderFails(t *testing.T) {
	t.Parallel()
	ways := map[string]func(*dns.Msg, string, func() *dns.Msg) act{
		"silent": silent, "refusing": refusing, "SERVFAIL": rcode(dns.RcodeServerFailure), "REFUSED": rcode(dns.RcodeRefused),
		"does not recurse": func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
			return act{reply: say(q, "", "ns com. 60 IN NS a.gtld.com.", "ar a.gtld.com. 60 IN A 192.5.6.30")}
		},
	}
	for name, way := range ways {
		w := newWorld(t)
		w.break_("10.0.0.8", way)
		w.forwarder("10.0.0.9")
		for _, test := range []struct {
			first   bool
			servers []string
			want    string
		}{
			{false, []string{"10.0.0.8", "10.0.0.9"}, "NOERROR ad 300 192.0.2.80"},
			{false, []string{"10.0.0.8"}, "SERVFAIL"},
			{true, []string{"10.0.0.8"}, "NOERROR ad 300 192.0.2.80"},
		} {
			c := w.resolver(forwardAll(resolver.Forward{Servers: servers(test.servers...), First: test.first}))
			w.asked()
			if got := brief(c.ask("www.example.com A")); !strings.HasPrefix(got, test.want) {
				t.Errorf("%s, first %v, %v: %s", name, test.first, test.servers, got)
			}
			if asked := w.asked(); !test.first && len(test.servers) == 1 && len(to(asked, "10.0.0.8")) != len(asked) {
				t.Errorf("%s: without First others were asked: %q", name, asked)
			}
		}
	}
}

// A forwarder has to find out by itself, which may take longer than an authoritative server's answer: it has a second.
func TestForwarderIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.break_("10.0.0.9", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		return act{reply: say(q, "ra", "an www.plain.com. 60 IN A 192.0.2.70"), delay: 900 * time.Millisecond}
	})
	c := w.plainly(forwardAll(resolver.Forward{Servers: servers("10.0.0.9")}))
	c.want("www.plain.com A", "NOERROR 60 192.0.2.70")
	w.wantAsked(t, "10.0.0.9 udp www.plain.com. A")
}

// The deepest of forward and stub zones counts; one without servers is an exception.
func TestDeepestRouteCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, n := range []string{"1", "2", "3"} {
		w.says("10.1.0."+n, func(q *dns.Msg) *dns.Msg {
			return say(q, "ra", fmt.Sprintf("an %s 60 IN A 192.0.2.%s", q.Question[0].Name, n))
		})
	}
	w.host("10.1.0.4", "corp.", "@ 60 IN SOA ns a 1 2 3 4 60\n@ 60 IN NS ns\nns 60 IN A 10.1.0.4\nwww 60 IN A 192.0.2.4")
	c := w.plainly(func(cfg *resolver.Config) {
		cfg.Forward = []resolver.Forward{
			{Zone: ".", Servers: servers("10.1.0.1")}, {Zone: "Example.com", Servers: servers("10.1.0.2")},
			{Zone: "deep.corp.", Servers: servers("10.1.0.3")}, {Zone: "plain.com."}}
		cfg.Stub = []resolver.Stub{{Zone: "corp", Servers: servers("10.1.0.4")}}
	})
	c.want("www.anything.test A", "NOERROR 60 192.0.2.1")
	c.want("www.example.com A", "NOERROR 60 192.0.2.2")
	c.want("x.deep.corp A", "NOERROR 60 192.0.2.3")
	c.want("www.corp A", "NOERROR 60 192.0.2.4")
	c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
}

// A CNAME out of a forwarded zone is followed by asking whoever is right for its target, not taken from the forwarder.
func TestForwardedCNAMELeads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("10.1.0.1", func(q *dns.Msg) *dns.Msg {
		return say(q, "ra", "an www.corp. 60 IN CNAME www.plain.com.", "an www.plain.com. 60 IN A 203.0.113.66")
	})
	c := w.plainly(func(cfg *resolver.Config) {
		cfg.Forward = []resolver.Forward{{Zone: "corp.", Servers: servers("10.1.0.1")}}
	})
	c.want("www.corp A", "NOERROR 59 www.plain.com. 300 192.0.2.70")
	c.hasNot("203.0.113.66")
}

// A stub zone's servers are asked without RD, at the port given, though its parent says that it does not exist; what they
// delegate is followed from there, and known delegations below are used.
func TestStubZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host("10.1.0.4", "corp.", "@ 60 IN SOA ns a 1 2 3 4 60\n@ 60 IN NS ns\nns 60 IN A 10.9.9.9\nwww 60 IN A 192.0.2.4\nsub 600 IN NS ns.sub\nns.sub 600 IN A 10.1.0.5")
	w.host("10.1.0.5", "sub.corp.", "@ 60 IN SOA ns a 1 2 3 4 60\n@ 60 IN NS ns\nns 60 IN A 10.1.0.5\nwww 60 IN A 192.0.2.5\nwww2 60 IN A 192.0.2.6")
	c := w.plainly(func(cfg *resolver.Config) {
		cfg.Stub = []resolver.Stub{{Zone: "corp.", Servers: []netip.AddrPort{netip.MustParseAddrPort("10.1.0.4:0")}}}
	})
	c.want("www.corp A", "NOERROR 60 192.0.2.4")
	c.want("corp NS", "NOERROR 60 ns.corp.")
	c.want("www.sub.corp A", "NOERROR 60 192.0.2.5")
	w.asked()
	c.want("www2.sub.corp A", "NOERROR 60 192.0.2.6")
	w.wantAsked(t, "10.1.0.5 udp www2.sub.corp. A")
	c.want("nosuch.corp A", "NXDOMAIN soa=corp./60")
	w.wantAsked(t, "10.1.0.4 udp nosuch.corp. A") // and not 10.9.9.9, which the zone names
	w.break_("10.1.0.4", silent)
	c.r.Clear()
	if m := c.ask("www.corp A"); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("a silent stub: %s", brief(m))
	}
}

// A signed parent denies a private zone, so that it is bogus, unless it is declared insecure (RFC 7646).
func TestPrivateZoneNeedsDomainInsecure7646(t *testing.T) {
	t.Parallel()
	for _, insecure := range []bool{false, true} {
		w := newWorld(t)
		w.host("10.1.0.4", "corp.", "@ 60 IN SOA ns a 1 2 3 4 60\n@ 60 IN NS ns\nns 60 IN A 10.1.0.4\nwww 60 IN A 192.0.2.4")
		c := w.resolver(func(cfg *resolver.Config) {
			cfg.Stub = []resolver.Stub{{Zone: "corp.", Servers: servers("10.1.0.4")}}
			if insecure {
				cfg.DomainInsecure = []string{"Corp"}
			}
		})
		m := c.ask("www.corp A")
		if insecure && brief(m) != "NOERROR 60 192.0.2.4" || !insecure && m.Rcode != dns.RcodeServerFailure {
			t.Errorf("insecure %v: %s: %s", insecure, brief(m), text(m))
		}
	}
}

// That the parent knows nothing of a zone that is configured here takes nothing away from it: neither its DS being denied,
// nor a name above that does not exist (RFC 8020).
func TestParentDeniesConfiguredZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host("10.1.0.4", "deep.corp.", "@ 60 IN SOA ns a 1 2 3 4 60\n@ 60 IN NS ns\nns 60 IN A 10.1.0.4\nwww 60 IN A 192.0.2.4\n@ 60 IN A 192.0.2.5")
	c := w.resolver(func(cfg *resolver.Config) {
		cfg.Stub = []resolver.Stub{{Zone: "deep.corp.", Servers: servers("10.1.0.4")}}
		cfg.DomainInsecure = []string{"deep.corp"}
	})
	c.want("corp A", "NXDOMAIN ad soa=./10800")
	c.want("www.deep.corp A", "NOERROR 60 192.0.2.4")
	c.ask("deep.corp DS")
	c.want("deep.corp A", "NOERROR 60 192.0.2.5")
	c.want("other.corp A", "NXDOMAIN ad soa=./10799")
}

// A server that is given as a forwarder and refers on, instead of looking, has no answer.
func TestForwarderThatRefersIsLame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("10.0.0.9", func(q *dns.Msg) *dns.Msg {
		return say(q, "", "ns com. 60 IN NS a.gtld.com.", "ar a.gtld.com. 60 IN A 192.5.6.30")
	})
	c := w.plainly(forwardAll(resolver.Forward{Servers: servers("10.0.0.9")}))
	if m := c.ask("www.plain.com A"); m.Rcode != dns.RcodeServerFailure || !strings.Contains(text(m), "lame") {
		t.Errorf("%s: %s", brief(m), text(m))
	}
}

func TestRoutesAreChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*resolver.Config){
		"no zone":          func(cfg *resolver.Config) { cfg.Forward = []resolver.Forward{{Servers: servers("10.0.0.9")}} },
		"no name":          func(cfg *resolver.Config) { cfg.Stub = []resolver.Stub{{Zone: "a..b", Servers: servers("10.0.0.9")}} },
		"stub, no servers": func(cfg *resolver.Config) { cfg.Stub = []resolver.Stub{{Zone: "a."}} },
		"no address": func(cfg *resolver.Config) {
			cfg.Forward = []resolver.Forward{{Zone: ".", Servers: make([]netip.AddrPort, 1)}}
		},
		"twice":             func(cfg *resolver.Config) { cfg.Forward = []resolver.Forward{{Zone: "a"}, {Zone: "A."}} },
		"insecure, no name": func(cfg *resolver.Config) { cfg.DomainInsecure = []string{""} },
		"limits":            func(cfg *resolver.Config) { cfg.Limits.Queries = -1 },
		"referrals":         func(cfg *resolver.Config) { cfg.Limits.Referrals = -1 },
		"size":              func(cfg *resolver.Config) { cfg.UpstreamUDPSize = 100 },
		"minimise":          func(cfg *resolver.Config) { cfg.QNAMEMinimisation = 9 },
		"cut":               func(cfg *resolver.Config) { cfg.BelowNXDOMAIN = 9 },
	} {
		w := newWorld(t)
		cfg := resolver.Config{Hints: hints(), Clock: w.clock, Exchanger: w}
		change(&cfg)
		if _, err := resolver.New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// Who forwards everything needs no hints.
	w := newWorld(t)
	if _, err := resolver.New(resolver.Config{Clock: w.clock, Exchanger: w, Forward: []resolver.Forward{{Zone: ".", Servers: servers("10.0.0.9")}}}); err != nil {
		t.Error(err)
	}
}

// A forward around some zones: they and the zones above them are looked up and validated as ever, each other name is
// forwarded, with CD clear, and nothing that is said of it is taken for proven.
func TestForwardAround(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.forwarder("10.0.0.9")
	w.break_("10.0.0.9", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		if q.CheckingDisabled || !q.RecursionDesired {
			t.Errorf("%s: RD %v, CD %v", q.Question[0].Name, q.RecursionDesired, q.CheckingDisabled)
		}
		return act{reply: f.r.Resolve(context.Background(), q, netip.MustParseAddr("10.0.1.10"))}
	})
	c := w.resolver(forwardAll(resolver.Forward{Servers: servers("10.0.0.9"), Around: []string{"Example.com", "plain.com.", "deep.corp."}}))
	for _, x := range []struct {
		question  string
		forwarded bool
		ad        bool
	}{
		{"www.example.com A", false, true}, {"nosuch.example.com A", false, true}, {"example.com DS", false, true},
		{"com DNSKEY", false, true}, {"com NS", false, true}, {". NS", false, true}, {"com DS", false, true},
		{"com A", true, false}, {". TXT", true, false},
		{"www.plain.com A", false, false},
		{"www.nsec3.com A", true, false}, {"nsec3.com DNSKEY", true, false}, {"nsec3.com DS", true, false},
		{"nosuch.org A", true, false}, {"org A", true, false},
		// Here the world has nothing; what it says of that is not said of the other one's names, nor the other way round.
		{"corp DS", false, true}, {"x.corp A", true, false}, {"corp A", true, false}, {"corp DNSKEY", false, true},
		{"x.deep.corp A", false, true},
	} {
		w.asked()
		m := c.ask(x.question)
		asked := to(w.asked(), "10.0.0.9")
		if (len(asked) > 0) != x.forwarded || m.AuthenticatedData != x.ad || m.Rcode == dns.RcodeServerFailure {
			t.Errorf("%s: the forwarder was asked %q: %s", x.question, asked, brief(m))
		}
	}

	for _, around := range []string{".", "", "a..b"} {
		_, err := resolver.New(resolver.Config{Clock: w.clock, Exchanger: w, Hints: hints(),
			Forward: []resolver.Forward{{Zone: ".", Servers: servers("10.0.0.9"), Around: []string{around}}}})
		if err == nil || !strings.Contains(err.Error(), "around") {
			t.Errorf("around %q: %v", around, err)
		}
	}
}
