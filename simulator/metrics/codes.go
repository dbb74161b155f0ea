package metrics

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

// codes reads the response code of a packed reply, with its upper bits from EDNS (RFC 6891 section 6.1.3), and the info
// code of its first extended error (RFC 8914); -1 where there is none. A reply that cannot be read that far has the
// response code -1.
func codes(m []byte) (rcode, ede int) {
	const header = 12
	if len(m) < header {
		return -1, -1
	}
	rcode = int(m[3] & 0xf)
	count := func(at int) int { return int(binary.BigEndian.Uint16(m[at:])) }
	additional := count(10)
	if additional == 0 {
		return rcode, -1
	}
	at := header
	for range count(4) {
		if at = skipName(m, at) + 4; at > len(m) {
			return -1, -1
		}
	}
	before := count(6) + count(8)
	for i := range before + additional {
		name := at
		const fixed = 10 // type, class, TTL, length
		if at = skipName(m, at); at+fixed > len(m) {
			return -1, -1
		}
		data := at + fixed
		end := data + count(at+8)
		if end > len(m) {
			return -1, -1
		}
		if i >= before && m[name] == 0 && count(at) == int(dns.TypeOPT) {
			return rcode | int(m[at+4])<<4, firstEDE(m[data:end])
		}
		at = end
	}
	return rcode, -1
}

// skipName is where a name ends; beyond the message, if it does.
func skipName(m []byte, at int) int {
	for at < len(m) {
		switch l := int(m[at]); {
		case l == 0:
			return at + 1
		case l >= 0xc0: // a pointer (RFC 1035 4.1.4)
			return at + 2
		default:
			at += 1 + l
		}
	}
	return len(m) + 1
}

// firstEDE finds the first extended error among EDNS options.
func firstEDE(options []byte) int {
	for len(options) >= 4 {
		code, length := binary.BigEndian.Uint16(options), int(binary.BigEndian.Uint16(options[2:]))
		options = options[4:]
		if length > len(options) {
			break
		}
		if code == dns.EDNS0EDE && length >= 2 {
			return int(binary.BigEndian.Uint16(options))
		}
		options = options[length:]
	}
	return -1
}
