package simulator

import (
	"encoding/binary"
	"math"
	"time"
)

// A remark is what a resolver says of a query that it answers from what it has. Packed, it is, in octets:
//
//	21 as all   1 unused   2 EDE   2 length of the node   2 of what   2 of the query   node, what, query, text
const remarkHead = 30

func remarkSize(e *Entry) int {
	return remarkHead + len(e.Node) + len(e.What) + len(e.Query) + len(e.Text)
}

// remarkable tells whether an entry's strings are short enough to be packed; all but a scenario's strangest names are.
func remarkable(e *Entry) bool { return max(len(e.Node), len(e.What), len(e.Query)) <= math.MaxUint16 }

func packRemark(b packed, number int, e *Entry) {
	b.begin(number, e.At.UnixNano(), entryRemark)
	binary.LittleEndian.PutUint16(b[22:], e.EDE)
	rest := b[remarkHead:]
	for i, s := range [...]string{e.Node, e.What, e.Query} {
		binary.LittleEndian.PutUint16(b[24+2*i:], uint16(len(s)))
		rest = rest[copy(rest, s):]
	}
	copy(rest, e.Text)
}

// entry unpacks a remark.
func (b packed) entry() Entry {
	e := Entry{At: time.Unix(0, b.nanoseconds()).UTC(), Kind: KindResolver, EDE: binary.LittleEndian.Uint16(b[22:])}
	rest := b[remarkHead:]
	for i, s := range [...]*string{&e.Node, &e.What, &e.Query} {
		n := binary.LittleEndian.Uint16(b[24+2*i:])
		*s, rest = string(rest[:n]), rest[n:]
	}
	e.Text = string(rest)
	return e
}
