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

// warm has the resolver know the delegation of example.com and its keys, so that what follows is about its servers alone.
func warm(w *world) *client {
	c := w.resolver(nil)
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
	w.asked()
	return c
}

func text(m *dns.Msg) string {
	var s []string
	for _, o := range m.IsEdns0().Option {
		if e, ok := o.(*dns.EDNS0_EDE); ok {
			s = append(s, e.ExtraText)
		}
	}
	return strings.Join(s, " | ")
}

// Two silent servers: three tries each, of 200, 400 and 800 ms where they were fast before, and of 400, 800 and 1600 where
// nothing is known of them.
func TestSilentServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	w.break_("10.0.0.1", silent)
	w.break_("10.0.0.2", silent)
	m, took := c.took("long.example.com A")
	if got := brief(m); got != "SERVFAIL ede=22" {
		t.Errorf("got %s, want SERVFAIL with 22 (No Reachable Authority)", got)
	}
	if !strings.Contains(text(m), "example.com.") {
		t.Errorf("the error does not name the zone: %q", text(m))
	}
	if want := 5600*time.Millisecond + 2*latency; took != want {
		t.Errorf("took %v, want %v", took, want)
	}
	if n := len(w.asked()); n != 2+6 {
		t.Errorf("%d queries, want one to the root, one to com. and three to each server", n)
	}
	// RFC 9520 section 3.2: the failure is remembered, for 5 s.
	if m, took := c.took("long.example.com A"); took != 0 || brief(m) != "SERVFAIL ede=22 ede=13" {
		t.Errorf("the second time: %s after %v", brief(m), took)
	}
	// Another name finds them silent still, and tries each once only: they have a name for it now.
	w.asked()
	if m, took := c.took("www.example.com A"); took != 2*3200*time.Millisecond || brief(m) != "SERVFAIL ede=22" {
		t.Errorf("another name: %s after %v", brief(m), took)
	}
	w.advance(5 * time.Second)
	// Back again, they are believed again.
	w.break_("10.0.0.1", nil)
	w.break_("10.0.0.2", nil)
	c.want("long.example.com A", "NOERROR ad 86400 192.0.2.81")
}

// The second failure in a row is remembered for twice as long, up to a minute.
func TestFailuresBackOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := warm(w)
	w.break_("10.0.0.1", refusing)
	w.break_("10.0.0.2", refusing)
	for _, seconds := range []int{5, 10, 20, 40, 60, 60} {
		c.want("long.example.com A", "SERVFAIL ede=22 ede=23")
		w.asked()
		w.advance(time.Duration(seconds)*time.Second - time.Millisecond)
		c.want("long.example.com A", "SERVFAIL ede=22 ede=23 ede=13")
		if asked := w.asked(); len(asked) > 0 {
			t.Fatalf("asked again before %d s were over: %q", seconds, asked)
		}
		w.advance(time.Millisecond)
	}
}

// Sockets that refuse cost no time, and the client is told (RFC 8914 section 4.24).
func TestRefusingServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := warm(w)
	w.break_("10.0.0.1", refusing)
	w.break_("10.0.0.2", refusing)
	m, took := c.took("long.example.com A")
	if got := brief(m); got != "SERVFAIL ede=22 ede=23" || took != 0 {
		t.Errorf("got %s after %v", got, took)
	}
	for _, part := range []string{"10.0.0.1:53 connection refused", "10.0.0.2:53 connection refused"} {
		if !strings.Contains(text(m), part) {
			t.Errorf("%q does not say %q", text(m), part)
		}
	}
}

