package simtest

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"faultzone/simulator"
	"faultzone/simulator/network"
	"faultzone/simulator/play"
)

// Query is a question that somebody in the world asked somebody else: the test, a client, or a resolver on the test's behalf.
type Query struct {
	At       time.Duration // since the world's start
	From, To netip.AddrPort
	Source   string // the node that asked; empty: one from outside, such as the test itself
	Node     string // the node that was asked; empty: there is none at that address
	Name     string // absolute, in lower case
	Type     string // "A"
	Network  string // "udp" or "tcp"
	// Fate is what became of it on its way: "delivered", "dropped", "refused" or "unreachable".
	Fate string
	// Rcode is that of the reply, "NOERROR"; empty: none came back. EDE has its extended errors.
	Rcode string
	EDE   []uint16

	first, last int // entries of the journal
	outside     bool
}

// String is the question in a line.
func (q Query) String() string {
	came := q.Rcode
	if came == "" {
		came = "no reply"
	}
	for _, code := range q.EDE {
		came += fmt.Sprintf(" [EDE %d %s]", code, dns.ExtendedErrorCodeToString[code])
	}
	if q.Fate != network.Delivered.String() {
		came = q.Fate
	}
	from, to := q.Source, q.Node
	if from == "" {
		from = q.From.Addr().String()
	}
	if to == "" {
		to = q.To.Addr().String()
	}
	return fmt.Sprintf("+%s %s → %s %s %s %s: %s", play.Span(q.At), from, to, q.Network, q.Name, q.Type, came)
}

// failed tells whether whoever asked got no good answer.
func (q Query) failed() bool { return q.Rcode != "NOERROR" }

// Mark is a moment in the record of what was asked.
type Mark int

// Mark is the present moment, for Filter.After.
func (w *World) Mark() Mark { return Mark(w.world.Journal().Len()) }

// Queries are the questions that were asked of anybody in the world so far, in order. A question over TCP counts when it
// is sent; the opening of its connection does not.
func (w *World) Queries(f Filter) []Query {
	w.t.Helper()
	if err := w.check(f); err != nil {
		w.t.Fatalf("a filter of queries: %v", err)
	}
	var list []Query
	for _, q := range w.queries(int(f.After)) {
		if f.takes(q) {
			list = append(list, q)
		}
	}
	return list
}

func (f Filter) takes(q Query) bool {
	for _, pair := range [][2]string{{f.Type, q.Type}, {f.Network, q.Network}, {f.Fate, q.Fate}, {f.Rcode, q.Rcode}} {
		if pair[0] != "" && !strings.EqualFold(pair[0], pair[1]) {
			return false
		}
	}
	return who(f.Node, q.Node, q.To) && who(f.From, q.Source, q.From) && matches(f.Name, q.Name)
}

// who tells whether a filter's word is that of a node or its address.
func who(want, name string, at netip.AddrPort) bool {
	return want == "" || want == name || want == at.Addr().String()
}

// matches tells whether a filter's name takes a question's.
func matches(want, name string) bool {
	if want == "" {
		return true
	}
	want = dns.CanonicalName(want)
	if above, ok := strings.CutPrefix(want, "*."); ok {
		return name != above && dns.IsSubDomain(above, name)
	}
	return want == name
}

// String is the filter in words, for a message.
func (f Filter) String() string {
	words := []string{"queries"}
	for _, part := range [][2]string{{"for", strings.TrimSpace(f.Name + " " + f.Type)}, {"of", f.Node}, {"from", f.From}, {"over", f.Network},
		{"that were", f.Fate}, {"answered", f.Rcode}} {
		if part[1] != "" {
			words = append(words, part[0], part[1])
		}
	}
	return strings.Join(words, " ")
}

// exchangeID is what a query and its reply have in common.
type exchangeID struct {
	network  string
	from, to netip.AddrPort
	id       uint16
}

