package simulator

import (
	"encoding/binary"
	"sort"
)

// trafficLog keeps the last legs and remarks, packed one behind the other: a world on real sockets sees hundreds of
// thousands of them a second, and a copy of bytes into memory that is there already, and holds no pointers, costs next to
// nothing. They are unpacked only for somebody who wants to see them. When there is no room left the oldest block is written
// over.
type trafficLog struct {
	blocks []trafficBlock // in their order
	spare  []byte
	size   int // of the blocks, in octets
}

type trafficBlock struct {
	first int // number of the block's first entry
	data  []byte
}

// What is kept, and how large the blocks are.
const (
	trafficRoom      = 32 << 20
	smallestBlock    = 4 << 10
	trafficBlockSize = 64 << 10
)

// push makes room for n octets, into which entry number is to be packed.
func (l *trafficLog) push(number, n int) []byte {
	if len(l.blocks) == 0 || cap(l.last().data)-len(l.last().data) < n {
		l.begin(number, n)
	}
	b := l.last()
	at := len(b.data)
	b.data = b.data[:at+n]
	return b.data[at:]
}

func (l *trafficLog) last() *trafficBlock { return &l.blocks[len(l.blocks)-1] }

// begin makes a block with room for n octets.
func (l *trafficLog) begin(number, n int) {
	want := max(n, min(max(l.size, smallestBlock), trafficBlockSize))
	drop, left := 0, l.size
	for drop < len(l.blocks) && left+want > trafficRoom {
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
	l.blocks = append(l.blocks, trafficBlock{number, data})
	l.size += cap(data)
}

// between gives what is kept from number from up to number to, that one excluded; it is the log's.
func (l *trafficLog) between(from, to int) []packed {
	var list []packed
	i := sort.Search(len(l.blocks), func(i int) bool { return l.blocks[i].first > from })
	for _, block := range l.blocks[max(i-1, 0):] {
		for data := block.data; len(data) > 0; {
			entry := packed(data[:binary.LittleEndian.Uint32(data)])
			data = data[len(entry):]
			switch number := entry.number(); {
			case number >= to:
				return list
			case number >= from:
				list = append(list, entry)
			}
		}
	}
	return list
}

// packed is an entry in a log. It begins with, in octets:
//
//	4 length   8 number   8 time   1 flags
type packed []byte

// The flags.
const (
	legReply   = 1 << iota
	legTCP     // the network is "tcp", not "udp"
	legOpening // there is no message
	legFrom4   // the address is IPv4
	legTo4
	entryRemark // it is a remark and not a leg
)

func (b packed) number() int  { return int(binary.LittleEndian.Uint64(b[4:])) }
func (b packed) remark() bool { return b[20]&entryRemark != 0 }

// begin packs what all entries begin with.
func (b packed) begin(number int, nanoseconds int64, flags byte) {
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint64(b[4:], uint64(number))
	binary.LittleEndian.PutUint64(b[12:], uint64(nanoseconds))
	b[20] = flags
}

// nanoseconds is the time, since 1970.
func (b packed) nanoseconds() int64 { return int64(binary.LittleEndian.Uint64(b[12:])) }
