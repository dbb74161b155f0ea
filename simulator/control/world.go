package control

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status string `json:"status"` // "alive", "ready"
}

// health says that the program is there.
func health(*call) (any, error) { return Health{"alive"}, nil }

// readiness says that the scenario is loaded, its zones are signed, the sockets are bound, and time passes.
func readiness(c *call) (any, error) {
	if !c.s.ready.Load() {
		return nil, refuse(http.StatusServiceUnavailable, busy, "ask again", "the world is not ready yet")
	}
	return Health{"ready"}, nil
}

// World is what there is to say of a world as a whole.
type World struct {
	ID       string `json:"id"`
	Scenario string `json:"scenario"`
	Title    string `json:"title"`
	Text     string `json:"text,omitempty"`
	Seed     uint64 `json:"seed"`
	// Life counts the worlds that this one's program has had: 1, and one more with each reset.
	Life  int   `json:"life"`
	Ready bool  `json:"ready"`
	Clock Clock `json:"clock"`
	Steps Steps `json:"steps"`
	// Halted is the reason of the halt; null: it was not halted.
	Halted *string `json:"halted"`
	// ActiveFaults is how many faults are at work.
	ActiveFaults int    `json:"active_faults"`
	Limits       Bounds `json:"limits"`
}

// Steps are those of the scenario.
type Steps struct {
	Done int `json:"done"`
	Left int `json:"left"`
}

func world(c *call) (any, error) {
	w := c.world()
	s := w.Scenario()
	done := c.session.life.Done()
	out := World{ID: c.s.config.ID, Scenario: s.Name, Title: s.Title, Text: s.Text, Seed: w.Seed(), Life: c.session.number,
		Ready: c.s.ready.Load(), Clock: c.clock(), Steps: Steps{done, len(s.Steps) - done}, Limits: c.s.config.Limits.bounds()}
	if reason, halted := c.s.config.Host.Halted(); halted {
		out.Halted = &reason
		out.Steps.Left = 0 // no more are played
	}
	for _, in := range w.Faults() {
		if in.Active() {
			out.ActiveFaults++
		}
	}
	return out, nil
}

// Node is a host of the world.
type Node struct {
	Name      string       `json:"name"`
	Role      string       `json:"role"` // server, resolver, client, web, upstream
	Addresses []netip.Addr `json:"addresses"`
	// State is how its program looks from outside: up, silent, refusing, hanging; empty for a client that runs none.
	State string `json:"state"`
	// Doors are the real sockets that lead to it.
	Doors []Door `json:"doors"`
	// Protected says that the limits keep it from being touched.
	Protected bool `json:"protected"`
}

// Door leads from a real socket, UDP and TCP, to an address in the world.
type Door struct {
	Here  netip.AddrPort `json:"here"`
	World netip.Addr     `json:"world"`
}

// Nodes is a list of nodes.
type Nodes struct {
	Nodes []Node `json:"nodes"`
}

func nodes(c *call) (any, error) { return Nodes{c.nodes()}, nil }

func (c *call) nodes() []Node {
	doors := c.s.config.Host.Doors()
	list := []Node{}
	for _, n := range c.world().Nodes() {
		one := Node{Name: n.Name, Role: string(n.Role), Addresses: n.Addresses, State: n.State, Doors: []Door{},
			Protected: c.s.config.Limits.protects(n.Name)}
		for _, d := range doors {
			if d.Node == n.Name {
				one.Doors = append(one.Doors, Door{d.Real, d.World})
			}
		}
		list = append(list, one)
	}
	return list
}

func oneNode(c *call) (any, error) {
	name := c.r.PathValue("node")
	for _, n := range c.nodes() {
		if n.Name == name {
			return n, nil
		}
	}
	return nil, c.noNode("node", name, "")
}

// noNode is for a name that no node of a role ("" for any) has.
func (c *call) noNode(what, name, role string) *Problem {
	var names []string
	for _, n := range c.world().Nodes() {
		if role == "" || string(n.Role) == role {
			names = append(names, n.Name)
		}
	}
	return refuse(http.StatusNotFound, unknown, "there are "+strings.Join(names, ", "), "the world has no %s %q%s", what, clip(name),
		scenarios.DidYouMean(name, names))
}

// Zone is a zone in one view of one server.
type Zone struct {
	Zone    string `json:"zone"`
	Server  string `json:"server"`
	View    string `json:"view"`
	Primary bool   `json:"primary"`
	Serial  uint32 `json:"serial"`
	// Loaded says that it is answered for, Expired that a secondary has given up its copy, Fresh that its last refresh
	// succeeded.
	Loaded  bool `json:"loaded"`
	Expired bool `json:"expired"`
	Fresh   bool `json:"fresh"`
	// What a secondary last knew, and what it will do when.
	LastRefresh time.Time `json:"last_refresh,omitzero"`
	LastResult  string    `json:"last_result,omitempty"`
	NextRefresh time.Time `json:"next_refresh,omitzero"`
	Expires     time.Time `json:"expires,omitzero"`
	// What a signer will do when, and when its present signatures end.
	NextSigning   time.Time `json:"next_signing,omitzero"`
	SignaturesEnd time.Time `json:"signatures_end,omitzero"`
	Rollover      string    `json:"rollover,omitempty"`
}

// Zones is a list of zones.
type Zones struct {
	Zones []Zone `json:"zones"`
}

func zones(c *call) (any, error) {
	list, err := c.zones("")
	return Zones{list}, err
}

// zones are those of an origin, or all.
func (c *call) zones(origin string) ([]Zone, error) {
	list := []Zone{}
	for _, server := range c.world().Scenario().World.Servers {
		for _, view := range server.Views {
			for _, z := range view.Zones {
				if origin != "" && z.Origin != origin {
					continue
				}
				states, err := c.world().Zone(scenarios.ZoneStep{Server: server.Name, Zone: z.Origin, View: view.Name})
				if err != nil {
					return nil, err
				}
				for _, s := range states {
					list = append(list, zoneOf(z.Origin, s))
				}
			}
		}
	}
	return list, nil
}

func zoneOf(origin string, s simulator.ZoneState) Zone {
	return Zone{Zone: origin, Server: s.Server, View: s.View, Primary: s.Primary, Serial: s.Serial, Loaded: s.Loaded, Expired: s.Expired,
		Fresh: s.Fresh(), LastRefresh: s.LastRefresh, LastResult: s.LastResult, NextRefresh: s.NextRefresh, Expires: s.Expires,
		NextSigning: s.NextSigning, SignaturesEnd: s.SignaturesEnd, Rollover: s.Rollover}
}

func oneZone(c *call) (any, error) {
	origin, err := c.origin()
	if err != nil {
		return nil, err
	}
	list, err := c.zones(origin)
	return Zones{list}, err
}

// page reads the bounds of a list from the query: offset and limit.
func (c *call) page(offset string, most, standard int) (from, limit int, err error) {
	if from, err = c.number(offset, 0, 1<<62); err != nil {
		return 0, 0, err
	}
	limit = standard
	if c.r.URL.Query().Has("limit") {
		limit, err = c.number("limit", 1, most)
	}
	return from, limit, err
}

// number reads a whole number of the query; without it, the least.
func (c *call) number(key string, least, most int) (int, error) {
	text := c.r.URL.Query().Get(key)
	if text == "" {
		return least, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, refuse(http.StatusBadRequest, badRequest, "", "%s=%s: want a whole number from %d to %d", key, clip(text), least, most)
	}
	return n, nil
}
