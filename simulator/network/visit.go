package network

import (
	"context"
	"net/netip"
)

// Visit takes the opening of a connection that comes from outside of the network, or a request on one that is open, to
// the service at an address: by way of the rules, which see the opening of a TCP connection. What is then said between
// the two does not cross the network. met is told what the caller meets there: Delivered is a service that is Up;
// Dropped, one that says nothing or cannot be reached. It is called once: before Visit returns or, where a rule holds
// the opening up, from an activity as much later, if the world lives as long.
func (n *Network) Visit(from, to netip.AddrPort, met func(Fate)) {
	f := Flight{Network: "tcp", From: from, To: to, Opening: true}
	at := n.config.Clock.Now()
	rule := n.judge(&f)
	arrive := func() {
		fate := n.door(&f)
		n.observe(&f, at, fate, rule)
		met(fate)
	}
	if f.Delay == 0 || f.Drop || f.Refuse {
		arrive()
		return
	}
	n.config.Clock.Go(func() {
		if n.config.Clock.Sleep(context.Background(), f.Delay) == nil {
			arrive()
		}
	})
}

// door is what an opening meets at its end.
func (n *Network) door(f *Flight) Fate {
	svc, hostExists := n.service(nil, f.To.Addr())
	switch {
	case f.Drop:
		return Dropped
	case f.Refuse, hostExists && (svc == nil || svc.closed(f.To.Port())):
		return Refused
	case !hostExists:
		return Unreachable
	}
	switch svc.arrive().state {
	case Refusing:
		return Refused
	case Silent, Hanging:
		return Dropped
	}
	return Delivered
}
