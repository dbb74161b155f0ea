package resolver_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"faultzone/resolver"
)

// RFC 4035 section 3.1.4: a referral told to who wants DNSSEC has the DS with its signature, or what proves that there is
// none; not the SOA, which would make it a denial. Without DO it has neither.
func TestReferralWithDS4035(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ learn, ask, want string }{
		{"www.example.com A", "long.example.com A +norec +do", "NS NS DS RRSIG"},
		{"www.example.com A", "long.example.com A +norec", "NS NS"},
		{"www.plain.com A", "more.plain.com A +norec +do", "NS NSEC RRSIG"},
		{"www.plain.com A", "more.plain.com A +norec", "NS"},
	} {
		w := newWorld(t)
		c := w.resolver(func(cfg *resolver.Config) { cfg.NonRecursive = resolver.NonRecursiveReferral })
		c.ask(test.learn)
		m := c.ask(test.ask)
		var got []string
		for _, rr := range m.Ns {
			got = append(got, dns.Type(rr.Header().Rrtype).String())
		}
		if list := strings.Join(got, " "); list != test.want || m.AuthenticatedData || len(m.Answer) > 0 {
			t.Errorf("%s: %s, want %s: %v", test.ask, list, test.want, m)
		}
	}
}

// A server's IPv4 address is enough to ask it: that its IPv6 address is looked for in vain holds up nobody. It is looked for
// when the IPv4 one was of no use.
func TestOneFamilyIsEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.delegates("plain.com. 60 IN NS ns.example.net.")
	silentToAAAA := func(q *dns.Msg, _ string, right func() *dns.Msg) act {
		if q.Question[0].Qtype == dns.TypeAAAA {
			return act{}
		}
		if q.Question[0].Name == "ns.example.net." {
			return act{reply: say(q, "aa", "an ns.example.net. 60 IN A 10.0.0.3")}
		}
		return act{reply: right()}
	}
	w.break_("10.0.0.1", silentToAAAA)
	w.break_("10.0.0.2", silentToAAAA)
	c := w.plainly(func(cfg *resolver.Config) { cfg.IPv6 = true })
	c.want("www.plain.com A", "NOERROR 300 192.0.2.70")
	for _, s := range w.asked() {
		if strings.HasSuffix(s, " AAAA") {
			t.Errorf("asked %s", s)
		}
	}

	// One that has only an IPv6 address.
	w = newWorld(t)
	w.delegates("plain.com. 60 IN NS ns.example.net.")
	six := func(q *dns.Msg, _ string, right func() *dns.Msg) act {
		switch {
		case q.Question[0].Name != "ns.example.net.":
			return act{reply: right()}
		case q.Question[0].Qtype == dns.TypeA:
			return act{reply: say(q, "aa", "ns example.net. 60 IN SOA a. b. 1 1 1 1 60")}
		}
		return act{reply: say(q, "aa", "an ns.example.net. 60 IN AAAA 2001:db8::3")}
	}
	w.break_("10.0.0.1", six)
	w.break_("10.0.0.2", six)
	w.says("2001:db8::3", func(q *dns.Msg) *dns.Msg { return say(q, "aa", "an www.plain.com. 60 IN A 192.0.2.6") })
	c = w.plainly(func(cfg *resolver.Config) { cfg.IPv6 = true })
	c.want("www.plain.com A", "NOERROR 60 192.0.2.6")

	// One whose IPv4 address is of no use.
	w = newWorld(t)
	w.delegates("plain.com. 60 IN NS ns.example.net.")
	both := func(q *dns.Msg, _ string, right func() *dns.Msg) act {
		switch {
		case q.Question[0].Name != "ns.example.net.":
			return act{reply: right()}
		case q.Question[0].Qtype == dns.TypeA:
			return act{reply: say(q, "aa", "an ns.example.net. 60 IN A 10.0.0.99")}
		}
		return act{reply: say(q, "aa", "an ns.example.net. 60 IN AAAA 2001:db8::3")}
	}
	w.break_("10.0.0.1", both)
	w.break_("10.0.0.2", both)
	w.break_("10.0.0.99", refusing)
	w.says("2001:db8::3", func(q *dns.Msg) *dns.Msg { return say(q, "aa", "an www.plain.com. 60 IN A 192.0.2.6") })
	c = w.plainly(func(cfg *resolver.Config) { cfg.IPv6 = true })
	c.want("www.plain.com A", "NOERROR 60 192.0.2.6")
}

// RFC 7646: where a negative trust anchor stands nobody checks, so that an answer without signatures is as good as any,
// though the parent has a DS: one server is asked, not all.
func TestUnsignedBelowNegativeAnchor7646(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.zones["example.com."] = w.raw["example.com."]
	c := w.resolver(func(cfg *resolver.Config) { cfg.DomainInsecure = []string{"example.com"} })
	c.want("www.example.com A", "NOERROR 300 192.0.2.80")
	w.asked()
	for _, question := range []string{"long.example.com A", "nosuch.example.com A", "www.example.com MX"} {
		c.ask(question)
		if asked := w.asked(); len(asked) != 1 {
			t.Errorf("%s: asked %v", question, asked)
		}
	}
}
