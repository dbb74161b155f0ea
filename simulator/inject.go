package simulator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"faultzone/authoritative"
	"faultzone/authoritative/sign"
	"faultzone/resolver"
	"faultzone/scenarios"
	"faultzone/simulator/fault"
	"faultzone/simulator/network"
)

// Injected is a fault in the world, active or healed.
type Injected struct {
	w     *World
	label string
	name  string
	at    time.Time
	f     fault.Fault
	// params are as they were given, until is when it heals itself (zero: never).
	params map[string]any
	until  time.Time
	// Guarded by w.mu.
	healed   bool
	healedAt time.Time
	counts   fault.Counts // as they were when it was healed
}

// Inject begins a fault. Label is what Heal calls it by; among the active faults it must be new. With forTime above 0
// the fault heals itself after that much world time.
func (w *World) Inject(name, label string, params map[string]any, forTime time.Duration) (*Injected, error) {
	if label == "" {
		label = name
	}
	p := fault.Params{}
	for key, value := range params {
		if t, ok := value.(time.Time); ok {
			value = t.Add(w.shift) // the world's calendar may lie elsewhere than the scenario's
		}
		p[key] = value
	}
	f, err := fault.New(name, p)
	if err != nil {
		return nil, err
	}
	w.acts.Lock()
	defer w.acts.Unlock()
	if w.active(label) != nil {
		return nil, fmt.Errorf("a fault named %s is active already; heal it, or give this one another name", label)
	}
	in := &Injected{w: w, label: label, name: name, at: w.Now(), f: f, params: maps.Clone(params)}
	if forTime > 0 {
		in.until = in.at.Add(forTime)
	}
	if err := f.Inject(faultWorld{w}); err != nil {
		return nil, fmt.Errorf("inject %s: %w", name, err)
	}
	w.mu.Lock()
	w.faults = append(w.faults, in)
	w.mu.Unlock()
	w.note(Entry{Kind: KindFault, What: "inject", Text: label})
	if forTime > 0 {
		w.driver.Go(func() {
			if w.driver.Sleep(context.Background(), forTime) != nil {
				return // the world is closed
			}
			if err := in.Heal(); err != nil && !errors.Is(err, errHealed) {
				w.note(Entry{Kind: KindFault, What: "heal-failed", Text: err.Error()})
			}
		})
	}
	return in, nil
}

// Heal ends the active fault of that label.
func (w *World) Heal(label string) error {
	found := w.active(label)
	if found == nil {
		return fmt.Errorf("no active fault is named %q", label)
	}
	return found.Heal()
}

// active is the active fault of that label, or nil.
func (w *World) active(label string) *Injected {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, in := range w.faults {
		if in.label == label && !in.healed {
			return in
		}
	}
	return nil
}

// HealAll ends every active fault, the last one first, whatever becomes of the others. It is idempotent.
func (w *World) HealAll() error {
	var errs []error
	for _, in := range slices.Backward(w.Faults()) {
		if err := in.Heal(); !errors.Is(err, errHealed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

var errHealed = errors.New("healed already")

// Faults are all that were injected so far, in order.
func (w *World) Faults() []*Injected {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*Injected(nil), w.faults...)
}

// Heal ends the fault. A fault heals once.
func (in *Injected) Heal() error {
	in.w.acts.Lock()
	defer in.w.acts.Unlock()
	if !in.Active() {
		return fmt.Errorf("%s is %w", in.label, errHealed)
	}
	err := in.f.Heal()
	c := in.f.Counts()
	in.w.mu.Lock()
	in.healed, in.healedAt, in.counts = true, in.w.Now(), c
	in.w.mu.Unlock()
	if err != nil {
		return fmt.Errorf("heal %s: %w", in.label, err)
	}
	in.w.note(Entry{Kind: KindFault, What: "heal",
		Text: fmt.Sprintf("%s saw %d, matched %d, changed %d", in.label, c.Seen, c.Matched, c.Changed)})
	return nil
}

// Label is what the fault is called; Name is its name in the catalogue.
func (in *Injected) Label() string { return in.label }

// Name is the fault's name in the catalogue.
func (in *Injected) Name() string { return in.name }

// Params are the parameters that it was given; its times are the scenario's, which the world's may be shifted from.
func (in *Injected) Params() map[string]any { return maps.Clone(in.params) }

// Until is the world time at which it heals itself; zero: it does not.
func (in *Injected) Until() time.Time { return in.until }

// HealedAt is when it was healed; zero: it is active.
func (in *Injected) HealedAt() time.Time {
	in.w.mu.Lock()
	defer in.w.mu.Unlock()
	return in.healedAt
}

// Since is when it was injected.
func (in *Injected) Since() time.Time { return in.at }

// Active tells whether it still is to be healed.
func (in *Injected) Active() bool {
	in.w.mu.Lock()
	defer in.w.mu.Unlock()
	return !in.healed
}

// Counts are what the fault saw, matched and changed so far, or until it was healed.
func (in *Injected) Counts() fault.Counts {
	in.w.mu.Lock()
	defer in.w.mu.Unlock()
	if in.healed {
		return in.counts
	}
	return in.f.Counts()
}

// faultWorld is the world as faults may reach it.
type faultWorld struct{ w *World }

func (f faultWorld) Now() time.Time            { return f.w.Now() }
func (f faultWorld) Network() *network.Network { return f.w.net }

func (f faultWorld) Process(name string) (fault.Process, error) {
	n, err := f.w.node(name)
	if err != nil {
		return nil, err
	}
	if n.service == nil {
		return nil, fmt.Errorf("%s runs no program that could be stopped: it is a client without a local stub", name)
	}
	return process{n}, nil
}

func (f faultWorld) Addresses(name string) ([]netip.Prefix, error) {
	if n := f.w.nodes[name]; n != nil {
		var list []netip.Prefix
		for _, a := range n.host.Addresses() {
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
		}
		return list, nil
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, nil
	}
	p, err := netip.ParsePrefix(name)
	if err != nil {
		return nil, fmt.Errorf("%q is neither a node of the world nor a prefix such as 10.0.5.0/24", name)
	}
	return []netip.Prefix{p.Masked()}, nil
}

func (f faultWorld) Authoritative(name string) (*authoritative.Server, error) {
	return f.w.Authoritative(name)
}

func (f faultWorld) Resolver(name string) (*resolver.Resolver, error) { return f.w.Resolver(name) }

func (f faultWorld) Primaries(zone string) []fault.Place { return f.w.places(zone, true) }

func (f faultWorld) Servers(zone string) []netip.Addr {
	var list []netip.Addr
	for _, p := range f.w.places(zone, false) {
		list = append(list, f.w.nodes[p.Node].host.Addresses()...)
	}
	return list
}

func (f faultWorld) Parent(zone string) (string, error) { return f.w.zones.parent(zone) }

func (f faultWorld) Keys(zone string, generation int) ([]*sign.Key, error) {
	return f.w.zones.keys(zone, generation)
}

func (f faultWorld) Calendar() scenarios.Calendar { return f.w.calendar() }

func (f faultWorld) Layers() *fault.Layers { return &f.w.layers }
