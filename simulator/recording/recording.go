// Package recording takes what crosses a world's network out of it, leg by leg, and never holds the world up.
//
// A [Recorder] hands each leg to a [Sink], which writes it in some format. A world in virtual time waits for its sink, a
// file as a rule, so that a recording lacks nothing and is the same for the same scenario and seed, byte for byte. A live
// world waits for nobody: legs go into a queue of fixed size, another goroutine writes them, and what finds the queue
// full, or what the sink could not write, is dropped and counted.
package recording

import (
	"errors"
	"net/netip"
	"time"

	"faultzone/simulator"
	"faultzone/simulator/network"
)

// Leg is one leg of an exchange as a sink gets it.
type Leg struct {
	network.Event // its data is the sink's only until Write returns
	// Scene is the world that the leg belongs to.
	Scene *Scene
	// Seen is the world time at which its fate was known, never before the one seen earlier in the same world: of a
	// query, when it arrived or was lost; of a reply, when it left.
	Seen time.Time
}

// Arrives is the world time at which the leg arrives, if it does.
func (l *Leg) Arrives() time.Time {
	if !l.Reply {
		return l.Seen
	}
	return l.At.Add(l.Scene.latency(l.From.Addr(), l.To.Addr()) + l.Delay)
}

// RoundTrip is the time that a message takes there and back on the leg's link, without what faults add.
func (l *Leg) RoundTrip() time.Duration { return 2 * l.Scene.latency(l.From.Addr(), l.To.Addr()) }

// Sink writes legs. One goroutine at a time calls it.
type Sink interface {
	// Write takes a leg. After an error this leg, and all since the last Flush, count as dropped; but [ErrLeftOut] says
	// that the format has no place for it, and changes nothing.
	Write(*Leg) error
	// Flush hands on what Write has kept back.
	Flush() error
	// Close flushes and closes. Its error is the first that lost something for good.
	Close() error
}

// ErrLeftOut is what [Sink.Write] returns for a leg that a recording of its format never has.
var ErrLeftOut = errors.New("this format has no place for such a leg")

// Host is a node of the world.
type Host struct {
	Name string
	Role simulator.Role
}

// Scene is a world's hosts and links, which stay the same as long as it lives.
type Scene struct {
	hosts   map[netip.Addr]Host
	latency func(a, b netip.Addr) time.Duration
}

func newScene(w *simulator.World) *Scene {
	s := &Scene{hosts: map[netip.Addr]Host{}}
	for _, n := range w.Nodes() {
		for _, a := range n.Addresses {
			s.hosts[a] = Host{Name: n.Name, Role: n.Role}
		}
	}
	s.latency = func(a, b netip.Addr) time.Duration {
		if s.hosts[a].Name == "" || s.hosts[b].Name == "" {
			return 0 // a real client at the edge
		}
		return w.Network().Latency(a, b)
	}
	return s
}

// Host is the node that has the address; ok is false for everybody else, and for addresses of 127.0.0.0/8, which each
// node has.
func (s *Scene) Host(a netip.Addr) (h Host, ok bool) {
	h, ok = s.hosts[a]
	return h, ok
}
