package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// conn is one exchange seen from the caller: its socket and what has arrived for it. Replies are put into the inbox
// when they are sent, with the time at which they arrive; the caller sleeps the rest of the way.
type conn struct {
	net           *Network
	node          *Node
	network       string
	local, server netip.AddrPort
	timeout       time.Duration
	deadline      time.Time
	latency       time.Duration
	prompt        []byte // the reply of AnswerNow, which needs no inbox
	promptAt      time.Time

	mu     sync.Mutex
	inbox  []arrival
	closed bool // the other end of the TCP connection, after what the inbox holds
	gone   bool // this end: nothing more is put into the inbox
	wake   func()
}

type arrival struct {
	at   time.Time
	data []byte
}

func (c *conn) close() {
	c.mu.Lock()
	c.gone = true
	c.mu.Unlock()
}

// connect opens the TCP connection.
func (c *conn) connect(ctx context.Context) error {
	f := Flight{Network: "tcp", From: c.local, To: c.server, Opening: true}
	svc, life, err := c.leave(ctx, &f)
	if err != nil {
		return err
	}
	if svc != nil && life.state == Silent {
		return c.expire(ctx)
	}
	return c.net.config.Clock.Sleep(ctx, c.latency)
}

// send takes one message to the server and has it answered there. It returns after the way there; a refusal comes
// back as an error, a loss as nothing: receive then runs into the deadline.
func (c *conn) send(ctx context.Context, query []byte) error {
	f := Flight{Network: c.network, From: c.local, To: c.server, Data: query}
	svc, life, err := c.leave(ctx, &f)
	if err != nil || svc == nil || life.state != Up {
		return err
	}
	m := Message{Network: f.Network, From: f.From, To: f.To, Data: f.Data}
	if reply, ok := life.handler.AnswerNow(m); ok {
		if reply != nil {
			c.prompt, c.promptAt, _ = c.back(reply)
		}
		return nil
	}
	c.net.config.Clock.Go(func() {
		// What the program says of its own failure is its own affair: the network sees what it sent.
		_ = life.handler.Serve(life.ctx, m, c.post)
		if c.network == "tcp" {
			c.end()
		}
	})
	return nil
}

// leave takes a leg from the caller to the server's door. svc is nil when the leg was lost on the way.
func (c *conn) leave(ctx context.Context, f *Flight) (svc *Service, life *process, err error) {
	n := c.net
	at := n.config.Clock.Now()
	rule := n.judge(f)
	switch {
	case f.Drop:
		n.observe(f, at, Dropped, rule)
		if f.Opening {
			return nil, nil, c.expire(ctx)
		}
		return nil, nil, nil
	case f.Refuse:
		n.observe(f, at, Refused, rule)
		return nil, nil, c.refused(ctx, c.latency*2+f.Delay)
	}
	svc, hostExists := n.service(c.node, c.server.Addr())
	if !hostExists {
		n.observe(f, at, Unreachable, rule)
		return nil, nil, fmt.Errorf("%s: %w", c.server, syscall.EHOSTUNREACH)
	}
	if late := n.config.Clock.Now().Add(c.latency + f.Delay); late.After(c.deadline) {
		return nil, nil, c.leaveLate(ctx, f, at, rule)
	}
	if err := n.config.Clock.Sleep(ctx, c.latency+f.Delay); err != nil {
		return nil, nil, err
	}
	if svc == nil || svc.closed(c.server.Port()) {
		n.observe(f, at, Refused, rule)
		return nil, nil, c.refused(ctx, c.latency)
	}
	life = svc.arrive()
	switch {
	case life.state == Refusing:
		n.observe(f, at, Refused, rule)
		return nil, nil, c.refused(ctx, c.latency)
	case life.state == Silent || life.state == Hanging && !f.Opening:
		n.observe(f, at, Dropped, rule)
	default:
		n.observe(f, at, Delivered, rule)
	}
	return svc, life, nil
}

