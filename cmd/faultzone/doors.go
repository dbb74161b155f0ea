package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/edge"
)

// doorFlags is what the command line says about real sockets.
type doorFlags struct {
	listen func(edge.Config) (*edge.Edge, error)
	web    edge.WebForm
	kind   string
	port   uint
	as     netip.Addr
	report func(error)
}

func edgeConfig(c *cli.Context) (doorFlags, error) {
	f := doorFlags{kind: c.String("edge"), port: c.Uint("port"), report: func(err error) { report(c.App.ErrWriter, err) }}
	switch f.kind {
	case "ports":
		f.listen, f.web = edge.Ports, edge.WebPorts
	case "loopback":
		f.listen, f.web = edge.Loopback, edge.WebLoopback
	case "exact":
		f.listen, f.web = edge.Exact, edge.WebExact
		if c.IsSet("port") {
			return f, usage("--port %d: with --edge exact every address has its port 53", f.port)
		}
	default:
		return f, usage("--edge %q: want ports, loopback or exact", f.kind)
	}
	if c.IsSet("port") && (f.port < 1 || f.port > 65535) {
		return f, usage("--port %d: want 1 to 65535", f.port)
	}
	if !c.IsSet("as") {
		return f, nil
	}
	text := c.String("as")
	as, err := netip.ParseAddr(text)
	if err != nil || as.Zone() != "" || as.IsUnspecified() || as.IsLoopback() || as.IsMulticast() {
		return f, usage("--as %q: want the address of a host of the world, such as 10.0.5.20", text)
	}
	f.as = as.Unmap()
	return f, nil
}

// clients are the addresses that real clients are taken for; none: the world's vantage.
func (f doorFlags) clients(s *scenarios.Scenario) ([]netip.Addr, error) {
	if !f.as.IsValid() {
		return nil, nil
	}
	list := []netip.Addr{f.as}
	for _, a := range s.World.Vantage {
		if a.Is4() != f.as.Is4() {
			list = append(list, a) // nodes of the other family are reached as ever
		}
	}
	return list, nil
}

// probe asks a door over UDP and TCP for a name that every server has an opinion on.
func probe(ctx context.Context, d edge.Door) error {
	for _, proto := range []string{"udp", "tcp"} {
		if err := ask(ctx, proto, d); err != nil {
			return err
		}
	}
	return nil
}

// ask sends one real query to a door and waits for the reply.
func ask(ctx context.Context, proto string, d edge.Door) error {
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 1}, Question: []dns.Question{{Name: "version.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}}}
	_, _, err := (&dns.Client{Net: proto}).ExchangeContext(ctx, m, d.Real.String())
	return err
}

// printDoors says where everything listens, and a line to paste.
func printDoors(w io.Writer, world *simulator.World, doors, web []edge.Door) {
	var nodes, addresses []string
	for _, d := range slices.Concat(doors, web) {
		nodes, addresses = append(nodes, d.Node), append(addresses, d.World.String())
	}
	node, address := width("NODE", nodes...), width("IN THE WORLD", addresses...)
	fmt.Fprintf(w, "%s\nworld time %s\n\n", world.Scenario().Title, world.Now().Format(time.RFC3339))
	fmt.Fprintf(w, "%-*s  %-*s  %s\n", node, "NODE", address, "IN THE WORLD", "HERE (UDP AND TCP)")
	for _, d := range doors {
		fmt.Fprintf(w, "%-*s  %-*s  %s\n", node, d.Node, address, d.World, d.Real)
	}
	for _, d := range web {
		fmt.Fprintf(w, "%-*s  %-*s  http://%s\n", node, d.Node, address, d.World, d.Real)
	}
	fmt.Fprintf(w, "\nTry:\n  %s\n\n", digLine(world, doors))
}

// digLine is a question that the world can answer, as a command to paste: to a resolver where there is one.
func digLine(world *simulator.World, doors []edge.Door) string {
	name, rrtype := exampleName(world)
	at := doors[0].Real
	for _, d := range doors {
		if _, err := world.Resolver(d.Node); err == nil {
			at = d.Real
			break
		}
	}
	return fmt.Sprintf("dig @%s -p %d %s %s", at.Addr(), at.Port(), strings.TrimSuffix(name, "."), rrtype)
}

// exampleName picks the question of the scenario's first query, else one that the world knows.
func exampleName(world *simulator.World) (name, rrtype string) {
	for _, s := range world.Scenario().Steps {
		if s.Kind == scenarios.Query && s.Query.Via != "" && dns.CountLabel(s.Query.Name) > 0 {
			return s.Query.Name, dns.Type(s.Query.Type).String()
		}
	}
	return world.ExampleName()
}
