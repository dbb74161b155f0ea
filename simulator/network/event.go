package network

import (
	"fmt"
	"net/netip"
	"time"
)

// Fate is what became of a leg.
type Fate uint8

// The fates of a leg.
const (
	Delivered   Fate = iota
	Dropped          // lost on the way: by a rule, or at a host that is dark or hangs
	Refused          // nobody listens there, and the host says so
	Unreachable      // no such host
)

func (f Fate) String() string {
	switch f {
	case Delivered:
		return "delivered"
	case Dropped:
		return "dropped"
	case Refused:
		return "refused"
	case Unreachable:
		return "unreachable"
	}
	return fmt.Sprintf("Fate(%d)", uint8(f))
}

// Event is one leg with its fate.
type Event struct {
	At       time.Time // when it left
	Network  string
	From, To netip.AddrPort
	Reply    bool
	Fate     Fate
	Rule     string        // the rule that changed it, if one did
	Data     []byte        // as it arrived, or would have; nil for the opening of a connection
	Delay    time.Duration // that rules put on top of the link's latency
}

// Elsewhere tells whether the leg has to do with a service on another port than 53: what it carries is no DNS.
func (e *Event) Elsewhere() bool { return e.From.Port() != Port && e.To.Port() != Port }

// observe tells of a leg. Its data are the observer's only until it returns.
func (n *Network) observe(f *Flight, at time.Time, fate Fate, rule string) {
	if n.config.Observe != nil {
		n.config.Observe(Event{At: at, Network: f.Network, From: f.From, To: f.To, Reply: f.Reply, Fate: fate, Rule: rule, Data: f.Data, Delay: f.Delay})
	}
}
