package resolver_test

import (
	"context"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"faultzone/resolver"

	"github.com/miekg/dns"
)

func from(addr string) resolver.Peer {
	p := inside
	p.Addr = netip.AddrPortFrom(netip.MustParseAddr(addr), 40000)
	return p
}

// Allow, refuse and drop by subnet, the longest prefix first (Unbound's access-control); whoever Allow leaves out is
// refused all the same.
func TestAccessRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rule := func(p string, a resolver.Action) resolver.AccessRule {
		return resolver.AccessRule{Prefix: netip.MustParsePrefix(p), Action: a}
	}
	c := w.resolver(func(cfg *resolver.Config) {
		cfg.Access = []resolver.AccessRule{rule("10.0.0.0/8", resolver.Refuse), rule("10.0.2.0/24", resolver.Answer),
			rule("10.0.2.66/32", resolver.Drop), rule("2001:db8::/32", resolver.Drop)}
		cfg.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")}
	})
	q := packed(t, query("www.example.com A"))
	for addr, want := range map[string]string{
		"10.0.2.1": "NOERROR ad 300 192.0.2.80", "10.0.3.1": "REFUSED ede=18", "10.0.2.66": "", "2001:db8::1": "",
		"192.0.2.1": "NOERROR ad 300 192.0.2.80", "198.51.100.1": "REFUSED ede=18", "::ffff:10.0.2.66": "",
	} {
		for _, query := range [][]byte{q, append(q[:len(q):len(q)], 0)} { // the second is malformed
			replies := c.serve(query, from(addr))
			if len(query) > len(q) && want != "" {
				continue
			}
			got := ""
			if len(replies) > 0 {
				m := new(dns.Msg)
				must(t, m.Unpack(replies[0]))
				got = brief(m)
			}
			if got != want {
				t.Errorf("%s: %q, want %q", addr, got, want)
			}
		}
	}
	// RFC 1035 section 4.1.1: RA says whether there is recursion, and for some there is none.
	for addr, want := range map[string]bool{"10.0.2.1": true, "10.0.3.1": false, "198.51.100.1": false} {
		if m := c.r.Resolve(context.Background(), query("www.example.com A"), netip.MustParseAddr(addr)); m.RecursionAvailable != want {
			t.Errorf("%s: RA is %v", addr, m.RecursionAvailable)
		}
	}
	if m := c.r.Resolve(context.Background(), query("www.example.com A"), netip.MustParseAddr("10.0.2.66")); m != nil {
		t.Errorf("got %v", m)
	}
}

// Queries without RD: from the cache alone, refused (Unbound's allow), or with a referral (BIND).
func TestRecursionNotDesired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for policy, want := range map[resolver.NonRecursive][2]string{
		resolver.NonRecursiveCache:    {"NOERROR ad 300 192.0.2.80", "REFUSED ede=20"},
		resolver.NonRecursiveRefuse:   {"REFUSED ede=20", "REFUSED ede=20"},
		resolver.NonRecursiveReferral: {"NOERROR ad 300 192.0.2.80", "NOERROR"},
	} {
		c := w.resolver(func(cfg *resolver.Config) { cfg.NonRecursive = policy })
		c.ask("www.example.com A")
		w.asked()
		c.now("www.example.com A") // it is kept packed
		for i, q := range []string{"www.example.com A +norec", "long.example.com A +norec"} {
			c.want(q, want[i])
			if got := brief(c.now(q)); got != want[i] {
				t.Errorf("at once, %s: %s, want %s", q, got, want[i])
			}
		}
		if asked := w.asked(); len(asked) > 0 {
			t.Errorf("asked %v", asked)
		}
		if m := c.ask("long.example.com A +norec"); policy == resolver.NonRecursiveReferral &&
			(len(m.Ns) != 2 || m.Ns[0].Header().Name != "example.com." || len(m.Extra) != 3) { // two addresses, and OPT
			t.Errorf("referred to %v", m)
		}
	}
}

