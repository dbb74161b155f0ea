// Package live hosts a world on real sockets of this machine: it opens them, plays the scenario's steps as the wall
// brings their times, stops that and heals everything when told to halt, and can begin again at the same addresses.
//
// A [Host] outlives its worlds: [Host.Reset] puts a new one, as it was at the start, in the old one's place. Whoever
// holds a world of it asks for it anew after a reset ([Host.World], [Life.Ended]). Close leaves nothing behind.
package live

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/edge"
	"faultzone/simulator/play"
)

// Config says what to host, and where.
type Config struct {
	Scenario *scenarios.Scenario
	// Options are those of each of its worlds; Live is implied, and a Speed of 0 is 1.
	Options simulator.Options
	// Open makes the sockets: edge.Ports, edge.Loopback or edge.Exact.
	Open func(edge.Config) (*edge.Edge, error)
	// Web is where the world's web hosts answer HTTP; nil: nowhere.
	Web *edge.WebForm
	// Port is the edge's; see edge.Config.
	Port uint16
	// As are the world addresses that real clients are taken for; none: the world's vantage.
	As []netip.Addr
	// Without are nodes that get no sockets: real programs may take their places. Outside, when not nil, is how the world's
	// own hosts ask them.
	Without []string
	Outside simulator.RealProgram
	// LocalStub is a client whose own stub at 127.0.0.53 gets sockets too, where it has one; empty: none does.
	LocalStub string
	// Report is told of what goes wrong behind the scenes, such as a socket that could not be opened again.
	Report func(error)
	// OnStep is told of each step as it is done. It is called from the goroutine that called Play.
	OnStep func(play.Step)
}

// Host is a world on real sockets. Its methods may be called from any goroutine.
type Host struct {
	config Config
	edge   *edge.Edge

	acts sync.Mutex    // one reset, halt or close at a time
	web  *edge.WebEdge // nil: none; guarded by acts
	mu   sync.Mutex
	life *Life
}

// Life is one world of a host, from its start to the reset that ends it.
type Life struct {
	World *simulator.World
	// Playing ends when no more steps are to be played: after a halt, a reset or a close.
	playing context.Context
	stop    context.CancelFunc
	ended   chan struct{}
	done    atomic.Int32
	// halted is the reason of the first halt; guarded by the host's mu.
	halted *string
}

// Done is how many of the scenario's steps have been played.
func (l *Life) Done() int { return int(l.done.Load()) }

// Ended is closed when another world has taken this one's place, or the host is closed.
func (l *Life) Ended() <-chan struct{} { return l.ended }

// ErrHalted is what a play ends with when somebody has halted the world.
var ErrHalted = errors.New("halted")

// New builds the world and opens its sockets. The world answers, and its time stands still until Go.
func New(c Config) (*Host, error) {
	c.Options.Live = true
	if c.Options.Speed == 0 {
		c.Options.Speed = 1
	}
	h := &Host{config: c}
	l, err := h.begin()
	if err != nil {
		return nil, err
	}
	h.life = l
	h.edge, err = c.Open(edge.Config{Network: l.World.Network(), Nodes: h.nodes(l.World), Others: h.webHosts(l.World), As: h.as(l.World),
		Port: c.Port, Report: c.Report})
	if err != nil {
		return nil, &EdgeError{errors.Join(err, l.World.Close())}
	}
	if err := h.openWeb(l.World); err != nil {
		return nil, &EdgeError{errors.Join(err, h.edge.Close(), l.World.Close())}
	}
	return h, nil
}

// openWeb has a world's web hosts answer, instead of those of the world before.
func (h *Host) openWeb(w *simulator.World) (err error) {
	switch {
	case h.config.Web == nil:
	case h.web != nil:
		err = h.web.Move(w.Network(), w.WebNodes())
	default:
		h.web, err = edge.Web(edge.WebConfig{Network: w.Network(), Nodes: w.WebNodes(), Form: *h.config.Web, As: h.as(w), Report: h.config.Report})
	}
	return err
}

// webHosts are the hosts of a world that get sockets for HTTP.
func (h *Host) webHosts(w *simulator.World) (list []edge.Node) {
	if h.config.Web != nil {
		for _, n := range w.WebNodes() {
			list = append(list, edge.Node{Name: n.Name, Addresses: n.Addresses})
		}
	}
	return list
}

// as are the world addresses that real clients are taken for.
func (h *Host) as(w *simulator.World) []netip.Addr {
	if len(h.config.As) > 0 {
		return h.config.As
	}
	return w.VantageAddresses()
}

// nodes are those of a world that get sockets.
func (h *Host) nodes(w *simulator.World) []edge.Node {
	list := slices.DeleteFunc(w.EdgeNodes(), func(n edge.Node) bool { return slices.Contains(h.config.Without, n.Name) })
	if stub, ok := w.LocalStub(h.config.LocalStub); ok {
		list = append(list, stub)
	}
	return list
}

// EdgeError is what this machine refused: a port, a permission, an address.
type EdgeError struct{ Err error }

