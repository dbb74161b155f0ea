package resolver

import (
	"github.com/miekg/dns"
)

// pack packs the message into no more than limit octets. What does not fit is left out as whole RRsets with their
// signatures, the additional section first, which is not missed; of anything else that is missing TC tells, so that the
// client asks over TCP (RFC 2181 section 9).
func pack(m *dns.Msg, limit int) []byte {
	packed, err := m.Pack()
	if err == nil && len(packed) <= limit {
		return packed
	}
	if err != nil {
		return packBare(&dns.Msg{MsgHdr: m.MsgHdr, Question: m.Question, Extra: onlyOPT(m.Extra)}, dns.RcodeServerFailure, limit)
	}
	short := *m
	short.Extra = onlyOPT(m.Extra)
	if packed, err = short.Pack(); err == nil && len(packed) <= limit {
		return packed
	}
	short.Truncated, short.Ns = true, nil
	for {
		if packed, err = short.Pack(); err == nil && len(packed) <= limit {
			return packed
		}
		if len(short.Answer) == 0 {
			return packBare(&short, short.Rcode, limit)
		}
		short.Answer = withoutLast(short.Answer)
	}
}

// packBare packs a message without answer; where even that is too long, without the OPT record.
func packBare(m *dns.Msg, rcode, limit int) []byte {
	m.Rcode = rcode
	m.AuthenticatedData = m.AuthenticatedData && rcode != dns.RcodeServerFailure
	packed, err := m.Pack()
	if err != nil || len(packed) > limit {
		m.Extra = nil
		m.Rcode &= 0xF
		packed, _ = m.Pack()
	}
	return packed
}

func onlyOPT(extra []dns.RR) []dns.RR {
	if n := len(extra); n > 0 && extra[n-1].Header().Rrtype == dns.TypeOPT { // where message puts it
		return extra[n-1:]
	}
	return nil
}

// withoutLast leaves out the last RRset with its signatures.
func withoutLast(rrs []dns.RR) []dns.RR {
	name, rrtype := ofSet(rrs[len(rrs)-1])
	n := len(rrs)
	for n > 0 {
		if owner, t := ofSet(rrs[n-1]); owner != name || t != rrtype {
			break
		}
		n--
	}
	return rrs[:n]
}

// ofSet tells of which RRset a record is; a signature is of the one that it covers.
func ofSet(rr dns.RR) (owner string, rrtype uint16) {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return sig.Hdr.Name, sig.TypeCovered
	}
	return rr.Header().Name, rr.Header().Rrtype
}