// What one server does wrong has the other one asked, at most once each.
func TestOtherServerIsAsked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		wrong func(q *dns.Msg, network string, right func() *dns.Msg) act
		most  time.Duration
		ede   string // when both do it
	}{
		{"silent", silent, 3 * time.Second, "22"},
		{"refusing", refusing, time.Second, "22 23"},
		{"SERVFAIL", rcode(dns.RcodeServerFailure), time.Second, "22 23"},
		{"REFUSED", rcode(dns.RcodeRefused), time.Second, "22 23"},
		{"NOTAUTH", rcode(dns.RcodeNotAuth), time.Second, "22 23"},
		{"NXRRSET", rcode(dns.RcodeNXRrset), time.Second, "22 23"},
		{"lame: neither AA nor anything", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
			m := new(dns.Msg)
			m.SetReply(q)
			return act{reply: m}
		}, time.Second, "22 23"},
		{"lame: upward referral", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
			m := new(dns.Msg)
			m.SetReply(q)
			m.Ns = []dns.RR{rr(". 3600 IN NS a.root-servers.net.")}
			return act{reply: m}
		}, time.Second, "22 23"},
		{"lame: referral to itself", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
			m := new(dns.Msg)
			m.SetReply(q)
			m.Ns = []dns.RR{rr("example.com. 3600 IN NS ns1.example.com.")}
			return act{reply: m}
		}, time.Second, "22 23"},
		{"lame: a resolver's answer", func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
			m := right()
			m.Authoritative, m.RecursionAvailable = false, true
			return act{reply: m}
		}, time.Second, "taken"}, // when nobody says better
		{"garbage after the header", func(q *dns.Msg, _ string, right func() *dns.Msg) act {
			packed, _ := right().Pack()
			return act{raw: [][]byte{packed[:len(packed)-5]}}
		}, time.Second, "22 23"},
		// RFC 5452 section 9.1: what does not answer the question is not heard at all.
		{"wrong ID", func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
			m := right()
			m.Id++
			return act{reply: m}
		}, 3 * time.Second, "22"},
		{"wrong question", func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
			m := right()
			m.Question = []dns.Question{{Name: "www.example.org.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}
			return act{reply: m}
		}, 3 * time.Second, "22"},
		{"a query instead of a reply", func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
			m := right()
			m.Response = false
			return act{reply: m}
		}, 3 * time.Second, "22"},
		{"noise", func(*dns.Msg, string, func() *dns.Msg) act { return act{raw: [][]byte{nil, {1, 2, 3}}} }, 3 * time.Second, "22"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, bad := range []string{"10.0.0.1", "10.0.0.2"} {
				w := newWorld(t)
				c := warm(w)
				w.break_(bad, test.wrong)
				m, took := c.took("long.example.com A")
				if got := brief(m); got != "NOERROR ad 86400 192.0.2.81" || took > test.most {
					t.Errorf("%s alone: %s after %v", bad, got, took)
				}
			}
			w := newWorld(t)
			c := warm(w)
			w.break_("10.0.0.1", test.wrong)
			w.break_("10.0.0.2", test.wrong)
			m := c.ask("long.example.com A")
			if test.ede == "taken" {
				if got := brief(m); got != "NOERROR ad 86400 192.0.2.81" {
					t.Errorf("both: %s", got)
				}
				return
			}
			if got := strings.Trim(fmt.Sprint(codes(m)), "[]"); m.Rcode != dns.RcodeServerFailure || got != test.ede {
				t.Errorf("both: %s, want SERVFAIL with %s: %s", brief(m), test.ede, text(m))
			}
		})
	}
}

// A wrong reply does not keep the right one from being heard.
func TestWrongThenRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := warm(w)
	spoofed := func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
		m := right()
		good, _ := m.Pack()
		m.Id ^= 1
		m.Answer = []dns.RR{rr("long.example.com. 300 IN A 203.0.113.66")}
		bad, _ := m.Pack()
		return act{raw: [][]byte{bad, good}}
	}
	w.break_("10.0.0.1", spoofed)
	w.break_("10.0.0.2", spoofed)
	c.want("long.example.com A +cd", "NOERROR 86400 192.0.2.81")
}

// RFC 7766 section 5, RFC 2181 section 9.
func TestTruncatedIsAskedOverTCP(t *testing.T) {
	t.Parallel()
	truncated := func(_ *dns.Msg, network string, right func() *dns.Msg) act {
		m := right()
		if network == "udp" {
			m.Truncated = true // what is in it must not be used
			m.Answer = m.Answer[:0]
		}
		return act{reply: m}
	}
	w := newWorld(t)
	c := warm(w)
	w.break_("10.0.0.1", truncated)
	w.break_("10.0.0.2", truncated)
	c.want("long.example.com A", "NOERROR ad 86400 192.0.2.81")
	asked := w.asked()
	if len(asked) != 2 || !strings.Contains(asked[1], " tcp ") || strings.Fields(asked[0])[0] != strings.Fields(asked[1])[0] {
		t.Errorf("asked %q, want the same server over UDP and then over TCP", asked)
	}

	// TCP does not work: the other server.
	w.break_("10.0.0.1", func(q *dns.Msg, network string, right func() *dns.Msg) act {
		if network == "tcp" {
			return refusing(q, network, right)
		}
		return truncated(q, network, right)
	})
	w.break_("10.0.0.2", func(q *dns.Msg, network string, right func() *dns.Msg) act {
		if network == "tcp" {
			return silent(q, network, right)
		}
		return truncated(q, network, right)
	})
	m := c.ask("brief.example.com A")
	if got := brief(m); got != "SERVFAIL ede=22 ede=23" || !strings.Contains(text(m), "connection refused over TCP") {
		t.Errorf("without TCP: %s: %s", got, text(m))
	}
}