// leaveLate lets a leg arrive after its sender has stopped waiting: the server still works for it.
func (c *conn) leaveLate(ctx context.Context, f *Flight, at time.Time, rule string) error {
	n, flight := c.net, *f
	delay := c.latency + f.Delay
	n.config.Clock.Go(func() {
		if n.config.Clock.Sleep(context.Background(), delay) != nil {
			return
		}
		svc, _ := n.service(c.node, c.server.Addr())
		if svc == nil || flight.Opening || svc.closed(c.server.Port()) {
			return
		}
		life := svc.arrive()
		if life.state != Up {
			n.observe(&flight, at, Dropped, rule)
			return
		}
		n.observe(&flight, at, Delivered, rule)
		m := Message{Network: flight.Network, From: flight.From, To: flight.To, Data: flight.Data}
		if _, ok := life.handler.AnswerNow(m); !ok {
			_ = life.handler.Serve(life.ctx, m, func([]byte) error { return errHungUp })
		}
	})
	return c.expire(ctx)
}

// errHungUp is what a server's send returns over TCP when its caller has gone.
var errHungUp = errors.New("the other end has closed the connection")

// back takes a reply from the server towards the caller and tells when it arrives.
func (c *conn) back(reply []byte) (data []byte, at time.Time, ok bool) {
	now := c.net.config.Clock.Now()
	f := Flight{Network: c.network, From: c.server, To: c.local, Reply: true, Data: reply}
	rule := c.net.judge(&f)
	if f.Drop || f.Refuse {
		c.net.observe(&f, now, Dropped, rule)
		return nil, now, false
	}
	c.net.observe(&f, now, Delivered, rule)
	return f.Data, now.Add(c.latency + f.Delay), true
}

// post is the server's send.
func (c *conn) post(reply []byte) error {
	data, at, ok := c.back(reply)
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		if c.network == "tcp" {
			return errHungUp
		}
		return nil
	}
	if ok {
		c.inbox = append(c.inbox, arrival{at, data})
	}
	c.ring()
	return nil
}

// end closes the server's end of a TCP connection.
func (c *conn) end() {
	c.mu.Lock()
	c.closed = true
	c.ring()
}

// ring wakes the caller if it waits, and releases c.mu, which the scheduler must not be called with.
func (c *conn) ring() {
	wake := c.wake
	c.wake = nil
	c.mu.Unlock()
	if wake != nil {
		wake()
	}
}

// receive waits for the next message until the deadline.
func (c *conn) receive(ctx context.Context) ([]byte, error) {
	clock := c.net.config.Clock
	if c.prompt != nil {
		data, at := c.prompt, c.promptAt
		c.prompt = nil
		if at.After(c.deadline) {
			return nil, c.expire(ctx)
		}
		return data, clock.Sleep(ctx, at.Sub(clock.Now()))
	}
	waiting, cancel := clock.WithTimeout(ctx, max(c.deadline.Sub(clock.Now()), 1))
	defer cancel()
	for {
		c.mu.Lock()
		if i := c.next(); i >= 0 {
			a := c.inbox[i]
			c.inbox = append(c.inbox[:i], c.inbox[i+1:]...)
			c.mu.Unlock()
			if a.at.After(c.deadline) {
				continue // too late for this caller
			}
			return a.data, clock.Sleep(ctx, a.at.Sub(clock.Now()))
		}
		if c.closed {
			c.mu.Unlock()
			return nil, fmt.Errorf("%s closed the connection: %w", c.server, io.ErrUnexpectedEOF)
		}
		done, fire := clock.Signal()
		c.wake = fire
		c.mu.Unlock()
		if err := clock.Await(waiting, done); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if waiting.Err() != nil {
				return nil, &timeoutError{c.server, c.timeout}
			}
			return nil, err
		}
	}
}

// next is the place of the message that arrives first, or -1.
func (c *conn) next() int {
	first := -1
	for i := range c.inbox {
		if first < 0 || c.inbox[i].at.Before(c.inbox[first].at) {
			first = i
		}
	}
	return first
}

// expire waits for the deadline, in vain.
func (c *conn) expire(ctx context.Context) error {
	if err := c.net.config.Clock.Sleep(ctx, c.deadline.Sub(c.net.config.Clock.Now())); err != nil {
		return err
	}
	return &timeoutError{c.server, c.timeout}
}

// refused lets the refusal travel back.
func (c *conn) refused(ctx context.Context, after time.Duration) error {
	if c.net.config.Clock.Now().Add(after).After(c.deadline) {
		return c.expire(ctx)
	}
	if err := c.net.config.Clock.Sleep(ctx, after); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", c.server, syscall.ECONNREFUSED)
}
