package validate

import (
	"bytes"

	"github.com/miekg/dns"
)

// name is a domain name in wire form and lower case. Its parts are sub-slices of it: what stands after a label is the
// parent's name. Lowering every octet is safe, since a length octet is at most 63 and 'A' is 65.
type name []byte

// parseName reads a name in presentation form, with or without the trailing dot. It fails on what is no domain name.
func parseName(s string) (name, bool) {
	var buf [256]byte
	n, err := dns.PackDomainName(dns.Fqdn(s), buf[:], 0, nil, false)
	if err != nil || n > 255 {
		return nil, false
	}
	wire := append(name(nil), buf[:n]...)
	lower(wire)
	return wire, true
}

func lower(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
}

func (n name) String() string {
	s, _, err := dns.UnpackDomainName(n, 0)
	if err != nil {
		return "(no name)"
	}
	return s
}

func (n name) isRoot() bool { return len(n) == 1 }

// parent takes the leftmost label off; the root is its own parent.
func (n name) parent() name {
	if n.isRoot() {
		return n
	}
	return n[1+int(n[0]):]
}

// labels counts the labels, the root's empty one not among them.
func (n name) labels() int {
	count := 0
	for ; !n.isRoot(); n = n.parent() {
		count++
	}
	return count
}

func (n name) isWildcard() bool { return len(n) > 2 && n[0] == 1 && n[1] == '*' }

// wildcard is the name with "*" as its leftmost label and n as the rest.
func (n name) wildcard() name {
	return append(name{1, '*'}, n...)
}

func (n name) equal(m name) bool { return bytes.Equal(n, m) }

// within says whether n is at or below ancestor.
func (n name) within(ancestor name) bool {
	for len(n) > len(ancestor) {
		n = n.parent()
	}
	return n.equal(ancestor)
}

// below says whether n is below ancestor, and not ancestor itself.
func (n name) below(ancestor name) bool {
	return len(n) > len(ancestor) && n.within(ancestor)
}

// lastLabels is the ancestor of n that has count labels; n itself when it has no more.
func (n name) lastLabels(count int) name {
	for have := n.labels(); have > count; have-- {
		n = n.parent()
	}
	return n
}

// commonAncestor is the longest name that both are at or below.
func commonAncestor(a, b name) name {
	for !b.within(a) {
		a = a.parent()
	}
	return a
}

// compare orders names canonically (RFC 4034 section 6.1): label by label from the right, as octets, the shorter first.
func compare(a, b name) int {
	var atA, atB [128]uint8
	i, j := a.offsets(&atA), b.offsets(&atB)
	for i > 0 && j > 0 {
		i--
		j--
		if c := bytes.Compare(a.label(atA[i]), b.label(atB[j])); c != 0 {
			return c
		}
	}
	return i - j
}

// offsets notes where each label begins and returns how many there are.
func (n name) offsets(at *[128]uint8) int {
	count := 0
	for i := 0; n[i] != 0; i += 1 + int(n[i]) {
		at[count] = uint8(i)
		count++
	}
	return count
}

func (n name) label(at uint8) []byte {
	start := int(at) + 1
	return n[start : start+int(n[at])]
}