// RFC 6891 section 7: a server that does not know EDNS is asked without, and from then on at once.
func TestServerWithoutEDNS(t *testing.T) {
	t.Parallel()
	for _, code := range []int{dns.RcodeFormatError, dns.RcodeNotImplemented} {
		w := newWorld(t)
		c := w.resolver(nil)
		c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
		w.break_("10.0.0.3", func(q *dns.Msg, network string, right func() *dns.Msg) act {
			if q.IsEdns0() != nil {
				return rcode(code)(q, network, right)
			}
			return act{reply: right()}
		})
		c.r.Flush("www.plain.com")
		w.asked()
		c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
		c.r.Flush("www.plain.com")
		c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
		if n := len(w.asked()); n != 3 {
			t.Errorf("%d queries, want 3", n)
		}
	}
}

// Who was silent for long comes last; who is fast is preferred, but not always.
func TestServerChoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	w.break_("10.0.0.1", silent)
	for i := range 12 {
		c.ask(fmt.Sprintf("no%d.example.com A", i))
	}
	w.asked()
	for i := range 12 {
		if _, took := c.took(fmt.Sprintf("yet%d.example.com A", i)); took != latency {
			t.Errorf("took %v, though one server is fine", took)
		}
	}
	if asked := w.asked(); slices.ContainsFunc(asked, func(s string) bool { return strings.HasPrefix(s, "10.0.0.1") }) {
		t.Errorf("the silent server was asked: %q", asked)
	}

	w.break_("10.0.0.1", nil)
	w.advance(16 * time.Minute)
	for i := range 24 {
		c.ask(fmt.Sprintf("then%d.example.com A", i))
	}
	count := map[string]int{}
	for _, s := range w.asked() {
		count[strings.Fields(s)[0]]++
	}
	if count["10.0.0.1"] < 4 || count["10.0.0.2"] < 4 {
		t.Errorf("both are well again, and asked %v", count)
	}
}

// A server that refers back and forth, down and down, is left at last.
func TestReferralsWithoutEnd(t *testing.T) {
	t.Parallel()
	deeper := func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		m := new(dns.Msg)
		m.SetReply(q)
		zone := q.Question[0].Name
		for range 3 {
			zone = parentOf(zone)
		}
		m.Ns = []dns.RR{rr(zone + " 3600 IN NS ns." + zone)}
		m.Extra = []dns.RR{rr("ns." + zone + " 3600 IN A 10.0.0.3")}
		return act{reply: m}
	}
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) { cfg.TrustAnchors = nil })
	w.break_("10.0.0.3", deeper)
	m, took := c.took(strings.Repeat("a.", 100) + "plain.com A")
	if m.Rcode != dns.RcodeServerFailure || took > 21*time.Second || len(w.asked()) > 110 {
		t.Errorf("%s after %v", brief(m), took)
	}
}

// Two zones whose servers are in each other, without glue: nobody can find either.
func TestGluelessCircle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	com := func(q *dns.Msg, _ string, right func() *dns.Msg) act {
		m := new(dns.Msg)
		m.SetReply(q)
		switch name := q.Question[0].Name; {
		case dns.IsSubDomain("one.com.", name):
			m.Ns = []dns.RR{rr("one.com. 3600 IN NS ns.two.com.")}
		case dns.IsSubDomain("two.com.", name):
			m.Ns = []dns.RR{rr("two.com. 3600 IN NS ns.one.com.")}
		default:
			return act{reply: right()}
		}
		return act{reply: m}
	}
	w.break_("192.5.6.30", com)
	w.break_("192.33.14.30", com)
	c := w.resolver(func(cfg *resolver.Config) { cfg.TrustAnchors = nil })
	m, took := c.took("www.one.com A")
	if m.Rcode != dns.RcodeServerFailure || codes(m)[0] != 22 || took > time.Second {
		t.Errorf("%s after %v: %s", brief(m), took, text(m))
	}
}