// RFC 6761: localhost. and invalid.; RFC 6303: the reverse zones of private addresses, with the SOA of section 3.
func TestSpecialNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	for q, want := range map[string]string{
		"localhost A":                                    "NOERROR 10800 127.0.0.1",
		"a.b.LocalHost AAAA":                             "NOERROR 10800 ::1",
		"localhost MX":                                   "NOERROR soa=localhost./10800",
		"x.invalid A":                                    "NXDOMAIN soa=invalid./10800",
		"1.0.0.127.in-addr.arpa PTR":                     "NOERROR 10800 localhost.",
		"2.0.0.127.in-addr.arpa PTR":                     "NXDOMAIN soa=127.in-addr.arpa./10800",
		"0.0.127.in-addr.arpa PTR":                       "NOERROR soa=127.in-addr.arpa./10800",
		"1.2.0.10.in-addr.arpa PTR":                      "NXDOMAIN soa=10.in-addr.arpa./10800",
		"10.in-addr.arpa SOA":                            "NOERROR 10800 10.in-addr.arpa. nobody.invalid. 1 3600 1200 604800 10800",
		"10.in-addr.arpa NS":                             "NOERROR 10800 10.in-addr.arpa.",
		"1.1.31.172.in-addr.arpa PTR":                    "NXDOMAIN soa=31.172.in-addr.arpa./10800",
		"1.1.127.100.in-addr.arpa PTR":                   "NXDOMAIN soa=127.100.in-addr.arpa./10800",
		"1.8.b.d.0.1.0.0.2.ip6.arpa PTR":                 "NXDOMAIN soa=8.b.d.0.1.0.0.2.ip6.arpa./10800",
		"x.onion A":                                      "NXDOMAIN soa=onion./10800",
		"x.home.arpa A":                                  "NXDOMAIN soa=home.arpa./10800",
		"1." + strings.Repeat("0.", 31) + "ip6.arpa PTR": "NOERROR 10800 localhost.",
	} {
		c.want(q, want)
		if m := c.now(q); brief(m) != want || !m.Authoritative {
			t.Errorf("at once, %s: %s, aa %v", q, brief(m), m.Authoritative)
		}
	}
	if asked := w.asked(); len(asked) > 0 {
		t.Errorf("asked %v", asked)
	}
	// What the root says stands: of test., which tests delegate, and of a DS, which is the parent's to deny.
	c.want("x.test A", "NXDOMAIN ad soa=./10800")
	c.want("invalid DS", "NXDOMAIN ad soa=./10800")
	all := w.resolver(func(cfg *resolver.Config) { cfg.SpecialNames = resolver.SpecialAll })
	all.want("x.test A", "NXDOMAIN soa=test./10800")
	// Not special: all, or those that are delegated.
	none := w.resolver(func(cfg *resolver.Config) { cfg.SpecialNames = resolver.SpecialNone })
	none.want("localhost A", "NXDOMAIN ad soa=./10800")
	some := w.resolver(func(cfg *resolver.Config) { cfg.NotSpecial = []string{"2.10.in-addr.arpa", "example.com"} })
	some.want("1.2.0.10.in-addr.arpa PTR", "NXDOMAIN ad soa=./10800")
	some.want("1.168.192.in-addr.arpa PTR", "NXDOMAIN soa=168.192.in-addr.arpa./10800")
}

// Local data and zones, with the extended errors 15 to 17 (RFC 8914).
func TestLocalData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) {
		cfg.Local = []dns.RR{rr("www.example.com. 60 IN A 10.9.9.9"), rr("WWW.example.com. 60 IN A 10.9.9.8"), rr("a.b.static.example. 60 IN A 10.9.9.7"),
			rr("walled.example. 60 IN A 10.9.9.6"), rr("brief.example.com. 60 IN TXT local"), rr("ok.no.example. 60 IN A 10.9.9.5"), rr("alias.static.example. 60 IN CNAME www.example.com.")}
		cfg.LocalZones = []resolver.LocalZone{{Name: "static.example."}, {Name: "Walled.Example.", Type: resolver.LocalRedirect},
			{Name: "empty.example.", Type: resolver.LocalNoData, EDE: 17, Text: "by the user's own filter"},
			{Name: "no.example.", Type: resolver.LocalNXDOMAIN, EDE: 15, Text: "on the list of malware"},
			{Name: "brief.example.com.", Type: resolver.LocalTypeTransparent},
			{Name: "refused.example.", Type: resolver.LocalRefuse, EDE: 16, Text: "by order"}}
	})
	for q, want := range map[string]string{
		"www.example.com A":      "NOERROR 60 10.9.9.9 60 10.9.9.8",
		"www.example.com AAAA":   "NOERROR soa=www.example.com./10800",
		"long.example.com A":     "NOERROR ad 86400 192.0.2.81",
		"a.b.static.example A":   "NOERROR 60 10.9.9.7",
		"b.static.example A":     "NOERROR soa=static.example./10800",
		"static.example A":       "NOERROR soa=static.example./10800",
		"c.static.example A":     "NXDOMAIN soa=static.example./10800",
		"alias.static.example A": "NOERROR 60 www.example.com.",
		"x.y.walled.example A":   "NOERROR 60 10.9.9.6",
		"x.walled.example MX":    "NOERROR soa=walled.example./10800",
		"x.empty.example A":      "NOERROR soa=empty.example./10800 ede=17",
		"x.no.example A":         "NXDOMAIN soa=no.example./10800 ede=15",
		"ok.no.example A":        "NOERROR 60 10.9.9.5",
		"x.refused.example A":    "REFUSED ede=16",
		"localhost ANY":          "NOERROR 10800 127.0.0.1 10800 ::1",
		"brief.example.com TXT":  `NOERROR 60 "local"`,
		"brief.example.com A":    "NOERROR ad 60 192.0.2.82",
	} {
		c.want(q, want)
	}
	_, err := resolver.New(resolver.Config{Hints: hints(), Clock: w.clock, Exchanger: w, LocalZones: []resolver.LocalZone{{Name: "a..b"}},
		Local: []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: "x.", Rrtype: dns.TypeTXT, Class: dns.ClassCHAOS}}}})
	if err == nil || !strings.Contains(err.Error(), "a..b") || !strings.Contains(err.Error(), "class IN") {
		t.Errorf("error %v", err)
	}
}

