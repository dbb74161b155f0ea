package pcap

import (
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// hops is the TTL, or hop limit, of every packet.
const hops = 64

// ip is the header of a packet between two addresses of one family. What follows it takes its checksum from it.
func ip(from, to netip.Addr, protocol layers.IPProtocol) (header gopacket.SerializableLayer, pseudo gopacket.NetworkLayer) {
	if from.Is4() {
		// Never fragmented, so its identification means nothing (RFC 6864).
		h := &layers.IPv4{Version: 4, TTL: hops, Flags: layers.IPv4DontFragment, Protocol: protocol, SrcIP: from.AsSlice(), DstIP: to.AsSlice()}
		return h, h
	}
	h := &layers.IPv6{Version: 6, HopLimit: hops, NextHeader: protocol, SrcIP: from.AsSlice(), DstIP: to.AsSlice()}
	return h, h
}

func datagram(from, to netip.AddrPort, data []byte) []gopacket.SerializableLayer {
	header, pseudo := ip(from.Addr(), to.Addr(), layers.IPProtocolUDP)
	u := &layers.UDP{SrcPort: layers.UDPPort(from.Port()), DstPort: layers.UDPPort(to.Port())}
	_ = u.SetNetworkLayerForChecksum(pseudo) // it is one of the two that it knows
	return []gopacket.SerializableLayer{header, u, gopacket.Payload(data)}
}

// flags of a segment.
type flags uint8

const (
	syn flags = 1 << iota
	ack
	psh
	fin
	rst
)

// Of a loopback interface, whose MTU is 65,536 octets; the window is scaled by 2⁷, so that it is never full.
const (
	maxSegment4 = 65495
	maxSegment6 = 65475
	window      = 65535
	windowScale = 7
)

func maxSegment(a netip.Addr) int {
	if a.Is4() {
		return maxSegment4
	}
	return maxSegment6
}

func segment(from, to netip.AddrPort, seq, acked uint32, f flags, data []byte) []gopacket.SerializableLayer {
	header, pseudo := ip(from.Addr(), to.Addr(), layers.IPProtocolTCP)
	t := &layers.TCP{SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), Seq: seq, Window: window,
		SYN: f&syn != 0, ACK: f&ack != 0, PSH: f&psh != 0, FIN: f&fin != 0, RST: f&rst != 0}
	if t.ACK {
		t.Ack = acked
	}
	if t.RST {
		t.Window = 0
	}
	if t.SYN {
		most := maxSegment(from.Addr())
		t.Options = []layers.TCPOption{
			{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{byte(most >> 8), byte(most)}},
			{OptionType: layers.TCPOptionKindNop},
			{OptionType: layers.TCPOptionKindWindowScale, OptionLength: 3, OptionData: []byte{windowScale}},
		}
	}
	_ = t.SetNetworkLayerForChecksum(pseudo)
	return []gopacket.SerializableLayer{header, t, gopacket.Payload(data)}
}

// unreachable is the ICMP error that a packet met: port unreachable, or host unreachable (RFC 792; RFC 4443 3.1). It quotes
// as much of the packet as such errors do.
func unreachable(from, to netip.Addr, port bool, met []byte) []gopacket.SerializableLayer {
	const most4, most6 = 576 - 20 - 8, 1280 - 40 - 8 // RFC 1812 4.3.2.3, RFC 4443 3.1
	if from.Is4() {
		header, _ := ip(from, to, layers.IPProtocolICMPv4)
		code := uint8(layers.ICMPv4CodeHost)
		if port {
			code = layers.ICMPv4CodePort
		}
		i := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, code)}
		return []gopacket.SerializableLayer{header, i, quote(nil, met, most4)}
	}
	header, pseudo := ip(from, to, layers.IPProtocolICMPv6)
	code := uint8(layers.ICMPv6CodeAddressUnreachable)
	if port {
		code = layers.ICMPv6CodePortUnreachable
	}
	i := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeDestinationUnreachable, code)}
	_ = i.SetNetworkLayerForChecksum(pseudo)
	return []gopacket.SerializableLayer{header, i, quote(make([]byte, 4), met, most6)}
}

// quote copies, as met is written over by the packet that it goes into.
func quote(unused, met []byte, most int) gopacket.Payload {
	return append(unused, met[:min(len(met), most)]...)
}
