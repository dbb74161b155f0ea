package network

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
)

// State is how a service looks from outside.
type State uint32

// The states of a service. What each looks like to a socket:
const (
	Up       State = iota
	Silent         // the host is dark: UDP and TCP get no answer at all
	Refusing       // the program is gone, its host is not: ECONNREFUSED after a round trip
	Hanging        // the program is there and stuck: UDP is silent, TCP connects and stays silent
)

func (s State) String() string {
	switch s {
	case Up:
		return "up"
	case Silent:
		return "silent"
	case Refusing:
		return "refusing"
	case Hanging:
		return "hanging"
	}
	return fmt.Sprintf("State(%d)", uint32(s))
}

// Service is a program that listens on addresses of its host.
type Service struct {
	node    *Node
	port    uint16
	running atomic.Pointer[process]
	// Seen counts the messages (and TCP connections) that arrived; Lost those that met a state other than Up.
	seen, lost atomic.Int64
	watchers   atomic.Pointer[[]func(State)]
}

// process is one life of a service: from a start to a stop, or the time between.
type process struct {
	state   State
	handler Handler
	ctx     context.Context
	cancel  context.CancelFunc
}

// Listen puts a program on addresses of the node: its own, or some in 127.0.0.0/8, which only the node itself can
// reach. The service is Refusing until it is started.
func (node *Node) Listen(addresses ...netip.Addr) (*Service, error) {
	return node.ListenOn(Port, addresses...)
}

// ListenOn is Listen on another port than 53. An address has one service.
func (node *Node) ListenOn(port uint16, addresses ...netip.Addr) (*Service, error) {
	s := &Service{node: node, port: port}
	s.running.Store(&process{state: Refusing, cancel: func() {}})
	s.watchers.Store(new([]func(State)))
	node.net.mu.Lock()
	defer node.net.mu.Unlock()
	for _, a := range addresses {
		switch {
		case a.IsLoopback() && node.local[a] == nil:
			node.local[a] = s
		case !a.IsLoopback() && node.net.owners[a] == node && node.net.services[a] == nil:
			node.net.services[a] = s
		default:
			return nil, fmt.Errorf("%s cannot listen on %s: the address is not its own, or is taken", node.name, a)
		}
	}
	return s, nil
}

// Start begins a life of the program; the context that its Serve calls get, and which is returned, ends with it.
func (s *Service) Start(h Handler) context.Context {
	ctx, cancel := s.node.net.config.Clock.WithTimeout(context.Background(), 0)
	s.become(&process{state: Up, handler: h, ctx: ctx, cancel: cancel})
	return ctx
}

// Stop ends the program and leaves the address in a state: Silent, Refusing or Hanging.
func (s *Service) Stop(look State) { s.become(&process{state: look, cancel: func() {}}) }

func (s *Service) become(p *process) {
	s.running.Swap(p).cancel()
	for _, watch := range *s.watchers.Load() {
		watch(p.state)
	}
}

// State is how the service looks now.
func (s *Service) State() State { return s.running.Load().state }

// Counts are how many messages arrived so far, and how many of them met a service that was not Up.
func (s *Service) Counts() (seen, lost int64) { return s.seen.Load(), s.lost.Load() }

// Watch has f called after each change of the state. It is for edges, which show the state on real sockets.
func (s *Service) Watch(f func(State)) {
	for {
		old := s.watchers.Load()
		list := append((*old)[:len(*old):len(*old)], f)
		if s.watchers.CompareAndSwap(old, &list) {
			return
		}
	}
}

// closed tells whether a host shows no sign of the service at a port: it listens on another. A dark host shows none of
// anything.
func (s *Service) closed(port uint16) bool { return s.port != port && s.State() != Silent }

// arrive notes a message at the door and returns the life it meets.
func (s *Service) arrive() *process {
	p := s.running.Load()
	s.seen.Add(1)
	if p.state != Up {
		s.lost.Add(1)
	}
	return p
}
