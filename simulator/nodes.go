package simulator

import "net/netip"

// Role is what runs on a node.
type Role string

// The roles of nodes.
const (
	RoleServer   Role = "server"   // an authoritative server
	RoleResolver Role = "resolver" // a recursive resolver
	RoleClient   Role = "client"   // a host with a stub resolver
	RoleWeb      Role = "web"      // a host that answers HTTP
	RoleUpstream Role = "upstream" // what stands for the outside of the world
)

// Node is a host of the world as others see it.
type Node struct {
	Name      string
	Role      Role
	Addresses []netip.Addr // in the world, in the scenario's order
	// State is how the node's program looks from outside: "up", "silent", "refusing" or "hanging"; empty for a client
	// without a program that listens.
	State string
}

// Nodes are the world's hosts, in the order of the scenario.
func (w *World) Nodes() []Node {
	list := make([]Node, len(w.order))
	for i, n := range w.order {
		list[i] = Node{Name: n.name, Role: n.role(), Addresses: n.host.Addresses()}
		if n.service != nil {
			list[i].State = n.service.State().String()
		}
	}
	return list
}

func (n *node) role() Role {
	switch {
	case n.server != nil:
		return RoleServer
	case n.newResolver != nil:
		return RoleResolver
	case n.web != nil:
		return RoleWeb
	case n.wayOut != nil:
		return RoleUpstream
	}
	return RoleClient
}
