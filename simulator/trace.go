package simulator

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"faultzone/resolver"
	"faultzone/scenarios"
)

// Trace is a question's path through one resolver: a value to read, and a text (its Lines).
type Trace = resolver.Trace

// tracers are the questions under way of which resolvers are to tell the path.
type tracers struct {
	n    atomic.Int32 // so that a resolver that nobody traces pays for a glance
	mu   sync.Mutex
	list []*tracer
}

// tracer collects the paths of what comes from an asker's addresses.
type tracer struct {
	from  []netip.Addr
	found []*resolver.Trace
}

func (t *tracers) add(from []netip.Addr) *tracer {
	tr := &tracer{from: from}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, tr)
	t.n.Add(1)
	return tr
}

// end returns what was collected.
func (t *tracers) end(tr *tracer) []*resolver.Trace {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = slices.DeleteFunc(t.list, func(other *tracer) bool { return other == tr })
	t.n.Add(-1)
	return tr.found
}

// wants says whether somebody traces what comes from the address.
func (t *tracers) wants(from netip.Addr) bool {
	if t.n.Load() == 0 {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.list, func(tr *tracer) bool { return slices.Contains(tr.from, from) })
}

// tell gives a path to those who trace it.
func (t *tracers) tell(path *resolver.Trace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tr := range t.list {
		if slices.Contains(tr.from, path.Client) {
			tr.found = append(tr.found, path)
		}
	}
}

// askers are the addresses that a question of a scenario comes from.
func (w *World) askers(q scenarios.QueryStep) []netip.Addr {
	name := q.From
	if q.Client != "" {
		name = q.Client
	}
	if n := w.nodes[name]; n != nil {
		return n.host.Addresses()
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{a}
	}
	return w.VantageAddresses()
}

// traced asks, and with Options.Trace notes the paths that the resolvers on the way tell.
func (w *World) traced(q scenarios.QueryStep, ask func() Result) Result {
	if !w.trace {
		return ask()
	}
	tr := w.traces.add(w.askers(q))
	r := ask()
	r.Traces = w.traces.end(tr)
	return r
}
