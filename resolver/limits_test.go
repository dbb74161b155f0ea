package resolver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
)

// Attacks that make a resolver work, or have it attack others: each is scripted, and the exchanges are counted.

// attack is what a limit is tested by: a world whose servers multiply the work, and how much of it is done.
type attack struct {
	name     string
	script   func(w *world)
	question string
	limits   resolver.Limits
	most     int // exchanges
	least    int // so that it is known that the script does what it should
	longest  time.Duration
}

// evil has 10.0.0.3, the server of plain.com., say this to everything.
func evil(answer func(q *dns.Msg) *dns.Msg) func(*world) {
	return func(w *world) { w.says("10.0.0.3", answer) }
}

func TestAttacksAreBounded(t *testing.T) {
	t.Parallel()
	// nxns refers to many names of a victim, which have no glue (CVE-2020-8616, CVE-2020-12662: NXNSAttack).
	nxns := evil(func(q *dns.Msg) *dns.Msg {
		m := say(q, "")
		for i := range 100 {
			m.Ns = append(m.Ns, rr(fmt.Sprintf("%s 60 IN NS ns%d-%s.example.com.", q.Question[0].Name, i, q.Question[0].Name[:1])))
		}
		return m
	})
	// cnames gives another name each time, for ever.
	count := 0
	cnames := evil(func(q *dns.Msg) *dns.Msg {
		count++
		return say(q, "aa", fmt.Sprintf("an %s 60 IN CNAME c%d.plain.com.", q.Question[0].Name, count))
	})
	// deeper delegates each question's zone one label down, with glue to itself.
	deeper := evil(func(q *dns.Msg) *dns.Msg {
		labels := dns.CountLabel(q.Question[0].Name)
		off, _ := dns.PrevLabel(q.Question[0].Name, min(labels, count+3))
		count++
		cut := q.Question[0].Name[off:]
		return say(q, "", "ns "+cut+" 60 IN NS ns.plain.com.", "ar ns.plain.com. 60 IN A 10.0.0.3")
	})
	// chain has each zone's server be in the next zone, without glue.
	chain := func(w *world) {
		for _, at := range []string{"192.5.6.30", "192.33.14.30"} {
			w.says(at, func(q *dns.Msg) *dns.Msg {
				var n int
				name := q.Question[0].Name
				off, _ := dns.PrevLabel(name, 2)
				fmt.Sscanf(name[off:], "z%d.com.", &n)
				return say(q, "", fmt.Sprintf("ns z%d.com. 60 IN NS ns.z%d.com.", n, n+1))
			})
		}
	}
	// camp multiplies: each name is a zone of its own with five servers, each of which is such a name again.
	camp := evil(func(q *dns.Msg) *dns.Msg {
		name := q.Question[0].Name
		label, _, _ := strings.Cut(name, ".")
		if label == "x" {
			return say(q, "aa", fmt.Sprintf("an %s 60 IN CNAME z.plain.com.", name))
		}
		m := say(q, "")
		for i := range 5 {
			m.Ns = append(m.Ns, rr(fmt.Sprintf("%s 60 IN NS %s%d.plain.com.", name, label, i)))
		}
		return m
	})
	// manyServers has a hundred servers that are silent.
	manyServers := evil(func(q *dns.Msg) *dns.Msg {
		m := say(q, "")
		for i := range 100 {
			m.Ns = append(m.Ns, rr(fmt.Sprintf("sub.plain.com. 60 IN NS ns%d.sub.plain.com.", i)))
			m.Extra = append(m.Extra, rr(fmt.Sprintf("ns%d.sub.plain.com. 60 IN A 10.1.0.%d", i, i)))
		}
		return m
	})
	const delegations = 2 // root and com., before the attacker has a word; example.com.'s is one more
	tests := []attack{
		{"NXNS", nxns, "x.plain.com A", resolver.Limits{}, delegations + 2 + 5, 9, time.Second},
		{"NXNS, bounded tighter", nxns, "x.plain.com A", resolver.Limits{ZoneLookups: 2}, delegations + 2 + 2, 6, time.Second},
		{"NXNS, in all", nxns, "x.plain.com A", resolver.Limits{ServerLookups: 1}, delegations + 2 + 1, 5, time.Second},
		{"CNAMEs without end", cnames, "x.plain.com A", resolver.Limits{}, delegations + 12, 14, time.Second},
		{"CNAMEs, three links", cnames, "x.plain.com A", resolver.Limits{Links: 3}, delegations + 4, 6, time.Second},
		{"referrals without end", deeper, strings.Repeat("a.", 110) + "plain.com A", resolver.Limits{}, 64, 60, time.Second},
		{"referrals, at most 10", deeper, strings.Repeat("a.", 110) + "plain.com A", resolver.Limits{Referrals: 10}, 10, 10, time.Second},
		{"glueless for ever", chain, "www.z0.com A", resolver.Limits{}, 1 + 1 + 7, 9, time.Second},
		{"glueless, two deep", chain, "www.z0.com A", resolver.Limits{ServerDepth: 2}, 1 + 1 + 2, 4, time.Second},
		{"CAMP", camp, "x.plain.com A", resolver.Limits{}, 3 + 64, 20, 20 * time.Second},
		{"CAMP, 1000 lookups", camp, "x.plain.com A", resolver.Limits{ServerLookups: 1000}, 100, 100, 20 * time.Second},
		{"CAMP, 15 queries", camp, "x.plain.com A", resolver.Limits{Queries: 15}, 15, 15, 20 * time.Second},
		{"silent servers", manyServers, "x.sub.plain.com A", resolver.Limits{}, delegations + 1 + 24, 25, 20 * time.Second},
		{"silent servers, five queries", manyServers, "x.sub.plain.com A", resolver.Limits{ZoneQueries: 5}, delegations + 1 + 5, 8, 20 * time.Second},
		{"silent servers, three seconds", manyServers, "x.sub.plain.com A", resolver.Limits{Time: 3 * time.Second}, 20, 8, 3 * time.Second},
	}
	for _, minimise := range []resolver.Minimisation{resolver.MinimiseOff, resolver.MinimiseRelaxed, resolver.MinimiseStrict} {
		for _, test := range tests {
			count = 0
			w := newWorld(t)
			test.script(w)
			c := w.plainly(func(cfg *resolver.Config) { cfg.Limits, cfg.QNAMEMinimisation = test.limits, minimise })
			m, took := c.took(test.question)
			n := len(w.asked())
			most, least := test.most, test.least
			if minimise != resolver.MinimiseOff {
				// What is hidden takes up to ten more for each name; the bounds on all of it stand.
				most, least = max(most, 100), 0
				if test.limits.Queries > 0 {
					most = test.limits.Queries
				}
			}
			if m.Rcode != dns.RcodeServerFailure || n > most || n < least || took > test.longest {
				t.Errorf("%s, minimising %v: %s after %d exchanges and %v; want SERVFAIL after %d to %d, and %v at most",
					test.name, minimise, brief(m), n, took, least, most, test.longest)
			}
		}
	}
}

