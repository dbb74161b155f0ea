package authoritative

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// Match is a list of who is meant, in the words of BIND's address_match_list: the first element that fits decides, and
// whom none fits is not meant. A nil list means nobody.
type Match []Element

// Element is one item of a [Match]. Key, when set, fits requests that are signed with that TSIG key; otherwise Prefix
// fits requests from inside it; the zero Prefix with Any set fits everything. Not turns a fit into a no.
type Element struct {
	Not    bool
	Any    bool
	Prefix netip.Prefix
	Key    string // lower case, with the trailing dot
}

// Everybody returns the list that fits all.
func Everybody() Match { return Match{{Any: true}} }

// ParseMatch reads elements such as "10.0.1.0/24", "2001:db8::53", "any", "none" and "key NAME", each with "!" in front
// to exclude. All errors are told at once. Addresses with bits beyond their prefix's length are an error, as in BIND.
func ParseMatch(words []string) (Match, error) {
	list := make(Match, 0, len(words))
	var errs []error
	for _, word := range words {
		e, err := parseElement(word)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, e)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return list, nil
}

func parseElement(word string) (Element, error) {
	var e Element
	rest := strings.TrimSpace(word)
	for strings.HasPrefix(rest, "!") {
		e.Not = !e.Not
		rest = strings.TrimSpace(rest[1:])
	}
	switch fields := strings.Fields(rest); {
	case rest == "any":
		e.Any = true
		return e, nil
	case rest == "none":
		e.Any, e.Not = true, !e.Not
		return e, nil
	case len(fields) == 2 && fields[0] == "key":
		if _, ok := dns.IsDomainName(fields[1]); !ok {
			return e, fmt.Errorf("match element %q: %q is no domain name", word, fields[1])
		}
		e.Key = dns.CanonicalName(fields[1])
		return e, nil
	}
	if addr, err := netip.ParseAddr(rest); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		e.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return e, nil
	}
	prefix, err := netip.ParsePrefix(rest)
	if err != nil {
		return e, fmt.Errorf(`match element %q: want an address, a prefix such as 10.0.1.0/24, "any", "none" or "key NAME"`, word)
	}
	if prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return e, fmt.Errorf("match element %q: write it as an IPv4 prefix", word)
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	if prefix != prefix.Masked() {
		return e, fmt.Errorf("match element %q: bits are set beyond its length; write %s", word, prefix.Masked())
	}
	e.Prefix = prefix
	return e, nil
}

// Allows tells whether a request from addr, signed with the TSIG key of that canonical name ("" for none), is meant.
func (m Match) Allows(addr netip.Addr, key string) bool {
	addr = addr.Unmap()
	for i := range m {
		if m[i].fits(addr, key) {
			return !m[i].Not
		}
	}
	return false
}

func (e *Element) fits(addr netip.Addr, key string) bool {
	switch {
	case e.Any:
		return true
	case e.Key != "":
		return e.Key == key
	default:
		return e.Prefix.Contains(addr)
	}
}

// String is the element as ParseMatch reads it.
func (e Element) String() string {
	not := ""
	if e.Not {
		not = "!"
	}
	switch {
	case e.Any && e.Not:
		return "none"
	case e.Any:
		return "any"
	case e.Key != "":
		return not + "key " + e.Key
	case e.Prefix.IsSingleIP():
		return not + e.Prefix.Addr().String()
	}
	return not + e.Prefix.String()
}

// Strings returns the list as ParseMatch reads it.
func (m Match) Strings() []string {
	words := make([]string, len(m))
	for i, e := range m {
		words[i] = e.String()
	}
	return words
}

// keys calls f with each TSIG key that the list names.
func (m Match) keys(f func(name string)) {
	for _, e := range m {
		if e.Key != "" {
			f(e.Key)
		}
	}
}
