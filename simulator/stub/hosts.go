package stub

import (
	"strings"

	"github.com/miekg/dns"
)

// fromHosts answers from /etc/hosts, or returns nil. What stands there wins over DNS, but only for its own address
// family: with an IPv4 line alone, AAAA is still asked for. The name is compared as it was given, so one with a dot at
// its end passes the file by, and so does one that only the search list would complete.
func (s *Stub) fromHosts(name string, qtype uint16) *dns.Msg {
	if qtype != dns.TypeA && qtype != dns.TypeAAAA {
		return nil
	}
	var answer []dns.RR
	for _, line := range s.config.Hosts {
		if line.Address.Is4() != (qtype == dns.TypeA) || !line.has(name) {
			continue
		}
		header := dns.RR_Header{Name: dns.Fqdn(name), Rrtype: qtype, Class: dns.ClassINET}
		if qtype == dns.TypeA {
			answer = append(answer, &dns.A{Hdr: header, A: line.Address.AsSlice()})
		} else {
			answer = append(answer, &dns.AAAA{Hdr: header, AAAA: line.Address.AsSlice()})
		}
	}
	if answer == nil {
		return nil
	}
	return &dns.Msg{
		MsgHdr:   dns.MsgHdr{Response: true, Authoritative: true},
		Question: []dns.Question{{Name: dns.Fqdn(name), Qtype: qtype, Qclass: dns.ClassINET}},
		Answer:   answer,
	}
}

func (h Host) has(name string) bool {
	for _, n := range h.Names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
