package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"faultzone/simulator/clock"
)

// askOutside takes a question of one of the world's hosts to the real program that has another's place, from the host's own
// address where it is one of this machine.
func askOutside(network string, from, to netip.AddrPort, query []byte) ([]byte, error) {
	const patience = 10 * time.Second
	conn, err := dialFrom(network, from.Addr(), to, patience)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(clock.Wall{}.In(patience)); err != nil {
		return nil, err
	}
	if network == "udp" {
		if _, err := conn.Write(query); err != nil {
			return nil, err
		}
		reply := make([]byte, 65535)
		n, err := conn.Read(reply)
		return reply[:n], err
	}
	// Two octets of length go first (RFC 1035 section 4.2.2).
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	reply := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err = io.ReadFull(conn, reply)
	return reply, err
}

// dialFrom dials from an address, or from any where the machine does not have that one.
func dialFrom(network string, from netip.Addr, to netip.AddrPort, patience time.Duration) (net.Conn, error) {
	var local net.Addr
	switch network {
	case "udp":
		local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	case "tcp":
		local = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	default:
		return nil, fmt.Errorf("%q: want udp or tcp", network)
	}
	if conn, err := (&net.Dialer{LocalAddr: local, Timeout: patience}).Dial(network, to.String()); err == nil {
		return conn, nil
	}
	return (&net.Dialer{Timeout: patience}).Dial(network, to.String())
}
