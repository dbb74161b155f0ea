package simulator

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"faultzone/simulator/network"
)

// Leg is one message on its way through the network, as a value to assert on. What the message says is filled in as far
// as it can be read.
type Leg struct {
	Number   int       // of its entry in the journal
	At       time.Time // when it left, in world time
	Network  string    // "udp" or "tcp"
	From, To netip.AddrPort
	// Source and Target are the nodes that have these addresses; empty: none has.
	Source, Target string
	Reply          bool
	Opening        bool // a TCP connection being opened: there is no message
	Fate           network.Fate
	Rule           string // the rule that changed it, if one did

	ID     uint16
	Name   string // the question's, absolute, as it was written; empty: there is none, or it cannot be read
	Type   uint16
	Opcode int
	// Of a reply: its code, with the upper bits of EDNS (RFC 6891 section 6.1.3), TC, and its extended errors (RFC 8914).
	Rcode     int
	Truncated bool
	EDE       []uint16
	Size      int // in octets
}

// Legs are the messages among the journal's entries from number from up to number to, that one excluded, in their order.
// Those that the journal let go are left out.
func (j *Journal) Legs(from, to int) []Leg {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := []Leg{}
	for _, p := range j.traffic.between(from, to) {
		if p.remark() {
			continue
		}
		e := p.leg()
		l := Leg{Number: p.number(), At: e.At, Network: e.Network, From: e.From, To: e.To, Reply: e.Reply, Opening: e.Data == nil,
			Fate: e.Fate, Size: len(e.Data)}
		l.Source, l.Target = j.names(e)
		if rule := p.rule(); rule > 0 {
			l.Rule = j.rules[rule]
		}
		l.read(e.Data)
		list = append(list, l)
	}
	return list
}

// read fills in what a packed message says.
func (l *Leg) read(packed []byte) {
	var head dns.Msg
	if len(packed) < 12 {
		return
	}
	if err := head.Unpack(packed); err != nil { // the ID and the flags are there all the same
		l.ID = uint16(packed[0])<<8 | uint16(packed[1])
		l.Rcode = int(packed[3] & 0x0f)
		return
	}
	l.ID, l.Opcode, l.Rcode, l.Truncated = head.Id, head.Opcode, head.Rcode, head.Truncated
	if len(head.Question) > 0 {
		l.Name, l.Type = head.Question[0].Name, head.Question[0].Qtype
	}
	for _, e := range ExtendedErrors(&head) {
		l.EDE = append(l.EDE, e.InfoCode)
	}
}

// Between is what happened from the journal's entry number from up to number to, that one excluded, for a person to read:
// a line for each.
func (j *Journal) Between(from, to int) []string {
	var lines []string
	for _, e := range j.between(from, to) {
		lines = append(lines, e.String())
	}
	return lines
}
