package resolver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
)

// withOPT gives a reply the OPT record that a server has which knows EDNS.
func withOPT(m *dns.Msg, options ...dns.EDNS0) *dns.Msg {
	opt := edns(1232, true)
	opt.Option = options
	m.Extra = append(m.Extra, opt)
	return m
}

func cookieOf(m *dns.Msg) string {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if c, ok := o.(*dns.EDNS0_COOKIE); ok {
				return c.Cookie
			}
		}
	}
	return ""
}

func cookie(hexed string) dns.EDNS0 { return &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hexed} }

const serverCookie = "0100000065a0b0c0d0e0f0a1b2c3d4e5"

// RFC 7873 sections 5.1 to 5.3: the client's cookie goes out, the server's comes back and goes along from then on. Each
// server is sent another client cookie.
func TestCookies7873(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var sent []string
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
		sent = append(sent, cookieOf(q))
		return withOPT(say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 192.0.2.1"), cookie(cookieOf(q)[:16]+serverCookie))
	})
	other := ""
	w.break_("192.5.6.30", func(q *dns.Msg, _ string, right func() *dns.Msg) act { other = cookieOf(q); return act{reply: right()} })
	w.break_("192.33.14.30", func(q *dns.Msg, _ string, right func() *dns.Msg) act { other = cookieOf(q); return act{reply: right()} })
	c := w.plainly(func(cfg *resolver.Config) { cfg.Cookies = true })
	c.want("a.plain.com A", "NOERROR 60 192.0.2.1")
	c.want("b.plain.com A", "NOERROR 60 192.0.2.1")
	if len(sent) != 2 || len(sent[0]) != 16 || sent[1] != sent[0]+serverCookie {
		t.Errorf("sent %q", sent)
	}
	if len(other) != 16 || other == sent[0] {
		t.Errorf("another server was sent %q", other)
	}
	// Not by default.
	sent = nil
	w.plainly(nil)
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
		if cookieOf(q) != "" {
			t.Error("a cookie was sent though they are off")
		}
		return say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 192.0.2.1")
	})
	w.plainly(nil).ask("a.plain.com A")
}

// RFC 7873 section 5.3: a reply without our cookie, or with another, from a server that has sent one before, is not heard;
// one from a server that never did is.
func TestForgedCookie7873(t *testing.T) {
	t.Parallel()
	for name, forged := range map[string]string{"none": "", "another": "ffffffffffffffff" + serverCookie, "too short": "ff"} {
		w := newWorld(t)
		known := false
		w.break_("10.0.0.3", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
			good := withOPT(say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 192.0.2.1"), cookie(cookieOf(q)[:16]+serverCookie))
			if !known {
				known = true
				return act{reply: good}
			}
			bad := withOPT(say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 203.0.113.66"))
			if forged != "" {
				bad = withOPT(say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 203.0.113.66"), cookie(forged))
			}
			return act{raw: [][]byte{packed(t, bad), packed(t, good)}}
		})
		c := w.plainly(func(cfg *resolver.Config) { cfg.Cookies = true })
		c.want("a.plain.com A", "NOERROR 60 192.0.2.1")
		c.want("b.plain.com A", "NOERROR 60 192.0.2.1")
		if t.Failed() {
			t.Fatalf("forged: %s", name)
		}
	}
	// A server that sends cookies no more (an old one of an anycast set, say) is heard again after one silence.
	w := newWorld(t)
	asked := 0
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
		m := say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 192.0.2.1")
		if asked++; asked == 1 {
			return withOPT(m, cookie(cookieOf(q)+serverCookie))
		}
		return m
	})
	c := w.plainly(func(cfg *resolver.Config) { cfg.Cookies = true })
	c.ask("a.plain.com A")
	c.want("b.plain.com A", "NOERROR 60 192.0.2.1")
	if asked != 3 {
		t.Errorf("asked %d times, want one silence", asked)
	}
}

