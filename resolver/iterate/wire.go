package iterate

import (
	"encoding/binary"
	"fmt"

	"github.com/miekg/dns"
)

const (
	headerLen = 12
	// udpSize is what our OPT record offers: what crosses the internet without fragments (RFC 9715 section 3.2).
	udpSize = 1232
)

// Question is what is asked, in class IN. The name is canonical.
type Question struct {
	Name string
	Type uint16
}

// String is "name. TYPE".
func (q Question) String() string { return q.Name + " " + dns.Type(q.Type).String() }

// packQuery packs the question for an authoritative server: no recursion, and with EDNS also DO (RFC 4035 section 3.2.1).
// questionEnd is where the question section ends.
func packQuery(q Question, id uint16, edns bool) (query []byte, questionEnd int, err error) {
	query = make([]byte, headerLen+256+4+11)
	binary.BigEndian.PutUint16(query, id)
	query[5] = 1
	off, err := dns.PackDomainName(q.Name, query, headerLen, nil, false)
	if err != nil {
		return nil, 0, fmt.Errorf("asking for %s: %w", q, err)
	}
	query = query[:off]
	query = binary.BigEndian.AppendUint16(query, q.Type)
	query = binary.BigEndian.AppendUint16(query, dns.ClassINET)
	questionEnd = len(query)
	if edns {
		query[11] = 1
		query = append(query, 0, 0, byte(dns.TypeOPT), udpSize>>8, udpSize&0xFF, 0, 0, 0x80, 0, 0, 0)
	}
	return query, questionEnd, nil
}

// answers says whether reply is one to query: its ID, QR, and its question, in whatever case (RFC 5452 section 4.2). A
// server that could not read the question may leave it out.
func answers(reply, query []byte, questionEnd int) bool {
	if len(reply) < headerLen || reply[0] != query[0] || reply[1] != query[1] || reply[2]&0xF8 != 0x80 {
		return false
	}
	switch binary.BigEndian.Uint16(reply[4:]) {
	case 0:
		rcode := int(reply[3] & 0xF)
		return rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented
	case 1:
	default:
		return false
	}
	if len(reply) < questionEnd {
		return false
	}
	for i := headerLen; i < questionEnd; i++ {
		a, b := reply[i], query[i]
		if i < questionEnd-4 { // length octets are below 'A'
			a, b = lower(a), lower(b)
		}
		if a != b {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
