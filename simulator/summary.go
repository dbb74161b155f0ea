package simulator

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// Summary is a packed message in a line: the question, and for a reply its code, flags, extended error and what the
// sections hold.
func Summary(packed []byte) string {
	if packed == nil {
		return ""
	}
	if line, ok := httpLine(packed); ok {
		return line
	}
	m := new(dns.Msg)
	if err := m.Unpack(packed); err != nil {
		return fmt.Sprintf("%d bytes that are no DNS message", len(packed))
	}
	return SummaryOf(m)
}

// httpLine is the first line of an HTTP message, of which there are some between clients and web hosts.
func httpLine(packed []byte) (string, bool) {
	line, _, ok := bytes.Cut(packed, []byte("\r\n"))
	ok = ok && (bytes.HasPrefix(line, []byte("HTTP/1.1 ")) || bytes.HasSuffix(line, []byte(" HTTP/1.1")))
	return short(string(line)), ok
}

// SummaryOf is Summary of an unpacked message.
func SummaryOf(m *dns.Msg) string {
	var b strings.Builder
	for _, q := range m.Question {
		fmt.Fprintf(&b, "%s %s", q.Name, dns.Type(q.Qtype))
	}
	if m.Opcode != dns.OpcodeQuery {
		b.WriteString(" " + dns.OpcodeToString[m.Opcode])
	}
	if !m.Response {
		return b.String()
	}
	b.WriteString(" " + dns.RcodeToString[m.Rcode])
	for _, f := range []struct {
		on   bool
		name string
	}{{m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.AuthenticatedData, "ad"}, {m.CheckingDisabled, "cd"}} {
		if f.on {
			b.WriteString(" " + f.name)
		}
	}
	for _, e := range ExtendedErrors(m) {
		fmt.Fprintf(&b, " [EDE %d %s", e.InfoCode, dns.ExtendedErrorCodeToString[e.InfoCode])
		if e.ExtraText != "" {
			b.WriteString(": " + e.ExtraText)
		}
		b.WriteString("]")
	}
	if s := section(m.Answer); s != "" {
		b.WriteString(" → " + s)
	} else if s := section(m.Ns); s != "" {
		b.WriteString(" (" + s + ")")
	}
	return b.String()
}

// section tells the first few records of a section.
func section(rrs []dns.RR) string {
	const most = 4
	var parts []string
	for i, rr := range rrs {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(rrs)-most))
			break
		}
		h := rr.Header()
		switch rr := rr.(type) {
		case *dns.RRSIG:
			parts = append(parts, fmt.Sprintf("%s %d RRSIG %s until %s", h.Name, h.Ttl, dns.Type(rr.TypeCovered), dns.TimeToString(rr.Expiration)))
		case *dns.DNSKEY:
			parts = append(parts, fmt.Sprintf("%s %d DNSKEY %d %d", h.Name, h.Ttl, rr.Flags, rr.KeyTag()))
		default:
			parts = append(parts, fmt.Sprintf("%s %d %s %s", h.Name, h.Ttl, dns.Type(h.Rrtype), Rdata(rr)))
		}
	}
	return strings.Join(parts, ", ")
}

// Rdata is a record's data in presentation form.
func Rdata(rr dns.RR) string {
	return strings.TrimPrefix(rr.String(), rr.Header().String())
}

// ExtendedErrors are a reply's extended errors (RFC 8914), in their order.
func ExtendedErrors(m *dns.Msg) []*dns.EDNS0_EDE {
	opt := m.IsEdns0()
	if opt == nil {
		return nil
	}
	var list []*dns.EDNS0_EDE
	for _, o := range opt.Option {
		if e, ok := o.(*dns.EDNS0_EDE); ok {
			list = append(list, e)
		}
	}
	return list
}
