package resolver_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/resolver"

	"github.com/miekg/dns"
)

// now asks what needs no waiting, as a real client over UDP.
func (c *client) now(question string) *dns.Msg {
	c.w.t.Helper()
	b, ok := c.r.AnswerNow(packed(c.w.t, query(question)), inside)
	if !ok || b == nil {
		c.w.t.Fatalf("%s: not answered at once", question)
	}
	m := new(dns.Msg)
	must(c.w.t, m.Unpack(b))
	return m
}

// same compares messages; owner names without case, since what is kept packed has those of the question.
func same(t *testing.T, what string, got, want *dns.Msg) {
	t.Helper()
	g, w := got.String(), want.String()
	if !strings.EqualFold(g, w) {
		t.Errorf("%s:\n%s\nwant\n%s", what, g, w)
	}
}

// An answer that is told from its packed form is the one that would be put together: in every flag (RFC 6840 sections 5.7
// to 5.9, RFC 6891), at every age, in the case of its question.
func TestPackedAnswersAreTheAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	questions := []string{"www.example.com A", "wWw.eXample.com AAAA", "abroad.example.com A", "toplain.example.com A", "nosuch.example.com A",
		"www.example.com MX", "x.wild.example.com A", "nosuch.nsec3.com A", "example.com MX", "www.plain.com A", "example.com DNSKEY", "_x.example.com TXT",
		"www.old.example.com A", "loop1.example.com A", ". NS"}
	for _, q := range questions {
		c.ask(q)
		c.ask(q + " +cd")
	}
	for _, wait := range []time.Duration{0, 1500 * time.Millisecond, 2 * time.Second} {
		w.advance(wait)
		for _, name := range questions {
			for flags := range 32 {
				q := name
				for i, flag := range []string{"+noad", "+cd", "+noedns", "+do", "+norec"} {
					if flags>>i&1 == 1 {
						q += " " + flag
					}
				}
				want := c.ask(q)
				if want.Len() > 512 && strings.Contains(q, "+noedns") {
					continue
				}
				for range 2 { // made, and then kept
					got := c.now(q)
					same(t, q, got, want)
					if got.Question[0].Name != query(q).Question[0].Name {
						t.Errorf("%s: asked about %s", q, got.Question[0].Name)
					}
				}
			}
		}
	}
}

// What is kept packed goes with what it was made of, of each link of a chain.
func TestPackedAnswersGoWithTheirEntries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	q := packed(t, query("abroad.example.com A"))
	for name, forget := range map[string]func(){
		"the alias is flushed":      func() { c.r.Flush("abroad.example.com") },
		"its target is flushed":     func() { c.r.Flush("WWW.example.net") },
		"a tree is flushed":         func() { c.r.FlushTree("net") },
		"all is flushed":            func() { c.r.Clear() },
		"the first link is over":    func() { w.advance(120 * time.Second) },
		"something new is known":    func() { c.r.Flush("www.example.net"); c.ask("www.example.net AAAA") },
		"the alias has a new value": func() { c.r.Flush("abroad.example.com"); c.ask("abroad.example.com MX") },
	} {
		c.ask("abroad.example.com A")
		for range 3 {
			if _, ok := c.r.AnswerNow(q, inside); !ok {
				t.Fatalf("before %s: not cached", name)
			}
		}
		forget()
		if b, ok := c.r.AnswerNow(q, inside); ok {
			if strings.HasPrefix(name, "the alias has") {
				continue // its CNAME came with the MX question: the answer is made anew
			}
			t.Errorf("%s, and %x is told", name, b)
		}
	}
	c.ask("www.example.com A")
	q = packed(t, query("www.example.com A"))
	c.r.AnswerNow(q, inside)
	c.r.SetAllow([]netip.Prefix{})
	if b, ok := c.r.AnswerNow(q, inside); !ok || b[3]&0xF != dns.RcodeRefused {
		t.Error("told to somebody who may not ask")
	}
}

// What is reported of an answer out of the cache is the same however it is told: journals do not depend on it.
func TestPackedAnswersAreReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var events []string
	c := w.resolver(func(cfg *resolver.Config) {
		cfg.Report = func(e resolver.Event) { events = append(events, fmt.Sprintf("%+v", e)) }
	})
	for _, q := range []string{"abroad.example.com A", "nosuch.example.com A", "www.plain.com A"} {
		c.ask(q)
		events = nil
		c.now(q)
		first := events
		events = nil
		c.now(q)
		if !slices.Equal(events, first) || len(first) == 0 {
			t.Errorf("%s:\n%q\n%q", q, first, events)
		}
		w.advance(time.Second)
		events = nil
		c.now(q)
		if slices.Equal(events, first) {
			t.Errorf("%s: the TTL of %q does not count down", q, events)
		}
	}
}