// CVE-2020-12662 ("NXNSAttack"): a referral to many names does not have all of them looked up.
func TestReferralToManyNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.break_("10.0.0.3", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		m := new(dns.Msg)
		m.SetReply(q)
		for i := range 60 {
			m.Ns = append(m.Ns, rr(fmt.Sprintf("sub.plain.com. 3600 IN NS ns%d.example.com.", i)))
		}
		return act{reply: m}
	})
	c := w.resolver(func(cfg *resolver.Config) { cfg.TrustAnchors = nil })
	m := c.ask("www.sub.plain.com A")
	if n := len(w.asked()); m.Rcode != dns.RcodeServerFailure || n > 15 {
		t.Errorf("%s after %d queries", brief(m), n)
	}
}

// RFC 5452 section 6: a server's word counts in its own zone only.
func TestOutOfBailiwick(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.break_("10.0.0.3", func(_ *dns.Msg, _ string, right func() *dns.Msg) act {
		m := right()
		m.Answer = append(m.Answer[:len(m.Answer):len(m.Answer)], rr("www.example.com. 3600 IN A 203.0.113.66"))
		m.Ns = []dns.RR{rr("com. 3600 IN NS ns.plain.com."), rr("example.com. 3600 IN NS ns.plain.com.")}
		m.Extra = append(m.Extra, rr("ns1.example.com. 3600 IN A 10.0.0.3"), rr("a.gtld.com. 3600 IN A 10.0.0.3"))
		return act{reply: m}
	})
	c := w.resolver(func(cfg *resolver.Config) { cfg.TrustAnchors = nil })
	c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
	c.want("www.example.com A", "NOERROR 300 192.0.2.80")
	for _, e := range c.r.Dump() {
		for _, rr := range e.RRs {
			if strings.Contains(rr.String(), "203.0.113.66") || rr.Header().Name != "plain.com." && rr.Header().Rrtype == dns.TypeNS &&
				strings.Contains(rr.String(), "ns.plain.com.") {
				t.Errorf("the cache believed %s", rr)
			}
		}
	}
}

// The whole is bounded in time: a client waits no longer than 20 s, however many servers are silent.
func TestTimeIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.break_("10.0.0.3", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		m := new(dns.Msg)
		m.SetReply(q)
		for i := range 13 {
			m.Ns = append(m.Ns, rr(fmt.Sprintf("sub.plain.com. 3600 IN NS ns%d.sub.plain.com.", i)))
			m.Extra = append(m.Extra, rr(fmt.Sprintf("ns%d.sub.plain.com. 3600 IN A 10.1.0.%d", i, i)))
		}
		return act{reply: m}
	})
	c := w.resolver(nil)
	m, took := c.took("www.sub.plain.com A")
	if got := brief(m); got != "SERVFAIL ede=22" || took > 20*time.Second || took < 10*time.Second {
		t.Errorf("%s after %v: %s", got, took, text(m))
	}
}

// A failure of validation alone says nothing to who disables checking (RFC 6840 section 5.9): the data is there. To who
// checks it is still remembered then, though the data is in the cache.
func TestFailureOfCheckingIsNotData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	noKeys := func(q *dns.Msg, _ string, right func() *dns.Msg) act {
		if q.Question[0].Qtype == dns.TypeDNSKEY {
			return act{reply: say(q, "SERVFAIL")}
		}
		return act{reply: right()}
	}
	w.break_("10.0.0.1", noKeys)
	w.break_("10.0.0.2", noKeys)
	c := w.resolver(nil)
	for question, want := range map[string]string{
		"www.example.com A":     "NOERROR 300 192.0.2.80",
		"zero.example.com A":    "NOERROR 0 192.0.2.83",
		"www.old.example.com A": "NOERROR 300 example.net. 300 www.example.net. 120 198.51.100.80",
		"nosuch.example.com A":  "NXDOMAIN soa=example.com./300",
	} {
		c.r.Clear()
		if m := c.ask(question); m.Rcode != dns.RcodeServerFailure {
			t.Errorf("%s: %s", question, brief(m))
		}
		got := strings.ReplaceAll(brief(c.ask(question+" +cd")), "299", "300")
		if got != want {
			t.Errorf("%s +cd: %s, want %s", question, got, want)
		}
		if got := brief(c.ask(question)); !strings.HasSuffix(got, "ede=13") {
			t.Errorf("%s again: %s", question, got)
		}
	}
}
