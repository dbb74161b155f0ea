// Package simulator builds a world from a scenario and lets it be broken.
//
// A [World] is a small internet: authoritative servers, resolvers and clients on a network of their own, under one
// clock. It is the only place where faults meet servers. In virtual time it moves only while it is driven, and the
// same scenario with the same seed gives the same [Journal], byte for byte; in live time it follows the wall. A closed
// world leaves nothing behind. Worlds share nothing, so any number of them can stand side by side.
package simulator

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
	"faultzone/scenarios"
	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
	"faultzone/simulator/fault"
	"faultzone/simulator/network"
)

// Options say how a scenario is brought to life.
type Options struct {
	// Live makes the world follow the wall, at Speed times its pace (0: at its own pace, 1).
	Live  bool
	Speed float64
	// Start sets another moment to begin at. The world's whole calendar is shifted so that the scenario's start falls
	// on it. Zero: the scenario's own start in virtual time, the wall's now in live time.
	Start time.Time
	// Seed replaces the scenario's.
	Seed *uint64
	// Trace has questions put with Query tell their paths through resolvers (Result.Traces).
	Trace bool
	// OnBuilt, when not nil, is called once with the world when all of it is there and nothing has happened in it: the
	// place to call Observe. It must not close the world or move its time.
	OnBuilt func(*World)
	// DialOut reaches the real servers of the scenario's [upstream], by the real time deadline. nil: by this machine's network.
	DialOut DialOut
}

// World is one running simulation. Its methods may be called from any goroutine that is not one of its activities.
type World struct {
	scenario *scenarios.Scenario
	seed     uint64
	start    time.Time
	shift    time.Duration // from the scenario's calendar to the world's
	driver   clock.Driver
	net      *network.Network
	journal  *Journal
	// observers are told of each leg after the journal; nil: there are none.
	observers atomic.Pointer[[]*observer]
	zones     *zoneBook
	nodes     map[string]*node
	order     []*node // in the order of the scenario
	vantage   *network.Socket
	keys      map[string]scenarios.Key

	acts   sync.Mutex // one fault is injected or healed at a time
	layers fault.Layers

	dialOut DialOut // nil: by this machine's network

	trace  bool
	traces tracers

	mu      sync.Mutex
	faults  []*Injected
	sockets map[netip.Addr]*network.Socket // of addresses without a node that questions came from
	closed  bool
}

// bootTime is how long before its start a world is switched on: its secondaries transfer their zones in this time.
const bootTime = 5 * time.Second

// New builds the scenario's world and lets it come up: when New returns, its time is the start, zones are signed and
// secondaries have their copies. The caller closes it. The scenario is not changed.
func New(s *scenarios.Scenario, o Options) (*World, error) {
	own := *s
	s = &own // a root may be added
	w := &World{scenario: s, seed: s.Seed, start: s.Start, nodes: map[string]*node{}, keys: map[string]scenarios.Key{},
		sockets: map[netip.Addr]*network.Socket{}}
	if o.Seed != nil {
		w.seed = *o.Seed
	}
	w.trace, w.dialOut = o.Trace, o.DialOut
	switch {
	case !o.Start.IsZero():
		w.start = o.Start.UTC()
	case o.Live:
		w.start = clock.Wall{}.Now().UTC().Truncate(time.Second)
	}
	w.shift = w.start.Sub(s.Start)
	if o.Live {
		live, err := clock.NewLive(w.start.Add(-bootTime), 0)
		if err != nil {
			return nil, err
		}
		w.driver = live
	} else {
		w.driver = clock.NewVirtual(w.start.Add(-bootTime))
	}
	if err := w.boot(o); err != nil {
		w.driver.Close()
		w.closeUpstream()
		return nil, err
	}
	return w, nil
}

func (w *World) boot(o Options) error {
	w.journal = &Journal{names: func(e network.Event) (string, string) {
		return w.net.Owner(e.From.Addr()), w.net.Owner(e.To.Addr())
	}}
	if err := w.build(); err != nil {
		return err
	}
	if o.OnBuilt != nil {
		o.OnBuilt(w)
	}
	for _, n := range w.order {
		n.start()
	}
	w.note(Entry{Kind: KindWorld, What: "boot", Text: fmt.Sprintf("seed %d", w.seed)})
	if err := w.driver.Advance(bootTime); err != nil {
		return err
	}
	w.note(Entry{Kind: KindWorld, What: "start", Text: w.scenario.Title})
	if live, ok := w.driver.(*clock.Live); ok {
		speed := o.Speed
		if speed == 0 {
			speed = 1
		}
		return live.SetSpeed(speed)
	}
	return nil
}

// Close stops the world and returns when nothing of it runs any more. The error is that of an activity that panicked.
func (w *World) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	err := w.driver.Close()
	w.closeUpstream()
	return err
}

// Now is the world's time.
func (w *World) Now() time.Time { return w.driver.Now() }

