package play

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// checker collects what did not hold.
type checker struct{ failures []string }

func (c *checker) want(ok bool, format string, args ...any) {
	if !ok {
		c.failures = append(c.failures, fmt.Sprintf(format, args...))
	}
}

// checkQuery holds a result against what was expected of it.
func checkQuery(w *simulator.World, s *scenarios.Step, r simulator.Result) []string {
	e := s.Expect
	c := new(checker)
	if e.Elapsed != nil {
		c.want(within(e.Elapsed, r.Elapsed), "expected it to take %s, it took %v", bounds(e.Elapsed, time.Duration.String), r.Elapsed)
	}
	if e.Error != "" {
		c.want(r.Failure() == e.Error, "expected no answer but %s, got %s", e.Error, describeResult(s.Query, r))
		return c.failures
	}
	if r.Reply == nil {
		if expectsReply(e) {
			c.want(false, "expected an answer, got %s", describeResult(s.Query, r))
		}
		return c.failures
	}
	checkReply(c, s, r.Reply)
	if e.Server != "" {
		c.want(serverIs(w, e.Server, r.Server), "expected the answer from %s, it came from %s", e.Server, r.Server)
	}
	return c.failures
}

// expectsReply tells whether any expectation is about a reply.
func expectsReply(e *scenarios.Expect) bool {
	return e.Rcode != "" || e.AA != nil || e.AD != nil || e.RRSIG != nil || e.Answer != nil || e.NoAnswer ||
		e.EDE != nil || e.TTL != nil || e.Server != ""
}

func checkReply(c *checker, s *scenarios.Step, m *dns.Msg) {
	e := s.Expect
	if e.Rcode != "" {
		c.want(dns.RcodeToString[m.Rcode] == e.Rcode, "expected rcode %s, got %s", e.Rcode, dns.RcodeToString[m.Rcode])
	}
	for _, f := range []struct {
		name string
		want *bool
		got  bool
	}{{"aa", e.AA, m.Authoritative}, {"ad", e.AD, m.AuthenticatedData}, {"rrsig", e.RRSIG, hasRRSIG(m)}} {
		if f.want != nil {
			c.want(f.got == *f.want, "expected %s = %v, got %v", f.name, *f.want, f.got)
		}
	}
	answers := ofType(m.Answer, s.Query.Type)
	if e.Answer != nil || e.NoAnswer {
		got := make([]string, len(answers))
		for i, rr := range answers {
			got[i] = simulator.Rdata(rr)
		}
		want := slices.Clone(e.Answer)
		slices.Sort(got)
		slices.Sort(want)
		c.want(slices.EqualFunc(got, want, sameRdata), "expected the answer %q, got %q", want, got)
	}
	if e.TTL != nil {
		c.want(len(answers) > 0, "expected a TTL of %s, got no answer", bounds(e.TTL, number[uint32]))
		for _, rr := range answers {
			ttl := rr.Header().Ttl
			c.want(within(e.TTL, ttl), "expected a TTL of %s, got %d", bounds(e.TTL, number[uint32]), ttl)
		}
	}
	if e.EDE != nil {
		checkEDE(c, e.EDE, m)
	}
}

func checkEDE(c *checker, want []uint16, m *dns.Msg) {
	var got []uint16
	for _, e := range simulator.ExtendedErrors(m) {
		got = append(got, e.InfoCode)
	}
	if len(want) == 1 && want[0] == 0 {
		c.want(len(got) == 0, "expected no extended error, got %v", got)
		return
	}
	c.want(slices.ContainsFunc(got, func(code uint16) bool { return slices.Contains(want, code) }),
		"expected the extended error %v, got %v", want, got)
}

// sameRdata compares presentation forms; case does not count in names, and quotes do not count.
func sameRdata(a, b string) bool {
	strip := func(s string) string { return strings.ReplaceAll(s, `"`, "") }
	return strings.EqualFold(strip(a), strip(b))
}

func hasRRSIG(m *dns.Msg) bool { return len(ofType(m.Answer, dns.TypeRRSIG)) > 0 }

func ofType(rrs []dns.RR, rrtype uint16) []dns.RR {
	var list []dns.RR
	for _, rr := range rrs {
		if rr.Header().Rrtype == rrtype || rrtype == dns.TypeANY {
			list = append(list, rr)
		}
	}
	return list
}

func serverIs(w *simulator.World, want string, got netip.Addr) bool {
	return got.String() == want || w.Network().Owner(got) == want
}

func within[T cmp.Ordered](r *scenarios.Range[T], v T) bool { return r.Min <= v && v <= r.Max }

func number[T any](v T) string { return fmt.Sprint(v) }

func bounds[T cmp.Ordered](r *scenarios.Range[T], text func(T) string) string {
	if r.Min == r.Max {
		return text(r.Min)
	}
	return text(r.Min) + " to " + text(r.Max)
}
