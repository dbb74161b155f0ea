package simulator

import (
	"encoding/json"
	"fmt"
	"io"
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
	// Text is for the reader: of a leg, the message in short.
	Text string `json:"text,omitempty"`
}

// Kind is what sort of thing an [Entry] tells.
type Kind string

// The kinds of entry.
const (
	KindStep          Kind = "step"          // a step of the scenario, or somebody's act
	KindFault         Kind = "fault"         // a fault began, ended, or did its work
	KindLeg           Kind = "leg"           // a message crossed the network, or did not
	KindAuthoritative Kind = "authoritative" // an authoritative server says what it did
	KindResolver      Kind = "resolver"      // a resolver says what it did
	KindWorld         Kind = "world"         // the world began, or its clock was moved
)

// Journal is the append-only record of a world, in the order in which things happened. It keeps the last entries up
// to its limit, and knows how many older ones it let go. Any goroutine may use it.
type Journal struct {
	mu      sync.Mutex
	records []item
	first   int             // number of records[0], counted from the world's beginning
	legs    []network.Event // room for the next legs, so that one costs no allocation of its own
	names   func(network.Event) (source, target string)
}

// item is an entry, or a leg that is made one when it is read: a busy world's journal is mostly legs.
type item struct {
	entry *Entry
	leg   *network.Event
}

// journalLimit is how many entries are kept: a live world may run for days.
const journalLimit = 1 << 18

func (j *Journal) add(e Entry) { j.append(item{entry: &e}) }

// addLeg notes a leg; any goroutine of the network may call it.
func (j *Journal) addLeg(e network.Event) {
	const room = 128
	j.mu.Lock()
	if len(j.legs) == cap(j.legs) {
		j.legs = make([]network.Event, 0, room)
	}
	j.legs = append(j.legs, e)
	leg := &j.legs[len(j.legs)-1]
	j.mu.Unlock()
	j.append(item{leg: leg})
}

func (j *Journal) append(r item) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.records) == journalLimit {
		drop := journalLimit / 4
		n := copy(j.records, j.records[drop:])
		clear(j.records[n:])
		j.records, j.first = j.records[:n], j.first+drop
	}
	j.records = append(j.records, r)
}

// Len is the number of entries since the world's beginning.
func (j *Journal) Len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.first + len(j.records)
}

// Since returns the entries from number from on, those let go left out.
func (j *Journal) Since(from int) []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	from = min(max(from-j.first, 0), len(j.records))
	list := make([]Entry, len(j.records)-from)
	for i, r := range j.records[from:] {
		if r.leg != nil {
			list[i] = j.render(r.leg)
		} else {
			list[i] = *r.entry
		}
	}
	return list
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
	case KindResolver:
		return fmt.Sprintf("%s: %s %s: %s", e.Node, e.What, e.Query, e.Text)
	}
	return fmt.Sprintf("%s %s: %s", e.Kind, e.What, e.Text)
}
