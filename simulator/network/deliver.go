package network

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"faultzone/simulator/clock"
)

// Deliver takes a message that comes from a real socket at the network's edge to the service it is for, by way of the
// rules, which see it as any other. There is no link's latency on this way: the real one is there already. reply is
// called with each message that comes back, at once or later and from another goroutine; what it is given is its own.
//
// It returns what became of the message: an edge shows Refused and Unreachable on its socket as well as it can. The
// message's data is the caller's again.
func (n *Network) Deliver(m Message, reply func([]byte)) Fate {
	prompt, fate := n.Pass(m, func() Later { return Later{Reply: reply} })
	if prompt != nil {
		reply(prompt)
	}
	return fate
}

// Later takes what comes back after Pass has returned, from any goroutine.
type Later struct {
	// Reply gets each message that comes back; what it is given is its own.
	Reply func([]byte)
	// End, when not nil, is called once when nothing more comes. It is not when the world ends first.
	End func()
}

// Pass is Deliver for those who send what comes back at once themselves: it returns that. Only where something may come
// later does it call later, once and before it returns, for whom to give that to.
func (n *Network) Pass(m Message, later func() Later) (prompt []byte, fate Fate) {
	f := Flight{Network: m.Network, From: m.From, To: m.To, Data: m.Data}
	at := n.config.Clock.Now()
	rule := n.judge(&f)
	svc, hostExists := n.service(n.home(m), m.To.Addr())
	switch {
	case f.Drop:
		return nil, n.lost(&f, at, Dropped, rule)
	case f.Refuse, hostExists && (svc == nil || svc.closed(m.To.Port())):
		return nil, n.lost(&f, at, Refused, rule)
	case !hostExists:
		return nil, n.lost(&f, at, Unreachable, rule)
	}
	life := svc.arrive()
	switch life.state {
	case Refusing:
		return nil, n.lost(&f, at, Refused, rule)
	case Silent, Hanging:
		return nil, n.lost(&f, at, Dropped, rule)
	}
	n.observe(&f, at, Delivered, rule)
	m.Data = f.Data
	if f.Delay == 0 {
		if data, ok := life.handler.AnswerNow(m); ok {
			if data == nil {
				return nil, Delivered
			}
			back, delay := n.back(&m, data, at)
			if delay > 0 {
				n.sendLater(bytes.Clone(back), delay, &awaited{Later: later()}) // it may be the query's own bytes
				back = nil
			}
			return back, Delivered
		}
	}
	m.Data = bytes.Clone(m.Data)
	n.serve(life, m, f.Delay, &awaited{Later: later()})
	return nil, Delivered
}

// awaited is a Later with the number of activities that may still give it something.
type awaited struct {
	Later
	by atomic.Int32
}

// begin starts an activity of that kind.
func (a *awaited) begin(c clock.Clock, f func()) {
	a.by.Add(1)
	c.Go(func() {
		defer func() {
			if a.by.Add(-1) == 0 && a.End != nil {
				a.End()
			}
		}()
		f()
	})
}

// home is the node that a message stays on: that of its sender, when it is for a loopback address.
func (n *Network) home(m Message) *Node {
	if !m.To.Addr().IsLoopback() {
		return nil
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.owners[m.From.Addr()]
}

// serve has a message answered by an activity, delay after now.
func (n *Network) serve(life *process, m Message, delay time.Duration, a *awaited) {
	clock := n.config.Clock
	a.begin(clock, func() {
		if delay > 0 && clock.Sleep(life.ctx, delay) != nil {
			return
		}
		_ = life.handler.Serve(life.ctx, m, func(data []byte) error {
			back, delay := n.back(&m, data, clock.Now())
			switch {
			case back == nil:
			case delay > 0:
				n.sendLater(back, delay, a)
			default:
				a.Reply(back)
			}
			return nil
		})
	})
}

func (n *Network) lost(f *Flight, at time.Time, fate Fate, rule string) Fate {
	n.observe(f, at, fate, rule)
	return fate
}

// back takes a reply to m out again, and says how long a rule holds it up; nil when it is lost.
func (n *Network) back(m *Message, data []byte, at time.Time) ([]byte, time.Duration) {
	f := Flight{Network: m.Network, From: m.To, To: m.From, Reply: true, Data: data}
	rule := n.judge(&f)
	if f.Drop || f.Refuse {
		n.observe(&f, at, Dropped, rule)
		return nil, 0
	}
	n.observe(&f, at, Delivered, rule)
	return f.Data, f.Delay
}

// sendLater gives a reply to its socket after a delay.
func (n *Network) sendLater(data []byte, delay time.Duration, a *awaited) {
	a.begin(n.config.Clock, func() {
		if n.config.Clock.Sleep(context.Background(), delay) == nil {
			a.Reply(data)
		}
	})
}
