package iterate

import (
	"fmt"

	"github.com/miekg/dns"
)

// Kind is what a reply is. It is decided once, here.
type Kind uint8

// The kinds of reply.
const (
	Answer      Kind = iota // the RRset asked for
	CNAME                   // an alias for the name, or a DNAME above it
	NODATA                  // the name has no such RRset
	NXDOMAIN                // the name does not exist
	Referral                // to servers of a zone below
	Lame                    // a referral to itself or upwards, or nothing at all
	ServerError             // SERVFAIL and other codes: this server cannot help
	Refused
	NoEDNS // FORMERR or NOTIMP to a query with EDNS: worth a try without
	Truncated
	Malformed
)

func (k Kind) String() string {
	names := [...]string{"answer", "CNAME", "NODATA", "NXDOMAIN", "referral", "lame", "server error", "refused", "no EDNS", "truncated", "malformed"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// classify tells what m, from a server of zone, is as a reply to the question.
func classify(m *dns.Msg, zone, name string, rrtype uint16, edns bool) Kind {
	switch {
	case m.Truncated:
		return Truncated
	case edns && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented):
		return NoEDNS
	case m.Rcode == dns.RcodeRefused || m.Rcode == dns.RcodeNotAuth:
		return Refused
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return ServerError
	}
	if k, ok := classifyAnswer(m.Answer, zone, name, rrtype); ok {
		return k
	}
	soa, below := authority(m.Ns, zone, name)
	switch {
	case m.Rcode == dns.RcodeNameError && (soa || m.Authoritative):
		return NXDOMAIN
	case m.Rcode == dns.RcodeNameError:
		return Lame
	case soa:
		return NODATA
	case below:
		return Referral
	case m.Authoritative && len(m.Answer) == 0:
		return NODATA // without a SOA it cannot be cached (RFC 2308 section 5)
	}
	return Lame
}

func classifyAnswer(rrs []dns.RR, zone, name string, rrtype uint16) (Kind, bool) {
	alias := false
	for _, rr := range rrs {
		h := rr.Header()
		owner := dns.CanonicalName(h.Name)
		if !dns.IsSubDomain(zone, owner) {
			continue
		}
		switch {
		case owner == name && h.Rrtype == rrtype:
			return Answer, true
		case owner == name && h.Rrtype == dns.TypeCNAME,
			owner != name && h.Rrtype == dns.TypeDNAME && dns.IsSubDomain(owner, name):
			alias = true
		}
	}
	return CNAME, alias
}

// authority tells whether the section has a SOA that speaks for the name, and a delegation towards it below zone.
func authority(rrs []dns.RR, zone, name string) (soa, below bool) {
	for _, rr := range rrs {
		owner := dns.CanonicalName(rr.Header().Name)
		if !dns.IsSubDomain(zone, owner) || !dns.IsSubDomain(owner, name) {
			continue
		}
		switch rr.Header().Rrtype {
		case dns.TypeSOA:
			soa = true
		case dns.TypeNS:
			below = below || owner != zone
		}
	}
	return soa, below
}
