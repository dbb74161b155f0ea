package zone

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

func (z *Zone) warn(name string, rrtype uint16, format string, args ...any) {
	e := CheckError{Name: name, Type: rrtype, Msg: fmt.Sprintf(format, args...)}
	z.warnings = append(z.warnings, e.Error())
}

// inspect warns of what can be served and helps nobody.
func (z *Zone) inspect() {
	for _, n := range z.order {
		wildcard := strings.HasPrefix(n.wire, "\x01*")
		for _, s := range n.sets {
			if n.place == PlaceOccluded && s.Type != dns.TypeA && s.Type != dns.TypeAAAA {
				z.warn(s.Name, s.Type, "lies below the delegation of %s and is never answered", n.cut.name)
				continue
			}
			if wildcard && (s.Type == dns.TypeNS || s.Type == dns.TypeDNAME) {
				z.warn(s.Name, s.Type, "at a wildcard neither delegates nor redirects (RFC 4592 sections 4.2 and 4.4)")
			}
			for _, rr := range s.RRs {
				z.inspectTarget(n, rr)
			}
		}
	}
}

// inspectTarget follows one record to the host that it names.
func (z *Zone) inspectTarget(n *node, rr dns.RR) {
	var target string
	switch x := rr.(type) {
	case *dns.NS:
		target = x.Ns
	case *dns.MX:
		target = x.Mx
	case *dns.SRV:
		target = x.Target
	}
	if target == "" || target == "." { // "." says that there is no such service (RFC 7505, RFC 2782)
		return
	}
	rrtype := rr.Header().Rrtype
	if _, err := netip.ParseAddr(strings.TrimSuffix(target, ".")); err == nil {
		z.warn(n.name, rrtype, "names the address %s where a host name belongs", target)
		return
	}
	var buf [maxWire + 1]byte
	wire, ok := appendWire(buf[:0], target)
	if !ok || !isWithin(string(wire), z.apex.wire) {
		return
	}
	host, off := z.closest(wire)
	if host.cut != nil {
		// Only a name server below the very cut that it serves cannot be found without its address here.
		if rrtype == dns.TypeNS && host.cut == n && (off > 0 || !hasAddress(host)) {
			z.warn(n.name, rrtype, "%s lies below the delegation and has no glue: it cannot be found", target)
		}
		return
	}
	if off > 0 {
		if host.find(dns.TypeDNAME) != nil {
			z.warn(n.name, rrtype, "%s is an alias (RFC 2181 section 10.3)", target)
			return
		}
		host = host.wildcard
	}
	switch {
	case host != nil && host.find(dns.TypeCNAME) != nil:
		z.warn(n.name, rrtype, "%s is an alias (RFC 2181 section 10.3)", target)
	case host == nil || !hasAddress(host):
		z.warn(n.name, rrtype, "%s has neither A nor AAAA", target)
	}
}

func hasAddress(n *node) bool { return n.find(dns.TypeA) != nil || n.find(dns.TypeAAAA) != nil }
