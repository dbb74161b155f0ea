// Package network is the little internet of a world, in memory.
//
// Nodes have addresses; a node's programs listen on them as services. What crosses the network is packed messages, so
// truncation, garbage and replies to another question are what they are on a wire. Every leg of an exchange passes
// the rules (where faults act) and takes the latency of its link, in world time; a message that is lost costs the
// caller its timeout. Who is listening, refusing, hanging or dark looks as it does to a real socket.
//
// The package knows no DNS. It promises that the same calls at the same world times have the same outcome. A service
// listens on one port, which is 53 for all but the hosts that answer something else than DNS.
package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"faultzone/simulator/clock"
)

// Port is the one on which services listen, those aside that say another.
const Port = 53

// Message is one packed message on its way. Data is shared: whoever changes it makes a copy.
type Message struct {
	Network  string // "udp" or "tcp"
	From, To netip.AddrPort
	Data     []byte
}

// Handler is a program that listens.
type Handler interface {
	// AnswerNow answers what needs no waiting; with ok and a nil reply nothing is sent back. Any goroutine may call it.
	AnswerNow(m Message) (reply []byte, ok bool)
	// Serve answers all else, as an activity: it may wait, and send any number of messages until it returns. ctx ends
	// when the program is stopped.
	Serve(ctx context.Context, m Message, send func([]byte) error) error
}

// Config describes the links.
type Config struct {
	Clock clock.Clock
	// Links are asked in order for the one-way latency between two addresses; Latency is that of all others.
	Links   []Link
	Latency time.Duration
	// Observe, when not nil, is told of each leg as its fate is known. It copies what it wants to keep of the event's
	// data, which may be used again once it returns. In live time several goroutines may call it.
	Observe func(Event)
}

// Link is the one-way latency between two sets of addresses, in both directions.
type Link struct {
	Between [2]netip.Prefix
	Latency time.Duration
}

// Network is one internet. Its methods may be called from any goroutine, but those that wait only from activities.
type Network struct {
	config   Config
	mu       sync.RWMutex
	nodes    map[string]*Node
	services map[netip.Addr]*Service
	owners   map[netip.Addr]*Node
	rules    atomic.Pointer[[]*Rule]
}

// New returns an empty network.
func New(c Config) *Network {
	n := &Network{config: c, nodes: map[string]*Node{}, services: map[netip.Addr]*Service{}, owners: map[netip.Addr]*Node{}}
	n.rules.Store(new([]*Rule))
	return n
}

// Node is a host.
type Node struct {
	net       *Network
	name      string
	addresses []netip.Addr
	local     map[netip.Addr]*Service // on 127.0.0.0/8, seen by this host alone; guarded by net.mu
}

// AddNode puts a host on the network. It fails when the name or an address is taken.
func (n *Network) AddNode(name string, addresses ...netip.Addr) (*Node, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.nodes[name] != nil {
		return nil, fmt.Errorf("there are two nodes named %s", name)
	}
	for i, a := range addresses {
		if other := n.owners[a]; other != nil || slices.Contains(addresses[:i], a) {
			if other != nil {
				return nil, fmt.Errorf("%s: the address %s is %s's already", name, a, other.name)
			}
			return nil, fmt.Errorf("%s: the address %s stands there twice", name, a)
		}
	}
	node := &Node{net: n, name: name, addresses: slices.Clone(addresses), local: map[netip.Addr]*Service{}}
	n.nodes[name] = node
	for _, a := range addresses {
		n.owners[a] = node
	}
	return node, nil
}

// Name is the node's name.
func (node *Node) Name() string { return node.name }

// Addresses are the node's, in the order they were given.
func (node *Node) Addresses() []netip.Addr { return slices.Clone(node.addresses) }

// Owner is the name of the node that has the address, or "".
func (n *Network) Owner(a netip.Addr) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if node := n.owners[a]; node != nil {
		return node.name
	}
	return ""
}

// service finds who listens at an address as seen from a node (nil for a host without one).
func (n *Network) service(from *Node, to netip.Addr) (s *Service, hostExists bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if to.IsLoopback() {
		if from == nil {
			return nil, true
		}
		return from.local[to], true
	}
	if s := n.services[to]; s != nil {
		return s, true
	}
	return nil, n.owners[to] != nil
}

// Latency is the one-way time between two addresses of the network, without what rules put on top. Real clients at the
// edge have none.
func (n *Network) Latency(a, b netip.Addr) time.Duration { return n.latency(a, b) }

// latency is the one-way time between two addresses.
func (n *Network) latency(a, b netip.Addr) time.Duration {
	if a == b || b.IsLoopback() {
		return 0
	}
	for i := range n.config.Links {
		l := &n.config.Links[i]
		if l.Between[0].Contains(a) && l.Between[1].Contains(b) || l.Between[0].Contains(b) && l.Between[1].Contains(a) {
			return l.Latency
		}
	}
	return n.config.Latency
}

// Source is the address that a host with these addresses sends from to reach a destination: the first of its family
// in its scope (private to private, public to public), else the first of its family. ok is false when the host has
// none of that family.
func Source(addresses []netip.Addr, to netip.Addr) (from netip.Addr, ok bool) {
	if to.IsLoopback() {
		return to, true
	}
	for _, a := range addresses {
		if a.Is4() != to.Is4() {
			continue
		}
		if a.IsPrivate() == to.IsPrivate() {
			return a, true
		}
		if !ok {
			from, ok = a, true
		}
	}
	return from, ok
}
