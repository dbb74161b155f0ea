package simulator

import (
	"slices"

	"faultzone/simulator/network"
)

// observer is who wants to be told of each leg. It is a struct so that two of the same function can be told apart.
type observer struct {
	see func(network.Event)
}

// Observe has see called with each leg of the world from now on, real clients' too, once its fate is known and the
// journal has it, until stop is called. Whoever is to see all from the beginning calls it in [Options.OnBuilt].
//
// In virtual time one leg is seen at a time, in the journal's order; in live time several goroutines may call see at
// once, and a last call may still be under way when stop returns. The event and its data are see's only until it
// returns. It must neither wait nor call the world, except for what only tells (Now, Network, Nodes): a message is on
// its way meanwhile. Without observers a leg costs one atomic load more.
func (w *World) Observe(see func(network.Event)) (stop func()) {
	o := &observer{see}
	w.changeObservers(func(list []*observer) []*observer { return append(list, o) })
	return func() {
		w.changeObservers(func(list []*observer) []*observer {
			return slices.DeleteFunc(list, func(other *observer) bool { return other == o })
		})
	}
}

// changeObservers puts a changed copy of the list in its place.
func (w *World) changeObservers(change func([]*observer) []*observer) {
	for {
		old := w.observers.Load()
		var list []*observer
		if old != nil {
			list = slices.Clone(*old)
		}
		list = change(list)
		next := &list
		if len(list) == 0 {
			next = nil
		}
		if w.observers.CompareAndSwap(old, next) {
			return
		}
	}
}

// leg is told of each leg by the network.
func (w *World) leg(e network.Event) {
	w.journal.addLeg(e)
	if list := w.observers.Load(); list != nil {
		for _, o := range *list {
			o.see(e)
		}
	}
}
