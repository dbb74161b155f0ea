package network

import (
	"context"
	"time"
)

// Deliver takes a message that comes from a real socket at the network's edge to the service it is for, by way of the
// rules, which see it as any other. There is no link's latency on this way: the real one is there already. reply is
// called with each message that comes back, at once or later and from another goroutine.
//
// It returns what became of the message: an edge shows Refused and Unreachable on its socket as well as it can.
func (n *Network) Deliver(m Message, reply func([]byte)) Fate {
	f := Flight{Network: m.Network, From: m.From, To: m.To, Data: m.Data}
	at := n.config.Clock.Now()
	rule := n.judge(&f)
	svc, hostExists := n.service(nil, m.To.Addr())
	switch {
	case f.Drop:
		return n.lost(&f, at, Dropped, rule)
	case f.Refuse, hostExists && svc == nil:
		return n.lost(&f, at, Refused, rule)
	case !hostExists:
		return n.lost(&f, at, Unreachable, rule)
	}
	life := svc.arrive()
	switch life.state {
	case Refusing:
		return n.lost(&f, at, Refused, rule)
	case Silent, Hanging:
		return n.lost(&f, at, Dropped, rule)
	}
	n.observe(&f, at, Delivered, rule)
	m.Data = f.Data
	send := func(data []byte) error { n.deliverBack(m, data, reply); return nil }
	if f.Delay == 0 {
		if data, ok := life.handler.AnswerNow(m); ok {
			if data != nil {
				n.deliverBack(m, data, reply)
			}
			return Delivered
		}
	}
	n.config.Clock.Go(func() {
		if f.Delay > 0 && n.config.Clock.Sleep(life.ctx, f.Delay) != nil {
			return
		}
		_ = life.handler.Serve(life.ctx, m, send)
	})
	return Delivered
}

func (n *Network) lost(f *Flight, at time.Time, fate Fate, rule string) Fate {
	n.observe(f, at, fate, rule)
	return fate
}

// deliverBack takes a reply out again, to the real socket.
func (n *Network) deliverBack(m Message, data []byte, reply func([]byte)) {
	now := n.config.Clock.Now()
	f := Flight{Network: m.Network, From: m.To, To: m.From, Reply: true, Data: data}
	rule := n.judge(&f)
	if f.Drop || f.Refuse {
		n.observe(&f, now, Dropped, rule)
		return
	}
	n.observe(&f, now, Delivered, rule)
	if f.Delay == 0 {
		reply(f.Data)
		return
	}
	n.config.Clock.Go(func() {
		if n.config.Clock.Sleep(context.Background(), f.Delay) == nil {
			reply(f.Data)
		}
	})
}
