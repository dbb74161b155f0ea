package fault

import (
	"errors"
	"slices"
	"sync"
)

// Layers keeps what faults have put on top of the settings of a world: an access list, a process's state, the way a
// zone is signed. Several faults may change one setting and heal in any order; what holds is always what was there at
// first with the changes of those that are still active, in the order of their injection. The zero value is ready.
type Layers struct {
	mu          sync.Mutex
	piles       map[string]any // setting → *pile[T]
	generations map[string]int
}

// pile is one setting: what was there at first, and the changes on top of it.
type pile[T any] struct {
	base    T
	changes []*func(T) T
}

func (p *pile[T]) value(without *func(T) T) T {
	v := p.base
	for _, c := range p.changes {
		if c != without {
			v = (*c)(v)
		}
	}
	return v
}

// layer is one fault's change of a setting.
type layer[T any] struct {
	all     *Layers
	pile    *pile[T]
	setting string
	change  *func(T) T
	set     func(T) error
}

// lay changes a setting, of which get tells what it is without any fault. set is called with what is to hold. It must
// not wait. When it fails nothing has changed.
func lay[T any](all *Layers, setting string, get func() (T, error), set func(T) error, change func(T) T) (*layer[T], error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	p, ok := all.piles[setting].(*pile[T])
	if !ok {
		base, err := get()
		if err != nil {
			return nil, err
		}
		p = &pile[T]{base: base}
	}
	l := &layer[T]{all: all, pile: p, setting: setting, change: &change, set: set}
	p.changes = append(p.changes, l.change)
	if err := set(p.value(nil)); err != nil {
		p.changes = p.changes[:len(p.changes)-1]
		return nil, err
	}
	if all.piles == nil {
		all.piles = map[string]any{}
	}
	all.piles[setting] = p
	return l, nil
}

// lift takes the change away again.
func (l *layer[T]) lift() error {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	l.pile.changes = slices.DeleteFunc(l.pile.changes, func(c *func(T) T) bool { return c == l.change })
	if len(l.pile.changes) == 0 {
		delete(l.all.piles, l.setting)
	}
	return l.set(l.pile.value(nil))
}

// without is what would hold if this change were not.
func (l *layer[T]) without() T {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	return l.pile.value(l.change)
}

// generation numbers the keys of a zone: each call gives the next, from 1.
func (all *Layers) generation(zone string) int {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.generations == nil {
		all.generations = map[string]int{}
	}
	all.generations[zone]++
	return all.generations[zone]
}

// lifts is what a fault has to take back.
type lifts []func() error

// all takes everything back, the last first.
func (u *lifts) all() error {
	var errs []error
	for _, lift := range slices.Backward(*u) {
		errs = append(errs, lift())
	}
	*u = nil
	return errors.Join(errs...)
}