func (e *EdgeError) Error() string { return e.Err.Error() }

// Unwrap gives the system's error, such as syscall.EADDRINUSE.
func (e *EdgeError) Unwrap() error { return e.Err }

// begin builds a world that stands still.
func (h *Host) begin() (*Life, error) {
	w, err := simulator.New(h.config.Scenario, h.config.Options)
	if err != nil {
		return nil, err
	}
	if err := w.SetSpeed(0); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if h.config.Outside != nil {
		for _, name := range h.config.Without {
			if err := w.Replace(name, h.config.Outside); err != nil {
				return nil, errors.Join(err, w.Close())
			}
		}
	}
	l := &Life{World: w, ended: make(chan struct{})}
	l.playing, l.stop = context.WithCancel(context.Background())
	return l, nil
}

// Go lets the world's time pass, at the speed that the options say.
func (h *Host) Go() error { return h.World().SetSpeed(h.config.Options.Speed) }

// Life is the present world with its end.
func (h *Host) Life() *Life {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.life
}

// World is the present world.
func (h *Host) World() *simulator.World { return h.Life().World }

// Doors are the real addresses, in the order of the nodes. They stay the same over a reset.
func (h *Host) Doors() []edge.Door { return h.edge.Doors() }

// WebDoors are the real addresses at which the world's web hosts answer HTTP. They stay the same over a reset.
func (h *Host) WebDoors() []edge.Door {
	h.acts.Lock()
	defer h.acts.Unlock()
	if h.web == nil {
		return nil
	}
	return h.web.Doors()
}

// Play plays the scenario's steps in the present world, from the first to the last, and reports. The error is
// [ErrHalted], [ErrReset] when another world has begun meanwhile, or that of a play that could not go on: ctx ended,
// the world failed.
func (h *Host) Play(ctx context.Context) (*play.Report, error) {
	l := h.Life()
	both, done := joined(ctx, l.playing)
	defer done()
	l.done.Store(0)
	r, err := play.Run(both, l.World, play.Options{OnStep: func(s play.Step) {
		l.done.Add(1)
		if h.config.OnStep != nil {
			h.config.OnStep(s)
		}
	}})
	if err == nil || ctx.Err() != nil {
		return r, err
	}
	select {
	case <-l.ended:
		return nil, ErrReset
	default:
	}
	if reason, halted := h.haltedIn(l); halted {
		return nil, fmt.Errorf("%w: %s", ErrHalted, reason)
	}
	return nil, err
}

// joined is a context that ends with either of two; done ends it, and returns when nothing of it is left.
func joined(a, b context.Context) (both context.Context, done func()) {
	both, cancel := context.WithCancel(a)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-b.Done():
			cancel()
		case <-both.Done():
		}
	})
	return both, func() { cancel(); wg.Wait() }
}

// ErrReset is what a play ends with when another world has taken the place of the one it was played in.
var ErrReset = errors.New("the world was begun anew")

// Halt ends the play, heals every fault and says why in the journal. Halting again changes nothing more.
func (h *Host) Halt(by, reason string) error {
	h.acts.Lock()
	defer h.acts.Unlock()
	l := h.Life()
	h.mu.Lock()
	if l.halted == nil {
		l.halted = &reason
	}
	h.mu.Unlock()
	l.stop()
	l.World.Act(by, "halt", reason)
	return l.World.HealAll()
}

// Halted is the reason why the present world was halted, if it was.
func (h *Host) Halted() (reason string, halted bool) { return h.haltedIn(h.Life()) }

func (h *Host) haltedIn(l *Life) (string, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.halted == nil {
		return "", false
	}
	return *l.halted, true
}

// Reset puts a new world in the place of the present one: faults, clock, caches, zones and journal are as at the start,
// and its first step is still to come. The sockets stay. The present world goes on where the new one cannot be built.
func (h *Host) Reset(by string) error {
	h.acts.Lock()
	defer h.acts.Unlock()
	old := h.Life()
	select {
	case <-old.ended:
		return errors.New("the world is closed")
	default:
	}
	l, err := h.begin()
	if err != nil {
		return err
	}
	if err := h.edge.Move(l.World.Network(), h.nodes(l.World)); err != nil {
		return errors.Join(err, l.World.Close())
	}
	l.World.Act(by, "reset", "everything as at the start")
	err = l.World.SetSpeed(h.config.Options.Speed) // before anybody else can have another
	h.mu.Lock()
	h.life = l
	h.mu.Unlock()
	close(old.ended)
	old.stop()
	return errors.Join(err, h.openWeb(l.World), old.World.Close())
}

// Close closes the sockets and the world. It may be called more than once. The error is that of an activity of the world
// that panicked.
func (h *Host) Close() error {
	h.acts.Lock()
	defer h.acts.Unlock()
	l := h.Life()
	select {
	case <-l.ended:
		return nil
	default:
	}
	close(l.ended)
	l.stop()
	var err error
	if h.web != nil {
		err = h.web.Close()
	}
	return errors.Join(err, h.edge.Close(), l.World.Close())
}
