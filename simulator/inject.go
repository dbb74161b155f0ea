package simulator

import (
	"context"
	"fmt"
	"net/netip"
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
	// Guarded by w.mu.
	healed   bool
	healedAt time.Time
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
	in := &Injected{w: w, label: label, name: name, at: w.Now(), f: f}
	w.mu.Lock()
	for _, other := range w.faults {
		if other.label == label && !other.healed {
			w.mu.Unlock()
			return nil, fmt.Errorf("a fault named %s is active already; heal it, or give this one another name", label)
		}
	}
	w.faults = append(w.faults, in)
	w.mu.Unlock()
	if err := f.Inject(faultWorld{w}); err != nil {
		w.mu.Lock()
		in.healed = true
		w.mu.Unlock()
		return nil, fmt.Errorf("inject %s: %w", name, err)
	}
	w.note(Entry{Kind: KindFault, What: "inject", Text: label})
	if forTime > 0 {
		w.driver.Go(func() {
			if w.driver.Sleep(context.Background(), forTime) == nil {
				_ = in.Heal() // healed by hand before: nothing to do
			}
		})
	}
	return in, nil
}

// Heal ends the active fault of that label.
func (w *World) Heal(label string) error {
	w.mu.Lock()
	var found *Injected
	for _, in := range w.faults {
		if in.label == label && !in.healed {
			found = in
		}
	}
	w.mu.Unlock()
	if found == nil {
		return fmt.Errorf("no active fault is named %q", label)
	}
	return found.Heal()
}

// HealAll ends every active fault, the last one first. It is idempotent.
func (w *World) HealAll() error {
	list := w.Faults()
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Active() {
			if err := list[i].Heal(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Faults are all that were injected so far, in order.
func (w *World) Faults() []*Injected {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*Injected(nil), w.faults...)
}

// Heal ends the fault. A fault heals once.
func (in *Injected) Heal() error {
	in.w.mu.Lock()
	if in.healed {
		in.w.mu.Unlock()
		return fmt.Errorf("%s is healed already", in.label)
	}
	in.healed, in.healedAt = true, in.w.Now()
	in.w.mu.Unlock()
	if err := in.f.Heal(); err != nil {
		return fmt.Errorf("heal %s: %w", in.label, err)
	}
	c := in.f.Counts()
	in.w.note(Entry{Kind: KindFault, What: "heal",
		Text: fmt.Sprintf("%s saw %d, matched %d, changed %d", in.label, c.Seen, c.Matched, c.Changed)})
	return nil
}

// Label is what the fault is called; Name is its name in the catalogue.
func (in *Injected) Label() string { return in.label }

// Name is the fault's name in the catalogue.
func (in *Injected) Name() string { return in.name }

// Since is when it was injected.
func (in *Injected) Since() time.Time { return in.at }

// Active tells whether it still is to be healed.
func (in *Injected) Active() bool {
	in.w.mu.Lock()
	defer in.w.mu.Unlock()
	return !in.healed
}

// Counts are what the fault saw, matched and changed so far.
func (in *Injected) Counts() fault.Counts { return in.f.Counts() }

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