// RFC 4892 and RFC 5001: what the server is called, where that is told.
func TestServerIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	named := w.resolver(func(cfg *resolver.Config) { cfg.Version, cfg.ID = "1.2.3", "rec1" })
	for name, want := range map[string]string{"version.bind": "1.2.3", "VERSION.server": "1.2.3", "id.server": "rec1", "hostname.bind": "rec1"} {
		q := query(name + " TXT")
		q.Question[0].Qclass = dns.ClassCHAOS
		m := named.serveOne(packed(t, q), inside)
		if len(m.Answer) != 1 || m.Answer[0].(*dns.TXT).Txt[0] != want || m.Answer[0].Header().Name != dns.Fqdn(name) {
			t.Errorf("%s: %v", name, m)
		}
		if m := w.resolver(nil).serveOne(packed(t, q), inside); m.Rcode != dns.RcodeRefused {
			t.Errorf("%s, not told: %v", name, m)
		}
	}
	q := query("www.example.com A")
	q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_NSID{Code: dns.EDNS0NSID}}
	for range 2 { // out of the cache too
		m := named.serveOne(packed(t, q), inside)
		o := m.IsEdns0().Option
		if len(o) != 1 || o[0].(*dns.EDNS0_NSID).Nsid != hex.EncodeToString([]byte("rec1")) || brief(m) != "NOERROR ad 300 192.0.2.80" {
			t.Errorf("got %v", m)
		}
	}
	if m := named.now("www.example.com A"); len(m.IsEdns0().Option) > 0 {
		t.Errorf("not asked for: %v", m)
	}
}

// RFC 7828: over TCP alone, and to those alone that send the option.
func TestTCPKeepalive7828(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) { cfg.TCPIdle = 30 * time.Second })
	q := query("www.example.com A")
	q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}}
	tcp := inside
	tcp.Network = "tcp"
	for range 2 {
		o := c.serveOne(packed(t, q), tcp).IsEdns0().Option
		if len(o) != 1 || o[0].(*dns.EDNS0_TCP_KEEPALIVE).Timeout != 300 {
			t.Errorf("over TCP: %v", o)
		}
		if o := c.serveOne(packed(t, q), inside).IsEdns0().Option; len(o) != 0 {
			t.Errorf("over UDP: %v", o)
		}
	}
}

