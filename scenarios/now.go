package scenarios

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Checker checks what somebody wants done to a world that runs, as the loader checks the steps of a file: by the same
// vocabulary, against the same world, in the same words. What it is given are plain values, as decoded JSON has them:
// string, bool, int64, float64, json.Number, []any, map[string]any and nil. Any goroutine may use it.
type Checker struct {
	vocabulary Vocabulary
	world      *loader // what it knows of nodes and zones; its problems stay empty
}

// NewChecker makes a checker for a world, which may have grown since it was loaded.
func NewChecker(w *World, v Vocabulary) *Checker {
	l := &loader{vocabulary: v, keys: map[string]bool{}, nodes: map[string]inhabitant{}, zones: map[string][]place{}}
	l.addresses = w.inhabitants(l.nodes)
	for _, k := range w.Keys {
		l.keys[k.Name] = true
	}
	for _, s := range w.Servers {
		for _, v := range s.Views {
			for _, z := range v.Zones {
				l.zones[z.Origin] = append(l.zones[z.Origin], place{server: s.Name, view: v.Name, primary: len(z.Primaries) == 0})
			}
		}
	}
	return &Checker{v, l}
}

// Fault checks the name, the label, the deadline ("" for none) and the parameters of a fault that is to be injected.
// An empty label is the fault's name. Times of parameters are RFC 3339 texts. The error is of type [Errors], without
// positions.
func (c *Checker) Fault(name, label, deadline string, params map[string]any) (InjectStep, error) {
	l := c.loader()
	spec, known := c.vocabulary.fault(name)
	if !known {
		l.errorf(Position{}, "there is no fault %s%s", quote(name), suggest(name, c.vocabulary.names()))
		return InjectStep{}, l.failed()
	}
	in := InjectStep{Fault: name, Label: label}
	if label == "" {
		in.Label = name
	}
	if err := checkNodeName("the name", in.Label); err != nil {
		l.errorf(Position{}, "%v", err)
	}
	if deadline != "" {
		d, err := parseDuration(deadline)
		switch {
		case err != nil:
			l.errorf(Position{}, "for: %v", err)
		case d == 0:
			l.errorf(Position{}, "for: a fault lasts longer than 0; leave for out when it does not heal itself")
		}
		in.For = d
	}
	params = maps.Clone(params)
	for _, p := range spec.Params {
		if text, ok := params[p.Name].(string); ok && p.Kind == Time {
			if t, err := time.Parse(time.RFC3339, text); err == nil {
				params[p.Name] = t
			}
		}
	}
	f := l.fields(plainNode("", params), "the parameters of "+name)
	in.Params = l.params(f, spec)
	f.done()
	return in, l.failed()
}

// Step checks one step of another kind, written with the keys of a scenario's; at, note and expect it has none. The
// error is of type [Errors], without positions.
func (c *Checker) Step(values map[string]any) (Step, error) {
	l := c.loader()
	var s Step
	f := l.fields(plainNode("", values), "the step")
	kind, ok := l.kind(f)
	if !ok {
		return s, l.failed()
	}
	s.Kind = kind
	switch kind {
	case Query:
		s.Query = l.query(f)
	case Edit:
		s.Edit = l.edit(f)
	case Flush:
		s.Flush = l.flush(f)
	case Retransfer:
		s.Zone = l.retransfer(f)
	case Roll:
		s.Roll = l.roll(f)
	default:
		l.errorf(Position{}, "expected a query, an edit, a flush, a retransfer or a roll, found %s", kind)
		return s, l.failed()
	}
	f.what = "the " + string(kind)
	f.done()
	return s, l.failed()
}

// Nodes are the names of the world's nodes, and Zones the origins of its zones, both sorted.
func (c *Checker) Nodes() []string { return slices.Sorted(maps.Keys(c.world.nodes)) }

// Zones are the origins of the world's zones, sorted.
func (c *Checker) Zones() []string { return c.world.origins() }

// ParseDuration reads a duration as scenarios write it: Go's, with d and w besides. It is not negative, and 100 years at
// most.
func ParseDuration(text string) (time.Duration, error) { return parseDuration(text) }

// FormatDuration is the shortest spelling that ParseDuration reads.
func FormatDuration(d time.Duration) string { return formatDuration(d) }

// loader is one for a single check.
func (c *Checker) loader() *loader {
	l := *c.world
	return &l
}

// failed is what was found wrong, or nil.
func (l *loader) failed() error {
	if len(l.errors) == 0 {
		return nil
	}
	for i := range l.errors {
		l.errors[i].Position = Position{}
	}
	return l.errors
}

// inhabitants enters the world's nodes by name, and gives them by address.
func (w *World) inhabitants(nodes map[string]inhabitant) map[netip.Addr]inhabitant {
	addresses := map[netip.Addr]inhabitant{}
	enter := func(kind nodeKind, name string, at Position, list []netip.Addr) {
		who := inhabitant{name: name, kind: kind, at: at}
		nodes[name] = who
		for _, a := range list {
			addresses[a] = who
		}
	}
	for _, s := range w.Servers {
		enter(serverNode, s.Name, s.Pos, s.Addresses)
	}
	for _, r := range w.Resolvers {
		enter(resolverNode, r.Name, r.Pos, r.Addresses)
	}
	for _, c := range w.Clients {
		enter(clientNode, c.Name, c.Pos, c.Addresses)
	}
	for _, h := range w.Web {
		enter(webNode, h.Name, h.Pos, h.Addresses)
	}
	if u := w.Upstream; u != nil {
		enter(upstreamNode, UpstreamName, u.Pos, u.Addresses)
	}
	return addresses
}

// plainNode makes of a plain value what the readers read.
func plainNode(name string, value any) *node {
	n := &node{src: &source{}, name: name, key: -1}
	switch v := value.(type) {
	case map[string]any:
		n.shape = table
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.entries = append(n.entries, plainNode(key, v[key]))
		}
	case []any:
		n.shape = array
		for _, e := range v {
			n.entries = append(n.entries, plainNode("", e))
		}
	case []string:
		n.shape = array
		for _, e := range v {
			n.entries = append(n.entries, plainNode("", e))
		}
	case json.Number:
		if i, err := v.Int64(); err == nil {
			n.plain = i
		} else if f, err := v.Float64(); err == nil {
			n.plain = f
		}
	case int:
		n.plain = int64(v)
	default:
		n.plain = v
	}
	return n
}
