package resolver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
)

// A zone and its parent do not say the same of who serves it, or where.

// When the servers that the zone itself names are of no use, those that its parent names are asked: it has moved, and nobody
// told the zone. Once is enough while the trouble lasts.
func TestParentNamesOtherServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"10.0.0.3", "10.0.0.5"} {
		w.says(at, func(q *dns.Msg) *dns.Msg {
			return say(q, "aa", "an "+q.Question[0].Name+" 30 IN A 192.0.2.1", "ns moved.com. 3600 IN NS ns3.plain.com.")
		})
	}
	w.delegates("plain.com. 3600 IN NS ns.plain.com.", "ns.plain.com. 3600 IN A 10.0.0.7", "moved.com. 3600 IN NS ns1.moved.com.",
		"moved.com. 3600 IN NS ns2.moved.com.", "ns1.moved.com. 3600 IN A 10.0.0.3", "ns2.moved.com. 3600 IN A 10.0.0.5")
	w.says("10.0.0.7", func(q *dns.Msg) *dns.Msg { return say(q, "aa", "an ns3.plain.com. 3600 IN A 10.0.0.6") })
	w.break_("10.0.0.6", refusing) // where the zone says that its only server is
	c := w.plainly(func(cfg *resolver.Config) { cfg.AuthorityNS = true })
	c.want("a.moved.com A", "NOERROR 30 192.0.2.1")
	if got := c.held("moved.com.", dns.TypeNS); got != "positive authority" {
		t.Fatalf("the zone's own NS is held as %q", got)
	}
	w.asked()
	c.want("b.moved.com A", "NOERROR 30 192.0.2.1")
	asked := w.asked()
	if got := to(asked, "192.5.6.30", "192.33.14.30"); len(got) == 0 {
		t.Errorf("asked %q, and not the parent", asked)
	}
	// Nobody answers at all any more: the parent is not asked for each name.
	for _, at := range []string{"10.0.0.3", "10.0.0.5"} {
		w.says(at, func(q *dns.Msg) *dns.Msg { return say(q, "SERVFAIL") })
	}
	c.ask("c.moved.com A")
	w.asked()
	for _, name := range []string{"d", "e", "f"} {
		c.want(name+".moved.com A", "SERVFAIL ede=22 ede=23")
	}
	if got := to(w.asked(), "192.5.6.30", "192.33.14.30"); len(got) != 0 {
		t.Errorf("the parent is asked again: %q", got)
	}
}

// The glue of a referral is asked when the address that the server's own zone gives does not answer.
func TestGlueOutlivesAWrongAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.delegates("plain.com. 3600 IN NS ns.plain.com.", "ns.plain.com. 3600 IN A 10.0.0.3", "other.com. 3600 IN NS ns.plain.com.")
	w.break_("10.0.0.3", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		if q.Question[0].Name == "ns.plain.com." {
			return act{reply: say(q, "aa", "an ns.plain.com. 3600 IN A 10.0.0.99")} // where nobody is
		}
		return act{reply: say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 192.0.2.1")}
	})
	w.break_("10.0.0.99", refusing)
	c := w.plainly(nil)
	c.want("ns.plain.com A", "NOERROR 3600 10.0.0.99")
	c.want("www.other.com A", "NOERROR 60 192.0.2.1")
	c.want("www.plain.com A", "NOERROR 60 192.0.2.1")
}

// RFC 9471: a server in the zone itself whose glue was left out: the zone above is asked for its address, and tells it in an
// answer, or with another referral. When it does not, it is left alone for a while.
func TestGlueLeftOutIsAskedFor9471(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"answers", "refers", "keeps silent about it"} {
		w := newWorld(t)
		for _, at := range []string{"192.5.6.30", "192.33.14.30"} {
			w.break_(at, func(q *dns.Msg, _ string, right func() *dns.Msg) act {
				name := strings.ToLower(q.Question[0].Name)
				if !dns.IsSubDomain("sub.com.", name) {
					return act{reply: right()}
				}
				m := say(q, "", "ns sub.com. 3600 IN NS ns.sub.com.")
				if name == "ns.sub.com." && way == "answers" {
					m = say(q, "", "an ns.sub.com. 3600 IN A 10.0.0.3")
				} else if name == "ns.sub.com." && way == "refers" {
					m.Extra = append(m.Extra, rr("ns.sub.com. 3600 IN A 10.0.0.3"))
				}
				return act{reply: m}
			})
		}
		w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg { return say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 192.0.2.1") })
		c := w.plainly(nil)
		want := "NOERROR 60 192.0.2.1"
		if way == "keeps silent about it" {
			want = "SERVFAIL ede=22"
		}
		c.want("www.sub.com A", want)
		w.asked()
		c.want("ftp.sub.com A", want)
		if asked := w.asked(); len(asked) > 1 {
			t.Errorf("%s: then asked %q", way, asked)
		}
	}
}

// A server whose glue is of a family that is not used has addresses of the other looked up.
func TestGlueOfTheOtherFamily(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.delegates("sub.com. 3600 IN NS ns.plain.com.", "ns.plain.com. 3600 IN AAAA 2001:db8::3", "plain.com. 3600 IN NS ns2.plain.com.",
		"ns2.plain.com. 3600 IN A 10.0.0.3")
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
		if strings.HasSuffix(q.Question[0].Name, "plain.com.") {
			return say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 10.0.0.3")
		}
		return say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 192.0.2.1")
	})
	w.plainly(nil).want("www.sub.com A", "NOERROR 60 192.0.2.1")
}

// A delegation below a stub zone that turns out to be of no use is asked for at the stub's servers again, not at the root.
func TestStubIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sub := "10.0.0.66"
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
		return say(q, "", "ns sub.corp. 3600 IN NS ns.sub.corp.", "ar ns.sub.corp. 60 IN A "+sub)
	})
	w.says("10.0.0.66", func(q *dns.Msg) *dns.Msg { return say(q, "aa", "an "+q.Question[0].Name+" 30 IN A 192.0.2.1") })
	w.says("10.0.0.67", func(q *dns.Msg) *dns.Msg { return say(q, "aa", "an "+q.Question[0].Name+" 30 IN A 192.0.2.2") })
	c := w.plainly(func(cfg *resolver.Config) {
		cfg.Stub = []resolver.Stub{{Zone: "corp", Servers: servers("10.0.0.3")}}
	})
	c.want("a.sub.corp A", "NOERROR 30 192.0.2.1")
	sub = "10.0.0.67"
	w.advance(61 * time.Second) // the glue has expired, and the NS has not
	w.asked()
	c.want("b.sub.corp A", "NOERROR 30 192.0.2.2")
	w.wantAsked(t, "10.0.0.3 udp b.sub.corp. A", "10.0.0.67 udp b.sub.corp. A")
}

// There is nothing above the root: its servers without an address are not looked for there, and a root that is silent is no
// more work than its servers' tries.
func TestNothingAboveTheRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.break_("198.41.0.4", refusing)
	w.break_("170.247.170.2", refusing)
	c := w.plainly(func(cfg *resolver.Config) {
		cfg.Hints = append(hints(), rr(". 518400 IN NS c.root-servers.net."), rr(". 518400 IN NS d.root-servers.net."))
	})
	c.want("www.plain.com A", "SERVFAIL ede=22 ede=23")
	if asked := w.asked(); len(asked) != 2 {
		t.Errorf("asked %q", asked)
	}
}