// RFC 2181 section 9: an answer that does not fit has whole RRsets alone, and TC.
func TestTruncationKeepsWholeRRsets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var list []dns.RR
	for i := range 60 {
		list = append(list, &dns.A{Hdr: dns.RR_Header{Name: "many.local.example.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: []byte{10, 1, 0, byte(i)}})
	}
	c := w.resolver(func(cfg *resolver.Config) { cfg.Local, cfg.MaxUDPSize = list, 4096 })
	c.ask("big.example.com TXT +do")
	for _, x := range []struct {
		question  string
		size      uint16
		network   string
		answers   int
		truncated bool
	}{
		{"many.local.example A", 512, "udp", 0, true}, {"many.local.example A", 1232, "udp", 60, false}, {"many.local.example A", 512, "tcp", 60, false},
		{"big.example.com TXT +do", 1232, "udp", 2, false},
	} {
		q := query(x.question)
		q.IsEdns0().SetUDPSize(x.size)
		peer := inside
		peer.Network = x.network
		b := c.serve(packed(t, q), peer)[0]
		m := new(dns.Msg)
		must(t, m.Unpack(b))
		if len(m.Answer) != x.answers || m.Truncated != x.truncated || m.IsEdns0() == nil || x.network == "udp" && len(b) > max(int(x.size), 512) {
			t.Errorf("%s with %d over %s: %d answers, %d octets, tc %v", x.question, x.size, x.network, len(m.Answer), len(b), m.Truncated)
		}
	}
	// Of a chain the links that fit are told.
	chain := w.resolver(func(cfg *resolver.Config) { cfg.MaxUDPSize = 512 })
	chain.ask("abroad.example.com A +do")
	m := chain.now("abroad.example.com A +do")
	if want := chain.ask("abroad.example.com A +do"); want.Len() > 512 && (!m.Truncated || len(m.Answer) != 2 || sigs(m.Answer) != 1) {
		t.Errorf("got %v", m)
	}
}

// MaxUDPSize is what replies say, and what they keep to.
func TestUDPSizeToClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) { cfg.MaxUDPSize = 512 })
	c.ask("www.example.com A")
	if m := c.now("www.example.com A"); m.IsEdns0().UDPSize() != 512 {
		t.Errorf("we say %d", m.IsEdns0().UDPSize())
	}
}

// A bound on clients that wait: those beyond it are told SERVFAIL and why, or nothing.
func TestMaxWaiting(t *testing.T) {
	t.Parallel()
	for _, drop := range []bool{false, true} {
		w := newWorld(t)
		c := w.resolver(func(cfg *resolver.Config) { cfg.MaxWaiting, cfg.DropWaiting = 2, drop })
		c.ask("www.example.com A")
		w.exampleSilent(true)
		replies := make([]*dns.Msg, 4)
		for i, name := range []string{"a.example.com A", "b.example.com A", "c.example.com A", "www.example.com A"} {
			w.clock.Go(func() { replies[i] = c.r.Resolve(context.Background(), query(name), inside.Addr.Addr()) })
		}
		w.advance(100 * time.Millisecond)
		if replies[0] != nil || replies[1] != nil || replies[3] == nil {
			t.Fatal("who is in the cache waits, or the others do not")
		}
		if m := replies[2]; drop != (m == nil) || m != nil && brief(m) != "SERVFAIL ede=0" {
			t.Errorf("drop %v: %v", drop, m)
		}
		w.advance(time.Minute)
		if replies[0] == nil {
			t.Error("the first is not answered")
		}
		w.exampleSilent(false)
		c.want("d.example.com A", "NXDOMAIN ad soa=example.com./300")
	}
}

// With FullResponses the zone's NS and addresses go along when they are known, and are no reason for TC.
func TestFullResponses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	full := w.resolver(func(cfg *resolver.Config) { cfg.FullResponses = true })
	minimal := w.resolver(nil)
	for _, c := range []*client{full, minimal} {
		for _, q := range []string{"example.com NS", "ns1.example.com A", "ns2.example.com A", "www.example.com A", "www.example.com AAAA", "example.com MX"} {
			c.ask(q)
		}
		for range 2 {
			for q, want := range map[string][2]int{"www.example.com A": {2, 2}, "example.com MX": {2, 4}, "example.com NS": {0, 2}} {
				m := c.now(q)
				if c == minimal {
					want = [2]int{}
				}
				if len(m.Ns) != want[0] || len(m.Extra)-1 != want[1] || !m.AuthenticatedData {
					t.Errorf("%s: %v", q, m)
				}
				same(t, q, m, c.ask(q))
			}
			w.advance(2 * time.Second)
		}
	}
	// What came with a referral may go along as well, where nothing is to be validated (RFC 2181 section 5.4.1).
	m := w.plainly(func(cfg *resolver.Config) { cfg.FullResponses = true }).ask("www.plain.com A")
	if len(m.Ns) != 1 || len(m.Extra)-1 != 1 {
		t.Errorf("after a referral: %v", m)
	}
	q := query("example.com MX +do")
	q.IsEdns0().SetUDPSize(512)
	m = full.serveOne(packed(t, q), inside)
	if m.Truncated && len(m.Answer) == 2 && len(m.Ns) == 0 {
		t.Logf("authority left out: %v", m)
	}
}
