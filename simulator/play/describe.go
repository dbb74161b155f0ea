package play

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// Describe is what a step does, in a line.
func Describe(s *scenarios.Step) string {
	switch s.Kind {
	case scenarios.Query:
		return describeQuery(s.Query)
	case scenarios.Get:
		return s.Get.Client + " gets " + s.Get.URL
	case scenarios.Inject:
		return "inject " + describeInject(s.Inject)
	case scenarios.Heal:
		return "heal " + s.Heal
	case scenarios.Edit:
		return "edit " + s.Edit.Zone + describeEdit(s.Edit)
	case scenarios.Flush:
		what := "everything"
		switch {
		case s.Flush.Tree:
			what = "everything below " + s.Flush.Name
		case s.Flush.Name != "":
			what = s.Flush.Name
		}
		return "flush " + what + " at " + s.Flush.Resolver
	case scenarios.Retransfer:
		return strings.TrimSpace(fmt.Sprintf("retransfer %s on %s %s", s.Zone.Zone, s.Zone.Server, s.Zone.View))
	case scenarios.Roll:
		what := "zone-signing key of " + s.Roll.Zone
		if s.Roll.KSK {
			what = "key-signing key of " + s.Roll.Zone
		}
		if s.Roll.Deaf {
			what += ", and the parent does not follow"
		}
		return "replace the " + what
	case scenarios.Inspect:
		return strings.TrimSpace(fmt.Sprintf("inspect %s %s %s", s.Inspect, s.Zone.Zone, s.Zone.View))
	case scenarios.Advance:
		return "advance by " + Span(s.Advance)
	}
	return string(s.Kind)
}

func describeQuery(q scenarios.QueryStep) string {
	var b strings.Builder
	if q.Client != "" {
		fmt.Fprintf(&b, "%s looks up ", q.Client)
	} else {
		fmt.Fprintf(&b, "ask %s for ", q.Via)
	}
	fmt.Fprintf(&b, "%s %s", q.Name, dns.Type(q.Type))
	for _, f := range []struct {
		on   bool
		name string
	}{{q.CD, "+cd"}, {q.DO, "+dnssec"}, {q.TCP, "+tcp"}, {q.NoRD, "+norec"}, {q.NoAD, "+noad"}, {q.NoEDNS, "+noedns"}} {
		if f.on {
			b.WriteString(" " + f.name)
		}
	}
	if q.From != "" {
		fmt.Fprintf(&b, " from %s", q.From)
	}
	return b.String()
}

func describeInject(i scenarios.InjectStep) string {
	var b strings.Builder
	b.WriteString(i.Fault)
	keys := make([]string, 0, len(i.Params))
	for k := range i.Params {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		v := i.Params[k]
		if list, ok := v.([]string); ok {
			v = strings.Join(list, ",")
		}
		fmt.Fprintf(&b, " %s=%v", k, v)
	}
	if i.Label != "" && i.Label != i.Fault {
		fmt.Fprintf(&b, " as %s", i.Label)
	}
	if i.For > 0 {
		fmt.Fprintf(&b, " for %s", Span(i.For))
	}
	return b.String()
}

func describeEdit(e scenarios.EditStep) string {
	var b strings.Builder
	for _, part := range []struct {
		word  string
		lines []string
	}{{"delete", e.Delete}, {"replace", e.Replace}, {"add", e.Add}} {
		for _, l := range part.lines {
			fmt.Fprintf(&b, " %s %q", part.word, l)
		}
	}
	if e.On != "" || e.View != "" {
		fmt.Fprintf(&b, " on %s", strings.TrimSpace(e.On+" "+e.View))
	}
	return b.String()
}

// Span is a duration as scenarios write it, in days, hours, minutes and seconds, without those that are zero: 7d2h20m.
func Span(d time.Duration) string {
	if d < 0 {
		return "-" + Span(-d)
	}
	const day = 24 * time.Hour
	var b strings.Builder
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if n := d / unit.length; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			d -= n * unit.length
		}
	}
	if d > 0 || b.Len() == 0 {
		b.WriteString(d.String())
	}
	return b.String()
}

// describeResult is what came of a question, in a line.
func describeResult(q scenarios.QueryStep, r simulator.Result) string {
	if r.Reply == nil {
		kind := r.Failure()
		if kind == "" {
			kind = "error"
		}
		return fmt.Sprintf("%s after %v: %v", kind, r.Elapsed, r.Err)
	}
	text := simulator.SummaryOf(r.Reply)
	if q.Client != "" {
		text += fmt.Sprintf(" from %s", r.Server)
	}
	if r.Elapsed > 0 {
		text += fmt.Sprintf(" after %v", r.Elapsed)
	}
	return text
}
