package control

import (
	"net/http"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"faultzone/scenarios"
)

// Edit is what POST /v1/zones/{zone}/edit takes.
type Edit struct {
	Add     []string `json:"add"`     // records, "www 300 IN A 192.0.2.1"
	Delete  []string `json:"delete"`  // "NAME", "NAME TYPE" or "NAME TYPE RDATA"
	Replace []string `json:"replace"` // records whose RRsets take the place of those there
	On      string   `json:"on"`      // the server; empty: each primary of the zone
	View    string   `json:"view"`    // empty: each that has the zone
}

// Place is what retransfer and resign take.
type Place struct {
	Server string `json:"server"`
	View   string `json:"view"`
}

// origin is the zone that the path names; "root" is the root, which no path can say.
func (c *call) origin() (string, error) {
	name := c.r.PathValue("zone")
	origins := c.session.checker.Zones()
	origin := dns.CanonicalName(name)
	if name == "root" && !slices.Contains(origins, origin) {
		origin = "."
	}
	if slices.Contains(origins, origin) {
		return origin, nil
	}
	return "", refuse(http.StatusNotFound, unknown, "there are "+strings.Join(origins, ", "), "no server of the world has the zone %q%s", clip(name),
		scenarios.DidYouMean(origin, origins))
}

// put sets a key where there is a value.
func put(values map[string]any, key, value string) {
	if value != "" {
		values[key] = value
	}
}

// edit changes records on a zone's primaries.
func edit(c *call) (any, error) {
	origin, err := c.origin()
	if err != nil {
		return nil, err
	}
	var order Edit
	if err := c.body(&order); err != nil {
		return nil, err
	}
	values := map[string]any{"edit": origin}
	for key, list := range map[string][]string{"add": order.Add, "delete": order.Delete, "replace": order.Replace} {
		if len(list) > 0 {
			values[key] = list
		}
	}
	put(values, "on", order.On)
	put(values, "view", order.View)
	step, err := c.session.checker.Step(values)
	if err != nil {
		return nil, err
	}
	if p := c.s.config.Limits.zone(c, "edit", origin, order.On, true); p != nil {
		return nil, p
	}
	var what []string
	for _, part := range []struct {
		word string
		list []string
	}{{"delete", order.Delete}, {"replace", order.Replace}, {"add", order.Add}} {
		for _, line := range part.list {
			what = append(what, part.word+" "+line)
		}
	}
	return c.changed("edit", origin+" "+strings.Join(what, "; "), func() error { return c.world().Edit(step.Edit) })
}

// retransfer has a secondary fetch a zone anew.
func retransfer(c *call) (any, error) {
	origin, order, err := c.place()
	if err != nil {
		return nil, err
	}
	if order.Server == "" {
		return nil, refuse(http.StatusUnprocessableEntity, unprocessable, "", "server: expected the secondary that is to transfer %s, found nothing", origin)
	}
	values := map[string]any{"retransfer": order.Server, "zone": origin}
	put(values, "view", order.View)
	step, err := c.session.checker.Step(values)
	if err != nil {
		return nil, err
	}
	if p := c.s.config.Limits.zone(c, "retransfer", origin, order.Server, false); p != nil {
		return nil, p
	}
	return c.changed("retransfer", origin+" on "+order.Server, func() error { return c.world().Retransfer(step.Zone) })
}

// resign signs a zone at once.
func resign(c *call) (any, error) {
	origin, order, err := c.place()
	if err != nil {
		return nil, err
	}
	if order.Server != "" {
		if _, err := c.world().Authoritative(order.Server); err != nil {
			p := c.noNode("server", order.Server, "server")
			p.Status, p.Title = http.StatusUnprocessableEntity, http.StatusText(http.StatusUnprocessableEntity)
			return nil, p
		}
	}
	if p := c.s.config.Limits.zone(c, "sign", origin, order.Server, true); p != nil {
		return nil, p
	}
	return c.changed("resign", origin, func() error {
		return c.world().Resign(scenarios.ZoneStep{Zone: origin, Server: order.Server, View: order.View})
	})
}

// Roll is what POST /v1/zones/{zone}/roll takes.
type Roll struct {
	Key    string `json:"key"`    // "zsk" or "ksk"
	Parent string `json:"parent"` // "follows" the zone's CDS, which is what empty means, or is "deaf" to them
}

