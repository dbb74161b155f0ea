package edge

import (
	"errors"
	"net"
	"net/netip"

	"faultzone/simulator/network"
)

// burst is how many octets may wait at a socket before packets are lost; other servers ask for as much.
const burst = 1 << 20

// packet is a message and the real client at the other end.
type packet struct {
	client netip.AddrPort
	data   []byte
}

// batcher reads and writes the packets of a socket, several to a system call where the system can.
type batcher interface {
	// read waits for packets. They are the batcher's: the next read writes over them.
	read() ([]packet, error)
	// write sends replies; i is the place of the packet that reply i answers. What cannot be sent is lost, as on a real
	// network: the client has gone, or the reply is too large for UDP.
	write(replies [][]byte, to []int)
	// close is called after the last of them.
	close()
}

// serveUDP answers until the socket is closed. What a server answers at once is sent from here, in batches; for the rest
// the server's own activities send.
func (d *door) serveUDP(u *net.UDPConn) {
	_ = u.SetReadBuffer(burst) // as much of it as the system allows
	b, err := newBatcher(u)
	if err != nil {
		return // it is closed already
	}
	defer b.close()
	var current netip.AddrPort
	later := func() network.Later {
		client := current
		return network.Later{Reply: func(reply []byte) { _, _ = u.WriteToUDPAddrPort(reply, client) }}
	}
	to := netip.AddrPortFrom(d.world, network.Port)
	var replies [][]byte
	var answered []int
	for {
		packets, err := b.read()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // an ICMP error of an earlier reply
		}
		replies, answered = replies[:0], answered[:0]
		world := d.behind.Load().network
		for i, p := range packets {
			current = p.client
			m := network.Message{Network: "udp", From: d.source(p.client), To: to, Data: p.data}
			if reply, _ := world.Pass(m, later); reply != nil {
				replies, answered = append(replies, reply), append(answered, i)
			}
		}
		b.write(replies, answered)
		clear(replies)
	}
}
