package resolver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// dumpHeader is the first line of a dump.
const dumpHeader = "# cache dump 1: name, type, TTL, kind, status, rank, extended errors, records; by tabs"

// String is the entry in a line, its fields divided by tabs:
//
//	name    canonical
//	type    as in a zone file; "ANY" for an NXDOMAIN, which is for all types, and for all that was told of a name
//	TTL     what is left, in seconds
//	kind    positive, NODATA, NXDOMAIN or failure
//	status  secure, insecure, bogus or indeterminate
//	rank    hint, additional, referral, non-authoritative answer, authority or answer (RFC 2181 section 5.4.1)
//	errors  extended errors (RFC 8914): CODE or CODE:"TEXT" in Go's quotes, divided by commas; "-" for none
//	records each in a field of its own, as in a zone file; of what is negative the SOA; none for a failure
//
// ParseCacheEntry reads it.
func (c CacheEntry) String() string {
	fields := []string{c.Name, dumpType(c.Type), strconv.FormatUint(uint64(c.TTL), 10), c.Kind.String(), c.Status.String(), c.Rank.String(),
		dumpErrors(c.EDE)}
	for _, rr := range c.RRs {
		fields = append(fields, strings.ReplaceAll(rr.String(), "\t", " "))
	}
	return strings.Join(fields, "\t")
}

func dumpType(t uint16) string {
	if t == dns.TypeNone {
		return "ANY"
	}
	return dns.Type(t).String()
}

func dumpErrors(list []dns.EDNS0_EDE) string {
	var parts []string
	for _, e := range list {
		part := strconv.Itoa(int(e.InfoCode))
		if e.ExtraText != "" {
			part += ":" + strconv.Quote(e.ExtraText)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ",")
}

// ParseCacheEntry reads a line of CacheEntry.String.
func ParseCacheEntry(line string) (c CacheEntry, err error) {
	fields := strings.Split(line, "\t")
	if len(fields) < 7 {
		return c, fmt.Errorf("cache entry %q: %d fields, want 7 and the records", line, len(fields))
	}
	var errs []error
	fail := func(what, text string) {
		errs = append(errs, fmt.Errorf("cache entry %s: no %s: %q", fields[0], what, text))
	}
	c.Name = fields[0]
	if _, ok := dns.IsDomainName(c.Name); !ok {
		fail("domain name", c.Name)
	}
	if c.Type, err = parseType(fields[1]); err != nil {
		fail("type", fields[1])
	}
	ttl, err := strconv.ParseUint(fields[2], 10, 32)
	if c.TTL = uint32(ttl); err != nil {
		fail("TTL", fields[2])
	}
	if !oneOf(&c.Kind, fields[3], cache.Failure) {
		fail("kind", fields[3])
	}
	if !oneOf(&c.Status, fields[4], validate.Bogus) {
		fail("status", fields[4])
	}
	if !oneOf(&c.Rank, fields[5], cache.Answer) {
		fail("rank", fields[5])
	}
	if c.Type == dns.TypeNone && c.Kind == cache.Positive {
		c.Type = dns.TypeANY // an answer to ANY, and not an NXDOMAIN, which is for any type
	}
	if c.EDE, err = parseErrors(fields[6]); err != nil {
		fail("list of extended errors", fields[6])
	}
	for _, text := range fields[7:] {
		rr, err := dns.NewRR(text)
		if err == nil && rr != nil { // one without data is none
			rr, err = dns.NewRR(rr.String())
		}
		if err != nil || rr == nil {
			fail("record", text)
			continue
		}
		c.RRs = append(c.RRs, rr)
	}
	return c, errors.Join(errs...)
}

// oneOf finds the value, up to last, that is written so.
func oneOf[T interface {
	~uint8
	String() string
}](v *T, text string, last T) bool {
	for *v = 0; *v <= last; *v++ {
		if (*v).String() == text {
			return true
		}
	}
	return false
}

func parseType(s string) (uint16, error) {
	if s == "ANY" {
		return dns.TypeNone, nil
	}
	if t, ok := dns.StringToType[s]; ok {
		return t, nil
	}
	digits, ok := strings.CutPrefix(s, "TYPE")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || n == 0 {
		return 0, fmt.Errorf("no type of records: %q", s)
	}
	return uint16(n), err
}

func parseErrors(s string) (list []dns.EDNS0_EDE, err error) {
	if s == "-" {
		return nil, nil
	}
	for {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		code, err := strconv.ParseUint(s[:digits], 10, 16)
		if err != nil {
			return nil, err
		}
		e := dns.EDNS0_EDE{InfoCode: uint16(code)}
		s = s[digits:]
		if strings.HasPrefix(s, ":") {
			quoted, err := strconv.QuotedPrefix(s[1:])
			if err != nil {
				return nil, err
			}
			if e.ExtraText, err = strconv.Unquote(quoted); err != nil {
				return nil, err
			}
			s = s[1+len(quoted):]
		}
		list = append(list, e)
		if s == "" {
			return list, nil
		}
		if s[0] != ',' {
			return nil, fmt.Errorf("unexpected %q", s)
		}
		s = s[1:]
	}
}

// WriteDump writes all that the cache holds: a line that begins with "#", then an entry a line, in the order of Dump.
func (r *Resolver) WriteDump(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, dumpHeader)
	for _, c := range r.Dump() {
		fmt.Fprintln(b, c)
	}
	return b.Flush()
}

// ParseDump reads what WriteDump wrote. Empty lines and those that begin with "#" are passed over.
func ParseDump(from io.Reader) ([]CacheEntry, error) {
	var list []CacheEntry
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<22)
	for n := 1; lines.Scan(); n++ {
		if line := lines.Text(); line != "" && line[0] != '#' {
			c, err := ParseCacheEntry(line)
			if err != nil {
				return list, fmt.Errorf("line %d: %w", n, err)
			}
			list = append(list, c)
		}
	}
	return list, lines.Err()
}
