package edge

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"faultzone/simulator/network"
)

// WebNode is a node that answers HTTP, to be put onto sockets.
type WebNode struct {
	Name      string
	Addresses []netip.Addr // in the world
	Port      uint16       // in the world
	Service   *network.Service
	Handler   http.Handler // it sees the world's addresses as RemoteAddr, and answers without waiting
}

// WebForm says at which real addresses web nodes are.
type WebForm uint8

// The forms, which are those of the edges for DNS.
const (
	WebPorts    WebForm = iota // a free port of 127.0.0.1 for each node
	WebLoopback                // 127.a.b.c for 10.a.b.c, on its own port where that is above 1023; else as WebPorts
	WebExact                   // each address as it is, on its own port, where a network namespace has it
)

// WebConfig says what to put where.
type WebConfig struct {
	Network *network.Network
	Nodes   []WebNode
	Form    WebForm
	// As are the world addresses that a real client is taken for: the one in the scope of the node it asks.
	As []netip.Addr
	// Report is told of sockets that could not be opened again after their node had come back.
	Report func(error)
}

// The bounds of one HTTP door.
const (
	webHeadTime   = 10 * time.Second // for a request's head to come
	webTime       = time.Minute      // for a whole request to come, and for its answer to be taken
	webSilence    = 10 * time.Minute // how long a client may wait for a node that says nothing
	webHead       = 16 << 10         // octets of a request's head
	mostWebAtOnce = mostConnections
)

// WebEdge is a set of open HTTP doors.
type WebEdge struct {
	config WebConfig
	doors  []*webDoor
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// Web opens HTTP listeners for web nodes. A node's state shows on them: one that refuses has closed ones; one that is
// silent does not answer the opening of a connection, where the system can be told not to (Linux); one that hangs takes
// connections and says nothing, and so do all to clients whom a rule of the network keeps away.
// An error says which address could not be had; errors.Is tells syscall.EADDRINUSE, EACCES and EADDRNOTAVAIL. Close closes
// everything and waits for what runs on it.
func Web(c WebConfig) (*WebEdge, error) {
	e := &WebEdge{config: c}
	if c.Form == WebExact {
		nodes := make([]Node, len(c.Nodes))
		for i, n := range c.Nodes {
			nodes[i] = Node{Name: n.Name, Addresses: n.Addresses}
		}
		if err := onLoopback(nodes); err != nil {
			return nil, err
		}
	}
	for _, n := range c.Nodes {
		for _, at := range e.places(n) {
			if err := e.open(n, at); err != nil {
				return nil, errors.Join(err, e.Close())
			}
		}
	}
	return e, nil
}

// webPlace is a door to be opened; port 0 is a free one.
type webPlace struct {
	world, real netip.Addr
	port        uint16
}

// places are a node's doors in the edge's form.
func (e *WebEdge) places(n WebNode) []webPlace {
	var list []webPlace
	for _, a := range n.Addresses {
		switch {
		case e.config.Form == WebExact:
			list = append(list, webPlace{a, a, n.Port})
		case e.config.Form == WebLoopback && a.Is4() && a.As4()[0] == 10:
			b := a.As4()
			b[0] = 127
			port := n.Port
			if port < 1024 {
				port = 0
			}
			list = append(list, webPlace{a, netip.AddrFrom4(b), port})
		}
	}
	if len(list) == 0 {
		_, to := e.vantage(n.Addresses)
		list = append(list, webPlace{to, netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0})
	}
	return list
}

// vantage picks, of the addresses that clients are taken for and those of a node, the pair in one scope.
func (e *WebEdge) vantage(addresses []netip.Addr) (from, to netip.Addr) {
	return (&Edge{config: Config{As: e.config.As}}).vantage(addresses)
}

// source is the world address of a real client at a door.
func (e *WebEdge) source(d *webDoor, client netip.AddrPort) netip.AddrPort {
	from := client.Addr().Unmap().WithZone("")
	if localhost := [4]byte{127, 0, 0, 1}; e.config.Form == WebLoopback && from.Is4() && from.As4() != localhost {
		b := from.As4()
		b[0] = 10
		from = netip.AddrFrom4(b)
	}
	if from.IsLoopback() {
		from, _ = e.vantage([]netip.Addr{d.world.Addr()})
	}
	return netip.AddrPortFrom(from, client.Port())
}

func (e *WebEdge) open(n WebNode, at webPlace) error {
	d := &webDoor{edge: e, name: n.Name, world: netip.AddrPortFrom(at.world, n.Port), real: at.real, port: at.port}
	d.behind.Store(&webBehind{e.config.Network, n})
	if err := d.listen(); err != nil { // a node that refuses gets its port too
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	e.doors = append(e.doors, d)
	d.lead(e.config.Network, n, false)
	return nil
}

// Move has every door lead to the node of its name in another network, as [Edge.Move]. Connections end: they were to
// programs of the old world. It fails, with nothing moved, when a door's node is not among the nodes.
func (e *WebEdge) Move(n *network.Network, nodes []WebNode) error {
	named := map[string]WebNode{}
	for _, node := range nodes {
		named[node.Name] = node
	}
	for _, d := range e.doors {
		if _, ok := named[d.name]; !ok {
			return fmt.Errorf("the other world has no web host %s for the door at %s", d.name, d.address())
		}
	}
	for _, d := range e.doors {
		d.lead(n, named[d.name], true)
	}
	return nil
}

// Doors are the open doors, in the order of the nodes; Real is TCP.
func (e *WebEdge) Doors() []Door {
	list := make([]Door, len(e.doors))
	for i, d := range e.doors {
		list[i] = Door{Node: d.name, World: d.world.Addr(), Real: d.address()}
	}
	return list
}

// Close closes every socket and returns when nothing runs on them any more.
func (e *WebEdge) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	for _, d := range e.doors {
		d.shut()
	}
	e.wg.Wait()
	return nil
}