// RFC 7873 section 5.3: BADCOOKIE brings the cookie to ask with; a second one, or one without, has TCP used.
func TestBadCookie7873(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		heals bool
		want  []string
	}{{true, []string{"udp", "udp"}}, {false, []string{"udp", "udp", "tcp"}}} {
		w := newWorld(t)
		w.break_("10.0.0.3", func(q *dns.Msg, network string, _ func() *dns.Msg) act {
			given := cookieOf(q)
			if network == "tcp" || test.heals && len(given) > 16 {
				return act{reply: withOPT(say(q, "aa", "an www.plain.com. 60 IN A 192.0.2.1"), cookie(given[:16]+serverCookie))}
			}
			return act{reply: withOPT(say(q, "BADCOOKIE"), cookie(given[:16]+serverCookie))}
		})
		c := w.plainly(func(cfg *resolver.Config) { cfg.Cookies = true })
		c.want("www.plain.com A", "NOERROR 60 192.0.2.1")
		var networks []string
		for _, s := range to(w.asked(), "10.0.0.3") {
			networks = append(networks, strings.Fields(s)[1])
		}
		if !slices.Equal(networks, test.want) {
			t.Errorf("asked over %v, want %v", networks, test.want)
		}
	}
}

// draft-vixie-dnsext-dns0x20: with RandomCase the question is in mixed case and has to come back so; clients and cache see
// nothing of it. Who answers in lower case is asked over TCP.
func TestRandomCase0x20(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mixed := ""
	keep := func(q *dns.Msg, _ string, right func() *dns.Msg) act {
		mixed += q.Question[0].Name
		return act{reply: right()}
	}
	for _, at := range []string{"198.41.0.4", "170.247.170.2", "192.5.6.30", "192.33.14.30", "10.0.0.1", "10.0.0.2", "10.0.0.3"} {
		w.break_(at, keep)
	}
	c := w.resolver(func(cfg *resolver.Config) { cfg.RandomCase = true })
	c.want("alias.example.com A", "NOERROR ad 300 www.example.com. 299 192.0.2.80")
	c.want("nosuch.example.com A", "NXDOMAIN ad soa=example.com./300")
	if mixed == strings.ToLower(mixed) || mixed == strings.ToUpper(mixed) {
		t.Errorf("asked for %q", mixed)
	}
	for _, e := range c.r.Dump() {
		if e.Name != strings.ToLower(e.Name) {
			t.Errorf("the cache has %q", e.Name)
		}
		for _, r := range e.RRs {
			if r.Header().Name != strings.ToLower(r.Header().Name) {
				t.Errorf("the cache has %s", r)
			}
		}
	}
	// A server that writes the owners as they were asked.
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
		name := q.Question[0].Name
		return say(q, "aa", "an "+name+" 60 IN CNAME x."+name, "an x."+name+" 60 IN A 192.0.2.9")
	})
	if m := c.ask("same.plain.com A"); len(m.Answer) != 2 {
		t.Errorf("%s", brief(m))
	} else if a, b := m.Answer[0].Header().Name, m.Answer[1].Header().Name; a != "same.plain.com." || b != "x.same.plain.com." {
		t.Errorf("the client is told of %s and %s", a, b)
	}
	// A forger who does not know the case.
	lowered := func(q *dns.Msg, network string, right func() *dns.Msg) act {
		m := right()
		if network == "udp" {
			m.Question[0].Name = strings.ToLower(m.Question[0].Name)
		}
		return act{reply: m}
	}
	w.break_("10.0.0.3", lowered)
	w.asked()
	c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
	got := strings.ToLower(strings.Join(to(w.asked(), "10.0.0.3"), ", "))
	if got != "10.0.0.3 udp www.plain.com. a, 10.0.0.3 tcp www.plain.com. a" {
		t.Errorf("asked %s", got)
	}
	// Off by default.
	mixed = ""
	w.plainly(nil).ask("www.example.com A")
	if mixed != strings.ToLower(mixed) {
		t.Errorf("asked for %q without it", mixed)
	}
}

