package simulator

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/authoritative/zone"
	"faultzone/resolver"
	"faultzone/scenarios"
	"faultzone/simulator/fault"
)

// Authoritative is the authoritative server on a node.
func (w *World) Authoritative(name string) (*authoritative.Server, error) {
	n, err := w.node(name)
	if err != nil {
		return nil, err
	}
	if n.server == nil {
		return nil, fmt.Errorf("%s is no authoritative server", name)
	}
	return n.server, nil
}

// Resolver is the resolver on a node, in its present life.
func (w *World) Resolver(name string) (*resolver.Resolver, error) {
	n, err := w.node(name)
	if err != nil {
		return nil, err
	}
	r := n.resolver.Load()
	if r == nil {
		return nil, fmt.Errorf("%s is no resolver", name)
	}
	return r, nil
}

// calendar is the signers' time table as it lies in this world.
func (w *World) calendar() scenarios.Calendar {
	c := w.scenario.World.Calendar
	c.Epoch = c.Epoch.Add(w.shift)
	return c
}

// places are the servers and views that have a zone; with primaries only those that master it.
func (w *World) places(origin string, primaries bool) []fault.Place {
	origin = dns.CanonicalName(origin)
	var list []fault.Place
	for _, s := range w.scenario.World.Servers {
		for _, v := range s.Views {
			for _, z := range v.Zones {
				if z.Origin == origin && (!primaries || len(z.Primaries) == 0) {
					list = append(list, fault.Place{Node: s.Name, View: v.Name, Server: w.nodes[s.Name].server})
				}
			}
		}
	}
	return list
}

// narrow picks of the places those of a server and a view; an empty name is any.
func narrow(list []fault.Place, zone, server, view string) ([]fault.Place, error) {
	var some []fault.Place
	for _, p := range list {
		if (server == "" || p.Node == server) && (view == "" || p.View == view) {
			some = append(some, p)
		}
	}
	if len(some) > 0 {
		return some, nil
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no such zone %s", zone)
	}
	var there []string
	for _, p := range list {
		there = append(there, fmt.Sprintf("on %s in view %s", p.Node, p.View))
	}
	return nil, fmt.Errorf("no such zone %s on server %q in view %q; it is %s", zone, server, view, strings.Join(there, ", "))
}

// Edit changes records of a zone on its primaries, each of which raises the serial and notifies.
func (w *World) Edit(e scenarios.EditStep) error {
	changes, err := changes(e)
	if err != nil {
		return err
	}
	places, err := narrow(w.places(e.Zone, true), e.Zone, e.On, e.View)
	if err != nil {
		return err
	}
	for _, p := range places {
		if err := p.Server.Edit(p.View, e.Zone, changes...); err != nil {
			return fmt.Errorf("edit %s on %s, view %s: %w", e.Zone, p.Node, p.View, err)
		}
	}
	return nil
}

