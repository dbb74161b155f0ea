package scenarios

import (
	"net/netip"
	"strings"
)

// address reads a string that is an address which a host of the world can have.
func (l *loader) address(n *node) (netip.Addr, bool) {
	a, err := netip.ParseAddr(n.string())
	if err != nil {
		hint := ""
		if _, err := netip.ParsePrefix(n.string()); err == nil {
			hint = ", without a prefix length"
		}
		l.errorf(n.position(), "expected an address such as 10.0.1.20 or 2001:db8::53%s, found %s", hint, quote(n.string()))
		return a, false
	}
	if why := unfit(a); why != "" {
		l.errorf(n.position(), "the address %v %s", a, why)
		return a, false
	}
	return a, true
}

// unfit says why no host of the world can have the address.
func unfit(a netip.Addr) string {
	switch {
	case a.Zone() != "":
		return "has an interface; the world has none"
	case a.Is4In6():
		return "is an IPv4 address in IPv6's clothes; write " + a.Unmap().String()
	case a.IsUnspecified():
		return "is no host's"
	case a.IsLoopback():
		return "is each host's own; the world's network cannot carry it"
	case a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "is not one host's"
	}
	return ""
}

// addressPort reads an address with or without a port.
func (l *loader) addressPort(n *node) (netip.AddrPort, bool) {
	const port = 53
	if ap, err := netip.ParseAddrPort(n.string()); err == nil && ap.Port() != 0 {
		if why := unfit(ap.Addr()); why != "" {
			l.errorf(n.position(), "the address %v %s", ap.Addr(), why)
			return ap, false
		}
		return ap, true
	}
	a, ok := l.address(n)
	return netip.AddrPortFrom(a, port), ok
}

// prefix reads a string that is a prefix, or an address for itself alone.
func (l *loader) prefix(n *node) (netip.Prefix, bool) {
	p, message := parsePrefix(n.string())
	if message != "" {
		l.errorf(n.position(), "%s", message)
		return p, false
	}
	return p, true
}

// parsePrefix gives the prefix or what is wrong with it.
func parsePrefix(s string) (netip.Prefix, string) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), ""
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return p, "expected a prefix such as 10.0.5.0/24 or 2001:db8::/32, found " + quote(s)
	case p.Addr().Is4In6():
		return p, "the prefix " + s + " is IPv4 in IPv6's clothes; write it as IPv4"
	case p != p.Masked():
		return p, "the prefix " + s + " has bits set beyond its length; write " + p.Masked().String()
	}
	return p, ""
}

// match reads a list in the words of BIND's match-clients, and knows the keys that it may name.
func (l *loader) match(f *fields, name string) []string {
	list, n := f.list(name)
	if n == nil {
		return nil
	}
	words := make([]string, 0, len(list))
	for _, e := range list {
		if l.matchWord(e) {
			words = append(words, e.string())
		}
	}
	return words
}

func (l *loader) matchWord(n *node) bool {
	word := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(n.string()), "!"))
	if word == "any" || word == "none" {
		return true
	}
	if key, ok := strings.CutPrefix(word, "key "); ok {
		return l.knownKey(n, strings.TrimSpace(key))
	}
	if _, message := parsePrefix(word); message != "" {
		if _, err := netip.ParsePrefix(word); err != nil { // not a prefix at all
			message = `expected a prefix, an address, "any", "none" or "key NAME", each perhaps with "!" in front, found ` + quote(n.string())
			if near := nearest(word, []string{"any", "none"}); near != "" {
				message += "; did you mean " + quote(near) + "?"
			}
		}
		l.errorf(n.position(), "%s", message)
		return false
	}
	return true
}
