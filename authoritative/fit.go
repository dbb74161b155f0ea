package authoritative

import (
	"encoding/binary"
	"strings"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// fit packs the answer into at most limit octets, and leaves a.msg as it was packed. What does not fit goes in this
// order: additional addresses that nobody needs, RRset by RRset from the end, silently (RFC 2181 section 9); in a
// referral, glue for name servers outside the delegated zone, likewise, but not all of it (RFC 9471 section 3.2). When that
// is not enough, or glue from inside the delegated zone would have to go (RFC 9471 section 3.1), all records go and TC is
// set: the resolver asks again over TCP.
func (a *answer) fit(limit int) []byte {
	packed, err := a.msg.Pack()
	if err != nil {
		return a.fail()
	}
	if len(packed) <= limit {
		return packed
	}
	needed := a.neededExtra()
	full := a.msg.Extra
	for n := lastRRset(full, a.optional(), needed); n >= needed; n = lastRRset(full, n, needed) {
		a.dropped = true
		a.msg.Extra = append(full[:n:n], a.opt(full)...)
		if packed, err = a.msg.Pack(); err == nil && len(packed) <= limit {
			return packed
		}
	}
	m := a.msg
	m.Truncated = true
	m.Answer, m.Ns, m.Extra = nil, nil, a.opt(full)
	if packed, err = m.Pack(); err != nil {
		return a.fail()
	}
	return packed
}

// optional is the number of additional records, the OPT not counted.
func (a *answer) optional() int { return len(a.msg.Extra) - len(a.opt(a.msg.Extra)) }

// opt is the OPT record that attach put last, if any.
func (a *answer) opt(extra []dns.RR) []dns.RR {
	if n := len(extra); n > 0 && extra[n-1].Header().Rrtype == dns.TypeOPT {
		return extra[n-1:]
	}
	return nil
}

// neededExtra puts the glue that a referral cannot do without first in the additional section, and returns how many
// records that is.
func (a *answer) neededExtra() int {
	if a.outcome != zone.Delegation || len(a.msg.Ns) == 0 {
		return 0
	}
	cut := ""
	for _, rr := range a.msg.Ns {
		if rr.Header().Rrtype == dns.TypeNS {
			cut = rr.Header().Name
			break
		}
	}
	var needed, rest []dns.RR
	for _, rr := range a.msg.Extra {
		if t := rr.Header().Rrtype; (t == dns.TypeA || t == dns.TypeAAAA) && dns.IsSubDomain(cut, rr.Header().Name) {
			needed = append(needed, rr)
		} else {
			rest = append(rest, rr)
		}
	}
	a.msg.Extra = append(needed, rest...)
	if len(needed) > 0 {
		return len(needed)
	}
	// All name servers are elsewhere. Their glue is optional, but a resolver that got none of it could be left without
	// a way on where two zones name each other's servers (RFC 9471 section 2.3): the first set stays.
	n, optional := 0, a.optional()
	for n < optional && (n == 0 || sameSet(a.msg.Extra[n], a.msg.Extra[n-1])) {
		n++
	}
	return n
}

// lastRRset returns where the last RRset of extra[:end] begins, its signatures taken with it, or -1 when that would
// reach below floor.
func lastRRset(extra []dns.RR, end, floor int) int {
	if end <= floor {
		return -1
	}
	n := end - 1
	for n > floor && sameSet(extra[n], extra[n-1]) {
		n--
	}
	return n
}

func sameSet(a, b dns.RR) bool {
	return coveredType(a) == coveredType(b) && strings.EqualFold(a.Header().Name, b.Header().Name)
}

// coveredType is a record's type, and for a signature that which it signs.
func coveredType(rr dns.RR) uint16 {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return sig.TypeCovered
	}
	return rr.Header().Rrtype
}

// fail turns the answer into SERVFAIL: it holds a record that cannot be packed.
func (a *answer) fail() []byte {
	m := a.msg
	m.Rcode, m.Authoritative, m.Truncated = dns.RcodeServerFailure, false, false
	m.Answer, m.Ns, m.Extra = nil, nil, a.opt(m.Extra)
	packed, err := m.Pack()
	if err != nil { // the question itself
		packed = make([]byte, headerLen)
		binary.BigEndian.PutUint16(packed, m.Id)
		packed[2], packed[3] = flagQR|byte(m.Opcode<<3), dns.RcodeServerFailure
	}
	return packed
}