// changes reads the lines of an edit.
func changes(e scenarios.EditStep) ([]zone.Change, error) {
	var list []zone.Change
	for _, line := range e.Delete {
		c, err := deletion(line, e.Zone)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	replaced := map[string]int{}
	for _, line := range e.Replace {
		rr, err := record(line, e.Zone)
		if err != nil {
			return nil, err
		}
		h := rr.Header()
		id := dns.CanonicalName(h.Name) + " " + dns.Type(h.Rrtype).String()
		if i, ok := replaced[id]; ok {
			list[i].RRs = append(list[i].RRs, rr)
			continue
		}
		replaced[id] = len(list)
		list = append(list, zone.Change{Op: zone.ReplaceRRset, Name: h.Name, Type: h.Rrtype, RRs: []dns.RR{rr}})
	}
	for _, line := range e.Add {
		rr, err := record(line, e.Zone)
		if err != nil {
			return nil, err
		}
		h := rr.Header()
		list = append(list, zone.Change{Op: zone.Add, Name: h.Name, Type: h.Rrtype, RRs: []dns.RR{rr}})
	}
	return list, nil
}

func record(line, origin string) (dns.RR, error) {
	z := dns.NewZoneParser(strings.NewReader(line), origin, "")
	z.SetDefaultTTL(3600)
	rr, ok := z.Next()
	if err := z.Err(); err != nil {
		return nil, fmt.Errorf("record %q: %w", line, err)
	}
	if !ok {
		return nil, fmt.Errorf("record %q: want one, such as \"www 300 IN A 192.0.2.1\"", line)
	}
	return rr, nil
}

// recordType reads a type by its mnemonic or as TYPE with its number (RFC 3597 section 5).
func recordType(text string) (uint16, error) {
	text = strings.ToUpper(text)
	if t, ok := dns.StringToType[text]; ok {
		return t, nil
	}
	if number, ok := strings.CutPrefix(text, "TYPE"); ok {
		if t, err := strconv.ParseUint(number, 10, 16); err == nil {
			return uint16(t), nil
		}
	}
	return 0, fmt.Errorf("%s is no record type", text)
}

// deletion reads "NAME", "NAME TYPE" or "NAME TYPE RDATA".
func deletion(line, origin string) (zone.Change, error) {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return zone.Change{}, errors.New("delete: want \"NAME\", \"NAME TYPE\" or \"NAME TYPE RDATA\"")
	}
	name := fields[0]
	switch {
	case name == "@":
		name = origin
	case !dns.IsFqdn(name):
		name += "." + strings.TrimPrefix(origin, ".")
	}
	if len(fields) == 1 {
		return zone.Change{Op: zone.DeleteName, Name: name}, nil
	}
	rrtype, err := recordType(fields[1])
	if err != nil {
		return zone.Change{}, fmt.Errorf("delete %q: %w", line, err)
	}
	if len(fields) == 2 {
		return zone.Change{Op: zone.DeleteRRset, Name: name, Type: rrtype}, nil
	}
	rr, err := record(name+" 0 IN "+strings.Join(fields[1:], " "), origin)
	if err != nil {
		return zone.Change{}, err
	}
	return zone.Change{Op: zone.Delete, Name: name, Type: rrtype, RRs: []dns.RR{rr}}, nil
}

// Flush empties a resolver's cache: whole, of a name, or of a subtree.
func (w *World) Flush(f scenarios.FlushStep) error {
	r, err := w.Resolver(f.Resolver)
	if err != nil {
		return err
	}
	switch {
	case f.Name == "":
		r.Clear()
	case f.Tree:
		r.FlushTree(dns.Fqdn(f.Name))
	default:
		r.Flush(dns.Fqdn(f.Name))
	}
	return nil
}

// Retransfer has a secondary transfer a zone anew, now. The transfer goes on after Retransfer has returned.
func (w *World) Retransfer(z scenarios.ZoneStep) error {
	places, err := narrow(w.places(z.Zone, false), z.Zone, z.Server, z.View)
	if err != nil {
		return err
	}
	for _, p := range places {
		if err := p.Server.Retransfer(p.View, z.Zone); err != nil {
			return fmt.Errorf("retransfer %s on %s, view %s: %w", z.Zone, p.Node, p.View, err)
		}
	}
	return nil
}

// ZoneState is a zone on a server, as its operator would see it.
type ZoneState struct {
	Server, View string
	authoritative.Status
	// Rollover is the phase of the last rollover of one of the zone's keys; empty: there was none.
	Rollover string
}

// Fresh tells whether a secondary's latest refresh succeeded; a primary always is.
func (z ZoneState) Fresh() bool { return z.Primary || z.LastResult == "successful" }

// Zone tells the state of a zone in each view of a server that has it.
func (w *World) Zone(z scenarios.ZoneStep) ([]ZoneState, error) {
	places, err := narrow(w.places(z.Zone, false), z.Zone, z.Server, z.View)
	if err != nil {
		return nil, err
	}
	var list []ZoneState
	for _, p := range places {
		s, err := p.Server.Status(p.View, z.Zone)
		if err != nil {
			return nil, err
		}
		state := ZoneState{Server: p.Node, View: p.View, Status: s}
		if r, err := p.Server.Rollover(p.View, z.Zone); err == nil && r.Kind != 0 {
			state.Rollover = string(r.Phase)
		}
		list = append(list, state)
	}
	return list, nil
}

// Cached tells how much longer a resolver's cache holds an answer, positive or negative, for a name and type.
func (w *World) Cached(resolverName, name string, rrtype uint16) (left time.Duration, ok bool) {
	r, err := w.Resolver(resolverName)
	if err != nil {
		return 0, false
	}
	e, ok := r.Cached(dns.Fqdn(name), rrtype)
	return time.Duration(e.TTL) * time.Second, ok
}
