package simulator

import (
	"encoding/binary"
	"net/netip"
	"sort"
	"time"

	"faultzone/simulator/network"
)

// legLog keeps the last legs, packed one behind the other: a world on real sockets sees hundreds of thousands of them a
// second, and a copy of bytes into memory that is there already, and holds no pointers, costs next to nothing. A leg is
// unpacked only for somebody who wants to see it. When there is no room left the oldest block of legs is written over.
type legLog struct {
	blocks []legBlock // in their order
	spare  []byte
	size   int // of the blocks, in octets
}

type legBlock struct {
	first int // number of the block's first leg
	data  []byte
}

// What is kept, and how large the blocks are.
const (
	legRoom       = 32 << 20
	smallestBlock = 4 << 10
	legBlockSize  = 64 << 10
)

// A leg is, in octets:
//
//	4 length   8 number   8 time   1 flags   1 fate   2 rule   18 from   18 to   the message
const legHead = 60

const (
	legReply   = 1 << iota
	legTCP     // the network is "tcp", not "udp"
	legOpening // there is no message
	legFrom4   // the address is IPv4
	legTo4
)

// push packs a leg; rule is the number of its rule's name.
func (l *legLog) push(number int, e *network.Event, rule uint16) {
	n := legHead + len(e.Data)
	if len(l.blocks) == 0 || cap(l.last().data)-len(l.last().data) < n {
		l.begin(number, n)
	}
	b := l.last()
	at := len(b.data)
	b.data = b.data[:at+n]
	packLeg(b.data[at:], number, e, rule)
}

func (l *legLog) last() *legBlock { return &l.blocks[len(l.blocks)-1] }

// begin makes a block with room for n octets.
func (l *legLog) begin(number, n int) {
	want := max(n, min(max(l.size, smallestBlock), legBlockSize))
	drop, left := 0, l.size
	for drop < len(l.blocks) && left+want > legRoom {
		if data := l.blocks[drop].data; cap(data) >= want {
			l.spare = data[:0]
		}
		left -= cap(l.blocks[drop].data)
		drop++
	}
	if drop > 0 {
		kept := copy(l.blocks, l.blocks[drop:])
		clear(l.blocks[kept:])
		l.blocks, l.size = l.blocks[:kept], left
	}
	data := l.spare
	if l.spare = nil; data == nil {
		data = make([]byte, 0, want)
	}
	l.blocks = append(l.blocks, legBlock{number, data})
	l.size += cap(data)
}

// between gives the legs from number from up to number to, that one excluded; they are the log's.
func (l *legLog) between(from, to int) []packedLeg {
	var list []packedLeg
	i := sort.Search(len(l.blocks), func(i int) bool { return l.blocks[i].first > from })
	for _, block := range l.blocks[max(i-1, 0):] {
		for data := block.data; len(data) > 0; {
			leg := packedLeg(data[:binary.LittleEndian.Uint32(data)])
			data = data[len(leg):]
			switch number := leg.number(); {
			case number >= to:
				return list
			case number >= from:
				list = append(list, leg)
			}
		}
	}
	return list
}

func packLeg(b []byte, number int, e *network.Event, rule uint16) {
	var flags byte
	if e.Reply {
		flags |= legReply
	}
	if e.Network == "tcp" {
		flags |= legTCP
	}
	if e.Data == nil {
		flags |= legOpening
	}
	if e.From.Addr().Is4() {
		flags |= legFrom4
	}
	if e.To.Addr().Is4() {
		flags |= legTo4
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint64(b[4:], uint64(number))
	binary.LittleEndian.PutUint64(b[12:], uint64(e.At.UnixNano()))
	b[20], b[21] = flags, byte(e.Fate)
	binary.LittleEndian.PutUint16(b[22:], rule)
	putAddrPort((*[18]byte)(b[24:]), e.From)
	putAddrPort((*[18]byte)(b[42:]), e.To)
	copy(b[legHead:], e.Data)
}

func putAddrPort(b *[18]byte, a netip.AddrPort) {
	if a.Addr().IsValid() {
		*(*[16]byte)(b[:]) = a.Addr().As16()
	} else {
		clear(b[:16])
	}
	binary.LittleEndian.PutUint16(b[16:], a.Port())
}

// packedLeg is a leg in a log.
type packedLeg []byte

func (b packedLeg) number() int  { return int(binary.LittleEndian.Uint64(b[4:])) }
func (b packedLeg) rule() uint16 { return binary.LittleEndian.Uint16(b[22:]) }

// event unpacks the leg, without its rule's name. The message is still the log's.
func (b packedLeg) event() network.Event {
	flags := b[20]
	e := network.Event{
		At: time.Unix(0, int64(binary.LittleEndian.Uint64(b[12:]))).UTC(), Network: "udp",
		From: addrPort(b[24:], flags&legFrom4 != 0), To: addrPort(b[42:], flags&legTo4 != 0),
		Reply: flags&legReply != 0, Fate: network.Fate(b[21]),
	}
	if flags&legTCP != 0 {
		e.Network = "tcp"
	}
	if flags&legOpening == 0 {
		e.Data = b[legHead:]
	}
	return e
}

func addrPort(b []byte, is4 bool) netip.AddrPort {
	a := netip.AddrFrom16([16]byte(b))
	if is4 {
		a = a.Unmap()
	}
	return netip.AddrPortFrom(a, binary.LittleEndian.Uint16(b[16:]))
}
