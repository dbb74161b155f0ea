package edge

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"faultzone/simulator/network"
)

// Exact opens each address of the world as it is, on its port 53, and takes a client for whoever its address says: the
// programs of a real host find root, TLDs and name servers where the world has them. The addresses must be on a loopback
// interface of this machine or, since no machine is all of them, of a network namespace made for it; Config.Port is not
// used. A client without an address of its own choice is at the address that it asks, which is Linux's choice for its own
// addresses; one at 127.0.0.1 is taken for Config.As, and so are those of a door in 127.0.0.0/8, a host's own stub.
func Exact(c Config) (*Edge, error) {
	e := &Edge{config: c}
	if err := onLoopback(slices.Concat(c.Nodes, c.Others)); err != nil {
		return nil, err
	}
	for _, n := range c.Nodes {
		for _, a := range n.Addresses {
			if err := e.openForAnybody(n, a); err != nil {
				return nil, errors.Join(err, e.Close())
			}
		}
	}
	return e, nil
}

// openForAnybody takes clients for what they are.
func (e *Edge) openForAnybody(n Node, a netip.Addr) error {
	vantage, _ := e.vantage([]netip.Addr{a})
	if a.IsLoopback() && len(e.config.As) > 0 { // a host's own stub, for its own programs
		vantage = e.config.As[0]
	}
	return e.open(n, a, netip.AddrPortFrom(a, network.Port), func(client netip.AddrPort) netip.AddrPort {
		from := client.Addr().Unmap().WithZone("")
		if from.IsLoopback() || a.IsLoopback() {
			from = vantage
		}
		return netip.AddrPortFrom(from, client.Port())
	})
}

// Source is the address that a host with these addresses sends from to reach another: the first of its family in its scope,
// else the first of its family. ok is false when the host has none of that family.
func Source(addresses []netip.Addr, to netip.Addr) (from netip.Addr, ok bool) {
	return network.Source(addresses, to)
}

// onLoopback checks that every address is on a loopback interface: a world is nobody else's business, and on another
// interface others would be answered too.
func onLoopback(nodes []Node) error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("which addresses this machine has: %w", err)
	}
	at := map[netip.Addr]net.Interface{}
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err != nil {
			return fmt.Errorf("which addresses %s has: %w", i.Name, err)
		}
		for _, a := range addresses {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				at[p.Addr().Unmap()] = i
			}
		}
	}
	var missing []string
	for _, n := range nodes {
		for _, a := range n.Addresses {
			i, here := at[a]
			switch {
			case a.IsLoopback():
			case here && i.Flags&net.FlagLoopback == 0:
				return fmt.Errorf("%s of %s is an address of %s, where others can reach it: only those of a loopback interface are opened", a, n.Name, i.Name)
			case !here:
				missing = append(missing, a.String())
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s: every address of the world must be on a loopback interface here; "+
		"a network namespace of its own will do: unshare -Urn sh -c 'ip link set lo up; for a in %s; do ip addr add $a dev lo; done; exec \"$@\"' sh COMMAND…",
		syscall.EADDRNOTAVAIL, missing[0], strings.Join(missing, " "))
}
