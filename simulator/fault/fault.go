// Package fault is the catalogue of ways to break a world.
//
// A fault acts through four doors only: on the network between nodes; on a node's process; through a server's
// ordinary administrative calls; on a client's configuration. The servers themselves know nothing of it. Each fault
// counts what it saw, what matched its target and what it changed, so that a fault which nobody met can be told from
// one that had its effect; and each can be healed, which for some is not undoing but what an operator would do.
//
// Each fault stands in a file of its own. To add one: write its Spec with its parameters and its New, implement
// [Fault], put the Spec into [Catalogue], and give it a test that fires and one that does not.
package fault

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/authoritative/sign"
	"faultzone/resolver"
	"faultzone/scenarios"
	"faultzone/simulator/network"
)

// Fault is one injected way of breaking. Inject and Heal are called once each, in that order; neither waits. An Inject
// that fails has changed nothing, and is not healed.
type Fault interface {
	Inject(World) error
	Heal() error
	Counts() Counts
}

// Counts is what a fault did so far.
type Counts struct {
	Seen    int64 `json:"seen"`    // messages (or records) that it looked at
	Matched int64 `json:"matched"` // those its target and its match are about
	Changed int64 `json:"changed"` // those that came out otherwise than without it
}

// World is what a fault can reach.
type World interface {
	Now() time.Time
	Network() *network.Network
	// Process is the program that a node runs: a server's, a resolver's. A client has only its local stub.
	Process(node string) (Process, error)
	// Addresses are those of a node by name, or of the prefix or address itself.
	Addresses(nodeOrPrefix string) ([]netip.Prefix, error)
	Authoritative(node string) (*authoritative.Server, error)
	Resolver(node string) (*resolver.Resolver, error)
	// Primaries are the places where the zone is mastered, in the order of the scenario.
	Primaries(zone string) []Place
	// Servers are the addresses of all that serve the zone.
	Servers(zone string) []netip.Addr
	// Parent is the zone above a zone, in the world.
	Parent(zone string) (string, error)
	// Keys are a zone's keys of a generation: 0 are those it began with.
	Keys(zone string, generation int) ([]*sign.Key, error)
	// Calendar is the honest signers' time table, as it lies in this world.
	Calendar() scenarios.Calendar
	// Layers is what the faults of this world have put on top of its settings.
	Layers() *Layers
}

// Process is a node's program.
type Process interface {
	// Stop ends it. What is left at its addresses looks as said.
	Stop(look network.State)
	// Start begins it anew: a resolver's cache is empty then.
	Start()
	Counts() (seen, lost int64)
}

// Place is a zone on one server.
type Place struct {
	Node, View string
	Server     *authoritative.Server
}

// Params are a fault's parameters, as the scenario gave them, by name.
type Params map[string]any

// String is a text parameter, or def.
func (p Params) String(name, def string) string {
	if s, ok := p[name].(string); ok {
		return s
	}
	return def
}

// Strings is a list parameter; a single text is a list of one.
func (p Params) Strings(name string) []string {
	switch v := p[name].(type) {
	case string:
		return []string{v}
	case []string:
		return v
	}
	return nil
}

// Spec describes a fault to people and to the scenario loader, and makes it.
type Spec struct {
	scenarios.FaultSpec
	New func(Params) (Fault, error)
}

// Catalogue is every fault there is, by name.
func Catalogue() []Spec {
	return []Spec{
		denialBrokenSpec(),
		dsMissingSpec(),
		keyRollSpec(),
		partitionSpec(),
		resigningStoppedSpec(),
		resolverACLSpec(),
		serverDownSpec(),
		signerBrokenSpec(),
		stubListenerDownSpec(),
		transferRefusedSpec(),
		viewLeakSpec(),
		viewSubnetMissingSpec(),
	}
}

// Vocabulary is the catalogue as the scenario loader needs it.
func Vocabulary() scenarios.Vocabulary {
	var v scenarios.Vocabulary
	for _, s := range Catalogue() {
		v.Faults = append(v.Faults, s.FaultSpec)
	}
	return v
}

