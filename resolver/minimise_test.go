package resolver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"faultzone/resolver"
)

func minimising(how resolver.Minimisation) func(*resolver.Config) {
	return func(cfg *resolver.Config) { cfg.QNAMEMinimisation = how }
}

// RFC 9156 section 2: each server sees one label more than its zone has, and another type, until the whole name is reached.
func TestMinimise9156(t *testing.T) {
	t.Parallel()
	for _, how := range []resolver.Minimisation{resolver.MinimiseRelaxed, resolver.MinimiseStrict} {
		w := newWorld(t)
		c := w.plainly(minimising(how))
		c.want("www.example.com TXT", "NOERROR soa=example.com./300")
		if got := strings.Join(names(w.asked()), ", "); got != "com. A, example.com. A, www.example.com. TXT" {
			t.Errorf("%v: asked %s", how, got)
		}
		// Empty non-terminals are no zone cuts (section 2.3), and what is known is not asked again.
		c.want("a.ent.example.com A", "NOERROR 300 192.0.2.91")
		if got := strings.Join(names(w.asked()), ", "); got != "ent.example.com. A, a.ent.example.com. A" {
			t.Errorf("%v: asked %s", how, got)
		}
		c.r.Flush("a.ent.example.com")
		c.want("a.ent.example.com A", "NOERROR 300 192.0.2.91")
		if got := strings.Join(names(w.asked()), ", "); got != "a.ent.example.com. A" {
			t.Errorf("%v: asked %s", how, got)
		}
	}
}

// The whole question goes to the root by default.
func TestMinimiseIsOffByDefault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plainly(nil).ask("www.example.com A")
	for _, q := range names(w.asked()) {
		if q != "www.example.com. A" {
			t.Errorf("asked %s", q)
		}
	}
}

// All answers are the same, validated or not, whatever is hidden.
func TestMinimisedAnswersAreTheSame(t *testing.T) {
	t.Parallel()
	questions := []string{"www.example.com A", "nosuch.example.com A", "a.b.c.nosuch.example.com A", "x.wild.example.com A", "y.x.wild.example.com A",
		"ent.example.com A", "a.ent.example.com A", "alias.example.com A", "below.alias.example.com A", "abroad.example.com A", "www.old.example.com A",
		"example.com MX", "example.com DS", "com DS", "nosuch A", "a.b.nosuch A", "www.nsec3.com A", "a.b.nosuch.nsec3.com A", "www.plain.com A",
		"a.b.nosuch.plain.com A", ". NS", "com NS", "example.net DNSKEY", "toplain.example.com A", "plain.com DS"}
	for _, qtype := range []uint16{dns.TypeA, dns.TypeNS} {
		for _, how := range []resolver.Minimisation{resolver.MinimiseRelaxed, resolver.MinimiseStrict} {
			for _, question := range questions {
				w := newWorld(t)
				want := brief(w.resolver(nil).ask(question))
				got := brief(w.resolver(func(cfg *resolver.Config) { cfg.QNAMEMinimisation, cfg.MinimiseType = how, qtype }).ask(question))
				if got != want {
					t.Errorf("%s, %v with %s: %s, want %s", question, how, dns.Type(qtype), got, want)
				}
			}
		}
	}
}

// RFC 9156 section 2.3: MAX_MINIMISE_COUNT and MINIMISE_ONE_LAB. A name of 18 labels below a zone takes ten hiding queries,
// of which the first four add one label, and the others share the rest.
func TestMinimiseCount9156(t *testing.T) {
	t.Parallel()
	tests := []struct {
		max, one int
		want     []int // labels of the questions
	}{
		{0, 0, []int{1, 2, 3, 4, 6, 8, 10, 12, 15, 18}},
		{3, 0, []int{1, 2, 3, 18}},
		{5, 1, []int{1, 5, 9, 13, 18}},
		{1, 0, []int{1, 18}},
	}
	for _, test := range tests {
		w := newWorld(t)
		var labels []int
		for _, at := range []string{"198.41.0.4", "170.247.170.2"} { // the root serves all of it
			w.says(at, func(q *dns.Msg) *dns.Msg {
				labels = append(labels, dns.CountLabel(q.Question[0].Name))
				return say(q, "aa", "ns . 60 IN SOA a. b. 1 2 3 4 60")
			})
		}
		c := w.plainly(func(cfg *resolver.Config) {
			cfg.QNAMEMinimisation, cfg.MaxMinimiseCount, cfg.MinimiseOneLabel = resolver.MinimiseStrict, test.max, test.one
		})
		c.ask(strings.Repeat("x.", 18) + " A")
		if !slices.Equal(labels, test.want) {
			t.Errorf("max %d, one label %d: questions of %v labels, want %v", test.max, test.one, labels, test.want)
		}
	}
}

