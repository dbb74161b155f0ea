package simulator_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// realServer is a resolver outside of the world, on loopback: what it says depends on the first label.
type realServer struct {
	addr string
	udp  net.PacketConn
	mu   sync.Mutex
	got  []string // questions, with how they came
}

// freeForBoth listens at a port that is free for UDP and for TCP.
func freeForBoth(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for try := 1; ; try++ {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp
		}
		udp.Close()
		if try == 50 {
			t.Fatal(err)
		}
	}
}

func newRealServer(t *testing.T) *realServer {
	t.Helper()
	udp, tcp := freeForBoth(t)
	s := &realServer{addr: udp.LocalAddr().String(), udp: udp}
	for _, server := range []*dns.Server{{PacketConn: udp, Handler: s}, {Listener: tcp, Handler: s}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		ended := make(chan struct{})
		go func() { defer close(ended); server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { server.Shutdown(); <-ended })
	}
	return s
}

func (s *realServer) asked(question string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, q := range s.got {
		if strings.HasPrefix(q, question) {
			n++
		}
	}
	return n
}

// ServeDNS answers.
func (s *realServer) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	q := query.Question[0]
	network := w.LocalAddr().Network()
	s.mu.Lock()
	s.got = append(s.got, fmt.Sprintf("%s %s %s cd=%v", strings.ToLower(q.Name), dns.Type(q.Qtype), network, query.CheckingDisabled))
	s.mu.Unlock()
	m := new(dns.Msg).SetReply(query)
	m.RecursionAvailable, m.AuthenticatedData = true, true
	if query.IsEdns0() != nil {
		m.SetEdns0(1232, true)
	}
	rr, _ := dns.NewRR(q.Name + " 300 IN A 192.0.2.80")
	m.Answer = []dns.RR{rr}
	switch label, _, _ := strings.Cut(strings.ToLower(q.Name), "."); label {
	case "silent":
		return
	case "garbage":
		w.Write([]byte("no DNS message"))
		return
	case "wrong": // forgeries first, then the answer
		forged := m.Copy()
		forged.Answer[0].(*dns.A).A = net.IPv4(6, 6, 6, 6)
		forged.Id++
		w.WriteMsg(forged)
		forged.Id--
		forged.Question[0].Name = "other.example.org."
		w.WriteMsg(forged)
	case "none":
		m.Rcode, m.Answer = dns.RcodeNameError, nil
		soa, _ := dns.NewRR("example.org. 300 IN SOA ns.example.org. a.example.org. 1 2 3 4 300")
		m.Ns = []dns.RR{soa}
	case "big":
		txt, _ := dns.NewRR(q.Name + ` 300 IN TXT "` + strings.Repeat("x", 200) + `"`)
		m.Answer = nil
		if network == "udp" {
			m.Truncated = true
			break
		}
		for i := range 20 {
			one := dns.Copy(txt).(*dns.TXT)
			one.Txt = append(one.Txt, fmt.Sprint(i))
			m.Answer = append(m.Answer, one)
		}
	case "servfail":
		m.Rcode, m.Answer = dns.RcodeServerFailure, nil
	}
	if label := strings.ToLower(q.Name); strings.HasSuffix(label, ".com.") { // what a forger would add
		for _, text := range []string{"com. 86400 IN NS ns.evil.example.org.", "solvethenetwork.com. 86400 IN NS ns.evil.example.org."} {
			rr, _ := dns.NewRR(text)
			m.Ns = append(m.Ns, rr)
		}
		rr, _ := dns.NewRR("ns.evil.example.org. 86400 IN A 6.6.6.6")
		m.Extra = append(m.Extra, rr)
	}
	if q.Qtype == dns.TypeDS {
		m.Rcode, m.Answer = dns.RcodeSuccess, nil
		soa, _ := dns.NewRR("org. 300 IN SOA ns.org. a.org. 1 2 3 4 300")
		m.Ns = []dns.RR{soa}
	}
	w.WriteMsg(m)
}

func outsideWorld(t *testing.T, live bool, servers ...string) *policyWorld {
	t.Helper()
	s := written(t, fmt.Sprintf("[upstream]\nservers = [\"%s\"]\nkeep = [\"corp.example.org.\"]\n", strings.Join(servers, `", "`)))
	return &policyWorld{T: t, World: start(t, s, simulator.Options{Live: live})}
}

