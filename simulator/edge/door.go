package edge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
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
	// mostUnread bounds, in octets, what waits for a TCP client that does not read.
	mostUnread = 64 << 20
)

// door is a pair of sockets.
type door struct {
	edge    *Edge
	name    string // the node's
	behind  atomic.Pointer[behind]
	world   netip.Addr
	source  source
	showing sync.Mutex // one change of the sockets at a time

	mu    sync.Mutex
	real  netip.AddrPort
	udp   *net.UDPConn // nil while closed
	tcp   *net.TCPListener
	conns map[*outbox]bool
	dark  bool // the TCP sockets are silenced
}

// behind is the world behind a door.
type behind struct {
	network *network.Network
	service *network.Service
}

// lead has the door lead to a node, and show its state from now on.
func (d *door) lead(n *network.Network, node Node) {
	d.behind.Store(&behind{n, node.Service})
	node.Service.Watch(d.show)
	d.show(node.Service.State())
}

// listen opens the door at its address; a free port that it was given once is kept.
func (d *door) listen() error {
	d.edge.mu.Lock()
	defer d.edge.mu.Unlock()
	if d.edge.closed {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u, t, err := listenBoth(d.real)
	if err != nil {
		return err
	}
	d.real = netip.AddrPortFrom(d.real.Addr(), u.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	d.udp, d.tcp, d.conns, d.dark = u, t, map[*outbox]bool{}, false
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
	for out := range d.conns {
		out.close()
	}
	d.udp, d.tcp, d.conns = nil, nil, nil
}

// address is where the door is on this machine.
func (d *door) address() netip.AddrPort {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.real
}

// show makes the sockets look as the node's state says at this moment: of two changes that come together the last one
// holds, whichever is told first.
func (d *door) show(network.State) {
	d.showing.Lock()
	defer d.showing.Unlock()
	state := d.behind.Load().service.State()
	if state == network.Refusing {
		d.shut()
		return
	}
	d.mu.Lock()
	open := d.udp != nil
	d.mu.Unlock()
	if !open {
		if err := d.listen(); err != nil && d.edge.config.Report != nil {
			d.edge.config.Report(fmt.Errorf("%s is back, but its socket is not: %w", d.name, err))
		}
	}
	d.darken(state == network.Silent)
}

// darken silences the TCP sockets, or ends that: the program that comes back knows nothing of the connections from before.
// What arrives over UDP is read all the same, for the network to count, and answered by nobody.
func (d *door) darken(dark bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tcp == nil || d.dark == dark {
		return
	}
	d.dark = dark
	silence(d.tcp, dark)
	for out := range d.conns {
		if silence(out.conn, dark); !dark {
			out.close()
		}
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
		out := newOutbox(c)
		d.conns[out] = true
		d.mu.Unlock()
		d.edge.wg.Add(1)
		go func() {
			defer d.edge.wg.Done()
			d.serveConn(c, out)
			d.mu.Lock()
			delete(d.conns, out)
			d.mu.Unlock()
		}()
	}
}

// serveConn reads messages with their two octets of length (RFC 1035 4.2.2) and answers as answers come (RFC 7766 7). A
// client that closes its half of the connection, or has been idle for too long, gets the answers that it waits for.
func (d *door) serveConn(c *net.TCPConn, out *outbox) {
	written := make(chan struct{})
	go func() { defer close(written); out.write() }()
	defer func() { out.close(); <-written }()
	from, to := d.source(c.RemoteAddr().(*net.TCPAddr).AddrPort()), netip.AddrPortFrom(d.world, network.Port)
	var wall clock.Wall
	var length [2]byte
	for {
		c.SetReadDeadline(wall.In(idle))
		if _, err := io.ReadFull(c, length[:]); err != nil {
			if err == io.EOF || errors.Is(err, os.ErrDeadlineExceeded) {
				out.finish()
				<-written
			}
			return
		}
		data := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, data); err != nil {
			return
		}
		m := network.Message{Network: "tcp", From: from, To: to, Data: data}
		prompt, fate := d.behind.Load().network.Pass(m, out.later)
		switch {
		case fate == network.Refused:
			return
		case prompt != nil:
			out.put(prompt)
		}
	}
}
