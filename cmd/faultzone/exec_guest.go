package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"faultzone/scenarios"
	"faultzone/simulator/edge"
)

// guest is the host of the world that a command is on.
type guest struct {
	client      string // its name, where it is one of the scenario's clients
	addresses   []netip.Addr
	nameservers []netip.Addr
	search      []string
	options     string
	hosts       []scenarios.HostsLine
}

// guestOf picks the scenario's client of that name or address, a host with that address, or, for an empty one, the first
// client. A world without clients is seen from its vantage.
func guestOf(s *scenarios.Scenario, as string) (guest, error) {
	clients := s.World.Clients
	if as == "" && len(clients) > 0 {
		return guestFrom(clients[0]), nil
	}
	address, err := netip.ParseAddr(as)
	for _, client := range clients {
		if client.Name == as {
			return guestFrom(client), nil
		}
		for _, a := range client.Addresses {
			if err == nil && a == address {
				return guestFrom(client), nil
			}
		}
	}
	switch {
	case as == "":
		return visitor(s, s.World.Vantage), nil
	case err != nil:
		var names []string
		for _, client := range clients {
			names = append(names, client.Name)
		}
		return guest{}, usage("--as %q: want an address or a client of the scenario, which has %s%s", as, orNone(names), scenarios.DidYouMean(as, names))
	case address.Zone() != "" || address.IsUnspecified() || address.IsLoopback() || address.IsMulticast():
		return guest{}, usage("--as %q: want the address of a host of the world, such as 10.0.5.20", as)
	}
	for _, n := range inhabitants(s) {
		for _, a := range n.addresses {
			if a == address {
				return guest{}, usage("--as %s: that is %s's own address; want a client's, or one that nobody has", as, n.name)
			}
		}
	}
	addresses := []netip.Addr{address}
	for _, a := range s.World.Vantage {
		if a.Is4() != address.Is4() {
			addresses = append(addresses, a) // nodes of the other family are reached as ever
		}
	}
	return visitor(s, addresses), nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func guestFrom(c scenarios.Client) guest {
	return guest{client: c.Name, addresses: c.Addresses, nameservers: c.Nameservers, search: c.Search, options: c.Options, hosts: c.Hosts}
}

// visitor is a host that the scenario says nothing of. It is configured as the clients of its network are (of its /24 or
// /64), or asks the resolvers of its own scope that let it.
func visitor(s *scenarios.Scenario, addresses []netip.Addr) guest {
	for _, client := range s.World.Clients {
		if len(client.LocalStub) == 0 && neighbours(addresses[0], client.Addresses) {
			g := guestFrom(client)
			g.client, g.addresses = "", addresses
			return g
		}
	}
	g := guest{addresses: addresses, options: "timeout:2 attempts:3"}
	const most = 3 // of those that glibc reads
	for _, r := range s.World.Resolvers {
		for _, a := range r.Addresses {
			from, ok := edge.Source(addresses, a)
			if ok && from.IsPrivate() == a.IsPrivate() && (r.Allow == nil || covered(from, r.Allow)) && len(g.nameservers) < most {
				g.nameservers = append(g.nameservers, a)
				break
			}
		}
	}
	return g
}

func neighbours(a netip.Addr, others []netip.Addr) bool {
	bits := 24
	if a.Is6() {
		bits = 64
	}
	network, err := a.Prefix(bits)
	for _, other := range others {
		if err == nil && network.Contains(other) {
			return true
		}
	}
	return false
}

func covered(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// inhabitant is a node of a scenario with its addresses.
type inhabitant struct {
	name      string
	addresses []netip.Addr
}

// inhabitants are the scenario's nodes, of all kinds.
func inhabitants(s *scenarios.Scenario) (list []inhabitant) {
	for _, n := range s.World.Servers {
		list = append(list, inhabitant{n.Name, n.Addresses})
	}
	for _, n := range s.World.Resolvers {
		list = append(list, inhabitant{n.Name, n.Addresses})
	}
	for _, n := range s.World.Web {
		list = append(list, inhabitant{n.Name, n.Addresses})
	}
	for _, n := range s.World.Clients {
		list = append(list, inhabitant{n.Name, n.Addresses})
	}
	return list
}

// resolvConf is resolv.conf(5) of the host.
func (g guest) resolvConf() []byte {
	var b strings.Builder
	for _, a := range g.nameservers {
		fmt.Fprintf(&b, "nameserver %s\n", a)
	}
	if len(g.nameservers) == 0 {
		fmt.Fprintf(&b, "# This host has nobody to ask.\n")
	}
	if len(g.search) > 0 {
		trimmed := make([]string, len(g.search))
		for i, name := range g.search {
			if trimmed[i] = strings.TrimSuffix(name, "."); name == "." {
				trimmed[i] = name
			}
		}
		fmt.Fprintf(&b, "search %s\n", strings.Join(trimmed, " "))
	}
	if g.options != "" {
		fmt.Fprintf(&b, "options %s\n", g.options)
	}
	return []byte(b.String())
}

// hostsFile is hosts(5): the loopback names, this machine's, and the client's own lines.
func (g guest) hostsFile() []byte {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
	if name, err := os.Hostname(); err == nil && name != "" && name != "localhost" {
		fmt.Fprintf(&b, "127.0.1.1 %s\n", name)
	}
	for _, line := range g.hosts {
		fmt.Fprintf(&b, "%s %s\n", line.Address, strings.Join(line.Names, " "))
	}
	return []byte(b.String())
}

// switchFile is the machine's nsswitch.conf(5) with hosts from files and DNS alone: what else a machine may ask, such as
// systemd-resolved over its Unix socket, is not in the world.
func switchFile(machines []byte) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(machines)) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), ":"); name != "hosts" {
			b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	b.WriteString("hosts: files dns\n")
	return []byte(b.String())
}
