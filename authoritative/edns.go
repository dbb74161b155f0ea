package authoritative

import "github.com/miekg/dns"

const (
	// maxUDP is the largest answer over UDP and the size that the server's own OPT offers: what crosses the internet
	// without fragments (the DNS flag day of 2020; RFC 9715).
	maxUDP = 1232
	minUDP = 512 // without EDNS, RFC 1035 section 4.2.1, and with less, RFC 6891 section 6.2.3
	maxTCP = 65535
)

// edns is what a query says in its OPT record (RFC 6891).
type edns struct {
	present, do bool
	size        uint16
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
	return e, dns.RcodeSuccess
}

// limit is how large an answer may be over that network.
func (e edns) limit(network string) int {
	switch {
	case network == "tcp":
		return maxTCP
	case !e.present:
		return minUDP
	}
	return min(max(int(e.size), minUDP), maxUDP)
}

// attach gives the answer its OPT record, if the query had one, with an Extended DNS Error (RFC 8914) if ede is not nil.
func (e edns) attach(m *dns.Msg, ede *dns.EDNS0_EDE) {
	if !e.present {
		return
	}
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(maxUDP)
	if e.do {
		opt.SetDo()
	}
	if ede != nil {
		opt.Option = append(opt.Option, ede)
	}
	m.Extra = append(m.Extra[:len(m.Extra):len(m.Extra)], opt)
}

func newEDE(code uint16, text string) *dns.EDNS0_EDE {
	return &dns.EDNS0_EDE{InfoCode: code, ExtraText: text}
}
