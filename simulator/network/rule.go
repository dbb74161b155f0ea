package network

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// Flight is one leg of an exchange as a rule sees it: a query, a reply, or the opening of a TCP connection.
type Flight struct {
	Network  string
	From, To netip.AddrPort
	Reply    bool
	Opening  bool   // a TCP connection being opened: no data yet
	Data     []byte // a rule that changes it replaces it by a copy

	// What the rules make of it.
	Drop   bool          // it never arrives
	Refuse bool          // the sender is told that nobody listens
	Delay  time.Duration // on top of the link's latency
}

// Rule acts on what crosses the network, and counts: what it saw, what matched, what it changed.
type Rule struct {
	Name string
	// Match tells whether the rule is about this leg; nil: about all.
	Match func(*Flight) bool
	// Act changes the leg, and tells whether it did.
	Act func(*Flight) bool

	seen, matched, changed atomic.Int64
}

// Counts are what the rule saw, matched and changed so far.
func (r *Rule) Counts() (seen, matched, changed int64) {
	return r.seen.Load(), r.matched.Load(), r.changed.Load()
}

// AddRule puts a rule behind those there.
func (n *Network) AddRule(r *Rule) {
	for {
		old := n.rules.Load()
		list := append((*old)[:len(*old):len(*old)], r)
		if n.rules.CompareAndSwap(old, &list) {
			return
		}
	}
}

// RemoveRule takes a rule away; its counts stay.
func (n *Network) RemoveRule(r *Rule) {
	for {
		old := n.rules.Load()
		list := make([]*Rule, 0, len(*old))
		for _, other := range *old {
			if other != r {
				list = append(list, other)
			}
		}
		if n.rules.CompareAndSwap(old, &list) {
			return
		}
	}
}

// judge takes a leg through the rules and returns the name of the last one that changed it.
func (n *Network) judge(f *Flight) (by string) {
	rules := *n.rules.Load()
	if len(rules) == 0 {
		return ""
	}
	// The rules get a copy that may outlive the call, so that where there are none a leg costs no memory.
	copied := new(Flight)
	*copied = *f
	by = judgeBy(rules, copied)
	*f = *copied
	return by
}

func judgeBy(rules []*Rule, f *Flight) (by string) {
	for _, r := range rules {
		r.seen.Add(1)
		if r.Match != nil && !r.Match(f) {
			continue
		}
		r.matched.Add(1)
		if r.Act(f) {
			r.changed.Add(1)
			by = r.Name
		}
	}
	return by
}
