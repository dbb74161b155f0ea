package resolver

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

// plain is an ordinary question, read straight from the bytes: it costs no allocation.
type plain struct {
	question // without names; name gives them
	// key is the name as cache entries have it, if that takes no escapes; keyLen is 0 if it does.
	key    [256]byte
	keyLen int
	// end is where the question's name ends in the query.
	end int
	// options says that the client's OPT record has some.
	options bool
}

// read takes the question; false: it is anything but ordinary, or malformed.
func (p *plain) read(query []byte) bool {
	const counts = 1 << 48 // one question, no answer, no authority
	c := binary.BigEndian.Uint64(query[4:])
	if query[2]&(maskOpcode|flagTC) != 0 || c&^1 != counts || !p.readName(query) {
		return false
	}
	off := p.end
	if off+4 > len(query) || binary.BigEndian.Uint16(query[off+2:]) != dns.ClassINET {
		return false
	}
	p.id, p.qtype = binary.BigEndian.Uint16(query), binary.BigEndian.Uint16(query[off:])
	p.rd, p.ad, p.cd = query[2]&flagRD != 0, query[3]&flagAD != 0, query[3]&flagCD != 0
	if special(p.qtype) != dns.RcodeSuccess {
		return false
	}
	off += 4
	if c&1 == 0 {
		return off == len(query)
	}
	// The OPT record: root name, type, size, extended rcode, version, flags, length.
	if len(query) < off+11 || query[off] != 0 || binary.BigEndian.Uint16(query[off+1:]) != dns.TypeOPT || query[off+6] != 0 {
		return false
	}
	options := int(binary.BigEndian.Uint16(query[off+9:]))
	p.edns, p.size, p.do, p.options = true, binary.BigEndian.Uint16(query[off+3:]), query[off+7]&0x80 != 0, options > 0
	return off+11+options == len(query)
}

// readName finds the end of the name and makes the key.
func (p *plain) readName(query []byte) bool {
	off, n, simple := headerLen, 0, true
	for {
		if off >= len(query) {
			return false
		}
		length := int(query[off])
		off++
		if length == 0 {
			break
		}
		if length > 63 || off+length > len(query) || n+length+1 > 254 {
			return false // a pointer too: nobody compresses a question
		}
		for _, b := range query[off : off+length] {
			switch {
			case 'A' <= b && b <= 'Z':
				b += 'a' - 'A'
			case 'a' <= b && b <= 'z', '0' <= b && b <= '9', b == '-', b == '_':
			default:
				simple = simple && (b == '*' || b == '/')
			}
			p.key[n] = b
			n++
		}
		p.key[n] = '.'
		n++
		off += length
	}
	if n == 0 {
		p.key[0], n = '.', 1
	}
	if p.end = off; simple {
		p.keyLen = n
	}
	return true
}

// named is the question with its names.
func (p *plain) named(query []byte) (*question, bool) {
	name, _, err := dns.UnpackDomainName(query, headerLen)
	if err != nil {
		return nil, false
	}
	q := p.question
	q.asked, q.name = name, canonical(name)
	return &q, true
}

// variant tells apart what different clients are told of one name.
func (q *question) variant() uint32 {
	v := uint32(q.qtype) << 4
	for i, flag := range [...]bool{q.ad, q.cd, q.edns, q.do} {
		if flag {
			v |= 1 << i
		}
	}
	return v
}
