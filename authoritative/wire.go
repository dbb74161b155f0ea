package authoritative

import (
	"encoding/binary"
	"errors"

	"github.com/miekg/dns"
)

// The header of a message (RFC 1035 section 4.1.1) as the code here reads it straight from the bytes.
const (
	headerLen = 12

	flagQR = 0x80 // in byte 2
	flagAA = 0x04
	flagTC = 0x02
	flagRD = 0x01

	maxName = 255 // octets of a name on the wire, RFC 1035 section 2.3.4
)

func wireID(msg []byte) uint16  { return binary.BigEndian.Uint16(msg) }
func wireOpcode(msg []byte) int { return int(msg[2]>>3) & 0xF }
func wireRcode(msg []byte) int  { return int(msg[3] & 0xF) }

var errMalformed = errors.New("malformed message")

// layout is where the parts of a message are.
type layout struct {
	questionEnd int
	// last is where the last record of the additional section begins; 0: there is none.
	last     int
	lastType uint16
}

// measure walks through a whole message without unpacking it. Counts that the bytes do not bear out, and bytes after
// the last record, are errors, and so is a TSIG record in any place but the last (RFC 8945 section 5.1).
func measure(msg []byte) (layout, error) {
	var l layout
	if len(msg) < headerLen {
		return l, errMalformed
	}
	off := headerLen
	for range binary.BigEndian.Uint16(msg[4:]) {
		if off = skipName(msg, off); off < 0 || off+4 > len(msg) {
			return l, errMalformed
		}
		off += 4
	}
	l.questionEnd = off
	additional := int(binary.BigEndian.Uint16(msg[10:]))
	records := int(binary.BigEndian.Uint16(msg[6:])) + int(binary.BigEndian.Uint16(msg[8:])) + additional
	for i := range records {
		start := off
		if off = skipName(msg, off); off < 0 || off+10 > len(msg) {
			return l, errMalformed
		}
		rrtype := binary.BigEndian.Uint16(msg[off:])
		off += 10 + int(binary.BigEndian.Uint16(msg[off+8:]))
		if off > len(msg) {
			return l, errMalformed
		}
		last := i == records-1 && additional > 0
		if last {
			l.last, l.lastType = start, rrtype
		} else if rrtype == dns.TypeTSIG {
			return l, errMalformed
		}
	}
	if off != len(msg) {
		return l, errMalformed
	}
	return l, nil
}

// skipName returns the offset after the name at off, or -1.
func skipName(msg []byte, off int) int {
	for off < len(msg) {
		switch c := int(msg[off]); {
		case c == 0:
			return off + 1
		case c >= 0xC0:
			if off+2 > len(msg) {
				return -1
			}
			return off + 2
		case c > 63: // 01 and 10 are not label types any more, RFC 6891 section 5
			return -1
		default:
			off += 1 + c
		}
	}
	return -1
}

// lowerName copies the uncompressed name at the start of b into buf, in lower case, and returns its length, or 0 when
// it is not one.
func lowerName(buf *[maxName]byte, b []byte) int {
	off := 0
	for off < len(b) && off < maxName {
		n := int(b[off])
		if n > 63 || off+1+n > len(b) || off+1+n > maxName {
			return 0
		}
		buf[off] = b[off]
		for i := off + 1; i <= off+n; i++ {
			c := b[i]
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			buf[i] = c
		}
		off += 1 + n
		if n == 0 {
			return off
		}
	}
	return 0
}

// wireName is a name in lower case on the wire; the key under which zones are found.
func wireName(name string) (string, error) {
	var buf [maxName + 1]byte
	n, err := dns.PackDomainName(dns.CanonicalName(name), buf[:], 0, nil, false)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// unpackQuery unpacks a query. Where that fails it tries once more without the options that mean nothing here, since
// miekg/dns looks closely into some of them: a client subnet with bits too many is no reason for FORMERR in a server that
// knows no client subnets.
func unpackQuery(query []byte) (*dns.Msg, error) {
	q := new(dns.Msg)
	err := q.Unpack(query)
	if err == nil {
		return q, nil
	}
	l, malformed := measure(query)
	if malformed != nil || l.lastType != dns.TypeOPT || query[l.last] != 0 {
		return nil, err
	}
	kept := append([]byte(nil), query[:l.last+11]...)
	for b := query[l.last+11:]; len(b) > 0; {
		if len(b) < 4 || len(b) < 4+int(binary.BigEndian.Uint16(b[2:])) {
			return nil, err
		}
		n := 4 + int(binary.BigEndian.Uint16(b[2:]))
		switch binary.BigEndian.Uint16(b) {
		case dns.EDNS0NSID, dns.EDNS0COOKIE, dns.EDNS0EXPIRE:
			kept = append(kept, b[:n]...)
		}
		b = b[n:]
	}
	binary.BigEndian.PutUint16(kept[l.last+9:], uint16(len(kept)-l.last-11))
	q = new(dns.Msg)
	return q, q.Unpack(kept)
}
