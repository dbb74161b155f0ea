package iterate

import (
	"encoding/binary"
	"fmt"

	"github.com/miekg/dns"
)

const (
	headerLen = 12
	// defaultUDPSize is what crosses the internet without fragments (RFC 9715 section 3.2).
	defaultUDPSize = 1232
)

// Question is what is asked, in class IN. The name is canonical.
type Question struct {
	Name string
	Type uint16
}

// String is "name. TYPE".
func (q Question) String() string { return q.Name + " " + dns.Type(q.Type).String() }

// manner is how a question is put to a server.
type manner struct {
	network string
	id      uint16
	rd, cd  bool
	edns    bool
	probe   bool // edns is off only to see whether that helps
	udpSize uint16
	cookie  []byte // the whole option: client cookie, then the server's if it is known
	// mix has a bit for each octet of the name: whether a letter there is a capital one. nil: none is.
	mix *[4]uint64
}

// pack packs the question. With EDNS it also has DO (RFC 4035 section 3.2.1). questionEnd is where the question section
// ends.
func (m *manner) pack(q Question) (query []byte, questionEnd int, err error) {
	query = make([]byte, headerLen+256+4, headerLen+256+4+11+4+40)
	binary.BigEndian.PutUint16(query, m.id)
	if m.rd {
		query[2] |= 0x01
	}
	if m.cd {
		query[3] |= 0x10
	}
	query[5] = 1
	off, err := dns.PackDomainName(q.Name, query, headerLen, nil, false)
	if err != nil {
		return nil, 0, fmt.Errorf("asking for %s: %w", q, err)
	}
	query = query[:off]
	if m.mix != nil {
		for i := range query[headerLen:] {
			if c := &query[headerLen+i]; 'a' <= *c && *c <= 'z' && m.mix[i/64]>>(i%64)&1 == 1 {
				*c -= 'a' - 'A' // length octets are below 'A'
			}
		}
	}
	query = binary.BigEndian.AppendUint16(query, q.Type)
	query = binary.BigEndian.AppendUint16(query, dns.ClassINET)
	questionEnd = len(query)
	if !m.edns {
		return query, questionEnd, nil
	}
	query[11] = 1
	query = append(query, 0, 0, byte(dns.TypeOPT), byte(m.udpSize>>8), byte(m.udpSize), 0, 0, 0x80, 0)
	if len(m.cookie) == 0 {
		return append(query, 0, 0), questionEnd, nil
	}
	query = binary.BigEndian.AppendUint16(query, uint16(4+len(m.cookie)))
	query = binary.BigEndian.AppendUint16(query, dns.EDNS0COOKIE)
	query = binary.BigEndian.AppendUint16(query, uint16(len(m.cookie)))
	return append(query, m.cookie...), questionEnd, nil
}

// answers says whether reply is one to query: its ID, QR, and its question, in whatever case (RFC 5452 section 4.2);
// exact: in the same case. A server that could not read the question may leave it out.
func answers(reply, query []byte, questionEnd int) (fits, exact bool) {
	if len(reply) < headerLen || reply[0] != query[0] || reply[1] != query[1] || reply[2]&0xF8 != 0x80 {
		return false, false
	}
	switch binary.BigEndian.Uint16(reply[4:]) {
	case 0:
		rcode := int(reply[3] & 0xF)
		fits = rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented
		return fits, fits
	case 1:
	default:
		return false, false
	}
	if len(reply) < questionEnd {
		return false, false
	}
	exact = true
	for i := headerLen; i < questionEnd; i++ {
		a, b := reply[i], query[i]
		if i < questionEnd-4 && a != b { // length octets are below 'A'
			exact = false
			a, b = lower(a), lower(b)
		}
		if a != b {
			return false, false
		}
	}
	return true, exact
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// unmix gives a reply to a question of mixed case back its small letters: those of the question, to which other names
// point, and of the records' owners.
func unmix(reply []byte, questionEnd int) (*dns.Msg, error) {
	if len(reply) >= questionEnd && reply[5] == 1 {
		reply = append([]byte(nil), reply...)
		for i := headerLen; i < questionEnd-4; i++ {
			reply[i] = lower(reply[i])
		}
	}
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		return nil, err
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			rr.Header().Name = dns.CanonicalName(rr.Header().Name)
		}
	}
	return m, nil
}

// whole says whether a message that was unpacked from wire has all that its header announces, and no record that is cut
// short: the unpacking lets both pass.
func whole(m *dns.Msg, wire []byte) bool {
	for i, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		if int(binary.BigEndian.Uint16(wire[6+2*i:])) != len(section) {
			return false
		}
		for _, rr := range section {
			if rr.Header().Rdlength != 0 {
				continue
			}
			switch rr.(type) {
			case *dns.OPT, *dns.APL, *dns.NULL, *dns.RFC3597:
			default:
				return false
			}
		}
	}
	return true
}
