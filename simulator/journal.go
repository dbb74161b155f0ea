package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"faultzone/simulator/network"
)

// Entry is one thing that happened. Which fields are set depends on Kind.
type Entry struct {
	At   time.Time `json:"at"`   // world time
	Kind Kind      `json:"kind"` // see the constants
	// Node is where it happened: the node's name.
	Node string `json:"node,omitempty"`
	// What names the thing within its kind: the step's or the server's word for it ("refresh", "validate", "inject").
	What string `json:"what,omitempty"`
	// Zone and View are those of an authoritative server's event; Query is a resolver's question.
	Zone   string `json:"zone,omitempty"`
	View   string `json:"view,omitempty"`
	Serial uint32 `json:"serial,omitempty"`
	Query  string `json:"query,omitempty"`
	EDE    uint16 `json:"ede,omitempty"`
	// The legs of an exchange.
	Network string `json:"network,omitempty"`
	From    string `json:"from,omitempty"` // address and port
	To      string `json:"to,omitempty"`
	Source  string `json:"source,omitempty"` // the nodes' names
	Target  string `json:"target,omitempty"`
	Fate    string `json:"fate,omitempty"`
	Rule    string `json:"rule,omitempty"`
	// By is who did it, of an act.
	By string `json:"by,omitempty"`
	// Text is for the reader: of a leg, the message in short.
	Text string `json:"text,omitempty"`
}

// Kind is what sort of thing an [Entry] tells.
type Kind string

// The kinds of entry.
const (
	KindStep          Kind = "step"          // a step of the scenario
	KindAct           Kind = "act"           // somebody did something to the world from outside
	KindFault         Kind = "fault"         // a fault began, ended, or did its work
	KindLeg           Kind = "leg"           // a message crossed the network, or did not
	KindAuthoritative Kind = "authoritative" // an authoritative server says what it did
	KindResolver      Kind = "resolver"      // a resolver says what it did
	KindWeb           Kind = "web"           // a web host answered a request
	KindUpstream      Kind = "upstream"      // the way out of the world has had no answer
	KindWorld         Kind = "world"         // the world began, or its clock was moved
)

// Journal is the append-only record of a world, in the order in which things happened. It keeps the last entries up to
// its limits, and knows how many older ones it let go. Traffic has limits of its own, so that a live world under load
// forgets old traffic and not what was done to it: the legs, and what resolvers say of queries that cost them nothing. Any
// goroutine may use it.
type Journal struct {
	mu      sync.Mutex
	next    int // number of the next entry
	entries []numbered
	traffic trafficLog
	// rules has the names of rules by number, the empty one first.
	rules []string
	names func(network.Event) (source, target string)
	grown chan struct{} // closed with the next entry; nil: nobody waits for it
}

type numbered struct {
	number int
	entry  *Entry
}

// entryLimit is how many entries are kept beside the traffic: a live world may run for days.
const entryLimit = 1 << 18

func (j *Journal) add(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.entries) == entryLimit {
		j.letGo()
	}
	j.entries = append(j.entries, numbered{j.next, &e})
	j.next++
	j.wake()
}

// letGo makes room: what web hosts and the way out were asked goes first, as all traffic does, and only where that is not
// much the oldest of everything. The caller holds j.mu.
func (j *Journal) letGo() {
	const oldest, quarter = entryLimit / 4 * 3, entryLimit / 4
	kept := j.entries[:0]
	for i, e := range j.entries {
		if i >= oldest || e.entry.Kind != KindWeb && e.entry.Kind != KindUpstream {
			kept = append(kept, e)
		}
	}
	if over := len(kept) - (entryLimit - quarter); over > 0 {
		kept = kept[:copy(kept, kept[over:])]
	}
	clear(j.entries[len(kept):])
	j.entries = kept
}

