package zone

import (
	"strings"

	"github.com/miekg/dns"
)

// maxWire is the length in octets of the longest name on the wire (RFC 1035 section 2.3.4).
const maxWire = 255

// Inside the package a name is known by its wire form in lower case: "\x03www\x07example\x00". It is unique however
// the name was escaped and capitalised, its parent is a suffix at a known offset, and a dot inside of a label needs no
// care.

// appendWire appends name's canonical wire form to dst. A name without the final dot is taken as absolute. It reports
// false for what is no domain name: an empty or too long label, too long a name, a broken escape.
func appendWire(dst []byte, name string) ([]byte, bool) {
	start := len(dst)
	if name == "." {
		return append(dst, 0), true
	}
	if name == "" {
		return dst, false
	}
	length := len(dst) // where the current label's length goes
	dst = append(dst, 0)
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '.':
			if !closeLabel(dst, length) {
				return dst, false
			}
			length = len(dst)
			dst = append(dst, 0)
			continue
		case c == '\\':
			var width int
			if c, width = unescape(name[i:]); width == 0 {
				return dst, false
			}
			i += width - 1
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	if len(dst) != length+1 { // the final dot was left out
		if !closeLabel(dst, length) {
			return dst, false
		}
		dst = append(dst, 0)
	}
	return dst, len(dst)-start <= maxWire
}

func closeLabel(wire []byte, length int) bool {
	n := len(wire) - length - 1
	wire[length] = byte(n)
	return 0 < n && n < 64
}

// unescape decodes the escape that s begins with (RFC 1035 section 5.1), and says how long it is; 0 when it is broken.
func unescape(s string) (c byte, width int) {
	if len(s) < 2 {
		return 0, 0
	}
	if !isDigit(s[1]) {
		return s[1], 2
	}
	if len(s) < 4 || !isDigit(s[2]) || !isDigit(s[3]) {
		return 0, 0
	}
	n := int(s[1]-'0')*100 + int(s[2]-'0')*10 + int(s[3]-'0')
	if n > 255 {
		return 0, 0
	}
	return byte(n), 4
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// wireOf is appendWire for those who keep the result.
func wireOf(name string) (string, bool) {
	var buf [maxWire + 1]byte
	wire, ok := appendWire(buf[:0], name)
	if !ok {
		return "", false
	}
	return string(wire), true
}

// parentOf strips the first label of a wire name that is not the root.
func parentOf(wire string) string { return wire[1+int(wire[0]):] }

// isWithin tells whether a wire name is zone's own or lies below it.
func isWithin(wire, zone string) bool {
	for len(wire) > len(zone) {
		wire = parentOf(wire)
	}
	return wire == zone
}

// presentation writes a wire name as text, escaped as miekg/dns escapes the names that it reads from a message.
func presentation(wire string) string {
	name, _, err := dns.UnpackDomainName([]byte(wire), 0)
	if err != nil {
		return "." // unreachable: wire names are made by appendWire
	}
	return name
}

// appendOrder appends a key for which comparing bytes is canonical name order (RFC 4034 section 6.1): labels from the
// right, each ended by 0, with 0 and 1 inside of a label escaped so that they stay above that end.
func appendOrder(dst, wire []byte) []byte {
	var starts [128]uint8
	n := 0
	for i := 0; wire[i] != 0; i += 1 + int(wire[i]) {
		starts[n] = uint8(i)
		n++
	}
	for n--; n >= 0; n-- {
		at := int(starts[n])
		for _, c := range wire[at+1 : at+1+int(wire[at])] {
			if c <= 1 {
				dst = append(dst, 1, c+1)
				continue
			}
			dst = append(dst, c)
		}
		dst = append(dst, 0)
	}
	return dst
}

func orderOf(wire string) string {
	var buf [2 * maxWire]byte
	return string(appendOrder(buf[:0], []byte(wire)))
}

// CompareNames orders two names as RFC 4034 section 6.1 does: -1 when a sorts before b, 0 when they are the same
// name, 1 otherwise. What is not a domain name sorts first.
func CompareNames(a, b string) int {
	var x, y [2 * maxWire]byte
	return strings.Compare(string(order(x[:0], a)), string(order(y[:0], b)))
}

func order(dst []byte, name string) []byte {
	var buf [maxWire + 1]byte
	wire, ok := appendWire(buf[:0], name)
	if !ok {
		return dst
	}
	return appendOrder(dst, wire)
}

// countLabels counts a wire name's labels, the root's not among them.
func countLabels(wire []byte) int {
	n := 0
	for i := 0; wire[i] != 0; i += 1 + int(wire[i]) {
		n++
	}
	return n
}
