package resolver_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A zone whose delegation was withdrawn is gone when that delegation's TTL is over, whatever it says of itself, of zones
// below it, and however late: the ghost domains of Jiang and others (NDSS 2012), and the phoenix domains of Li and others
// (NDSS 2023).
func TestGhostDomains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delegated := []string{"plain.com. 60 IN NS ns.plain.com.", "ns.plain.com. 60 IN A 10.0.0.3"}
	w.delegates(delegated...)
	below := func(q *dns.Msg, zone string) *dns.Msg {
		return say(q, "", "ns "+zone+" 86400 IN NS ns."+zone, "ar ns."+zone+" 86400 IN A 10.0.0.5")
	}
	late := time.Duration(0)
	w.break_("10.0.0.3", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		name := q.Question[0].Name
		switch {
		case q.Question[0].Qtype == dns.TypeNS:
			return act{delay: late, reply: say(q, "aa", "an "+name+" 86400 IN NS ns.plain.com.")}
		case dns.IsSubDomain("sub.plain.com.", name):
			return act{reply: below(q, "sub.plain.com.")}
		}
		return act{reply: say(q, "aa", "an "+name+" 1 IN A 192.0.2.1")}
	})
	w.says("10.0.0.5", func(q *dns.Msg) *dns.Msg {
		if dns.IsSubDomain("deep.sub.plain.com.", q.Question[0].Name) {
			return below(q, "deep.sub.plain.com.")
		}
		return say(q, "aa", "an "+q.Question[0].Name+" 1 IN A 192.0.2.5")
	})
	c := w.plainly(nil)
	c.want("a.plain.com A", "NOERROR 1 192.0.2.1")
	c.want("a.sub.plain.com A", "NOERROR 1 192.0.2.5")
	for _, at := range []string{"192.5.6.30", "192.33.14.30"} {
		w.says(at, func(q *dns.Msg) *dns.Msg {
			return say(q, "aa NXDOMAIN", "ns com. 900 IN SOA a.gtld.com. nstld.example. 1 1800 900 604800 900")
		})
	}
	w.advance(59 * time.Second)
	c.ask("b.sub.plain.com NS")
	c.ask("b.deep.sub.plain.com A") // a delegation learned in the last second
	late = 350 * time.Millisecond
	w.advance(600 * time.Millisecond)
	c.ask("plain.com NS") // asked before the end, answered after it
	w.advance(2 * time.Second)
	for _, question := range []string{"b.plain.com A", "b.sub.plain.com A", "c.deep.sub.plain.com A", "plain.com NS"} {
		c.want(question, "NXDOMAIN soa=com./900")
	}
}

// What was learned by a delegation whose TTL is over counts again when that is told anew: when the servers of com. are silent,
// what is known of the zones below goes on to be of use for its own TTL, as long as the root delegates com. to them.
func TestDelegationToldAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []string{"198.41.0.4", "170.247.170.2"} {
		w.says(at, func(q *dns.Msg) *dns.Msg {
			return say(q, "", "ns com. 60 IN NS a.gtld.com.", "ar a.gtld.com. 60 IN A 192.5.6.30")
		})
	}
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg { return say(q, "aa", "an "+q.Question[0].Name+" 1 IN A 192.0.2.1") })
	c := w.plainly(nil)
	c.want("a.plain.com A", "NOERROR 1 192.0.2.1")
	w.break_("192.5.6.30", silent)
	w.advance(61 * time.Second)
	w.asked()
	c.want("b.plain.com A", "NOERROR 1 192.0.2.1")
	if asked := w.asked(); len(asked) != 2 || len(to(asked, "10.0.0.3")) != 1 {
		t.Errorf("asked %v, want a root server and the zone's", asked)
	}
	c.want("c.plain.com A", "NOERROR 1 192.0.2.1")
	if asked := w.asked(); len(asked) != 1 {
		t.Errorf("asked %v", asked)
	}
}
