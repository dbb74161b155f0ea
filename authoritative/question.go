package authoritative

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

// plainQuestion is a query of the commonest form, read straight from its bytes: one question in class IN, and nothing
// else but perhaps an OPT record of EDNS version 0.
type plainQuestion struct {
	end   int // of the question section
	qtype uint16
	edns  edns
	// name is the name asked for in lower case, length octets of it.
	name   [maxName]byte
	length int
}

// read fills p in and tells whether the query has that form. Anything else, malformed or merely unusual, is for the
// ordinary way.
func (p *plainQuestion) read(query []byte) bool {
	if len(query) < headerLen+5 || query[2]&^flagRD != 0 { // not QUERY, or flags that no query sets
		return false
	}
	counts := query[4:headerLen]
	if counts[0] != 0 || counts[1] != 1 || counts[2]|counts[3]|counts[4]|counts[5]|counts[6] != 0 || counts[7] > 1 {
		return false
	}
	if p.length = lowerName(&p.name, query[headerLen:]); p.length == 0 {
		return false
	}
	p.end = headerLen + p.length + 4
	if len(query) < p.end {
		return false
	}
	p.qtype = binary.BigEndian.Uint16(query[p.end-4:])
	class := binary.BigEndian.Uint16(query[p.end-2:])
	if class != dns.ClassINET || isMeta(p.qtype) {
		return false
	}
	if counts[7] == 0 {
		return len(query) == p.end
	}
	return p.readOPT(query[p.end:])
}

// readOPT reads an OPT record of version 0 that fills b.
func (p *plainQuestion) readOPT(b []byte) bool {
	if len(b) < 11 || b[0] != 0 || binary.BigEndian.Uint16(b[1:]) != dns.TypeOPT || b[5] != 0 || b[6] != 0 {
		return false
	}
	if len(b) != 11+int(binary.BigEndian.Uint16(b[9:])) {
		return false
	}
	p.edns = edns{present: true, size: binary.BigEndian.Uint16(b[3:]), do: b[7]&0x80 != 0}
	return p.edns.readOptions(b[11:])
}

// readOptions tells whether b is a row of whole options, none of which needs more than is done here. Options that mean
// nothing to the server are passed over whatever is in them (RFC 6891 section 6.1.2): padding, keepalive, client subnet.
func (e *edns) readOptions(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		code, n := binary.BigEndian.Uint16(b), 4+int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) {
			return false
		}
		switch code {
		case dns.EDNS0EXPIRE:
			return false
		case dns.EDNS0NSID:
			e.nsid = true
		case dns.EDNS0COOKIE:
			if e.cookie == nil {
				e.cookie = b[4:n]
			}
		}
		b = b[n:]
	}
	return true
}

// isMeta tells whether qtype asks for something other than RRsets (RFC 6895 section 3.1), ANY apart.
func isMeta(qtype uint16) bool {
	return qtype == 0 || qtype == dns.TypeOPT || qtype >= 128 && qtype <= 254
}

// key appends what an answer depends on, its zone and the header's ID and RD apart: the question in its own case, and
// EDNS.
func (p *plainQuestion) key(b, query []byte) []byte {
	b = append(b, query[headerLen:p.end-2]...)
	var state byte
	if p.edns.present {
		state |= 1
	}
	if p.edns.do {
		state |= 2
	}
	return append(b, state)
}
