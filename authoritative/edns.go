package authoritative

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"

	"github.com/miekg/dns"
)

const (
	// maxUDP is the largest answer over UDP and the size that the server's own OPT offers: what crosses the internet
	// without fragments (the DNS flag day of 2020; RFC 9715).
	maxUDP = 1232
	minUDP = 512 // without EDNS, RFC 1035 section 4.2.1, and with less, RFC 6891 section 6.2.3
	maxTCP = 65535
)

// edns is what a query says in its OPT record (RFC 6891), and what the answer's says beside the usual.
type edns struct {
	present, do bool
	size        uint16
	// What the query's options ask for; all other options are passed over (RFC 6891 section 6.1.2).
	nsid   bool
	cookie []byte // nil: none

	replyNSID   []byte // RFC 5001
	replyCookie []byte // RFC 7873
	valid       bool   // the query's cookie is one of ours
}

// readEDNS returns what the query says, and FORMERR, BADVERS or NOERROR.
func readEDNS(q *dns.Msg) (edns, int) {
	var e edns
	var opt *dns.OPT
	for _, rr := range q.Extra {
		o, ok := rr.(*dns.OPT)
		if !ok {
			continue
		}
		if opt != nil || o.Hdr.Name != "." { // RFC 6891 section 6.1.1
			return edns{}, dns.RcodeFormatError
		}
		opt = o
	}
	if opt == nil {
		return e, dns.RcodeSuccess
	}
	e = edns{present: true, do: opt.Do(), size: opt.UDPSize()}
	if opt.Version() != 0 {
		return e, dns.RcodeBadVers
	}
	for _, o := range opt.Option {
		switch o := o.(type) {
		case *dns.EDNS0_NSID:
			e.nsid = true
		case *dns.EDNS0_COOKIE:
			if e.cookie == nil { // of several only the first counts, RFC 7873 section 5.2
				e.cookie, _ = hex.DecodeString(o.Cookie)
				e.cookie = append([]byte{}, e.cookie...)
			}
		}
	}
	return e, dns.RcodeSuccess
}

// extend prepares the options of the answer, and returns FORMERR where the query's cannot be.
func (s *Server) extend(e *edns, client netip.Addr) int {
	if e.nsid {
		e.replyNSID = s.nsid
	}
	if s.cookies == nil || e.cookie == nil {
		return dns.RcodeSuccess
	}
	if !wellFormed(e.cookie) {
		return dns.RcodeFormatError
	}
	var buf [clientCookie + serverCookie]byte
	e.replyCookie, e.valid = s.cookies.answer(buf[:0], e.cookie, client, s.clock.Now())
	return dns.RcodeSuccess
}

// badCookie tells whether the query has to come again with a better cookie.
func (s *Server) badCookie(e *edns, network string) bool {
	return e.replyCookie != nil && !e.valid && s.cookies.require && network != "tcp"
}

// limit is how large an answer may be over that network.
func (e *edns) limit(network string) int {
	switch {
	case network == "tcp":
		return maxTCP
	case !e.present:
		return minUDP
	}
	return min(max(int(e.size), minUDP), maxUDP)
}

// attach gives the answer its OPT record, if the query had one, with an Extended DNS Error (RFC 8914) if ede is not nil.
func (e *edns) attach(m *dns.Msg, ede *dns.EDNS0_EDE) {
	if !e.present {
		return
	}
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(maxUDP)
	if e.do {
		opt.SetDo()
	}
	if e.replyNSID != nil {
		opt.Option = append(opt.Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: hex.EncodeToString(e.replyNSID)})
	}
	if e.replyCookie != nil {
		opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(e.replyCookie)})
	}
	if ede != nil {
		opt.Option = append(opt.Option, ede)
	}
	m.Extra = append(m.Extra[:len(m.Extra):len(m.Extra)], opt)
}

// optionsLen is how long the answer's options are on the wire, an Extended DNS Error left out.
func (e *edns) optionsLen() int {
	n := 0
	if e.replyNSID != nil {
		n += 4 + len(e.replyNSID)
	}
	if e.replyCookie != nil {
		n += 4 + len(e.replyCookie)
	}
	return n
}

// appendOptions appends them to an answer that ends with an OPT record that has none.
func (e *edns) appendOptions(packed []byte) []byte {
	n := e.optionsLen()
	if n == 0 {
		return packed
	}
	binary.BigEndian.PutUint16(packed[len(packed)-2:], uint16(n))
	if e.replyNSID != nil {
		packed = appendOption(packed, dns.EDNS0NSID, e.replyNSID)
	}
	if e.replyCookie != nil {
		packed = appendOption(packed, dns.EDNS0COOKIE, e.replyCookie)
	}
	return packed
}

// bare is a copy of a packed answer without the options that it ends with.
func (e *edns) bare(packed []byte) []byte {
	n := e.optionsLen()
	kept := append([]byte(nil), packed[:len(packed)-n]...)
	if n > 0 {
		binary.BigEndian.PutUint16(kept[len(kept)-2:], 0)
	}
	return kept
}

func appendOption(b []byte, code uint16, data []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, code)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

func newEDE(code uint16, text string) *dns.EDNS0_EDE {
	return &dns.EDNS0_EDE{InfoCode: code, ExtraText: text}
}
