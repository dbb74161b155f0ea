package simtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
	"faultzone/simulator/play"
)

// Params are a fault's parameters by name, as `faultzone faults NAME` lists them: strings, lists of strings, integers,
// booleans, time.Duration, time.Time.
type Params map[string]any

// Fault is one fault at work in a world.
type Fault struct {
	w  *World
	in *simulator.Injected
}

// Inject begins a fault of the catalogue. It ends with Heal, or with the test.
//
//	outage := w.Inject("server-down", simtest.Params{"node": "ns1"})
//	defer outage.Heal()
func (w *World) Inject(name string, params ...Params) *Fault {
	w.t.Helper()
	given, err := readParams(name, params)
	if err != nil {
		w.t.Fatalf("inject %s: %v", name, err)
	}
	f := &Fault{w: w}
	w.do("inject "+name, func() (err error) {
		f.in, err = w.world.Inject(name, w.label(name), given, 0)
		return err
	})
	w.mu.Lock()
	w.faults = append(w.faults, f)
	w.mu.Unlock()
	return f
}

// label is a name that no active fault has: the fault's own, with a number where there are several.
func (w *World) label(name string) string {
	label := name
	for i := 2; slices.ContainsFunc(w.world.Faults(), func(in *simulator.Injected) bool { return in.Label() == label }); i++ {
		label = fmt.Sprintf("%s-%d", name, i)
	}
	return label
}

// Heal ends the fault. Healing it again does nothing.
func (f *Fault) Heal() {
	f.w.t.Helper()
	if !f.in.Active() {
		return
	}
	f.w.do("heal "+f.in.Label(), f.in.Heal)
}

// Active tells whether the fault is still at work.
func (f *Fault) Active() bool { return f.in.Active() }

// Counts are what the fault saw, what of that was its business, and what it changed, so far or until it was healed.
func (f *Fault) Counts() fault.Counts { return f.in.Counts() }

// ExpectEffect fails the test when the fault has changed nothing so far: whatever the test has shown, it was not how the
// code under test takes this fault. Where a cache hides the fault, Flush or Advance.
//
// A node that refuses has no sockets in a live world, so that the fault does not see who is refused by this machine: there
// it has no effect that could be counted.
func (f *Fault) ExpectEffect() {
	f.w.t.Helper()
	if c := f.Counts(); c.Changed == 0 {
		f.w.t.Errorf("the fault %s has changed nothing since %s (saw %d, matched %d): nothing met it; a cache may hide it, see World.Flush and World.Advance",
			f.in.Label(), play.Span(f.in.Since().Sub(f.w.world.Start())), c.Seen, c.Matched)
	}
}

// end says, when the test ends, that the fault changed nothing, where it can know.
func (f *Fault) end() {
	if f.w.options.Live {
		return
	}
	if c := f.Counts(); c.Changed == 0 {
		f.w.t.Logf("the fault %s changed nothing (saw %d, matched %d)", f.in.Label(), c.Seen, c.Matched)
	}
}

// readParams brings parameters into the form that faults take, and refuses those that the fault does not have.
func readParams(name string, params []Params) (map[string]any, error) {
	vocabulary := fault.Vocabulary()
	i := slices.IndexFunc(vocabulary.Faults, func(s scenarios.FaultSpec) bool { return s.Name == name })
	if i < 0 {
		var names []string
		for _, s := range vocabulary.Faults {
			names = append(names, s.Name)
		}
		return nil, fmt.Errorf("there is no such fault%s; there are %s", scenarios.DidYouMean(name, names), strings.Join(names, ", "))
	}
	spec, given := vocabulary.Faults[i], map[string]any{}
	for _, p := range params {
		for key, value := range p {
			at := slices.IndexFunc(spec.Params, func(s scenarios.ParamSpec) bool { return s.Name == key })
			if at < 0 {
				return nil, fmt.Errorf("it has no parameter %q; it has %s", key, strings.Join(paramNames(spec), ", "))
			}
			v, err := readParam(spec.Params[at], value)
			if err != nil {
				return nil, err
			}
			given[key] = v
		}
	}
	for _, p := range spec.Params {
		if _, ok := given[p.Name]; p.Required && !ok {
			return nil, fmt.Errorf("it needs the parameter %s: %s", p.Name, p.Summary)
		}
	}
	return given, nil
}

func paramNames(spec scenarios.FaultSpec) (names []string) {
	for _, p := range spec.Params {
		names = append(names, p.Name)
	}
	return names
}

// readParam checks one value against what the parameter is.
func readParam(p scenarios.ParamSpec, value any) (any, error) {
	wrong := func(want string) (any, error) {
		return nil, fmt.Errorf("%s: expected %s, got %v, a %T", p.Name, want, value, value)
	}
	switch p.Kind {
	case scenarios.Int:
		switch v := value.(type) {
		case int:
			return int64(v), nil
		case int64:
			return v, nil
		}
		return wrong("an integer")
	case scenarios.Bool:
		if v, ok := value.(bool); ok {
			return v, nil
		}
		return wrong("a boolean")
	case scenarios.Duration:
		if v, ok := value.(time.Duration); ok && v >= 0 {
			return v, nil
		}
		return wrong("a time.Duration that is not negative")
	case scenarios.Time:
		if v, ok := value.(time.Time); ok {
			return v.UTC(), nil
		}
		return wrong("a time.Time")
	case scenarios.Strings, scenarios.Nodes, scenarios.ServerNodes, scenarios.Prefixes, scenarios.Places:
		switch v := value.(type) {
		case string:
			return []string{v}, checkChoices(p, v)
		case []string:
			return slices.Clone(v), checkChoices(p, v...)
		}
		return wrong("a string or a []string")
	}
	v, ok := value.(string)
	if !ok || v == "" {
		return wrong("a string")
	}
	if p.Kind == scenarios.ZoneName {
		v = dns.CanonicalName(v)
	}
	return v, checkChoices(p, v)
}

func checkChoices(p scenarios.ParamSpec, values ...string) error {
	for _, v := range values {
		if len(p.Choices) > 0 && !slices.Contains(p.Choices, v) {
			return fmt.Errorf("%s: expected one of %s, got %q%s", p.Name, strings.Join(p.Choices, ", "), v, scenarios.DidYouMean(v, p.Choices))
		}
	}
	return nil
}
