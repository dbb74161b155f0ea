package fault

import (
	"net/netip"

	"github.com/miekg/dns"

	"faultzone/scenarios"
)

// resolverACL takes prefixes out of what a resolver serves.
type resolverACL struct {
	node string
	deny []string
	acl  *layer[[]netip.Prefix]
	*watch
}

func resolverACLSpec() Spec {
	return Spec{
		FaultSpec: scenarios.FaultSpec{
			Name:    "resolver-acl",
			Summary: "a resolver no longer serves some of its clients",
			Text: "The prefixes are taken out of the list of those who may ask. They get REFUSED with the extended error 18 " +
				"(Prohibited); everybody else is served as before.",
			Params: []scenarios.ParamSpec{
				{Name: "node", Kind: scenarios.ResolverNode, Required: true, Summary: "the resolver"},
				{Name: "deny", Kind: scenarios.Prefixes, Required: true, Summary: "the prefixes that may no longer ask"},
			},
		},
		New: func(p Params) (Fault, error) {
			return &resolverACL{node: p.String("node", ""), deny: p.Strings("deny")}, nil
		},
	}
}

func (f *resolverACL) Inject(w World) error {
	deny, err := prefixes(w, f.deny)
	if err != nil {
		return err
	}
	addresses, err := w.Addresses(f.node)
	if err != nil {
		return err
	}
	f.acl, err = lay(w.Layers(), "who may ask "+f.node,
		func() ([]netip.Prefix, error) {
			r, err := w.Resolver(f.node)
			if err != nil {
				return nil, err
			}
			return r.Allow(), nil
		},
		func(allowed []netip.Prefix) error {
			r, err := w.Resolver(f.node) // perhaps another than at the injection: it may have been started anew
			if err == nil {
				r.SetAllow(allowed)
			}
			return err
		},
		func(allowed []netip.Prefix) []netip.Prefix { return subtract(everybody(allowed), deny) })
	if err != nil {
		return err
	}
	f.watch = watchReplies(w.Network(), "resolver-acl", hosts(addresses),
		func(_ *dns.Msg, to netip.Addr) bool { return contains(deny, to) },
		func(m *dns.Msg, to netip.Addr) bool {
			return m.Rcode == dns.RcodeRefused && contains(everybody(f.acl.without()), to)
		})
	return nil
}

func (f *resolverACL) Heal() error {
	f.watch.end()
	return f.acl.lift()
}

// everybody is the list of who may ask with a resolver's nil, which is all, written out.
func everybody(allowed []netip.Prefix) []netip.Prefix {
	if allowed == nil {
		return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	}
	return allowed
}

func hosts(list []netip.Prefix) []netip.Addr {
	var addrs []netip.Addr
	for _, p := range list {
		addrs = append(addrs, p.Addr())
	}
	return addrs
}

// subtract is what is left of a set of prefixes when others are taken out of it, as prefixes.
func subtract(from, take []netip.Prefix) []netip.Prefix {
	rest := []netip.Prefix{}
	for _, p := range from {
		rest = append(rest, carve(p, take)...)
	}
	return rest
}

// carve splits p until each piece is wholly in or wholly out of take, and keeps those that are out.
func carve(p netip.Prefix, take []netip.Prefix) []netip.Prefix {
	overlaps := false
	for _, t := range take {
		if t.Overlaps(p) {
			if t.Bits() <= p.Bits() {
				return nil
			}
			overlaps = true
		}
	}
	if !overlaps {
		return []netip.Prefix{p}
	}
	low, high := halves(p)
	return append(carve(low, take), carve(high, take)...)
}

// halves are the two prefixes, one bit longer, that p consists of.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	bits := p.Bits()
	a := p.Masked().Addr()
	b := a.AsSlice()
	b[bits/8] |= 0x80 >> (bits % 8)
	upper, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(a, bits+1), netip.PrefixFrom(upper, bits+1)
}