// RFC 6891 sections 6.1.3 and 7: what servers do who do not know EDNS, and what is asked then. Each row has how often a
// server is asked for one name and, later, for another.
func TestEDNSFallback6891(t *testing.T) {
	t.Parallel()
	refuse := func(code string, opt bool) func(q *dns.Msg) *dns.Msg {
		return func(q *dns.Msg) *dns.Msg {
			if m := say(q, code); opt {
				return withOPT(m)
			} else {
				return m
			}
		}
	}
	tests := []struct {
		name          string
		wrong         func(q *dns.Msg) *dns.Msg // to queries with EDNS
		first, second int
	}{
		{"FORMERR", refuse("FORMERR", false), 2, 1},
		{"FORMERR without a question", func(q *dns.Msg) *dns.Msg { m := say(q, "FORMERR"); m.Question = nil; return m }, 2, 1},
		{"NOTIMP", refuse("NOTIMP", false), 2, 1},
		{"BADVERS", refuse("BADVERS", true), 2, 1},
		{"FORMERR with OPT, as if it knew", refuse("FORMERR", true), 2, 2},
		{"silence", func(*dns.Msg) *dns.Msg { return nil }, 3, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.break_("10.0.0.3", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
				if q.IsEdns0() != nil {
					if m := test.wrong(q); m != nil {
						return act{reply: m}
					}
					return act{}
				}
				return act{reply: say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 192.0.2.1")}
			})
			c := w.resolver(nil)
			c.want("a.plain.com A", "NOERROR 60 192.0.2.1")
			if n := len(to(w.asked(), "10.0.0.3")); n != test.first {
				t.Errorf("asked %d times, want %d", n, test.first)
			}
			c.want("b.plain.com A", "NOERROR 60 192.0.2.1")
			if n := len(to(w.asked(), "10.0.0.3")); n != test.second {
				t.Errorf("then %d times, want %d", n, test.second)
			}
		})
	}
}

// The servers of a signed zone are asked with EDNS however silent they are (RFC 4035 section 3.2.1): an answer without
// signatures would be bogus, and lost packets are no reason for that.
func TestNoEDNSFallbackForSignedZones(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lost := 0
	for _, at := range []string{"10.0.0.1", "10.0.0.2"} {
		w.break_(at, func(q *dns.Msg, _ string, right func() *dns.Msg) act {
			if q.IsEdns0() == nil {
				t.Error("asked without EDNS")
			}
			if lost++; lost <= 5 {
				return act{}
			}
			return act{reply: right()}
		})
	}
	w.resolver(nil).want("www.example.com A", "NOERROR ad 300 192.0.2.80")
}

// Over TCP nobody answers, or refuses the connection: the zone's other server is asked (RFC 7766 section 5).
func TestTCPRefused(t *testing.T) {
	t.Parallel()
	for way, overTCP := range map[string]func(*dns.Msg, string, func() *dns.Msg) act{"refused": refusing, "silent": silent} {
		w := newWorld(t)
		c := warm(w)
		w.break_("10.0.0.1", func(q *dns.Msg, network string, right func() *dns.Msg) act {
			if network == "tcp" {
				return overTCP(q, network, right)
			}
			return act{reply: say(q, "aa tc")}
		})
		for _, name := range []string{"long", "brief", "alias", "a.ent", "x.wild"} { // whichever server is chosen first
			if m := c.ask(name + ".example.com A"); m.Rcode != dns.RcodeSuccess || !m.AuthenticatedData {
				t.Errorf("%s: %s", way, brief(m))
			}
		}
		if overTCP := strings.Count(strings.Join(to(w.asked(), "10.0.0.1"), "\n"), " tcp "); overTCP == 0 {
			t.Errorf("%s: TCP was not tried", way)
		}
	}
}