// addLeg notes a leg, of which it makes a copy; any goroutine of the network may call it.
func (j *Journal) addLeg(e network.Event) {
	j.mu.Lock()
	packLeg(j.traffic.push(j.next, legHead+len(e.Data)), j.next, &e, j.rule(e.Rule))
	j.next++
	j.wake()
	j.mu.Unlock()
}

// addRemark notes what a program says of a client's query. Of the entry's fields it keeps those of a resolver's: At, Kind,
// Node, What, Query, EDE and Text.
func (j *Journal) addRemark(e *Entry) {
	if !remarkable(e) {
		j.add(*e)
		return
	}
	j.mu.Lock()
	packRemark(j.traffic.push(j.next, remarkSize(e)), j.next, e)
	j.next++
	j.wake()
	j.mu.Unlock()
}

// rule is the number of a rule's name. The caller holds j.mu.
func (j *Journal) rule(name string) uint16 {
	if name == "" {
		return 0
	}
	if len(j.rules) == 0 {
		j.rules = append(j.rules, "")
	}
	for i, known := range slices.Backward(j.rules) {
		if known == name {
			return uint16(i)
		}
	}
	if len(j.rules) > math.MaxUint16 {
		return 0
	}
	j.rules = append(j.rules, name)
	return uint16(len(j.rules) - 1)
}

// Len is the number of entries since the world's beginning.
func (j *Journal) Len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.next
}

// Since returns the entries from number from on, those let go left out.
func (j *Journal) Since(from int) []Entry { return j.between(from, math.MaxInt) }

// between returns the entries from number from up to number to, that one excluded and those let go left out.
func (j *Journal) between(from, to int) []Entry {
	list := []Entry{}
	j.each(from, to, true, true, func(_ int, e Entry) bool {
		list = append(list, e)
		return true
	})
	return list
}

// unpack makes an entry of what was packed. The caller holds j.mu.
func (j *Journal) unpack(b packed) Entry {
	if b.remark() {
		return b.entry()
	}
	leg := b.leg()
	if rule := b.rule(); rule > 0 {
		leg.Rule = j.rules[rule]
	}
	return j.render(&leg)
}

// render makes an entry of a leg.
func (j *Journal) render(l *network.Event) Entry {
	e := Entry{At: l.At, Kind: KindLeg, What: "query", Network: l.Network, Fate: l.Fate.String(), Rule: l.Rule,
		From: l.From.String(), To: l.To.String(), Text: Summary(l.Data)}
	e.Source, e.Target = j.names(*l)
	switch {
	case l.Reply:
		e.What = "reply"
	case l.Data == nil:
		e.What = "connect"
	}
	return e
}

// Write writes the journal as JSON, an entry a line.
func (j *Journal) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, e := range j.Since(0) {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

// String is the entry in a line, for people; its time is left to whoever knows where the line stands.
func (e Entry) String() string {
	switch e.Kind {
	case KindLeg:
		from, to := e.Source, e.Target
		if from == "" {
			from = e.From
		}
		if to == "" {
			to = e.To
		}
		line := fmt.Sprintf("%s → %s %s %s", from, to, e.Network, e.What)
		if e.Text != "" {
			line += ": " + e.Text
		}
		if e.Fate != "delivered" {
			line += " (" + e.Fate + ")"
		}
		if e.Rule != "" {
			line += " [" + e.Rule + "]"
		}
		return line
	case KindAuthoritative:
		return fmt.Sprintf("%s: %s %s %s serial %d: %s", e.Node, e.What, e.Zone, e.View, e.Serial, e.Text)
	case KindWeb:
		from := e.Source
		if from == "" {
			from = e.From
		}
		return fmt.Sprintf("%s → %s %s: %s", from, e.Node, e.Kind, e.Text)
	case KindUpstream, KindResolver:
		return fmt.Sprintf("%s: %s %s: %s", e.Node, e.What, e.Query, e.Text)
	case KindAct:
		return fmt.Sprintf("%s by %s: %s", e.What, e.By, e.Text)
	}
	return fmt.Sprintf("%s %s: %s", e.Kind, e.What, e.Text)
}
