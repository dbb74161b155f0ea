package edge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"faultzone/simulator/clock"
	"faultzone/simulator/network"
)

const (
	// idle is how long a TCP connection may say nothing (RFC 7766 6.2.3 asks for a few seconds at least).
	idle = 30 * time.Second
	// mostConnections bounds the TCP connections at one door.
	mostConnections = 128
	// largest is the largest message over either transport.
	largest = 65535
)

// door is a pair of sockets.
type door struct {
	Door
	edge  *Edge
	where where

	mu    sync.Mutex
	udp   *net.UDPConn // nil while closed
	tcp   *net.TCPListener
	conns map[*net.TCPConn]bool
}

// listen opens the door at its address; a free port that it was given once is kept.
func (d *door) listen() error {
	u, t, err := listenBoth(d.Real)
	if err != nil {
		return err
	}
	d.edge.mu.Lock()
	defer d.edge.mu.Unlock()
	if d.edge.closed {
		u.Close()
		t.Close()
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Real = netip.AddrPortFrom(d.Real.Addr(), u.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	d.udp, d.tcp, d.conns = u, t, map[*net.TCPConn]bool{}
	d.edge.wg.Add(2)
	go func() { defer d.edge.wg.Done(); d.serveUDP(u) }()
	go func() { defer d.edge.wg.Done(); d.serveTCP(t) }()
	return nil
}

// shut closes the sockets.
func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.udp == nil {
		return
	}
	d.udp.Close()
	d.tcp.Close()
	for c := range d.conns {
		c.Close()
	}
	d.udp, d.tcp, d.conns = nil, nil, nil
}

// show makes the sockets look as the node's state says.
func (d *door) show(s network.State) {
	if s == network.Refusing {
		d.shut()
		return
	}
	d.mu.Lock()
	open := d.udp != nil
	d.mu.Unlock()
	if open {
		return
	}
	if err := d.listen(); err != nil && d.edge.config.Report != nil {
		d.edge.config.Report(fmt.Errorf("%s is back, but its socket is not: %w", d.Node, err))
	}
}

func (d *door) serveUDP(u *net.UDPConn) {
	buffer := make([]byte, largest)
	for {
		n, client, err := u.ReadFromUDPAddrPort(buffer)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // an ICMP error of an earlier reply
		}
		from, to := d.where(client)
		m := network.Message{Network: "udp", From: from, To: netip.AddrPortFrom(to, network.Port), Data: slices.Clone(buffer[:n])}
		d.edge.config.Network.Deliver(m, func(reply []byte) {
			// A client that has gone, or a reply too large for UDP, is lost as on a real network.
			_, _ = u.WriteToUDPAddrPort(reply, client)
		})
	}
}

func (d *door) serveTCP(t *net.TCPListener) {
	for {
		c, err := t.AcceptTCP()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		d.mu.Lock()
		if d.conns == nil || len(d.conns) == mostConnections {
			d.mu.Unlock()
			c.Close()
			continue
		}
		d.conns[c] = true
		d.mu.Unlock()
		d.edge.wg.Add(1)
		go func() {
			defer d.edge.wg.Done()
			d.serveConn(c)
			c.Close()
			d.mu.Lock()
			delete(d.conns, c)
			d.mu.Unlock()
		}()
	}
}

// serveConn reads messages with their two octets of length (RFC 1035 4.2.2) and answers as answers come (RFC 7766 7).
func (d *door) serveConn(c *net.TCPConn) {
	var wall clock.Wall
	from, to := d.where(c.RemoteAddr().(*net.TCPAddr).AddrPort())
	var writing sync.Mutex
	reply := func(data []byte) {
		writing.Lock()
		defer writing.Unlock()
		c.SetWriteDeadline(wall.In(idle))
		framed := append(binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(data)), uint16(len(data))), data...)
		_, _ = c.Write(framed) // the client may have gone
	}
	var length [2]byte
	for {
		c.SetReadDeadline(wall.In(idle))
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		data := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, data); err != nil {
			return
		}
		m := network.Message{Network: "tcp", From: from, To: netip.AddrPortFrom(to, network.Port), Data: data}
		if fate := d.edge.config.Network.Deliver(m, reply); fate == network.Refused {
			return
		}
	}
}