// Servers that answer wrongly for what has only names below it (RFC 9156 section 2.3): relaxed asks on, strict believes.
func TestMinimiseBrokenServers(t *testing.T) {
	t.Parallel()
	for _, code := range []int{dns.RcodeNameError, dns.RcodeFormatError, dns.RcodeNotImplemented, dns.RcodeRefused, dns.RcodeServerFailure} {
		for _, how := range []resolver.Minimisation{resolver.MinimiseOff, resolver.MinimiseRelaxed, resolver.MinimiseStrict} {
			w := newWorld(t)
			w.says("10.0.0.3", func(q *dns.Msg) *dns.Msg {
				if q.Question[0].Name == "www.ent.plain.com." {
					return say(q, "aa", "an www.ent.plain.com. 60 IN A 192.0.2.9")
				}
				return say(q, "aa "+dns.RcodeToString[code], "ns plain.com. 60 IN SOA a. b. 1 2 3 4 60")
			})
			c := w.plainly(minimising(how))
			m := c.ask("www.ent.plain.com A")
			want := dns.RcodeSuccess
			if how == resolver.MinimiseStrict {
				want = dns.RcodeServerFailure
				if code == dns.RcodeNameError {
					want = code
				}
			}
			if m.Rcode != want {
				t.Errorf("%s, %v: %s, want %s: %q", dns.RcodeToString[code], how, brief(m), dns.RcodeToString[want], w.asked())
			}
		}
	}
}

// A server that drops what it does not like is asked the whole after three silences; the limit is Unbound's.
func TestMinimiseSilence(t *testing.T) {
	t.Parallel()
	for _, how := range []resolver.Minimisation{resolver.MinimiseRelaxed, resolver.MinimiseStrict} {
		w := newWorld(t)
		w.host("10.0.0.3", "plain.com.", "@ 60 IN SOA ns a 1 2 3 4 60\n@ 60 IN NS ns\n@ 60 IN NS ns2\nns 60 IN A 10.0.0.3\nns2 60 IN A 10.0.0.5\nwww.ent 60 IN A 192.0.2.9")
		w.delegates("plain.com. 600 IN NS ns.plain.com.", "plain.com. 600 IN NS ns2.plain.com.", "ns.plain.com. 600 IN A 10.0.0.3", "ns2.plain.com. 600 IN A 10.0.0.5")
		drop := func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
			if q.Question[0].Name == "www.ent.plain.com." {
				return act{reply: say(q, "aa", "an www.ent.plain.com. 60 IN A 192.0.2.9")}
			}
			return act{}
		}
		w.break_("10.0.0.3", drop)
		w.break_("10.0.0.5", drop)
		m := w.plainly(minimising(how)).ask("www.ent.plain.com A")
		if good := m.Rcode == dns.RcodeSuccess; good != (how == resolver.MinimiseRelaxed) {
			t.Errorf("%v: %s", how, brief(m))
		}
	}
}

// So is a zone's only server, which has used up its tries on what it drops; and what a hiding question found is kept.
func TestMinimiseSilenceOfOneServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.break_("10.0.0.3", func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		switch q.Question[0].Name {
		case "www.ent.plain.com.":
			return act{reply: say(q, "aa", "an www.ent.plain.com. 60 IN A 192.0.2.9")}
		case "there.plain.com.", "a.there.plain.com.", "b.there.plain.com.":
			return act{reply: say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 192.0.2.10")}
		}
		return act{}
	})
	c := w.plainly(minimising(resolver.MinimiseRelaxed))
	c.want("www.ent.plain.com A", "NOERROR 60 192.0.2.9")
	c.want("a.there.plain.com A", "NOERROR 60 192.0.2.10")
	w.asked()
	c.want("b.there.plain.com A", "NOERROR 60 192.0.2.10")
	w.wantAsked(t, "10.0.0.3 udp b.there.plain.com. A")
	c.want("there.plain.com A", "NOERROR 59 192.0.2.10")
	w.wantAsked(t)
}

// A signed NXDOMAIN is believed at once in relaxed mode too: servers of signed zones know their empty non-terminals.
func TestMinimiseSignedNXDOMAIN(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(minimising(resolver.MinimiseRelaxed))
	c.ask("www.example.com A")
	w.asked()
	c.want("a.b.c.nosuch.example.com A", "NXDOMAIN ad soa=example.com./300")
	w.asked()
	c.want("d.nosuch.example.com A", "NXDOMAIN ad soa=example.com./300")
	for _, s := range w.asked() {
		if strings.Contains(s, "d.nosuch") {
			t.Errorf("asked %s", s)
		}
	}
}

// Forwarders are told all: they ask by themselves.
func TestMinimiseNotForForwarders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.says("10.0.0.9", func(q *dns.Msg) *dns.Msg {
		return say(q, "ra", fmt.Sprintf("an %s 60 IN A 192.0.2.1", q.Question[0].Name))
	})
	c := w.plainly(func(cfg *resolver.Config) {
		cfg.QNAMEMinimisation = resolver.MinimiseStrict
		cfg.Forward = []resolver.Forward{{Zone: ".", Servers: servers("10.0.0.9")}}
	})
	c.want("a.b.c.d.e A", "NOERROR 60 192.0.2.1")
	w.wantAsked(t, "10.0.0.9 udp a.b.c.d.e. A")
}
