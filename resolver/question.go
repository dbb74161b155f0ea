package resolver

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// The header of a message (RFC 1035 section 4.1.1), where it is read straight from the bytes.
const (
	headerLen = 12

	flagQR     = 0x80 // in byte 2
	maskOpcode = 0x78
	flagTC     = 0x02
	flagRD     = 0x01
	flagAD     = 0x20 // in byte 3
	flagCD     = 0x10

	minUDP = 512  // RFC 1035 section 4.2.1, and the least that EDNS can say, RFC 6891 section 6.2.3
	maxUDP = 1232 // RFC 9715 section 3.2
	maxTCP = 65535
)

// question is what a client wants to know, and how.
type question struct {
	id    uint16
	asked string // the name in the client's own case
	name  string // canonical
	qtype uint16

	rd, ad, cd bool
	edns, do   bool
	size       uint16 // that the client takes over UDP
	maxUDP     uint16 // that we send over UDP; 0: the usual

	cookie          []byte      // that the client sent (RFC 7873)
	badCookie       bool        // of a length that cannot be
	nsid, keepalive bool        // options that the client sent (RFC 5001, RFC 7828)
	options         []dns.EDNS0 // what it gets for them

	rec *recorder // of a Trace
}

// String is "name. TYPE".
func (q *question) String() string { return q.name + " " + dns.Type(q.qtype).String() }

// limit is how large an answer may be.
func (q *question) limit(network string) int {
	switch {
	case network == "tcp":
		return maxTCP
	case !q.edns:
		return minUDP
	}
	return min(max(int(q.size), minUDP), q.most())
}

// most is how much is sent over UDP.
func (q *question) most() int {
	if q.maxUDP == 0 {
		return maxUDP
	}
	return int(q.maxUDP)
}

// admit takes the question out of a query. When there is none to be answered it gives the reply instead, or nil where
// nothing is sent back.
func (r *Resolver) admit(query *dns.Msg, client netip.Addr) (*question, *dns.Msg) {
	if query.Response {
		return nil, nil
	}
	action := r.access(client)
	if action == Drop {
		return nil, nil
	}
	q := &question{id: query.Id, rd: query.RecursionDesired, ad: query.AuthenticatedData, cd: query.CheckingDisabled,
		maxUDP: r.cfg.MaxUDPSize}
	rcode := q.readEDNS(query)
	if q.badCookie && r.cfg.CookieSecret != nil && rcode == dns.RcodeSuccess {
		rcode = dns.RcodeFormatError
	}
	r.answerOptions(q, client)
	switch {
	case query.Opcode != dns.OpcodeQuery:
		rcode = dns.RcodeNotImplemented
	case len(query.Question) != 1 || !q.read(query.Question[0]):
		rcode = dns.RcodeFormatError
	}
	if rcode != dns.RcodeSuccess {
		m := (&reply{rcode: rcode}).message(q)
		m.Opcode = query.Opcode
		m.Question = query.Question[:min(len(query.Question), 1)]
		return nil, m
	}
	if action == Refuse {
		return nil, r.refuse(q).message(q)
	}
	if query.Question[0].Qclass != dns.ClassINET {
		a := &reply{rcode: dns.RcodeRefused}
		if query.Question[0].Qclass == dns.ClassCHAOS {
			if rrs := r.chaos(query.Question[0]); rrs != nil {
				a = &reply{authoritative: true, answer: rrs}
			}
		}
		m := a.message(q)
		m.Question = query.Question
		return nil, m
	}
	if rcode := special(q.qtype); rcode != dns.RcodeSuccess {
		return nil, (&reply{rcode: rcode}).message(q)
	}
	return q, nil
}

// read takes name and type; ok false: the name is none.
func (q *question) read(asked dns.Question) bool {
	var wire [256]byte
	n, err := dns.PackDomainName(asked.Name, wire[:], 0, nil, false)
	if err != nil || !dns.IsFqdn(asked.Name) {
		return false
	}
	name, _, err := dns.UnpackDomainName(wire[:n], 0) // one spelling for each name
	if err != nil {
		return false
	}
	q.asked, q.name, q.qtype = asked.Name, canonical(name), asked.Qtype
	return true
}

// readEDNS reads the OPT record (RFC 6891) and returns NOERROR, FORMERR or BADVERS.
func (q *question) readEDNS(query *dns.Msg) int {
	for _, rr := range query.Extra {
		opt, ok := rr.(*dns.OPT)
		if !ok {
			continue
		}
		if q.edns || opt.Hdr.Name != "." {
			return dns.RcodeFormatError // RFC 6891 section 6.1.1
		}
		q.edns, q.do, q.size = true, opt.Do(), opt.UDPSize()
		if opt.Version() != 0 {
			return dns.RcodeBadVers
		}
		for _, o := range opt.Option {
			q.nsid = q.nsid || o.Option() == dns.EDNS0NSID
			q.keepalive = q.keepalive || o.Option() == dns.EDNS0TCPKEEPALIVE
			if c, ok := o.(*dns.EDNS0_COOKIE); ok && q.cookie == nil {
				q.badCookie = !q.readCookie(c.Cookie)
			}
		}
	}
	return dns.RcodeSuccess
}

// answerOptions makes what the client gets for the options that it sent.
func (r *Resolver) answerOptions(q *question, client netip.Addr) {
	if cookie, ok := r.cookieOption(q, client); ok {
		q.options = append(q.options, cookie)
	}
	if q.nsid && r.cfg.ID != "" {
		q.options = append(q.options, &dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: hex.EncodeToString([]byte(r.cfg.ID))})
	}
}

// overTCP notes that the question came over TCP.
func (r *Resolver) overTCP(q *question) {
	if q.keepalive && r.cfg.TCPIdle > 0 { // never over UDP (RFC 7828 section 3.2.1)
		q.options = append(q.options, &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE,
			Timeout: uint16(min(r.cfg.TCPIdle/(100*time.Millisecond), 65535))})
	}
}

// special gives the response code for types that are not data (RFC 6895 section 3.1).
func special(qtype uint16) int {
	switch qtype {
	case dns.TypeNone, dns.TypeOPT:
		return dns.RcodeFormatError
	case dns.TypeAXFR, dns.TypeIXFR:
		return dns.RcodeRefused
	case dns.TypeTKEY, dns.TypeTSIG, dns.TypeMAILA, dns.TypeMAILB:
		return dns.RcodeNotImplemented
	}
	return dns.RcodeSuccess
}

// canonical is the name in lower case, without a copy where it is that already.
func canonical(name string) string {
	for i := range len(name) {
		if c := name[i]; 'A' <= c && c <= 'Z' {
			return strings.ToLower(name)
		}
	}
	return name
}

// formatError answers what cannot be read beyond its header.
func formatError(query []byte) []byte {
	r := make([]byte, headerLen)
	copy(r, query[:3])
	r[2] = r[2]&(maskOpcode|flagRD) | flagQR
	r[3] = 0x80 | dns.RcodeFormatError // RA
	return r
}