// New makes a fault of the catalogue.
func New(name string, p Params) (Fault, error) {
	for _, s := range Catalogue() {
		if s.Name == name {
			return s.New(p)
		}
	}
	return nil, fmt.Errorf("there is no fault %q; `faultzone faults` lists them", name)
}

// watch counts the replies in which a fault shows, by a rule that changes nothing.
type watch struct {
	net  *network.Network
	rule *network.Rule
}

// watchReplies looks at every reply that comes from one of the addresses (all, if there are none): about tells which
// are the fault's business, shows in which of those it is to be seen.
func watchReplies(net *network.Network, name string, from []netip.Addr, about, shows func(reply *dns.Msg, to netip.Addr) bool) *watch {
	sources := make(map[netip.Addr]bool, len(from))
	for _, a := range from {
		sources[a] = true
	}
	parse := func(f *network.Flight) *dns.Msg {
		m := new(dns.Msg)
		if m.Unpack(f.Data) != nil {
			return nil
		}
		return m
	}
	w := &watch{net: net}
	w.rule = &network.Rule{Name: name,
		Match: func(f *network.Flight) bool {
			if !f.Reply || len(from) > 0 && !sources[f.From.Addr()] {
				return false
			}
			m := parse(f)
			return m != nil && about(m, f.To.Addr())
		},
		Act: func(f *network.Flight) bool {
			m := parse(f)
			return m != nil && shows(m, f.To.Addr())
		}}
	net.AddRule(w.rule)
	return w
}

func (w *watch) end() { w.net.RemoveRule(w.rule) }

func (w *watch) Counts() Counts {
	if w == nil {
		return Counts{}
	}
	seen, matched, changed := w.rule.Counts()
	return Counts{seen, matched, changed}
}

// records calls f with every record of a reply until it returns true, and tells whether it did.
func records(m *dns.Msg, f func(dns.RR) bool) bool {
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if f(rr) {
				return true
			}
		}
	}
	return false
}

// signature tells whether a reply to somebody who asked for signatures has one of a zone's that passes the test. A zone
// transfer has them too, but nobody validates those.
func signature(m *dns.Msg, zone string, test func(*dns.RRSIG) bool) bool {
	if opt := m.IsEdns0(); opt == nil || !opt.Do() {
		return false
	}
	return records(m, func(rr dns.RR) bool {
		s, ok := rr.(*dns.RRSIG)
		return ok && dns.CanonicalName(s.SignerName) == zone && test(s)
	})
}

func anySignature(*dns.RRSIG) bool { return true }

// keyOf is the name of the TSIG key that a message is signed with, or "".
func keyOf(m *dns.Msg) string {
	if t := m.IsTsig(); t != nil {
		return dns.CanonicalName(t.Hdr.Name)
	}
	return ""
}

// eachPrimary does the same at every place where a zone is mastered, until one fails.
func eachPrimary(w World, zone string, do func(Place) error) error {
	places := w.Primaries(zone)
	if len(places) == 0 {
		return fmt.Errorf("no server of the world is a primary of %s", zone)
	}
	for _, p := range places {
		if err := do(p); err != nil {
			return fmt.Errorf("%s, view %s: %w", p.Node, p.View, err)
		}
	}
	return nil
}

// resign changes the way a zone is signed, wherever it is. When it fails nothing has changed.
func resign(w World, zone string, change func(authoritative.Resigning) authoritative.Resigning) (lifts, error) {
	var undo lifts
	err := eachPrimary(w, zone, func(p Place) error {
		if s, err := p.Server.Status(p.View, zone); err != nil || s.SignaturesEnd.IsZero() {
			return err // it is not signed here, so nothing about it can be wrong
		}
		l, err := lay(w.Layers(), signingOf(zone, p),
			func() (authoritative.Resigning, error) { return authoritative.Resigning{}, nil },
			func(r authoritative.Resigning) error { return p.Server.Resign(p.View, zone, r) }, change)
		if err == nil {
			undo = append(undo, l.lift)
		}
		return err
	})
	if err == nil && len(undo) == 0 {
		err = fmt.Errorf("%s is not signed in this world", zone)
	}
	if err != nil {
		return nil, errors.Join(err, undo.all())
	}
	return undo, nil
}
