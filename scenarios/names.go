package scenarios

import (
	"fmt"

	"github.com/miekg/dns"
)

// checkName tells what keeps s from being a domain name: an empty label, a label of more than 63 octets, a name of
// more than 255 (RFC 1035 2.3.4), or an escape that is none (RFC 1035 5.1). A relative name is as good as an absolute
// one.
func checkName(s string) error {
	if s == "" {
		return fmt.Errorf("the name is empty")
	}
	if s == "." {
		return nil
	}
	total, label, start := 1, 0, 0 // 1: the root's own octet
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '.' {
			switch c := s[i]; {
			case c <= ' ' || c == 0x7f:
				return fmt.Errorf("the name %s has a blank or a control character in it", quote(s))
			case c == '\\':
				n := escapeLength(s[i:])
				if n == 0 {
					return fmt.Errorf(`the name %s has a wrong escape; write \DDD, three digits up to 255, or \ and one character`, quote(s))
				}
				i += n - 1
			}
			label++
			continue
		}
		switch {
		case label > 63:
			return fmt.Errorf("the label %s has %d octets; 63 are the most (RFC 1035 2.3.4)", quote(s[start:i]), label)
		case label > 0:
			total += label + 1
		case i < len(s): // only the last dot may stand before nothing
			return fmt.Errorf("the name %s has an empty label", quote(s))
		}
		label, start = 0, i+1
	}
	if total > 255 {
		return fmt.Errorf("the name %s has %d octets; 255 are the most (RFC 1035 2.3.4)", quote(s), total)
	}
	return nil
}

// escapeLength is the length of the escape that s begins with; 0 for none.
func escapeLength(s string) int {
	switch {
	case len(s) < 2:
		return 0
	case s[1] < '0' || s[1] > '9':
		return 2
	case len(s) < 4 || s[2] < '0' || s[2] > '9' || s[3] < '0' || s[3] > '9' || s[1:4] > "255":
		return 0
	}
	return 4
}

// canonical is the form in which names of zones and keys are compared and kept: lower case, absolute.
func canonical(name string) string { return dns.CanonicalName(name) }

// checkNodeName tells what keeps s from being a node's, a view's or a fault's name. They appear on command lines and in
// addresses of an API, so they are plain words.
func checkNodeName(what, s string) error {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !bare(c) && c != '.' {
			return fmt.Errorf("%s %s: a name is made of letters, digits, '-', '_' and '.'", what, quote(s))
		}
	}
	if s == "" || len(s) > 255 {
		return fmt.Errorf("%s %s: a name has 1 to 255 characters", what, quote(s))
	}
	return nil
}
