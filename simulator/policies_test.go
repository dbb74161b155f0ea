package simulator_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
	"faultzone/simulator/network"
)

// written is a scenario on the base world from its text.
func written(t testing.TB, text string) *scenarios.Scenario {
	t.Helper()
	const steps = "\n[[step]]\nquery = \"www.solvethenetwork.com.\"\nvia = \"resolver-a\"\nexpect = { rcode = \"NOERROR\" }\n"
	files := fstest.MapFS{"x.toml": {Data: []byte("base = \"solvethenetwork\"\n" + text + steps)}}
	s, _, err := scenarios.LoadFS(files, "x.toml", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	s.Steps = nil
	return s
}

// policyWorld is a world in which resolver-a has a policy, and the means to look at it.
type policyWorld struct {
	*testing.T
	*simulator.World
	r simulator.Result // of the last question
}

func (p *policyWorld) ask(q scenarios.QueryStep) *dns.Msg {
	p.Helper()
	if q.Via == "" {
		q.Via = "resolver-a"
	}
	if q.Type == 0 {
		q.Type = dns.TypeA
	}
	var err error
	if p.r, err = p.Query(context.Background(), q); err != nil {
		p.Fatal(err)
	}
	if p.r.Reply == nil {
		return new(dns.Msg)
	}
	return p.r.Reply
}

func (p *policyWorld) api() *dns.Msg {
	return p.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com."})
}

// asked are the questions that resolver-a sent since the last question began, as the journal tells them.
func (p *policyWorld) asked() []string {
	var list []string
	for _, e := range p.Journal().Since(p.r.From) {
		if e.Kind == simulator.KindLeg && e.Source == "resolver-a" && e.What == "query" {
			list = append(list, e.Text)
		}
	}
	return list
}

func (p *policyWorld) advance(d time.Duration) {
	if err := p.Advance(d); err != nil {
		p.Fatal(err)
	}
}

func (p *policyWorld) inject(name string, params map[string]any) *simulator.Injected {
	in, err := p.Inject(name, "", params, 0)
	if err != nil {
		p.Fatal(err)
	}
	return in
}

// cut takes resolver-a off the servers of the organisation.
func (p *policyWorld) cut() {
	p.inject("partition", map[string]any{"between": []string{"resolver-a"}, "and": []string{"ns1", "ns2"}})
}

func (p *policyWorld) want(what string, ok bool) {
	p.Helper()
	if !ok {
		p.Errorf("%s: got %s (%v) after asking %q", what, simulator.SummaryOf(orEmpty(p.r.Reply)), p.r.Err, p.asked())
	}
}

func orEmpty(m *dns.Msg) *dns.Msg {
	if m == nil {
		return new(dns.Msg)
	}
	return m
}

func hasEDE(m *dns.Msg, code uint16) bool {
	return slices.ContainsFunc(simulator.ExtendedErrors(m), func(e *dns.EDNS0_EDE) bool { return e.InfoCode == code })
}

// sent collects the queries that resolver-a sends to others, unpacked.
func (p *policyWorld) sent() *[]*dns.Msg {
	list := new([]*dns.Msg)
	from := netip.MustParseAddr("10.0.1.10")
	p.Network().AddRule(&network.Rule{Act: func(f *network.Flight) bool {
		m := new(dns.Msg)
		if f.From.Addr() == from && !f.Reply && m.Unpack(f.Data) == nil {
			*list = append(*list, m)
		}
		return false
	}})
	return list
}

// Each policy that a scenario can set, acting: what resolver-a does with it, and does not without.
func TestPolicies(t *testing.T) {
	t.Parallel()
	none := scenarios.QueryStep{Name: "none.solvethenetwork.com."}
	for _, c := range []struct {
		name, keys string
		run        func(p *policyWorld, set bool)
	}{
		{"access", `access = { "10.0.2.64/26" = "refuse", "10.0.2.100" = "drop" }`, func(p *policyWorld, set bool) {
			p.api()
			p.want("dropped", (p.r.Failure() == "timeout") == set)
			m := p.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", From: "10.0.2.77"})
			p.want("refused", (m.Rcode == dns.RcodeRefused && hasEDE(m, dns.ExtendedErrorCodeProhibited)) == set)
			p.want("answered", p.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", From: "10.0.2.10"}).Rcode == dns.RcodeSuccess)
		}},
		{"non_recursive", `non_recursive = "refuse"`, func(p *policyWorld, set bool) {
			p.api()
			m := p.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", NoRD: true})
			p.want("refused", (m.Rcode == dns.RcodeRefused) == set)
		}},
		{"local", `local = ["api.solvethenetwork.com. 7 IN A 10.0.2.9"]`, func(p *policyWorld, set bool) {
			m := p.api()
			p.want("local data", strings.Contains(simulator.SummaryOf(m), " 7 A 10.0.2.9") == set)
		}},
		{"local_zone", `local_zone."solvethenetwork.com." = { type = "nxdomain", ede = 15, text = "a list says so" }`, func(p *policyWorld, set bool) {
			m := p.api()
			p.want("blocked", (m.Rcode == dns.RcodeNameError && hasEDE(m, dns.ExtendedErrorCodeBlocked)) == set)
		}},
		{"special_names", `special_names = "none"`, func(p *policyWorld, set bool) {
			m := p.ask(scenarios.QueryStep{Name: "localhost."})
			p.want("localhost is nothing special", (m.Rcode == dns.RcodeNameError) == set)
		}},
		{"version and id", "version = \"faultzone 1\"\nid = \"a\"", func(p *policyWorld, set bool) {
			for name, text := range map[string]string{"version.bind.": "faultzone 1", "id.server.": "a"} {
				m := new(dns.Msg)
				m.SetQuestion(name, dns.TypeTXT)
				m.Question[0].Qclass = dns.ClassCHAOS
				r, err := p.Resolver("resolver-a")
				if err != nil {
					p.Fatal(err)
				}
				if err := p.World.Run(func() { p.r.Reply = r.Resolve(context.Background(), m, netip.MustParseAddr("10.0.2.100")) }); err != nil {
					p.Fatal(err)
				}
				p.want(name, (len(p.r.Reply.Answer) == 1 && strings.Contains(p.r.Reply.Answer[0].String(), text)) == set)
			}
		}},
		{"max_udp_size", "max_udp_size = 512\nlocal = ['big.example. 60 TXT " + strings.Repeat(`"`+strings.Repeat("x", 200)+`" `, 3) + "']", func(p *policyWorld, set bool) {
			m := p.ask(scenarios.QueryStep{Name: "big.example.", Type: dns.TypeTXT})
			p.want("the whole answer in the end", (len(m.Answer) == 1) == set)
			overTCP := slices.ContainsFunc(p.Journal().Since(p.r.From), func(e simulator.Entry) bool { return e.Network == "tcp" && e.Target == "resolver-a" })
			p.want("truncated at first", overTCP == set)
		}},
		{"minimal_responses", `minimal_responses = false`, func(p *policyWorld, set bool) {
			p.ask(scenarios.QueryStep{Name: "solvethenetwork.com.", Type: dns.TypeNS})
			m := p.api()
			p.want("the zone's servers", (len(m.Ns) > 0) == set)
		}},
		{"min_negative_ttl", `min_negative_ttl = "20m"`, func(p *policyWorld, set bool) {
			m := p.ask(none)
			p.want("its TTL", len(m.Ns) > 0 && (m.Ns[0].Header().Ttl == 1200) == set)
		}},
		{"failure_ttl", "failure_ttl = \"50s\"\nmax_failure_ttl = \"1m\"", func(p *policyWorld, set bool) {
			p.cut()
			p.want("SERVFAIL", p.api().Rcode == dns.RcodeServerFailure)
			p.advance(45 * time.Second)
			p.want("nobody is asked again", p.api().Rcode == dns.RcodeServerFailure && (len(p.asked()) == 0) == set)
		}},
		{"cache_bytes", `cache_bytes = 65536`, func(p *policyWorld, set bool) {
			for range 2 {
				for i := range 200 {
					p.ask(scenarios.QueryStep{Name: strings.Repeat("x", i%50+1) + ".apps" + ".solvethenetwork.com.", DO: true, CD: i >= 100, Type: dns.TypeTXT})
				}
			}
			p.want("what was asked first is forgotten", (len(p.asked()) > 0) == set)
			_ = set
		}},
		{"prefetch", "prefetch = true\nprefetch_trigger = \"200s\"\nprefetch_life = \"5m\"", func(p *policyWorld, set bool) {
			p.api()
			p.advance(150 * time.Second)
			p.want("a fresh life", p.api().Rcode == dns.RcodeSuccess)
			p.advance(time.Second)
			p.want("got anew before its time", (len(p.asked()) > 0) == set)
		}},
		{"stale", "serve_stale = true\nstale_answer = \"at-once\"\nstale_ttl = \"10s\"", func(p *policyWorld, set bool) {
			p.api()
			p.cut()
			p.advance(10 * time.Minute)
			m := p.api()
			p.want("expired data at once", (hasEDE(m, dns.ExtendedErrorCodeStaleAnswer) && m.Answer[0].Header().Ttl == 10 && p.r.Elapsed < 10*time.Millisecond) == set)
		}},
		{"prime", `prime = false`, func(p *policyWorld, set bool) {
			p.api()
			p.want("the root is not asked who it is", !slices.Contains(p.asked(), ". NS") == set)
		}},
		{"qname_minimisation_type", "qname_minimisation = \"relaxed\"\nqname_minimisation_type = \"NS\"", func(p *policyWorld, set bool) {
			p.api()
			p.want("the root is asked for an NS", slices.Contains(p.asked(), "com. NS") == set)
		}},
		{"below_nxdomain", `below_nxdomain = "never"`, func(p *policyWorld, set bool) {
			p.ask(none)
			p.ask(scenarios.QueryStep{Name: "a.none.solvethenetwork.com."})
			p.want("asked again below", (len(p.asked()) > 0) == set)
		}},
		{"cookies", `cookies = true`, func(p *policyWorld, set bool) {
			sent := p.sent()
			p.api()
			cookies := false
			for _, m := range *sent {
				if opt := m.IsEdns0(); opt != nil {
					cookies = cookies || slices.ContainsFunc(opt.Option, func(o dns.EDNS0) bool { return o.Option() == dns.EDNS0COOKIE })
				}
			}
			p.want("a cookie", cookies == set)
		}},
		{"random_case", `random_case = true`, func(p *policyWorld, set bool) {
			m := p.api()
			mixed := slices.ContainsFunc(p.asked(), func(q string) bool { name, _, _ := strings.Cut(q, " "); return strings.ToLower(name) != name })
			p.want("capitals", m.Rcode == dns.RcodeSuccess && mixed == set)
		}},
		{"upstream_udp_size", `upstream_udp_size = 700`, func(p *policyWorld, set bool) {
			sent := p.sent()
			p.api()
			p.want("the size", len(*sent) > 0 && ((*sent)[0].IsEdns0().UDPSize() == 700) == set)
		}},
		{"skew", `skew = "1h"`, func(p *policyWorld, set bool) {
			p.inject("resigning-stopped", map[string]any{"zone": "solvethenetwork.com."})
			p.advance(time.Date(2026, 4, 10, 12, 30, 0, 0, time.UTC).Sub(p.Now()))
			p.want("half an hour over", (p.api().Rcode == dns.RcodeSuccess) == set)
		}},
		{"trust_anchors", `trust_anchors = ["solvethenetwork.com."]`, func(p *policyWorld, set bool) {
			p.inject("ds-missing", map[string]any{"zone": "solvethenetwork.com."}) // com. denies that the zone is signed
			m := p.api()
			p.want("an island of its own", m.Rcode == dns.RcodeSuccess && m.AuthenticatedData == set)
		}},
		{"any", `any = "all"`, func(p *policyWorld, set bool) {
			m := p.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", Type: dns.TypeANY})
			p.want("all that there is", strings.Contains(simulator.SummaryOf(m), "A 10.0.2.50") == set)
		}},
		{"client_cookies", `client_cookies = true`, func(p *policyWorld, set bool) {
			m := new(dns.Msg).SetQuestion("api.solvethenetwork.com.", dns.TypeA)
			m.SetEdns0(1232, false)
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"}}
			r, err := p.Resolver("resolver-a")
			if err != nil {
				p.Fatal(err)
			}
			if err := p.World.Run(func() { p.r.Reply = r.Resolve(context.Background(), m, netip.MustParseAddr("10.0.2.100")) }); err != nil {
				p.Fatal(err)
			}
			got := slices.ContainsFunc(p.r.Reply.IsEdns0().Option, func(o dns.EDNS0) bool { return o.Option() == dns.EDNS0COOKIE })
			p.want("a cookie", got == set)
		}},
		{"limits", `limits = { queries = 2 }`, func(p *policyWorld, set bool) {
			p.want("too much to ask", (p.api().Rcode == dns.RcodeServerFailure) == set)
		}},
		{"max_waiting", "max_waiting = 1\ndrop_waiting = true", func(p *policyWorld, set bool) {
			p.cut()
			first := make(chan simulator.Result, 1)
			var second simulator.Result
			err := p.World.Run(func() {
				p.Clock().Go(func() {
					r, _ := p.Resolver("resolver-a")
					m := new(dns.Msg).SetQuestion("www.solvethenetwork.com.", dns.TypeA)
					first <- simulator.Result{Reply: r.Resolve(context.Background(), m, netip.MustParseAddr("10.0.2.100"))}
				})
				_ = p.Clock().Sleep(context.Background(), 100*time.Millisecond)
				r, _ := p.Resolver("resolver-a")
				m := new(dns.Msg).SetQuestion("api.solvethenetwork.com.", dns.TypeA)
				second.Reply = r.Resolve(context.Background(), m, netip.MustParseAddr("10.0.2.100"))
			})
			if err != nil {
				p.Fatal(err)
			}
			p.r = second
			p.want("the second client is dropped", (second.Reply == nil) == set)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, set := range []bool{false, true} {
				text := ""
				if set {
					text = "[resolver.resolver-a]\n" + c.keys + "\n"
				}
				c.run(&policyWorld{T: t, World: start(t, written(t, text), simulator.Options{})}, set)
			}
		})
	}
}

// A resolver whose anchors follow the root's keys (RFC 5011) asks for them when nobody else does, watches a new one for
// the hold-down time of the world's clock, and has on disk what it has learnt.
func TestAnchorUpdates(t *testing.T) {
	t.Parallel()
	p := &policyWorld{T: t, World: start(t, written(t, "[resolver.resolver-a]\nanchor_updates = true\nanchor_add_hold_down = \"10d\"\n"), simulator.Options{})}
	states := func() string {
		r, err := p.Resolver("resolver-a")
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, a := range r.Anchors() {
			list = append(list, a.State.String())
		}
		slices.Sort(list)
		return strings.Join(list, " ")
	}
	p.advance(time.Hour)
	if got := states(); got != "Valid" {
		t.Fatalf("at first: %q", got)
	}
	// The root's operator publishes a standby key; any key will do.
	other := p.ask(scenarios.QueryStep{Name: "solvethenetwork.com.", Type: dns.TypeDNSKEY}).Answer
	for _, rr := range other {
		if key, ok := rr.(*dns.DNSKEY); ok && key.Flags&dns.SEP != 0 {
			if err := p.Edit(scenarios.EditStep{Zone: ".", Add: []string{". 86400 IN DNSKEY " + simulator.Rdata(key)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.advance(3 * 24 * time.Hour)
	if got := states(); got != "AddPend Valid" {
		t.Errorf("after three days: %q", got)
	}
	p.inject("server-down", map[string]any{"node": "resolver-a"})
	if err := p.HealAll(); err != nil {
		t.Fatal(err)
	}
	p.advance(8 * 24 * time.Hour)
	if got := states(); got != "Valid Valid" {
		t.Errorf("after eleven days, and a restart: %q", got)
	}
	p.want("a validated answer", p.api().AuthenticatedData)
}

// What cannot be served is told when the world is built.
func TestPolicyThatLeavesNobodyToAsk(t *testing.T) {
	t.Parallel()
	_, err := simulator.New(written(t, "[resolver.resolver-a]\nipv4 = false\nipv6 = true\n"), simulator.Options{})
	if err == nil || !strings.Contains(err.Error(), "resolver-a") || !strings.Contains(err.Error(), "IPv6") {
		t.Errorf("got %v", err)
	}
}
