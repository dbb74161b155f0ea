package simulator

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
	"faultzone/scenarios"
	"faultzone/simulator/network"
	"faultzone/simulator/relay"
)

// DialOut connects to a real server over "udp" or "tcp", or begins to. It does not wait beyond the real time deadline, or ctx.
type DialOut func(ctx context.Context, network string, to netip.AddrPort, deadline time.Time) (net.Conn, error)

// addUpstream puts the way out on the network, if the scenario names one.
func (w *World) addUpstream() error {
	u := w.scenario.World.Upstream
	if u == nil {
		return nil
	}
	n, err := w.addNode(scenarios.UpstreamName, u.Addresses, u.Addresses...)
	if err != nil {
		return err
	}
	c := relay.Config{Servers: u.Servers, Clock: w.driver, Dial: relay.Dial(w.dialOut), Report: func(question, text string) {
		w.note(Entry{Kind: KindUpstream, Node: n.name, What: "no-answer", Query: question, Text: text})
	}}
	if !w.Live() { // a real server's answer comes when it comes: no run would be like another
		c.Closed = "in virtual time no real server is asked"
	}
	n.wayOut = relay.New(c)
	return nil
}

// closeUpstream ends what is under way to real servers. The world's clock is closed.
func (w *World) closeUpstream() {
	if n := w.nodes[scenarios.UpstreamName]; n != nil && n.wayOut != nil {
		n.wayOut.Close()
	}
}

// forwardOut has a resolver send what is in none of the world's zones to the upstream. One that forwards everything
// already leaves that to those whom it asks.
func (w *World) forwardOut(c *resolver.Config, s *scenarios.Resolver) {
	u := w.scenario.World.Upstream
	routes := slices.Concat(s.Forward, s.Stub)
	if u == nil || slices.ContainsFunc(routes, func(r scenarios.Route) bool { return r.Zone == "." }) {
		return
	}
	out := resolver.Forward{Zone: "."}
	for _, a := range u.Addresses {
		if _, reached := network.Source(s.Addresses, a); reached && (a.Is4() && !c.NoIPv4 || a.Is6() && c.IPv6) {
			out.Servers = append(out.Servers, netip.AddrPortFrom(a, network.Port))
			break
		}
	}
	for _, name := range w.inside() {
		if !slices.ContainsFunc(routes, func(r scenarios.Route) bool { return dns.IsSubDomain(r.Zone, name) }) {
			out.Around = append(out.Around, name)
		}
	}
	if len(out.Servers) > 0 && len(out.Around) > 0 {
		c.Forward = append(c.Forward, out)
	}
}

// inside are the names that belong to the world with all below them: its zones, those aside under which it has others
// because they are a registry's, and hosts that such a zone has addresses of.
func (w *World) inside() []string {
	names := slices.Clone(w.scenario.World.Upstream.Keep)
	registries := map[string]bool{}
	for _, origin := range w.zones.origins {
		if dns.CountLabel(origin) < 2 && slices.ContainsFunc(w.zones.origins, func(o string) bool { return o != origin && dns.IsSubDomain(origin, o) }) {
			registries[origin] = true
			continue
		}
		names = append(names, origin)
	}
	for origin := range registries {
		master := w.zones.masters[origin]
		if master == nil {
			continue
		}
		rrs, err := w.zones.parse(master)
		if err != nil {
			continue // it was read when the world was built
		}
		for _, rr := range rrs {
			if t := rr.Header().Rrtype; t == dns.TypeA || t == dns.TypeAAAA {
				names = append(names, dns.CanonicalName(rr.Header().Name))
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	// A name below another goes with it.
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return name == "." || slices.ContainsFunc(names, func(o string) bool { return o != name && o != "." && dns.IsSubDomain(o, name) })
	})
}