// Servers that are known to have no address are not counted among those that are looked up: of six, of which only the last
// one is there, the first question finds five that are not, and the next one finds it.
func TestLookupsThatCostNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var records []string
	for i := range 5 {
		records = append(records, fmt.Sprintf("six.com. 3600 IN NS nosuch%d.plain.com.", i))
	}
	records = append(records, "six.com. 3600 IN NS ns6.plain.com.", "plain.com. 3600 IN NS ns.plain.com.", "ns.plain.com. 3600 IN A 10.0.0.3")
	w.delegates(records...)
	w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
		switch {
		case q.Question[0].Name == "ns6.plain.com.":
			return say(q, "aa", "an ns6.plain.com. 3600 IN A 10.0.0.3")
		case strings.HasPrefix(q.Question[0].Name, "nosuch"):
			return say(q, "aa NXDOMAIN", "ns plain.com. 3600 IN SOA a. b. 1 2 3 4 3600")
		}
		return say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 192.0.2.1")
	})
	c := w.plainly(nil)
	c.want("a.six.com A", "SERVFAIL ede=22")
	c.want("b.six.com A", "NOERROR 60 192.0.2.1")
}

// TsuNAME: two zones whose servers are in each other. Asked again and again, by many, for many names, it costs next to
// nothing (RFC 9520): the failure is remembered.
func TestTsuNAME9520(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.delegates("one.com. 3600 IN NS ns.two.com.", "two.com. 3600 IN NS ns.one.com.")
	c := w.plainly(nil)
	first := 0
	for i := range 50 {
		m := c.ask(fmt.Sprintf("www%d.one.com A", i))
		if m.Rcode != dns.RcodeServerFailure {
			t.Fatalf("%s", brief(m))
		}
		if i == 0 {
			first = len(w.asked())
		}
	}
	if more := len(w.asked()); first > 4 || more > 1 {
		t.Errorf("%d exchanges for the first question, %d for 49 more", first, more)
	}
	var questions []string
	for i := range 20 {
		questions = append(questions, fmt.Sprintf("x%d.one.com A", i), fmt.Sprintf("x%d.two.com A", i))
	}
	w.advance(time.Minute)
	for _, m := range c.together(questions...) {
		if m.Rcode != dns.RcodeServerFailure {
			t.Errorf("%s", brief(m))
		}
	}
	if n := len(w.asked()); n > 40*4 {
		t.Errorf("%d exchanges for 40 questions at once", n)
	}
}

// A chain just as long as it may be is followed.
func TestLinksThatMayBe(t *testing.T) {
	t.Parallel()
	for _, links := range []int{1, 11, 12} {
		w := newWorld(t)
		w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
			var n int
			fmt.Sscanf(q.Question[0].Name, "c%d.", &n)
			if n == links {
				return say(q, "aa", fmt.Sprintf("an %s 60 IN A 192.0.2.1", q.Question[0].Name))
			}
			return say(q, "aa", fmt.Sprintf("an %s 60 IN CNAME c%d.plain.com.", q.Question[0].Name, n+1))
		})
		m := w.plainly(nil).ask("c0.plain.com A")
		if good := m.Rcode == dns.RcodeSuccess && len(m.Answer) == links+1; good != (links <= 11) {
			t.Errorf("%d links: %s", links, brief(m))
		}
	}
}

// Identical questions under way at once are asked once.
func TestSameQuestionOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var questions []string
	for range 50 {
		questions = append(questions, "www.plain.com A")
	}
	for _, m := range w.plainly(nil).together(questions...) {
		if m.Rcode != dns.RcodeSuccess {
			t.Errorf("%s", brief(m))
		}
	}
	if n := len(w.asked()); n != 3 {
		t.Errorf("%d exchanges, want 3", n)
	}
}
