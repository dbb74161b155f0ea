package authoritative

import (
	"encoding/binary"
	"strings"

	"github.com/miekg/dns"
)

// tsigRecord is the TSIG record of a message (RFC 8945 section 4.2). Names are canonical.
type tsigRecord struct {
	name, algorithm         string
	wireName, wireAlgorithm string
	time                    uint64 // seconds since 1970, 48 bits
	fudge                   uint16 // seconds
	mac                     []byte
	originalID              uint16
	err                     uint16
	other                   []byte
}

// splitTSIG takes the TSIG record off a measured message. The second result is the message as it was before the record
// was put to it: a copy, with the original ID and one record less. The record is nil where there is none.
func splitTSIG(msg []byte, l layout) (*tsigRecord, []byte, error) {
	if l.last == 0 || l.lastType != dns.TypeTSIG {
		return nil, msg, nil
	}
	r, err := parseTSIG(msg, l.last)
	if err != nil {
		return nil, nil, err
	}
	body := append([]byte(nil), msg[:l.last]...)
	binary.BigEndian.PutUint16(body, r.originalID)
	binary.BigEndian.PutUint16(body[10:], binary.BigEndian.Uint16(msg[10:])-1)
	return r, body, nil
}

// parseTSIG reads the record at off, the last of a measured message.
func parseTSIG(msg []byte, off int) (*tsigRecord, error) {
	r := new(tsigRecord)
	var err error
	if r.name, r.wireName, off, err = readName(msg, off); err != nil {
		return nil, err
	}
	class, ttl := binary.BigEndian.Uint16(msg[off+2:]), binary.BigEndian.Uint32(msg[off+4:])
	if class != dns.ClassANY || ttl != 0 {
		return nil, errMalformed
	}
	if r.algorithm, r.wireAlgorithm, off, err = readName(msg, off+10); err != nil {
		return nil, err
	}
	if len(msg) < off+10 {
		return nil, errMalformed
	}
	r.time = uint64(binary.BigEndian.Uint16(msg[off:]))<<32 | uint64(binary.BigEndian.Uint32(msg[off+2:]))
	r.fudge = binary.BigEndian.Uint16(msg[off+6:])
	macLen := int(binary.BigEndian.Uint16(msg[off+8:]))
	off += 10
	if len(msg) < off+macLen+6 {
		return nil, errMalformed
	}
	r.mac = append([]byte(nil), msg[off:off+macLen]...)
	off += macLen
	r.originalID = binary.BigEndian.Uint16(msg[off:])
	r.err = binary.BigEndian.Uint16(msg[off+2:])
	otherLen := int(binary.BigEndian.Uint16(msg[off+4:]))
	off += 6
	if len(msg) != off+otherLen {
		return nil, errMalformed
	}
	r.other = append([]byte(nil), msg[off:]...)
	return r, nil
}

// readName returns the name at off in lower case, as text and on the wire, and the offset after it.
func readName(msg []byte, off int) (text, wire string, end int, err error) {
	text, end, err = dns.UnpackDomainName(msg, off)
	if err != nil {
		return "", "", 0, errMalformed
	}
	text = strings.ToLower(text)
	wire, err = wireName(text)
	return text, wire, end, err
}

// appendTSIG puts the record to a packed message and counts it.
func appendTSIG(msg []byte, r *tsigRecord) []byte {
	msg = append(msg, r.wireName...)
	msg = binary.BigEndian.AppendUint16(msg, dns.TypeTSIG)
	msg = binary.BigEndian.AppendUint16(msg, dns.ClassANY)
	msg = binary.BigEndian.AppendUint32(msg, 0)
	msg = binary.BigEndian.AppendUint16(msg, uint16(len(r.wireAlgorithm)+16+len(r.mac)+len(r.other)))
	msg = append(msg, r.wireAlgorithm...)
	msg = appendTimers(msg, r)
	msg = binary.BigEndian.AppendUint16(msg, uint16(len(r.mac)))
	msg = append(msg, r.mac...)
	msg = binary.BigEndian.AppendUint16(msg, r.originalID)
	msg = binary.BigEndian.AppendUint16(msg, r.err)
	msg = binary.BigEndian.AppendUint16(msg, uint16(len(r.other)))
	msg = append(msg, r.other...)
	binary.BigEndian.PutUint16(msg[10:], binary.BigEndian.Uint16(msg[10:])+1)
	return msg
}

// tsigRoom is how many octets appendTSIG adds for a record of that key without other data.
func tsigRoom(k *tsigKey) int {
	return len(k.wireName) + 10 + len(k.wireAlgorithm) + 16 + k.size
}

// appendTimers appends the TSIG Timers of RFC 8945 section 5.3.1.
func appendTimers(b []byte, r *tsigRecord) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(r.time>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(r.time))
	return binary.BigEndian.AppendUint16(b, r.fudge)
}

// appendVariables appends the TSIG Variables of RFC 8945 section 4.3.3.
func appendVariables(b []byte, r *tsigRecord) []byte {
	b = append(b, r.wireName...)
	b = binary.BigEndian.AppendUint16(b, dns.ClassANY)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = append(b, r.wireAlgorithm...)
	b = appendTimers(b, r)
	b = binary.BigEndian.AppendUint16(b, r.err)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.other)))
	return append(b, r.other...)
}
