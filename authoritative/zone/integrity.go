package zone

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// inspect warns of what can be served and helps nobody: the checks that named-checkzone makes, and some more.
func (b *builder) inspect() {
	for _, n := range b.zone.order {
		if n.parent == nil && n != b.zone.apex {
			continue // an NSEC3's owner
		}
		if n != b.zone.apex && len(n.sets) > 0 && hasLabel(n.wire, "*") {
			b.warn(n.at(), n.name, dns.TypeNone, "has an asterisk that is not its first label: it is no wildcard (RFC 4592 section 2.1.1)")
		}
		for i := range n.sets {
			b.inspectSet(n, &n.sets[i])
		}
	}
}

func (b *builder) inspectSet(n *node, s *set) {
	wildcard := strings.HasPrefix(n.wire, "\x01*")
	switch {
	case n.place == PlaceOccluded && s.Type != dns.TypeA && s.Type != dns.TypeAAAA:
		b.warn(s.at, s.name(), s.Type, "lies below the delegation of %s and is never answered", n.cut.name)
		return
	case wildcard && (s.Type == dns.TypeNS || s.Type == dns.TypeDNAME):
		b.warn(s.at, s.name(), s.Type, "at a wildcard neither delegates nor redirects (RFC 4592 sections 4.2 and 4.4)")
	case s.Type == dns.TypeDS && n.place != PlaceCut:
		b.warn(s.at, s.name(), s.Type, "stands where nothing is delegated (RFC 4035 section 2.4)")
	}
	switch s.Type {
	case dns.TypeA, dns.TypeAAAA, dns.TypeMX:
		if !isHost(n.wire) {
			b.warn(s.at, s.name(), s.Type, "is owned by what is no host name (RFC 1123 section 2.1)")
		}
	}
	for _, rr := range s.RRs {
		b.inspectTarget(n, s, rr)
	}
}

// inspectTarget follows one record to the host that it names.
func (b *builder) inspectTarget(n *node, s *set, rr dns.RR) {
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
	if digit := target[0]; isDigit(digit) || strings.IndexByte(target, ':') >= 0 {
		if _, err := netip.ParseAddr(strings.TrimSuffix(target, ".")); err == nil {
			b.warn(s.at, n.name, s.Type, "names the address %s where a host name belongs", target)
			return
		}
	}
	var buf [maxWire + 1]byte
	wire, ok := appendWire(buf[:0], target)
	if !ok {
		return
	}
	if !isHost(string(wire)) || strings.HasPrefix(target, "*") {
		b.warn(s.at, n.name, s.Type, "%s is no host name (RFC 1123 section 2.1)", target)
	}
	if isWithin(string(wire), b.origin) {
		b.inspectHost(n, s, target, wire)
	}
}

// inspectHost looks for the addresses of a host that is to be in the zone.
func (b *builder) inspectHost(n *node, s *set, target string, wire []byte) {
	host, off := b.zone.closest(wire)
	if host.cut != nil {
		// Only a name server below the very cut that it serves cannot be found without its address here.
		if s.Type == dns.TypeNS && host.cut == n && (off > 0 || !hasAddress(host)) {
			b.warn(s.at, n.name, s.Type, "%s lies below the delegation and has no glue: it cannot be found", target)
		}
		return
	}
	if off > 0 {
		if host.find(dns.TypeDNAME) != nil {
			b.warn(s.at, n.name, s.Type, "%s is an alias (RFC 2181 section 10.3)", target)
			return
		}
		host = host.wildcard
	}
	switch {
	case host != nil && host.find(dns.TypeCNAME) != nil:
		b.warn(s.at, n.name, s.Type, "%s is an alias (RFC 2181 section 10.3)", target)
	case host == nil || !hasAddress(host):
		b.warn(s.at, n.name, s.Type, "%s has neither A nor AAAA", target)
	}
}

// isHost tells the names that hosts may have (RFC 952, RFC 1123 section 2.1), of which a wildcard makes some. Active
// Directory's gc._msdcs is let through, as everybody does.
func isHost(wire string) bool {
	for first := true; wire[0] != 0; wire, first = parentOf(wire), false {
		label := wire[1 : 1+int(wire[0])]
		if first && (label == "*" || strings.HasPrefix(wire, "\x02gc\x06_msdcs")) {
			if label == "gc" {
				return true
			}
			continue
		}
		if label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !(c == '-' || isDigit(c) || 'a' <= c && c <= 'z') {
				return false
			}
		}
	}
	return true
}

// hasLabel tells whether a wire name has a label other than its first.
func hasLabel(wire, label string) bool {
	for wire = parentOf(wire); wire[0] != 0; wire = parentOf(wire) {
		if wire[1:1+int(wire[0])] == label {
			return true
		}
	}
	return false
}

// Follows checks a zone's new content against the old, as a server does that loads it again: where anything differs, the
// serial must have been raised (RFC 1982 section 3.2), or secondaries never hear of it. The error is a *[CheckError].
func (z *Zone) Follows(old *Zone) error {
	soa := z.apex.find(dns.TypeSOA)
	e := &CheckError{Name: z.origin, Type: dns.TypeSOA}
	switch {
	case SerialLess(old.Serial(), z.Serial()) || z.Same(old):
		return nil
	case z.Serial() == old.Serial():
		e.Msg = fmt.Sprintf("the content has changed and the serial %d has not: secondaries will not fetch it", z.Serial())
	default:
		e.Msg = fmt.Sprintf("the serial %d does not come after %d (RFC 1982 section 3.2): secondaries will not fetch it", z.Serial(), old.Serial())
	}
	if z.where != nil {
		p := z.where(soa.at)
		e.File, e.Line = p.file, p.line
	}
	return e
}

// Same tells whether two zones have the same records, TTLs and signatures among them, in whatever order.
func (z *Zone) Same(other *Zone) bool {
	if z.origin != other.origin || z.sets != other.sets || len(z.order) != len(other.order) {
		return false
	}
	for i, n := range z.order {
		o := other.order[i]
		if n.wire != o.wire || len(n.sets) != len(o.sets) {
			return false
		}
		for j := range n.sets {
			if n.sets[j].Type != o.sets[j].Type || !sameRecords(n.sets[j].signed(), o.sets[j].signed()) {
				return false
			}
		}
	}
	return true
}

// sameRecords compares the canonical forms, TTLs included.
func sameRecords(a, b []dns.RR) bool {
	if len(a) != len(b) {
		return false
	}
	texts := func(rrs []dns.RR) []string {
		var all []string
		for _, rr := range rrs {
			wire, _, _ := AppendCanonical(nil, rr, rr.Header().Ttl)
			all = append(all, string(wire))
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(texts(a), texts(b))
}

func hasAddress(n *node) bool { return n.find(dns.TypeA) != nil || n.find(dns.TypeAAAA) != nil }
