package edge

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"faultzone/simulator/clock"
	"faultzone/simulator/network"
)

// webDoor is one HTTP listener. It has one life after another: each change of its node's state ends one, and with it
// the connections that it had.
type webDoor struct {
	edge    *WebEdge
	name    string // the node's
	behind  atomic.Pointer[webBehind]
	world   netip.AddrPort
	showing sync.Mutex // one change at a time

	real netip.Addr // on this machine

	mu   sync.Mutex
	port uint16
	life *webLife // nil while closed
}

// webBehind is the world behind a door.
type webBehind struct {
	network *network.Network
	node    WebNode
}

// lead has the door lead to a node, and show its state from now on. afresh ends the connections that there are.
func (d *webDoor) lead(n *network.Network, node WebNode, afresh bool) {
	b := &webBehind{n, node}
	d.behind.Store(b)
	node.Service.Watch(func(network.State) {
		if d.behind.Load() == b {
			d.show(true)
		}
	})
	d.show(afresh)
}

// webLife is a listener with its connections.
type webLife struct {
	listener *net.TCPListener
	server   *http.Server
	over     context.Context
	end      context.CancelFunc
	room     chan struct{} // a token for each connection
}

// address is where the door is on this machine.
func (d *webDoor) address() netip.AddrPort {
	d.mu.Lock()
	defer d.mu.Unlock()
	return netip.AddrPortFrom(d.real, d.port)
}

// listen opens the door at its address; a free port that it was given once is kept.
func (d *webDoor) listen() error {
	d.edge.mu.Lock()
	defer d.edge.mu.Unlock()
	if d.edge.closed {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at := netip.AddrPortFrom(d.real, d.port)
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // its sockets take no filters
	l, err := plain.Listen(context.Background(), "tcp", at.String())
	if err != nil {
		return fmt.Errorf("listen on %s for HTTP: %w", at, err)
	}
	d.port = l.Addr().(*net.TCPAddr).AddrPort().Port()
	life := &webLife{listener: l.(*net.TCPListener), room: make(chan struct{}, mostWebAtOnce)}
	life.over, life.end = context.WithCancel(context.Background())
	life.server = &http.Server{
		Handler:           http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { d.serve(life, out, r) }),
		ReadHeaderTimeout: webHeadTime, ReadTimeout: webTime, IdleTimeout: webTime, MaxHeaderBytes: webHead,
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				d.edge.wg.Add(1)
			case http.StateClosed, http.StateHijacked:
				<-life.room
				d.edge.wg.Done()
			}
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	d.life = life
	d.edge.wg.Add(1)
	go func() {
		defer d.edge.wg.Done()
		_ = life.server.Serve(&webListener{TCPListener: life.listener, door: d, life: life}) // it ends with the life
	}()
	return nil
}

// shut closes the listener and all connections.
func (d *webDoor) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life == nil {
		return
	}
	d.life.end()
	d.life.listener.Close() // by itself too: the server may not have begun with it
	d.life.server.Close()
	d.life = nil
}

// show makes the sockets look as the node's state says at this moment. A change of the state is the end of a program, or
// the beginning of one, so the connections that there were are gone: afresh.
func (d *webDoor) show(afresh bool) {
	d.showing.Lock()
	defer d.showing.Unlock()
	state := d.behind.Load().node.Service.State()
	refusing := state == network.Refusing
	if refusing || afresh {
		d.shut()
	}
	d.mu.Lock()
	open := d.life != nil
	d.mu.Unlock()
	if refusing {
		return
	}
	if !open {
		if err := d.listen(); err != nil && d.edge.config.Report != nil {
			d.edge.config.Report(fmt.Errorf("%s is back, but its socket is not: %w", d.name, err))
		}
	}
	if state == network.Silent {
		d.darken()
	}
}

// darken has the listener of this life take nothing any more: a host that is dark does not even answer the opening of a
// connection. The next life has another listener.
func (d *webDoor) darken() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life != nil {
		silence(d.life.listener, true)
	}
}

// serve answers a request, or does not: what the network says of the way to the node, and the node's state, decide.
func (d *webDoor) serve(life *webLife, out http.ResponseWriter, r *http.Request) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	const mostWebBody = 1 << 20
	var wall clock.Wall
	control := http.NewResponseController(out)
	met := make(chan network.Fate, 1)
	b := d.behind.Load()
	b.network.Visit(from, d.world, func(f network.Fate) { met <- f })
	select {
	case fate := <-met:
		switch fate {
		case network.Delivered:
			control.SetWriteDeadline(wall.In(webTime))
			b.node.Handler.ServeHTTP(out, r)
			return
		case network.Dropped:
			// The request's context ends with its client or this deadline, but only when the body has been read.
			control.SetReadDeadline(wall.In(webSilence))
			if n, err := io.Copy(io.Discard, io.LimitReader(r.Body, mostWebBody)); err == nil && n < mostWebBody {
				select {
				case <-r.Context().Done():
				case <-life.over.Done():
				}
			}
		}
	case <-r.Context().Done():
	case <-life.over.Done():
	}
	panic(http.ErrAbortHandler) // the connection is closed without an answer
}

// webListener takes connections while there is room for them, and gives them the world's addresses.
type webListener struct {
	*net.TCPListener
	door *webDoor
	life *webLife
}

// Accept is net.Listener's.
func (l *webListener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		select {
		case l.life.room <- struct{}{}:
			from := l.door.edge.source(l.door, c.RemoteAddr().(*net.TCPAddr).AddrPort())
			return webConn{c, net.TCPAddrFromAddrPort(from)}, nil
		default:
			c.Close()
		}
	}
}

// webConn is a connection with the world address of its client.
type webConn struct {
	*net.TCPConn
	from net.Addr
}

// RemoteAddr is the client's address in the world.
func (c webConn) RemoteAddr() net.Addr { return c.from }
