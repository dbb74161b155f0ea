package scenarios

import (
	"net/netip"
	"slices"
)

// UpstreamName is the name of the node that stands for what is outside of the world: faults act on it as on any other.
const UpstreamName = "upstream"

// Upstream is where a live world's resolvers have names looked up that are in none of its zones.
type Upstream struct {
	// Servers are real recursive servers, outside of the world, in the order in which they are tried.
	Servers []netip.AddrPort
	// Keep are names that stay in the world with all below them, beside its zones; absolute, lower case.
	Keep []string
	// Addresses are the node's in the world: one of each family that nobody else has.
	Addresses []netip.Addr
	Pos       Position
}

// upstream reads [upstream]. The other nodes are known.
func (l *loader) upstream(f *fields) *Upstream {
	n := f.get("upstream")
	if n == nil {
		return nil
	}
	u := &Upstream{Pos: n.keyPosition()}
	t := l.fields(n, "upstream")
	if t == nil {
		return nil
	}
	if other, taken := l.nodes[UpstreamName]; taken {
		l.errorf(u.Pos, "the name %s is taken by the %s at %v; with an [upstream] it is that of a node of its own", quote(UpstreamName), other.kind, other.at)
	}
	me := inhabitant{name: UpstreamName, kind: upstreamNode, at: u.Pos}
	l.nodes[UpstreamName] = me
	for _, a := range []netip.Addr{netip.MustParseAddr("100.64.0.53"), netip.MustParseAddr("2001:db8:64::53")} {
		for l.addresses[a].name != "" {
			a = a.Next()
		}
		l.addresses[a] = me
		u.Addresses = append(u.Addresses, a)
	}
	list, given := t.list("servers")
	for _, e := range list {
		if a, ok := l.realServer(e); ok {
			if slices.Contains(u.Servers, a) {
				l.errorf(e.position(), "servers: %s is there twice", quote(e.string()))
				continue
			}
			u.Servers = append(u.Servers, a)
		}
	}
	if len(list) == 0 && (given != nil || !t.has("servers")) {
		l.errorf(u.Pos, `the upstream has no servers: write servers = ["127.0.0.1:5353"], the addresses of real resolvers`)
	}
	u.Keep = l.zoneNames(t, "keep")
	t.done()
	return u
}

// realServer reads the address of a server of the real world, with or without a port.
func (l *loader) realServer(n *node) (netip.AddrPort, bool) {
	const port = 53
	ap, err := netip.ParseAddrPort(n.string())
	if err != nil {
		var a netip.Addr
		a, err = netip.ParseAddr(n.string())
		ap = netip.AddrPortFrom(a, port)
	}
	a := ap.Addr()
	switch {
	case err != nil:
		l.errorf(n.position(), `servers: expected the address of a real resolver, with or without a port, such as "127.0.0.1:5353" or "[::1]:5353", found %s`, quote(n.string()))
	case ap.Port() == 0:
		l.errorf(n.position(), "servers: %s: nobody listens on port 0", quote(n.string()))
	case a.Is4In6():
		l.errorf(n.position(), "servers: %v is an IPv4 address in IPv6's clothes; write %v", a, a.Unmap())
	case a.IsUnspecified(), a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		l.errorf(n.position(), "servers: the address %v is not one host's", a)
	case l.addresses[a].name != "":
		who := l.addresses[a]
		l.errorf(n.position(), "servers: %v is the %s %s of this world; expected a server outside of it", a, who.kind, quote(who.name))
	default:
		return ap, true
	}
	return ap, false
}