// Start is the world time at which the scenario begins.
func (w *World) Start() time.Time { return w.start }

// Elapsed is how much world time has passed since the start.
func (w *World) Elapsed() time.Duration { return w.Now().Sub(w.start) }

// Clock tells the world's time and lets activities wait; it cannot be moved through it.
func (w *World) Clock() clock.Clock { return w.driver }

// Run runs f as an activity of the world, where it may wait through [World.Clock], and returns when it has ended.
func (w *World) Run(f func()) error { return w.driver.Run(f) }

// Network is the world's internet.
func (w *World) Network() *network.Network { return w.net }

// Journal is the record of what happened.
func (w *World) Journal() *Journal { return w.journal }

// Scenario is what the world was built from.
func (w *World) Scenario() *scenarios.Scenario { return w.scenario }

// Advance moves the world's time on and returns when all that came due has settled.
func (w *World) Advance(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("advance by %v: time does not go backwards", d)
	}
	w.note(Entry{Kind: KindWorld, What: "advance", Text: d.String()})
	return w.driver.Advance(d)
}

// Live tells whether the world follows the wall.
func (w *World) Live() bool {
	_, live := w.driver.(*clock.Live)
	return live
}

// Speed is the present pace: 0 in a world that stands still, as every world in virtual time does.
func (w *World) Speed() float64 {
	if live, ok := w.driver.(*clock.Live); ok {
		return live.Speed()
	}
	return 0
}

// SetSpeed changes the pace of a live world; 0 pauses it.
func (w *World) SetSpeed(speed float64) error {
	live, ok := w.driver.(*clock.Live)
	if !ok {
		return fmt.Errorf("a world in virtual time has no speed; advance it instead")
	}
	return live.SetSpeed(speed)
}

// note writes into the journal, at the world's time.
func (w *World) note(e Entry) {
	e.At = w.Now()
	w.journal.add(e)
}

// remark writes what a resolver says into the journal: what it says of queries that cost it nothing, with the traffic.
func (w *World) remark(e Entry) {
	e.At = w.Now()
	switch e.What {
	case resolver.EventCacheHit, resolver.EventFollow, resolver.EventLocal, resolver.EventRefused:
		w.journal.addRemark(&e)
	default:
		w.journal.add(e)
	}
}

// Note writes a step of a scenario into the journal.
func (w *World) Note(what, text string) { w.note(Entry{Kind: KindStep, What: what, Text: text}) }

// Act writes into the journal what somebody outside of the world does to it.
func (w *World) Act(by, what, text string) {
	w.note(Entry{Kind: KindAct, By: by, What: what, Text: text})
}

// VantageAddresses are where questions come from when nobody says otherwise.
func (w *World) VantageAddresses() []netip.Addr { return w.scenario.World.Vantage }

// EdgeNodes are the nodes that others can ask for names, to be put onto real sockets; [World.WebNodes] has those that
// answer HTTP.
func (w *World) EdgeNodes() []edge.Node {
	var list []edge.Node
	for _, n := range w.order {
		if n.service != nil && n.client == nil && n.web == nil && n.wayOut == nil {
			list = append(list, edge.Node{Name: n.name, Addresses: n.host.Addresses(), Service: n.service})
		}
	}
	return list
}

// LocalStub is a client's own stub as a node, at its loopback address, to be put onto a real socket: of those who come from
// the client's address the network lets it be reached. ok is false for a client without one, and for what is no client.
func (w *World) LocalStub(client string) (stub edge.Node, ok bool) {
	n := w.nodes[client]
	if n == nil || n.local == nil {
		return edge.Node{}, false
	}
	return edge.Node{Name: n.name, Addresses: []netip.Addr{localStub()}, Service: n.service}, true
}

// ExampleName is a question that the world has an answer to: the address of a host in its lowest zone, www where there
// is one, else that zone's SOA. Of several zones it is the last, and never one of arpa.
func (w *World) ExampleName() (name, rrtype string) {
	best, depth := ".", 0
	for _, origin := range w.zones.origins {
		labels := dns.CountLabel(origin)
		if dns.IsSubDomain("arpa.", origin) {
			labels = 0
		}
		if w.zones.masters[origin] != nil && labels > 0 && labels >= depth {
			best, depth = origin, labels
		}
	}
	name, rrtype = best, "SOA"
	master := w.zones.masters[best]
	if master == nil {
		return name, rrtype
	}
	rrs, err := w.zones.parse(master)
	if err != nil {
		return name, rrtype
	}
	for _, rr := range rrs {
		owner := dns.CanonicalName(rr.Header().Name)
		if rr.Header().Rrtype != dns.TypeA || strings.HasPrefix(owner, "*.") {
			continue
		}
		if owner == "www."+best {
			return owner, "A"
		}
		if rrtype == "SOA" {
			name, rrtype = owner, "A"
		}
	}
	return name, rrtype
}