// queries puts the journal's legs together: each query with its reply.
func (w *World) queries(from int) []Query {
	roles := map[string]simulator.Role{}
	for _, n := range w.world.Nodes() {
		roles[n.Name] = n.Role
	}
	var list []Query
	open := map[exchangeID]int{}
	for _, l := range w.world.Journal().Legs(from, w.world.Journal().Len()) {
		switch {
		case l.Opening:
		case l.Reply:
			id := exchangeID{l.Network, l.To, l.From, l.ID}
			i, ok := open[id]
			if ok && l.Fate == network.Delivered && list[i].Rcode == "" {
				list[i].Rcode, list[i].EDE, list[i].last = rcodeText(l.Rcode), l.EDE, l.Number
			}
		default:
			role := roles[l.Source]
			open[exchangeID{l.Network, l.From, l.To, l.ID}] = len(list)
			list = append(list, Query{At: l.At.Sub(w.world.Start()), From: l.From, To: l.To, Source: l.Source, Node: l.Target,
				Name: dns.CanonicalName(l.Name), Type: dns.Type(l.Type).String(), Network: l.Network, Fate: l.Fate.String(),
				first: l.Number, outside: role != simulator.RoleServer && role != simulator.RoleResolver})
		}
	}
	return list
}

func rcodeText(rcode int) string {
	if text, ok := dns.RcodeToString[rcode]; ok {
		return text
	}
	return "RCODE" + strconv.Itoa(rcode)
}

// Count is how many are expected: from Min to Max, both included.
type Count struct{ Min, Max int }

const many = 1<<31 - 1

// Exactly is that many, no more and no less.
func Exactly(n int) Count { return Count{n, n} }

// None is none at all.
func None() Count { return Count{} }

// AtLeast is that many or more.
func AtLeast(n int) Count { return Count{n, many} }

// AtMost is that many or less.
func AtMost(n int) Count { return Count{0, n} }

// String is the count in words.
func (c Count) String() string {
	switch {
	case c.Min == c.Max && c.Min == 0:
		return "no"
	case c.Min == c.Max:
		return "exactly " + strconv.Itoa(c.Min)
	case c.Max == many:
		return "at least " + strconv.Itoa(c.Min)
	case c.Min == 0:
		return "at most " + strconv.Itoa(c.Max)
	}
	return fmt.Sprintf("%d to %d", c.Min, c.Max)
}

// ExpectQueries fails the test when other than that many queries have passed the filter, and says which did, or, where
// none did, what the node was asked instead. It tells whether the expectation held.
//
//	w.ExpectQueries(simtest.Filter{Node: "ns1", Name: "api.solvethenetwork.com"}, simtest.Exactly(1))
func (w *World) ExpectQueries(f Filter, want Count) bool {
	w.t.Helper()
	got := w.Queries(f)
	if len(got) >= want.Min && len(got) <= want.Max {
		return true
	}
	text := fmt.Sprintf("expected %s %s, got %d", want, f, len(got))
	text += listed(got)
	if len(got) == 0 {
		near := w.Queries(Filter{Node: f.Node, After: f.After})
		asked := "anybody"
		if f.Node != "" {
			asked = f.Node
		}
		if len(near) == 0 {
			text += "; nothing was asked of " + asked
		} else {
			text += "; of " + asked + " was asked:" + listed(near)
		}
	}
	w.t.Error(text)
	return false
}

// listed are queries a line each, not too many.
func listed(list []Query) (text string) {
	const most = 20
	for _, q := range list[:min(len(list), most)] {
		text += "\n  " + q.String()
	}
	if len(list) > most {
		text += fmt.Sprintf("\n  and %d more", len(list)-most)
	}
	return text
}

// failing are the questions from outside that brought no good answer, those of steps that expect that left out. One without a reply reaches to the next.
func (w *World) failing() []Query {
	all := slices.DeleteFunc(w.queries(0), func(q Query) bool { return !q.outside })
	end := w.world.Journal().Len() - 1
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].last == 0 {
			all[i].last = end
		}
		end = all[i].first - 1
	}
	return slices.DeleteFunc(all, func(q Query) bool { return !q.failed() || w.steps.expected(q.first) })
}
