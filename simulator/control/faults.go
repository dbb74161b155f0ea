package control

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// Fault is a fault of the world, at work or healed.
type Fault struct {
	// Name is what it is called here, Fault its name in the catalogue.
	Name   string         `json:"name"`
	Fault  string         `json:"fault"`
	Params map[string]any `json:"params"`
	Active bool           `json:"active"`
	Since  time.Time      `json:"since"`
	// Until is when it heals itself; left out: it does not.
	Until    time.Time `json:"until,omitzero"`
	HealedAt time.Time `json:"healed_at,omitzero"`
	// By is who injected it: "scenario" for a step.
	By string `json:"by"`
	// What it did so far, or until it was healed: messages that it saw, those it was about, those that came out otherwise.
	Seen    int64 `json:"seen"`
	Matched int64 `json:"matched"`
	Changed int64 `json:"changed"`
}

// Faults are those that were injected, in order: a part of them.
type Faults struct {
	Total  int     `json:"total"`
	Offset int     `json:"offset"`
	Faults []Fault `json:"faults"`
	// Next is the offset to go on from; null: these were the last.
	Next *int `json:"next"`
}

func (c *call) fault(in *simulator.Injected) Fault {
	counts := in.Counts()
	f := Fault{Name: in.Label(), Fault: in.Name(), Params: map[string]any{}, Active: in.Active(), Since: in.Since(), Until: in.Until(),
		HealedAt: in.HealedAt(), By: c.session.injectedBy(in), Seen: counts.Seen, Matched: counts.Matched, Changed: counts.Changed}
	for key, value := range in.Params() {
		switch v := value.(type) {
		case time.Duration:
			value = scenarios.FormatDuration(v)
		case time.Time:
			value = v.Add(c.shift())
		}
		f.Params[key] = value
	}
	return f
}

// shift is from the scenario's calendar to the world's.
func (c *call) shift() time.Duration { return c.world().Start().Sub(c.world().Scenario().Start) }

// faults tells a page of the faults, the latest without ?offset=; with ?active= only of those that are at work, or are not.
func faults(c *call) (any, error) {
	offset, limit, err := c.page("offset", 5000, 500)
	if err != nil {
		return nil, err
	}
	all := c.world().Faults()
	switch active := c.r.URL.Query().Get("active"); active {
	case "":
	case "true", "false":
		all = slices.DeleteFunc(all, func(in *simulator.Injected) bool { return in.Active() != (active == "true") })
	default:
		return nil, refuse(http.StatusBadRequest, badRequest, "", "active=%q: want true or false", clip(active))
	}
	if !c.r.URL.Query().Has("offset") {
		offset = max(0, len(all)-limit)
	}
	out := Faults{Total: len(all), Offset: offset, Faults: []Fault{}}
	for _, in := range all[min(offset, len(all)):min(offset+limit, len(all))] {
		out.Faults = append(out.Faults, c.fault(in))
	}
	if next := offset + limit; next < len(all) {
		out.Next = &next
	}
	return out, nil
}

// last is the latest fault of that name.
func (c *call) last(name string) (*simulator.Injected, error) {
	var names []string
	all := c.world().Faults()
	for _, in := range slices.Backward(all) {
		if in.Label() == name {
			return in, nil
		}
		names = append(names, in.Label())
	}
	next := "PUT /v1/faults/NAME injects one"
	if slices.Sort(names); len(names) > 0 {
		next = "there are " + strings.Join(slices.Compact(names), ", ")
	}
	return nil, refuse(http.StatusNotFound, unknown, next, "no fault of this world is named %q%s", clip(name), scenarios.DidYouMean(name, names))
}

