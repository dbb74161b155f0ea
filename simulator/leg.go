package simulator

import (
	"encoding/binary"
	"net/netip"
	"time"

	"faultzone/simulator/network"
)

// A leg is, packed, in octets:
//
//	21 as all   1 fate   2 rule   18 from   18 to   the message
const legHead = 60

// packLeg packs a leg; rule is the number of its rule's name.
func packLeg(b packed, number int, e *network.Event, rule uint16) {
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
	b.begin(number, e.At.UnixNano(), flags)
	b[21] = byte(e.Fate)
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

func (b packed) rule() uint16 { return binary.LittleEndian.Uint16(b[22:]) }

// leg unpacks a leg, without its rule's name. The message is still the log's.
func (b packed) leg() network.Event {
	flags := b[20]
	e := network.Event{
		At: time.Unix(0, b.nanoseconds()).UTC(), Network: "udp",
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
