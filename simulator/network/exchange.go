package network

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Socket sends from a host and waits for replies. It is what the world's programs use as their way out.
type Socket struct {
	net       *Network
	node      *Node // nil for an address without a node
	addresses []netip.Addr
	ports     *rand.Rand
	mu        sync.Mutex // over ports
}

// Socket returns the node's way out; its source ports come from r.
func (node *Node) Socket(r *rand.Rand) *Socket {
	return &Socket{net: node.net, node: node, addresses: node.addresses, ports: r}
}

// SocketFrom returns the way out of a host with these addresses, which need not be on the network: anybody can ask.
func (n *Network) SocketFrom(r *rand.Rand, addresses ...netip.Addr) *Socket {
	n.mu.RLock()
	defer n.mu.RUnlock()
	s := &Socket{net: n, addresses: addresses, ports: r}
	if len(addresses) > 0 {
		s.node = n.owners[addresses[0]]
	}
	return s
}

// timeoutError is a wait that ended without a reply.
type timeoutError struct {
	server netip.AddrPort
	after  time.Duration
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("no answer from %s within %v", e.server, e.after)
}
func (*timeoutError) Timeout() bool   { return true }
func (*timeoutError) Temporary() bool { return true }

// Exchange sends a packed query to server over "udp" or "tcp" and returns the first reply that accept takes; others are
// ignored until timeout of world time has passed. Errors: one whose Timeout() is true, syscall.ECONNREFUSED,
// syscall.EHOSTUNREACH, io.ErrUnexpectedEOF for a TCP connection closed without a reply, and ctx's.
func (s *Socket) Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte,
	timeout time.Duration, accept func(reply []byte) bool) ([]byte, error) {
	var got []byte
	c, err := s.open(ctx, server, network, timeout)
	if err != nil {
		return nil, err
	}
	defer c.close()
	err = c.send(ctx, query)
	for err == nil {
		var reply []byte
		if reply, err = c.receive(ctx); err == nil && accept(reply) {
			got = reply
			break
		}
	}
	return got, err
}

// Transfer sends query over TCP and hands each message that comes back to receive, until that says more is false or
// fails. timeout is for the connection and for each message. Errors are Exchange's, and receive's.
func (s *Socket) Transfer(ctx context.Context, server netip.AddrPort, query []byte, timeout time.Duration,
	receive func(message []byte) (more bool, err error)) error {
	c, err := s.open(ctx, server, "tcp", timeout)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.send(ctx, query); err != nil {
		return err
	}
	for {
		message, err := c.receive(ctx)
		if err != nil {
			return err
		}
		if more, err := receive(message); err != nil || !more {
			return err
		}
		c.deadline = c.net.config.Clock.Now().Add(timeout)
	}
}

// open makes the caller's end of an exchange; over TCP it takes the round trip of a connection.
func (s *Socket) open(ctx context.Context, server netip.AddrPort, network string, timeout time.Duration) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	from, ok := Source(s.addresses, server.Addr())
	if !ok {
		return nil, fmt.Errorf("no address of its family to reach %s from: %w", server, syscall.EHOSTUNREACH)
	}
	s.mu.Lock()
	port := uint16(1024 + s.ports.Uint32N(65536-1024))
	s.mu.Unlock()
	n := s.net
	c := &conn{net: n, node: s.node, network: network, local: netip.AddrPortFrom(from, port), server: server,
		timeout: timeout, deadline: n.config.Clock.Now().Add(timeout), latency: n.latency(from, server.Addr())}
	if network == "tcp" {
		return c, c.connect(ctx)
	}
	return c, nil
}

// Reach picks the address at which this socket best reaches a host that has several: the first in a scope and family
// that the socket has an address in, else the first of a family that it has.
func (s *Socket) Reach(host *Node) (netip.Addr, error) {
	best := netip.Addr{}
	for _, a := range host.addresses {
		from, ok := Source(s.addresses, a)
		switch {
		case !ok:
		case from.IsPrivate() == a.IsPrivate():
			return a, nil
		case !best.IsValid():
			best = a
		}
	}
	if !best.IsValid() {
		return best, fmt.Errorf("no address of a family that both have: %w", syscall.EHOSTUNREACH)
	}
	return best, nil
}

// ID is a message ID from the socket's own random numbers.
func (s *Socket) ID() uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint16(s.ports.Uint32())
}