// A server that does not serve a zone is remembered for that zone: it is asked again only when the others have failed, or
// when the time is over.
func TestLameServersAreRemembered(t *testing.T) {
	t.Parallel()
	for _, ttl := range []time.Duration{0, time.Minute, -1} {
		w := newWorld(t)
		c := w.resolver(func(cfg *resolver.Config) { cfg.LameTTL = ttl })
		c.ask("www.example.com A")
		c.ask("www.example.net A")
		lame := func(q *dns.Msg, _ string, right func() *dns.Msg) act {
			if dns.IsSubDomain("example.com.", q.Question[0].Name) {
				return act{reply: say(q, "REFUSED")}
			}
			return act{reply: right()}
		}
		w.break_("10.0.0.1", lame)
		ask := func(n int, zone string) int {
			w.asked()
			for i := range n {
				c.ask(fmt.Sprintf("no%d-%d.%s A", w.clock.Now().Unix(), i, zone))
			}
			return len(to(w.asked(), "10.0.0.1"))
		}
		n := ask(20, "example.com")
		if good := n == 1; good != (ttl >= 0) {
			t.Errorf("LameTTL %v: the lame server was asked %d times", ttl, n)
		}
		if n := ask(20, "example.net"); n == 0 {
			t.Errorf("LameTTL %v: it was not asked for the zone that it serves", ttl)
		}
		if ttl < 0 {
			continue
		}
		w.break_("10.0.0.2", silent)
		w.break_("10.0.0.1", nil)
		if m := c.ask("long.example.com A"); m.Rcode != dns.RcodeSuccess {
			t.Errorf("when the other one failed: %s", brief(m))
		}
		w.break_("10.0.0.1", lame)
		w.break_("10.0.0.2", nil)
		w.advance(16 * time.Minute)
		ask(10, "example.com")
		w.break_("10.0.0.1", nil)
		w.advance(16 * time.Minute)
		if n := ask(20, "example.com"); n == 0 {
			t.Errorf("LameTTL %v: not asked after the time was over", ttl)
		}
	}
}

// The size that the OPT record offers is 1232 octets (RFC 9715), or what was configured.
func TestUpstreamUDPSize9715(t *testing.T) {
	t.Parallel()
	for _, size := range []uint16{0, 512, 4096} {
		w := newWorld(t)
		w.break_("198.41.0.4", silent)
		w.break_("170.247.170.2", func(q *dns.Msg, _ string, right func() *dns.Msg) act {
			if got := q.IsEdns0().UDPSize(); got != size && (size != 0 || got != 1232) {
				t.Errorf("offered %d, want %d", got, size)
			}
			return act{reply: right()}
		})
		w.plainly(func(cfg *resolver.Config) { cfg.UpstreamUDPSize = size }).ask("nosuch A")
	}
}

// The smoothed round-trip time (RFC 6298 section 2) sets the timeout, which doubles with each silence; the next answer sets
// it back.
func TestTimeoutsFollowTheServer6298(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delay := 100 * time.Millisecond
	quiet := false
	w.break_("10.0.0.3", func(q *dns.Msg, _ string, right func() *dns.Msg) act {
		if quiet {
			return act{}
		}
		return act{reply: right(), delay: delay}
	})
	c := w.plainly(nil)
	for i := range 20 {
		c.ask(fmt.Sprintf("a%d.plain.com A", i))
	}
	quiet = true
	// 110 ms each time, so that the variance is next to nothing: the floor of 200 ms, doubled twice.
	if _, took := c.took("b.plain.com A"); took != 1400*time.Millisecond {
		t.Errorf("silent for %v, want 200 + 400 + 800 ms", took)
	}
	quiet = false
	w.advance(time.Minute)
	c.ask("c.plain.com A")
	quiet = true
	if _, took := c.took("d.plain.com A"); took > 2*time.Second {
		t.Errorf("after an answer: silent for %v", took)
	}
}