// roll begins an orderly rollover of one of a zone's keys.
func roll(c *call) (any, error) {
	origin, err := c.origin()
	if err != nil {
		return nil, err
	}
	var order Roll
	if err := c.body(&order); err != nil {
		return nil, err
	}
	values := map[string]any{"roll": origin}
	put(values, "key", order.Key)
	put(values, "parent", order.Parent)
	step, err := c.session.checker.Step(values)
	if err != nil {
		return nil, err
	}
	if p := c.s.config.Limits.zone(c, "roll", origin, "", true); p != nil {
		return nil, p
	}
	return c.changed("roll", origin+" "+order.Key, func() error { return c.world().Roll(step.Roll) })
}

// changed does something to the zone that the path names, and answers with how it is then.
func (c *call) changed(what, text string, do func() error) (any, error) {
	c.act(what, "%s", text)
	if err := do(); err != nil {
		return nil, c.tried(what, text, err)
	}
	return oneZone(c)
}

// tried notes that an act came to nothing, and refuses it.
func (c *call) tried(what, text string, err error) *Problem {
	c.act(what, "%s: it failed: %v", text, err)
	return refuse(http.StatusUnprocessableEntity, unprocessable, "", "%v", err)
}

func (c *call) place() (origin string, order Place, err error) {
	if origin, err = c.origin(); err != nil {
		return origin, order, err
	}
	return origin, order, c.body(&order)
}

// Flush is what POST /v1/caches/{resolver}/flush takes.
type Flush struct {
	Name string `json:"name"` // empty: everything
	Tree bool   `json:"tree"` // and all below the name
}

// Flushed is what came of it.
type Flushed struct {
	Resolver string `json:"resolver"`
	// Before and After are how many entries the cache had.
	Before int `json:"before"`
	After  int `json:"after"`
}

// flush empties a resolver's cache, or a part of it.
func flush(c *call) (any, error) {
	name := c.r.PathValue("resolver")
	r, err := c.world().Resolver(name)
	if err != nil {
		return nil, c.noNode("resolver", name, "resolver")
	}
	var order Flush
	if err := c.body(&order); err != nil {
		return nil, err
	}
	values := map[string]any{"flush": name}
	put(values, "name", order.Name)
	if order.Tree {
		values["tree"] = true
	}
	step, err := c.session.checker.Step(values)
	if err != nil {
		return nil, err
	}
	if p := c.s.config.Limits.touch("flush", name); p != nil {
		return nil, p
	}
	what := name
	if order.Name != "" {
		what += " " + order.Name
	}
	if order.Tree {
		what += " and below"
	}
	c.act("flush", "%s", what)
	out := Flushed{Resolver: name, Before: r.CacheLen()}
	if err := c.world().Flush(step.Flush); err != nil {
		return nil, err
	}
	out.After = r.CacheLen()
	return out, nil
}

// Halt is what POST /v1/halt takes.
type Halt struct {
	Reason string `json:"reason"`
}

// Halted is what came of it.
type Halted struct {
	// Reason is that of the first halt, which stays.
	Reason string `json:"reason"`
	// Healed is how many faults were at work.
	Healed int `json:"healed"`
}

// halt ends the play and heals every fault. Again, it heals what has been injected since.
func halt(c *call) (any, error) {
	order := Halt{Reason: "no reason given"}
	if err := c.body(&order); err != nil {
		return nil, err
	}
	c.session.faults.Lock()
	defer c.session.faults.Unlock()
	out := Halted{}
	for _, in := range c.world().Faults() {
		if in.Active() {
			out.Healed++
		}
	}
	if err := c.s.config.Host.Halt(c.by, clip(clean(order.Reason))); err != nil {
		return nil, err
	}
	out.Reason, _ = c.s.config.Host.Halted()
	return out, nil
}

// Begun is what came of a reset.
type Begun struct {
	Life int `json:"life"`
}

// reset begins the world anew: faults, clock, caches, zones and journal are as at the start.
func reset(c *call) (any, error) {
	if err := c.body(&nothing{}); err != nil {
		return nil, err
	}
	if err := c.s.config.Host.Reset(c.by); err != nil {
		return nil, err
	}
	return Begun{c.s.session().number}, nil
}