func oneFault(c *call) (any, error) {
	in, err := c.last(c.r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	return c.fault(in), nil
}

// FaultOrder is what PUT /v1/faults/{name} takes.
type FaultOrder struct {
	// Fault is the name in the catalogue; empty: the name in the path.
	Fault  string         `json:"fault"`
	Params map[string]any `json:"params"`
	// For is how long it lasts in the world's time, such as "10m"; empty: until it is healed.
	For string `json:"for"`
	// Replace has it take the place of another fault of its name.
	Replace bool `json:"replace"`
}

// inject has a fault be at work under a name. Where it is already, nothing happens.
func inject(c *call) (any, error) {
	var order FaultOrder
	if err := c.body(&order); err != nil {
		return nil, err
	}
	name := c.r.PathValue("name")
	in, err := c.session.checker.Fault(cmp.Or(order.Fault, name), name, order.For, order.Params)
	if err != nil {
		return nil, err
	}
	for key, value := range in.Params {
		if t, ok := value.(time.Time); ok {
			in.Params[key] = t.Add(-c.shift())
		}
	}
	c.session.faults.Lock()
	defer c.session.faults.Unlock()
	there := c.atWork(name)
	if there != nil && sameFault(there, in) {
		return c.fault(there), nil
	}
	if there != nil && !order.Replace {
		return nil, refuse(http.StatusConflict, conflict, `heal it first, take another name, or replace it ("replace": true, --replace)`,
			"another fault is at work under the name %s: %s%s", name, there.Name(), written(there.Params()))
	}
	if p := c.s.config.Limits.fault(c, in, there); p != nil {
		return nil, p
	}
	return c.inject(in, there)
}

// inject does what the checks have let through. The caller holds the session's faults.
func (c *call) inject(in scenarios.InjectStep, instead *simulator.Injected) (any, error) {
	what := in.Fault + written(in.Params)
	if in.Label != in.Fault {
		what += " as " + in.Label
	}
	if in.For > 0 {
		what += " for " + scenarios.FormatDuration(in.For)
	}
	c.act("inject", "%s", what)
	if instead != nil {
		if err := instead.Heal(); err != nil && instead.Active() {
			return nil, err
		}
	}
	injected, err := c.world().Inject(in.Fault, in.Label, in.Params, in.For)
	if err != nil {
		p := c.tried("inject", what, err)
		p.Next = "faultzone faults " + in.Fault + " explains the fault"
		return nil, p
	}
	c.session.mu.Lock()
	c.session.by[injected] = c.by
	c.session.mu.Unlock()
	if instead == nil {
		c.status = http.StatusCreated
	}
	return c.fault(injected), nil
}

// atWork is the active fault of that name, or nil.
func (c *call) atWork(name string) *simulator.Injected {
	for _, in := range c.world().Faults() {
		if in.Label() == name && in.Active() {
			return in
		}
	}
	return nil
}

// sameFault tells whether a fault at work is the one that is asked for.
func sameFault(there *simulator.Injected, in scenarios.InjectStep) bool {
	lasts := time.Duration(0)
	if !there.Until().IsZero() {
		lasts = there.Until().Sub(there.Since())
	}
	params := there.Params()
	return there.Name() == in.Fault && lasts == in.For && (len(params)+len(in.Params) == 0 || reflect.DeepEqual(params, in.Params))
}

// written is a fault's parameters as they are written on a command line.
func written(params map[string]any) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(params)) {
		switch v := params[key].(type) {
		case []string:
			fmt.Fprintf(&b, " %s=%s", key, strings.Join(v, ","))
		case time.Duration:
			fmt.Fprintf(&b, " %s=%s", key, scenarios.FormatDuration(v))
		case time.Time:
			fmt.Fprintf(&b, " %s=%s", key, v.Format(time.RFC3339))
		default:
			fmt.Fprintf(&b, " %s=%v", key, v)
		}
	}
	return b.String()
}

// heal ends a fault. One that is healed already stays so.
func heal(c *call) (any, error) {
	c.session.faults.Lock()
	defer c.session.faults.Unlock()
	in := c.atWork(c.r.PathValue("name"))
	if in == nil {
		return oneFault(c)
	}
	c.act("heal", "%s", in.Label())
	if err := in.Heal(); err != nil && in.Active() {
		return nil, err
	}
	return c.fault(in), nil
}

// healAll ends every fault.
func healAll(c *call) (any, error) {
	c.session.faults.Lock()
	defer c.session.faults.Unlock()
	c.act("heal", "every fault")
	if err := c.world().HealAll(); err != nil {
		return nil, err
	}
	return faults(c)
}
