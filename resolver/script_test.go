package resolver_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"faultzone/authoritative/zone"
	"faultzone/resolver"

	"github.com/miekg/dns"
)

// Helpers for tests that script what each server says.

// host has the server at an address serve an unsigned zone of the test's own.
func (w *world) host(at, origin, text string) {
	w.t.Helper()
	rrs, err := zone.Parse(strings.NewReader(text), origin, origin)
	must(w.t, err)
	z, err := zone.New(origin, rrs)
	must(w.t, err)
	w.zones[origin] = z
	if !slices.Contains(w.servers[at], origin) {
		w.servers[at] = append(w.servers[at], origin)
	}
}

// says has the server at an address answer what answer makes of each query; nil: silence.
func (w *world) says(at string, answer func(q *dns.Msg) *dns.Msg) {
	w.break_(at, func(q *dns.Msg, _ string, _ func() *dns.Msg) act { return act{reply: answer(q)} })
}

// delegates has both servers of com. refer questions at or below these names, which are in com., to servers: each item is
// an NS record in the authority section or an address in the additional one.
func (w *world) delegates(records ...string) {
	for _, at := range []string{"192.5.6.30", "192.33.14.30"} {
		w.break_(at, func(q *dns.Msg, _ string, right func() *dns.Msg) act {
			m := new(dns.Msg)
			m.SetReply(q)
			for _, text := range records {
				r := rr(text)
				if r.Header().Rrtype == dns.TypeNS && dns.IsSubDomain(r.Header().Name, strings.ToLower(q.Question[0].Name)) {
					m.Ns = append(m.Ns, r)
				}
			}
			if len(m.Ns) == 0 {
				return act{reply: right()}
			}
			for _, text := range records {
				if r := rr(text); r.Header().Rrtype != dns.TypeNS {
					m.Extra = append(m.Extra, r)
				}
			}
			return act{reply: m}
		})
	}
}

// say makes a reply: "aa", "ra", "tc" and an rcode as flags, then records, each behind "an", "ns" or "ar".
func say(q *dns.Msg, flags string, records ...string) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	for _, f := range strings.Fields(flags) {
		switch f {
		case "aa":
			m.Authoritative = true
		case "ra":
			m.RecursionAvailable = true
		case "tc":
			m.Truncated = true
		default:
			code, ok := dns.StringToRcode[f]
			if f == "BADVERS" { // it shares its number with BADSIG
				code, ok = dns.RcodeBadVers, true
			}
			if !ok {
				panic("no flag or rcode: " + f)
			}
			m.Rcode = code
		}
	}
	for _, r := range records {
		section, text, _ := strings.Cut(r, " ")
		switch section {
		case "an":
			m.Answer = append(m.Answer, rr(text))
		case "ns":
			m.Ns = append(m.Ns, rr(text))
		case "ar":
			m.Extra = append(m.Extra, rr(text))
		default:
			panic("no section: " + section)
		}
	}
	return m
}

// plainly is a resolver that does not validate.
func (w *world) plainly(change func(*resolver.Config)) *client {
	w.t.Helper()
	return w.resolver(func(cfg *resolver.Config) {
		cfg.TrustAnchors = nil
		if change != nil {
			change(cfg)
		}
	})
}

// wantAsked checks which queries went out since the last look, each "address network name TYPE".
func (w *world) wantAsked(t testing.TB, want ...string) {
	t.Helper()
	if got := w.asked(); !slices.Equal(got, want) {
		t.Errorf("asked\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// names are the names and types of what was asked, without the servers.
func names(asked []string) (list []string) {
	for _, s := range asked {
		f := strings.Fields(s)
		list = append(list, f[2]+" "+f[3])
	}
	return list
}

// to are the queries of the list that went to these addresses.
func to(asked []string, addresses ...string) (list []string) {
	for _, s := range asked {
		if slices.Contains(addresses, strings.Fields(s)[0]) {
			list = append(list, s)
		}
	}
	return list
}

// hasNot fails the test for what the cache holds and should not: any record in whose text one of the words is.
func (c *client) hasNot(words ...string) {
	c.w.t.Helper()
	for _, e := range c.r.Dump() {
		for _, r := range e.RRs {
			for _, word := range words {
				if strings.Contains(r.String(), word) {
					c.w.t.Errorf("the cache holds %s (%v, %v)", r, e.Rank, e.Status)
				}
			}
		}
	}
}

// held is how the cache ranks a name and type; "" for not at all.
func (c *client) held(name string, rrtype uint16) string {
	for _, e := range c.r.Dump() {
		if e.Name == name && e.Type == rrtype {
			return fmt.Sprintf("%v %v", e.Kind, e.Rank)
		}
	}
	return ""
}

// together asks all these questions at once, and waits for the answers.
func (c *client) together(questions ...string) []*dns.Msg {
	c.w.t.Helper()
	replies := make([]*dns.Msg, len(questions))
	must(c.w.t, c.w.clock.Run(func() {
		var waits []<-chan struct{}
		for i, question := range questions {
			done, fire := c.w.clock.Signal()
			waits = append(waits, done)
			c.w.clock.Go(func() {
				defer fire()
				replies[i] = c.r.Resolve(context.Background(), query(question), netip.MustParseAddr("10.0.2.100"))
			})
		}
		for _, done := range waits {
			must(c.w.t, c.w.clock.Await(context.Background(), done))
		}
	}))
	return replies
}