// Names outside of the world are answered by the upstream, and nothing else is asked of it.
func TestUpstream(t *testing.T) {
	t.Parallel()
	real := newRealServer(t)
	p := outsideWorld(t, true, real.addr)
	for _, c := range []struct {
		name   string
		rrtype uint16
		rcode  int
		ad     bool
		answer string // a part of it
		ede    uint16
	}{
		{"www.example.org.", dns.TypeA, dns.RcodeSuccess, false, "192.0.2.80", 0},
		{"www.other.com.", dns.TypeA, dns.RcodeSuccess, false, "192.0.2.80", 0}, // the world's com. does not have it
		{"org.", dns.TypeA, dns.RcodeSuccess, false, "192.0.2.80", 0},
		{"none.example.org.", dns.TypeA, dns.RcodeNameError, false, "", 0},
		{"wrong.example.org.", dns.TypeA, dns.RcodeSuccess, false, "192.0.2.80", 0},
		{"big.example.org.", dns.TypeTXT, dns.RcodeSuccess, false, "xxxx", 0},
		{"example.net.", dns.TypeDS, dns.RcodeSuccess, false, "", 0},
		{"example.org.", dns.TypeA, dns.RcodeSuccess, false, "192.0.2.80", 0}, // though something below it is kept
		{"other.com.", dns.TypeDS, dns.RcodeSuccess, false, "", 0},
		{"servfail.example.org.", dns.TypeA, dns.RcodeServerFailure, false, "", dns.ExtendedErrorCodeNetworkError},
		{"api.solvethenetwork.com.", dns.TypeA, dns.RcodeSuccess, true, "10.0.2.50", 0},
		{"nobody.solvethenetwork.com.", dns.TypeA, dns.RcodeNameError, true, "", 0},
		{"com.", dns.TypeSOA, dns.RcodeSuccess, true, "a.gtld-servers.net.", 0},
		{".", dns.TypeNS, dns.RcodeSuccess, true, "a.root-servers.net.", 0},
		{"a.gtld-servers.net.", dns.TypeA, dns.RcodeSuccess, false, "192.5.6.30", 0},
		{"50.2.0.10.in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, false, "solvethenetwork.com.", 0},
		{"www.corp.example.org.", dns.TypeA, dns.RcodeNameError, true, "", 0}, // kept in the world, which has no org.
		{"localhost.", dns.TypeA, dns.RcodeSuccess, false, "127.0.0.1", 0},
	} {
		m := p.ask(scenarios.QueryStep{Name: c.name, Type: c.rrtype})
		answer := ""
		for _, rr := range m.Answer {
			answer += rr.String() + "\n"
		}
		if p.r.Reply == nil || m.Rcode != c.rcode || m.AuthenticatedData != c.ad || !strings.Contains(answer, c.answer) || (answer == "") != (c.answer == "") ||
			c.ede > 0 && !hasEDE(m, c.ede) {
			t.Errorf("%s %s: %s %v, want %s ad=%v %q\n%s", c.name, dns.Type(c.rrtype), simulator.SummaryOf(m), p.r.Err,
				dns.RcodeToString[c.rcode], c.ad, c.answer, strings.Join(p.Path(p.r), "\n"))
		}
	}
	real.mu.Lock()
	for _, q := range real.got {
		for _, ours := range []string{"solvethenetwork.com.", "com. ", ". ", "a.gtld", "www.corp.", "localhost", "50.2.0.10"} {
			if strings.HasPrefix(q, ours) || strings.Contains(q, "cd=true") || strings.Contains(q, "solvethenetwork") {
				t.Errorf("the upstream was asked %q", q)
			}
		}
	}
	real.mu.Unlock()

	// After all that, what leads to the world's zones is still the world's.
	if err := p.Flush(scenarios.FlushStep{Resolver: "resolver-a", Name: "solvethenetwork.com.", Tree: true}); err != nil {
		t.Fatal(err)
	}
	p.want("the world's own", p.api().AuthenticatedData && !strings.Contains(strings.Join(p.Path(p.r), "\n"), "6.6.6.6"))

	// It is the world's resolver that answers: from its cache.
	p.ask(scenarios.QueryStep{Name: "www.example.org."})
	if n := real.asked("www.example.org. A"); n != 1 {
		t.Errorf("the upstream was asked %d times for what is in the cache", n)
	}
	// An alias leads out of the world.
	if err := p.Edit(scenarios.EditStep{Zone: "solvethenetwork.com.", Add: []string{"cdn 60 IN CNAME www.example.org."}}); err != nil {
		t.Fatal(err)
	}
	p.advance(2 * time.Second) // ns2 has it too
	m := p.ask(scenarios.QueryStep{Name: "cdn.solvethenetwork.com."})
	p.want("through the alias", len(m.Answer) == 2 && m.Rcode == dns.RcodeSuccess && !m.AuthenticatedData)
	// The other resolvers know it too.
	for _, via := range []string{"resolver-b", "resolver-public"} {
		m := p.ask(scenarios.QueryStep{Name: "via.example.org.", Via: via})
		p.want(via, m.Rcode == dns.RcodeSuccess && len(m.Answer) == 1)
	}
	// It is no node that real clients could reach.
	for _, n := range p.EdgeNodes() {
		if n.Name == scenarios.UpstreamName {
			t.Error("the upstream is put onto sockets")
		}
	}
}

// Faults act between the world and its upstream, and a dead upstream is told of.
func TestUpstreamFails(t *testing.T) {
	t.Parallel()
	real := newRealServer(t)
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := closed.LocalAddr().String()
	closed.Close()

	failing := func(what string, p *policyWorld, name string) {
		t.Helper()
		m := p.ask(scenarios.QueryStep{Name: name})
		ede := hasEDE(m, dns.ExtendedErrorCodeNetworkError) || hasEDE(m, dns.ExtendedErrorCodeNoReachableAuthority)
		p.want(what, m.Rcode == dns.RcodeServerFailure && ede)
		p.want("and the world lives on", p.api().AuthenticatedData)
	}
	p := outsideWorld(t, true, real.addr)
	// All that waits for a resolver's patience is done at a hundred times the pace; the upstream itself is not asked.
	if err := p.SetSpeed(100); err != nil {
		t.Fatal(err)
	}
	in := p.inject("partition", map[string]any{"between": []string{"10.0.0.0/8"}, "and": []string{scenarios.UpstreamName}})
	failing("behind a partition", p, "www.example.org.")
	if err := in.Heal(); err != nil || in.Counts().Changed == 0 {
		t.Errorf("%v, %+v", err, in.Counts())
	}
	for _, looks := range []string{"silent", "refused", "hang"} {
		in := p.inject("server-down", map[string]any{"node": scenarios.UpstreamName, "looks": looks})
		failing(looks, p, looks+".example.org.")
		if err := in.Heal(); err != nil || in.Counts().Changed == 0 {
			t.Errorf("%s: %v, %+v", looks, err, in.Counts())
		}
	}
	if n := real.asked(""); n > 0 {
		t.Errorf("the upstream was asked %d times", n)
	}
	if err := p.SetSpeed(1); err != nil {
		t.Fatal(err)
	}
	p.want("healed", p.ask(scenarios.QueryStep{Name: "healed.example.org."}).Rcode == dns.RcodeSuccess)

	failing("nobody listens", outsideWorld(t, true, dead), "www.example.org.")
	p = outsideWorld(t, true, dead, real.addr)
	p.want("the second of two", p.ask(scenarios.QueryStep{Name: "second.example.org."}).Rcode == dns.RcodeSuccess)
	p = outsideWorld(t, true, dead)
	p.ask(scenarios.QueryStep{Name: "www.example.org."})
	told := false
	for _, e := range p.Journal().Since(0) {
		told = told || e.Kind == simulator.KindUpstream && e.Query == "www.example.org. A" && strings.Contains(e.Text, dead+" refused the connection")
	}
	if !told {
		t.Error("the journal does not tell that the upstream refused")
	}
}

// Garbage is no reply; a world is closed while questions wait, and nothing of them is left.
func TestUpstreamSilentAndClosed(t *testing.T) {
	t.Parallel()
	real := newRealServer(t)
	p := outsideWorld(t, true, real.addr)
	for _, name := range []string{"silent.example.org.", "garbage.example.org."} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		r, err := p.Query(ctx, scenarios.QueryStep{Name: name, Type: dns.TypeA, Via: "resolver-a"})
		cancel()
		if err == nil && r.Reply != nil && r.Reply.Rcode == dns.RcodeSuccess {
			t.Errorf("%s: %s", name, simulator.SummaryOf(r.Reply))
		}
		if real.asked(name) == 0 {
			t.Errorf("%s was not asked", name)
		}
	}
	p.want("the world lives on", p.api().AuthenticatedData)
}

// In virtual time nobody real is asked: the way out says so, the same each time, and faults act on it.
func TestUpstreamInVirtualTime(t *testing.T) {
	t.Parallel()
	real := newRealServer(t)
	p := outsideWorld(t, false, real.addr)
	for range 2 {
		m := p.ask(scenarios.QueryStep{Name: "www.example.org."})
		p.want("nobody real is asked", m.Rcode == dns.RcodeServerFailure && hasEDE(m, dns.ExtendedErrorCodeNetworkError) && real.asked("") == 0)
		p.want("and it is told why", strings.Contains(strings.Join(p.Path(p.r), "\n"), "in virtual time no real server is asked"))
		p.want("the world lives on", p.api().AuthenticatedData)
		p.inject("server-down", map[string]any{"node": scenarios.UpstreamName})
		m = p.ask(scenarios.QueryStep{Name: "mail.example.org."})
		p.want("down", m.Rcode == dns.RcodeServerFailure && !hasEDE(m, dns.ExtendedErrorCodeNetworkError) && hasEDE(m, dns.ExtendedErrorCodeNoReachableAuthority))
		if err := p.HealAll(); err != nil {
			t.Fatal(err)
		}
		p.advance(time.Hour)
	}
}
