package simtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/edge"
	"faultzone/simulator/network"
)

// World is a world that belongs to one test. Its methods may be called from any goroutine of the test, but those that
// fail the test at once only from the test's own, as testing has it for FailNow.
type World struct {
	t       testing.TB
	options Options
	world   *simulator.World
	steps   *steps
	stop    context.CancelFunc
	running sync.WaitGroup
	// acts counts what the test did to the world: while it stays, so does what a question would come to.
	acts atomic.Int64
	// visits counts the connections that were dialled, and callers has who they come from in the world, by their address
	// on this machine.
	visits  atomic.Uint32
	callers sync.Map

	doorsMu sync.Mutex
	doors   map[string]edge.Door // of a live world's nodes: those that were asked for so far

	mu       sync.Mutex
	backends map[netip.AddrPort]string
	sites    map[netip.AddrPort]string // the world's own web hosts that were dialled so far
	closers  []func() error
	faults   []*Fault
	views    map[string]*net.Resolver
	told     []told
}

// Start makes the world of a scenario, virtual and in memory, with the steps of its first moment done. scenario is
// Options.Scenario. The world is closed when the test ends; when none can be made the test fails at once.
func Start(t testing.TB, scenario string) *World {
	t.Helper()
	return StartWith(t, Options{Scenario: scenario})
}

// StartWith is Start with a choice.
func StartWith(t testing.TB, o Options) *World {
	t.Helper()
	s, err := o.plan(t)
	if err != nil {
		t.Fatalf("start a world: %v", err)
	}
	world, err := o.world(s)
	if err != nil {
		t.Fatalf("start the world of %s: %v", s.Name, err)
	}
	w := &World{t: t, options: o, world: world, doors: map[string]edge.Door{}, backends: map[netip.AddrPort]string{}, sites: map[netip.AddrPort]string{}, views: map[string]*net.Resolver{}}
	w.steps = newSteps(w)
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	t.Cleanup(w.end)
	if _, err := w.addresses(o.From); err != nil {
		t.Fatalf("start the world of %s: %v", s.Name, err)
	}
	if err := w.steps.due(ctx, world.Now()); err != nil {
		t.Fatalf("start the world of %s: %v", s.Name, err)
	}
	if o.Live {
		w.running.Go(func() { w.steps.follow(ctx) })
	}
	return w
}

// addresses are those that the test's questions come from, one of each family and scope that there is.
func (w *World) addresses(from string) ([]netip.Addr, error) {
	if from == "" {
		return w.world.VantageAddresses(), nil
	}
	if n, ok := w.node(from); ok {
		return n.Addresses, nil
	}
	a, err := netip.ParseAddr(from)
	if err != nil {
		return nil, fmt.Errorf("from %q: neither a node of the world nor an address", from)
	}
	return []netip.Addr{a}, nil
}

// end closes everything, and tells what there is to tell of a test that failed.
func (w *World) end() {
	w.t.Helper()
	w.stop()
	w.running.Wait()
	for _, f := range w.faults {
		f.end()
	}
	err := w.world.HealAll()
	if w.t.Failed() {
		w.explain()
	}
	for _, close := range slices.Backward(w.closers) {
		err = errors.Join(err, close())
	}
	if err := errors.Join(err, w.world.Close()); err != nil {
		w.t.Errorf("close the world: %v", err)
	}
}

// World is the simulation itself, for what this package has no word for.
func (w *World) World() *simulator.World { return w.world }

// Now is the world's time. In a virtual world it moves only by what is done in it.
func (w *World) Now() time.Time { return w.world.Now() }

// Elapsed is how much of the world's time has passed since its start.
func (w *World) Elapsed() time.Duration { return w.world.Elapsed() }

