package simulator

import (
	"encoding/binary"
	"net/netip"
	"time"

	"faultzone/simulator/network"
)

// A leg is kept packed, because a world on real sockets sees hundreds of thousands of them a second: a copy of its bytes in
// memory that holds no pointers is cheap to make, to keep and to let go. It is read only for somebody who wants to see it.
//
//	8 time   1 flags   1 fate   2 rule   18 from   18 to   the message
const legHead = 48

const (
	legReply   = 1 << iota
	legTCP     // the network is "tcp", not "udp"
	legOpening // there is no message
	legFrom4   // the address is IPv4
	legTo4
)

// appendLeg packs e; rule is the number of its rule's name.
func appendLeg(b []byte, e *network.Event, rule uint16) []byte {
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
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.UnixNano()))
	b = append(b, flags, byte(e.Fate))
	b = binary.BigEndian.AppendUint16(b, rule)
	b = appendAddrPort(b, e.From)
	b = appendAddrPort(b, e.To)
	return append(b, e.Data...)
}

func appendAddrPort(b []byte, a netip.AddrPort) []byte {
	var octets [16]byte
	if a.IsValid() {
		octets = a.Addr().As16()
	}
	b = append(b, octets[:]...)
	return binary.BigEndian.AppendUint16(b, a.Port())
}

// readLeg unpacks b. The message is still the journal's.
func readLeg(b []byte) (e network.Event, rule uint16) {
	flags := b[8]
	e.At = time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC()
	e.Network, e.Reply, e.Fate = "udp", flags&legReply != 0, network.Fate(b[9])
	if flags&legTCP != 0 {
		e.Network = "tcp"
	}
	e.From, e.To = readAddrPort(b[12:], flags&legFrom4 != 0), readAddrPort(b[30:], flags&legTo4 != 0)
	if flags&legOpening == 0 {
		e.Data = b[legHead:]
	}
	return e, binary.BigEndian.Uint16(b[10:])
}

func readAddrPort(b []byte, is4 bool) netip.AddrPort {
	a := netip.AddrFrom16([16]byte(b))
	if is4 {
		a = a.Unmap()
	}
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(b[16:]))
}
