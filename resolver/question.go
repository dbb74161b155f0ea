package resolver

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// The header of a message (RFC 1035 section 4.1.1), where it is read straight from the bytes.
const (
	headerLen = 12

	flagQR     = 0x80 // in byte 2
	maskOpcode = 0x78
	flagTC     = 0x02
	flagRD     = 0x01
	flagAD     = 0x20 // in byte 3
	flagCD     = 0x10

	minUDP = 512  // RFC 1035 section 4.2.1, and the least that EDNS can say, RFC 6891 section 6.2.3
	maxUDP = 1232 // RFC 9715 section 3.2
	maxTCP = 65535
)

// question is what a client wants to know, and how.
type question struct {
	id    uint16
	asked string // the name in the client's own case
	name  string // canonical
	qtype uint16

	rd, ad, cd bool
	edns, do   bool
	size       uint16 // that the client takes over UDP
}

// String is "name. TYPE".
func (q *question) String() string { return q.name + " " + dns.Type(q.qtype).String() }

// limit is how large an answer may be.
func (q *question) limit(network string) int {
	switch {
	case network == "tcp":
		return maxTCP
	case !q.edns:
		return minUDP
	}
	return min(max(int(q.size), minUDP), maxUDP)
}

// admit takes the question out of a query. When there is none to be answered it gives the reply instead, or nil where
// nothing is sent back.
func (r *Resolver) admit(query *dns.Msg, client netip.Addr) (*question, *dns.Msg) {
	if query.Response {
		return nil, nil
	}
	q := &question{id: query.Id, rd: query.RecursionDesired, ad: query.AuthenticatedData, cd: query.CheckingDisabled}
	rcode := q.readEDNS(query)
	switch {
	case query.Opcode != dns.OpcodeQuery:
		rcode = dns.RcodeNotImplemented
	case len(query.Question) != 1 || !q.read(query.Question[0]):
		rcode = dns.RcodeFormatError
	}
	if rcode != dns.RcodeSuccess {
		m := (&reply{rcode: rcode}).message(q)
		m.Opcode = query.Opcode
		m.Question = query.Question[:min(len(query.Question), 1)]
		return nil, m
	}
	if !r.allowed(client) {
		return nil, r.refuse(q).message(q)
	}
	if query.Question[0].Qclass != dns.ClassINET {
		m := (&reply{rcode: dns.RcodeRefused}).message(q)
		m.Question = query.Question
		return nil, m
	}
	if rcode := special(q.qtype); rcode != dns.RcodeSuccess {
		return nil, (&reply{rcode: rcode}).message(q)
	}
	return q, nil
}

// read takes name and type; ok false: the name is none.
func (q *question) read(asked dns.Question) bool {
	var wire [256]byte
	n, err := dns.PackDomainName(asked.Name, wire[:], 0, nil, false)
	if err != nil || !dns.IsFqdn(asked.Name) {
		return false
	}
	name, _, err := dns.UnpackDomainName(wire[:n], 0) // one spelling for each name
	if err != nil {
		return false
	}
	q.asked, q.name, q.qtype = asked.Name, canonical(name), asked.Qtype
	return true
}

// readEDNS reads the OPT record (RFC 6891) and returns NOERROR, FORMERR or BADVERS.
func (q *question) readEDNS(query *dns.Msg) int {
	for _, rr := range query.Extra {
		opt, ok := rr.(*dns.OPT)
		if !ok {
			continue
		}
		if q.edns || opt.Hdr.Name != "." {
			return dns.RcodeFormatError // RFC 6891 section 6.1.1
		}
		q.edns, q.do, q.size = true, opt.Do(), opt.UDPSize()
		if opt.Version() != 0 {
			return dns.RcodeBadVers
		}
	}
	return dns.RcodeSuccess
}

// special gives the response code for types that are not data (RFC 6895 section 3.1).
func special(qtype uint16) int {
	switch qtype {
	case dns.TypeNone, dns.TypeOPT:
		return dns.RcodeFormatError
	case dns.TypeAXFR, dns.TypeIXFR:
		return dns.RcodeRefused
	case dns.TypeTKEY, dns.TypeTSIG, dns.TypeMAILA, dns.TypeMAILB:
		return dns.RcodeNotImplemented
	}
	return dns.RcodeSuccess
}

// readPlain reads an ordinary question straight from the bytes; ok false: it is anything else, malformed too.
func readPlain(query []byte) (q question, ok bool) {
	const counts = 1 << 48 // one question, no answer, no authority
	c := binary.BigEndian.Uint64(query[4:])
	if query[2]&(maskOpcode|flagTC) != 0 || c&^1 != counts {
		return q, false
	}
	name, off, err := dns.UnpackDomainName(query, headerLen)
	if err != nil || off+4 > len(query) || binary.BigEndian.Uint16(query[off+2:]) != dns.ClassINET {
		return q, false
	}
	q = question{id: binary.BigEndian.Uint16(query), asked: name, name: canonical(name), qtype: binary.BigEndian.Uint16(query[off:]),
		rd: query[2]&flagRD != 0, ad: query[3]&flagAD != 0, cd: query[3]&flagCD != 0}
	if special(q.qtype) != dns.RcodeSuccess {
		return q, false
	}
	off += 4
	if c&1 == 0 {
		return q, off == len(query)
	}
	// The OPT record: root name, type, size, extended rcode, version, flags, length.
	if len(query) < off+11 || query[off] != 0 || binary.BigEndian.Uint16(query[off+1:]) != dns.TypeOPT || query[off+6] != 0 {
		return q, false
	}
	q.edns, q.size, q.do = true, binary.BigEndian.Uint16(query[off+3:]), query[off+7]&0x80 != 0
	return q, off+11+int(binary.BigEndian.Uint16(query[off+9:])) == len(query) // no option of a client's is heeded
}

// canonical is the name in lower case, without a copy where it is that already.
func canonical(name string) string {
	for i := range len(name) {
		if c := name[i]; 'A' <= c && c <= 'Z' {
			return strings.ToLower(name)
		}
	}
	return name
}

// formatError answers what cannot be read beyond its header.
func formatError(query []byte) []byte {
	r := make([]byte, headerLen)
	copy(r, query[:3])
	r[2] = r[2]&(maskOpcode|flagRD) | flagQR
	r[3] = 0x80 | dns.RcodeFormatError // RA
	return r
}