// Advance moves the world's time on by d, and returns when everything that came due on the way has settled: steps of the
// scenario, expiring caches, zones and signatures, refreshes of secondaries.
func (w *World) Advance(d time.Duration) {
	w.t.Helper()
	if d < 0 {
		w.t.Fatalf("advance by %v: time does not go backwards", d)
	}
	w.acts.Add(1)
	if err := w.steps.advance(context.Background(), d); err != nil {
		w.t.Fatalf("advance by %v: %v", d, err)
	}
}

// Addr is where a node of a live world listens, over UDP and TCP, or a web host with HTTP: "127.0.0.1:PORT". node is its name or its address.
// In a virtual world there are no sockets, and the test fails.
//
// Who asks there is taken for the world's vantage, or for Options.From.
func (w *World) Addr(node string) string {
	w.t.Helper()
	if !w.options.Live {
		w.t.Fatalf("the address of %s: a virtual world has no sockets; start it with simtest.Options{Live: true}, or use Resolver or DialContext", node)
	}
	d, err := w.door(node)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Real.String()
}

// door is where a node's socket is. It is opened when it is first asked for: nobody else can know where it will be.
func (w *World) door(node string) (edge.Door, error) {
	name := node
	if a, err := netip.ParseAddr(node); err == nil {
		name = w.world.Network().Owner(a)
	}
	w.doorsMu.Lock()
	defer w.doorsMu.Unlock()
	if d, ok := w.doors[name]; ok {
		return d, nil
	}
	d, err := w.open(name)
	if err == nil {
		w.doors[name] = d
	}
	return d, err
}

// open puts a node onto a port of 127.0.0.1.
func (w *World) open(name string) (edge.Door, error) {
	as, err := w.addresses(w.options.From)
	if err != nil {
		return edge.Door{}, err
	}
	report := func(err error) { w.t.Log(err) }
	var names []string
	for _, n := range w.world.EdgeNodes() {
		if n.Name == name {
			e, err := edge.Ports(edge.Config{Network: w.world.Network(), Nodes: []edge.Node{n}, As: as, Report: report})
			if err != nil {
				return edge.Door{}, err
			}
			w.closeWith(e.Close)
			return e.Doors()[0], nil
		}
		names = append(names, n.Name)
	}
	for _, n := range w.world.WebNodes() {
		if n.Name == name {
			e, err := edge.Web(edge.WebConfig{Network: w.world.Network(), Nodes: []edge.WebNode{n}, As: as, Report: report})
			if err != nil {
				return edge.Door{}, err
			}
			w.closeWith(e.Close)
			return e.Doors()[0], nil
		}
		names = append(names, n.Name)
	}
	return edge.Door{}, fmt.Errorf("the address of %q: no node of that name listens%s; there are %s", name,
		scenarios.DidYouMean(name, names), strings.Join(names, ", "))
}

// closeWith has something closed when the test ends, the last first.
func (w *World) closeWith(close func() error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closers = append(w.closers, close)
}

// node finds a node by its name.
func (w *World) node(name string) (simulator.Node, bool) {
	for _, n := range w.world.Nodes() {
		if n.Name == name {
			return n, true
		}
	}
	return simulator.Node{}, false
}

// target makes sure that something is a node of the world or an address.
func (w *World) target(name string) (simulator.Node, error) {
	if n, ok := w.node(name); ok {
		return n, nil
	}
	a, err := netip.ParseAddr(name)
	if at, portErr := netip.ParseAddrPort(name); portErr == nil && at.Port() == network.Port {
		a, err = at.Addr(), nil
	}
	if err != nil {
		var names []string
		for _, n := range w.world.Nodes() {
			names = append(names, n.Name)
		}
		return simulator.Node{}, fmt.Errorf("%q is neither a node of the world nor an address%s; there are %s", name,
			scenarios.DidYouMean(name, names), strings.Join(names, ", "))
	}
	if n, ok := w.node(w.world.Network().Owner(a)); ok {
		n.Addresses = []netip.Addr{a}
		return n, nil
	}
	return simulator.Node{Addresses: []netip.Addr{a}}, nil
}
