package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// Step is one thing that happened on a question's way: an [Event], with its time.
type Step struct {
	// At is the resolver's time.
	At time.Time `json:"at"`
	// Depth says how many lookups this one is for: 0 for what is about the client's question as a whole, 1 for the
	// lookup of its data, more for what that took: addresses of name servers, keys, DS records.
	Depth int `json:"depth"`
	Event
}

// Trace is a question's path: what was in the cache and for how long, each server asked, what its answer was, each step of
// the validation, and the verdict. [Resolver.Trace] makes it.
type Trace struct {
	// Query is the question, "name. TYPE" and dig's words for its flags; Client who asked.
	Query  string     `json:"query"`
	Client netip.Addr `json:"client"`
	// Began and Ended are the resolver's times.
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	Steps []Step    `json:"steps"`
	// Rcode is what the client was told, by name; empty: nothing.
	Rcode string `json:"rcode,omitempty"`
	// Status is that of the whole answer: Secure when all of it is.
	Status validate.Status `json:"status"`
	// EDE are the extended errors that the client was told, the most telling first, and Why their texts.
	EDE []uint16 `json:"ede,omitempty"`
	Why []string `json:"why,omitempty"`
	// Verdict is the end in a line.
	Verdict string `json:"verdict"`
}

// Trace answers a question as [Resolver.Resolve] does, and tells how. What others do at the same time is no part of it:
// of a lookup that was under way already it tells that its answer was waited for.
func (r *Resolver) Trace(ctx context.Context, query *dns.Msg, client netip.Addr) (*dns.Msg, *Trace) {
	t := &Trace{Client: client, Began: r.cfg.Clock.Now()}
	rec := &recorder{clock: r.cfg.Clock}
	q, m := r.admit(query, client)
	if q != nil {
		q.rec = rec
		if a, ok := r.resolve(ctx, q); ok {
			m = a.message(q)
			t.Status = a.status()
		}
	}
	t.end(query, m, rec)
	return m, t
}

// end fills in what the client was told.
func (t *Trace) end(query, m *dns.Msg, rec *recorder) {
	t.Ended, t.Steps = rec.clock.Now(), rec.end()
	if len(query.Question) > 0 {
		asked := query.Question[0]
		t.Query = asked.Name + " " + dns.Type(asked.Qtype).String()
	}
	opt := query.IsEdns0()
	for _, flag := range []struct {
		on   bool
		word string
	}{{query.CheckingDisabled, " +cd"}, {opt != nil && opt.Do(), " +dnssec"}, {!query.RecursionDesired, " +norec"}} {
		if flag.on {
			t.Query += flag.word
		}
	}
	t.Verdict = "no answer"
	if m == nil {
		return
	}
	t.Rcode = dns.RcodeToString[m.Rcode]
	t.Verdict = t.Rcode
	if n := len(m.Answer); n > 0 {
		t.Verdict += fmt.Sprintf(", %d records, TTL %d", n, m.Answer[0].Header().Ttl)
	}
	if t.Status != validate.Indeterminate {
		t.Verdict += ", " + t.Status.String()
	}
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				t.EDE, t.Why = append(t.EDE, e.InfoCode), append(t.Why, e.ExtraText)
				t.Verdict += fmt.Sprintf("; %d (%s) %s", e.InfoCode, dns.ExtendedErrorCodeToString[e.InfoCode], e.ExtraText)
			}
		}
	}
}

// status is that of all links: the worst of them.
func (a *reply) status() validate.Status {
	if a.secure {
		return validate.Secure
	}
	status := validate.Indeterminate
	for i, l := range a.links {
		if s := l.entry.Status; i == 0 || s == validate.Indeterminate || s == validate.Insecure && status == validate.Secure {
			status = s
		}
	}
	for _, e := range a.ede {
		if a.rcode == dns.RcodeServerFailure && aboutDNSSEC(e.InfoCode) {
			return validate.Bogus
		}
	}
	return status
}

// aboutDNSSEC says whether the extended error is one of a bogus answer (RFC 8914 sections 4.6 to 4.13).
func aboutDNSSEC(code uint16) bool {
	return dns.ExtendedErrorCodeDNSBogus <= code && code <= dns.ExtendedErrorCodeNSECMissing
}

// String is the trace for people, a step a line: when it was, indented by what it was for, what happened.
func (t *Trace) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s for %s at %s\n", t.Query, t.Client, t.Began.Format(time.RFC3339))
	for _, line := range t.Lines() {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// Lines are the steps and the verdict, each in a line.
func (t *Trace) Lines() []string {
	lines := make([]string, 0, len(t.Steps)+1)
	line := func(at time.Time, depth int, text string) {
		lines = append(lines, fmt.Sprintf("%9s  %s%s", "+"+at.Sub(t.Began).Round(time.Microsecond).String(), strings.Repeat("  ", depth), text))
	}
	for _, s := range t.Steps {
		text := s.Kind + " " + s.Query
		if s.Server.IsValid() {
			text += " @" + s.Server.Addr().String()
		}
		line(s.At, s.Depth, text+": "+s.Text)
	}
	line(t.Ended, 0, "verdict: "+t.Verdict)
	return lines
}
