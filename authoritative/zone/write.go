package zone

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/miekg/dns"
)

// Write writes the zone as a master file (RFC 1035 section 5): one record a line, every name absolute, the SOA first
// and then canonical order, each RRset followed by its signatures. [Parse] and other servers' loaders read it back: types
// whose text not all of them know are written as RFC 3597 section 5 has it for unknown ones.
func Write(w io.Writer, z *Zone) error {
	out := bufio.NewWriter(w)
	first := true
	for rr := range z.Transfer() {
		if !first && rr == z.SOA() {
			break // the second SOA ends a transfer, not a file
		}
		first = false
		text, err := masterLine(rr)
		if err != nil {
			return err
		}
		out.WriteString(text)
		out.WriteByte('\n') // bufio keeps the first error for Flush
	}
	return out.Flush()
}

// masterLine is a record's line.
func masterLine(rr dns.RR) (string, error) {
	switch rr.(type) {
	case *dns.NULL, *dns.RESINFO, *dns.NXT, *dns.UINFO, *dns.UID, *dns.GID, *dns.AVC, *dns.DLV, *dns.EID,
		*dns.GPOS, *dns.HIP, *dns.NIMLOC, *dns.NINFO, *dns.NSAPPTR, *dns.PX, *dns.RKEY, *dns.TA, *dns.TALINK, *dns.ISDN,
		*dns.X25, *dns.MB, *dns.MG, *dns.MR:
		return genericLine(rr)
	case *dns.RFC3597:
		return strings.TrimSuffix(strings.Replace(rr.String(), "\tCLASS1\t", "\tIN\t", 1), " "), nil
	case *dns.SVCB, *dns.HTTPS:
		return strings.Replace(rr.String(), ` no-default-alpn=""`, " no-default-alpn", 1), nil // Knot takes no empty value
	}
	return rr.String(), nil
}

// genericLine writes a record as one of an unknown type.
func genericLine(rr dns.RR) (string, error) {
	h := rr.Header()
	wire := make([]byte, dns.Len(rr)+1)
	end, err := dns.PackRR(&detached{rr, *h}, wire, 0, nil, false)
	if err != nil {
		return "", fmt.Errorf("writing %s %s: %w", h.Name, dns.Type(h.Rrtype), err)
	}
	owner, err := dns.PackDomainName(h.Name, make([]byte, maxWire+1), 0, nil, false)
	if err != nil {
		return "", fmt.Errorf("writing %s %s: %w", h.Name, dns.Type(h.Rrtype), err)
	}
	data := wire[owner+10 : end]
	line := fmt.Sprintf("%s\t%d\tIN\tTYPE%d\t\\# %d", h.Name, h.Ttl, h.Rrtype, len(data))
	if len(data) > 0 {
		line += " " + hex.EncodeToString(data)
	}
	return line, nil
}
