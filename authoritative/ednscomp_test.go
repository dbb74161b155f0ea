package authoritative

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestEDNSCompliance asks what ISC's DNS compliance testers ask of a zone's servers, and wants what they call ok: plain
// DNS, EDNS 0 and 1, options and flags that nobody knows, header bits, opcodes and types from the future (RFC 6891,
// RFC 3597, RFC 9018, RFC 8906).
func TestEDNSCompliance(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	// The testers take DNSKEY for what does not fit 512 octets; here that is a TXT.
	big := "@ 60 IN TXT " + strings.Repeat(strings.Repeat("x", 250)+" ", 2) + "\n"
	s := l.server(primaryAddr, Config{NSID: []byte("ns1"), Cookies: Cookies{Secrets: [][]byte{make([]byte, 16)}},
		Views: []View{{Zones: []Zone{{Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone+big), Signing: signing(t, "example.com.")}}}}})
	type edns struct {
		version uint8
		flags   uint16
		size    uint16
		options []dns.EDNS0
	}
	unknown := &dns.EDNS0_LOCAL{Code: 100, Data: []byte{0}}
	nsid := &dns.EDNS0_NSID{Code: dns.EDNS0NSID}
	subnet := &dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte{0, 1, 0, 0}}
	badSubnet := &dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte{0, 9, 200, 0, 1}}
	expire := &dns.EDNS0_LOCAL{Code: dns.EDNS0EXPIRE}
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}
	keepalive := &dns.EDNS0_LOCAL{Code: dns.EDNS0TCPKEEPALIVE}
	keepaliveWithTimeout := &dns.EDNS0_LOCAL{Code: dns.EDNS0TCPKEEPALIVE, Data: []byte{0, 1}}
	keepaliveMalformed := &dns.EDNS0_LOCAL{Code: dns.EDNS0TCPKEEPALIVE, Data: []byte{1, 2, 3}}
	padding := &dns.EDNS0_LOCAL{Code: dns.EDNS0PADDING, Data: make([]byte, 468)}
	list := func(o ...dns.EDNS0) []dns.EDNS0 { return o }
	const aa, tc, rd, ra, z, ad, cd = "aa", "tc", "rd", "ra", "z", "ad", "cd"
	for _, c := range []struct {
		name    string
		qtype   uint16
		header  []string // bits set in the query
		opcode  int
		edns    *edns
		network string
		// What comes back: always the query's ID and QR, never RA, Z, AD or CD, and RD as it was.
		rcode   int
		answers bool // the SOA (or what else was asked for) is there, with AA
		tc      bool
		options []uint16
	}{
		{name: "dns", answers: true},
		{name: "aa", header: set(aa), answers: true},
		{name: "ad", header: set(ad), answers: true},
		{name: "cd", header: set(cd), answers: true},
		{name: "ra", header: set(ra), answers: true},
		{name: "rd", header: set(rd), answers: true},
		{name: "tc", header: set(tc), answers: true},
		{name: "zflag", header: set(z), answers: true},
		{name: "opcode", opcode: 15, rcode: dns.RcodeNotImplemented},
		{name: "opcodeflg", opcode: 15, header: set(aa, tc, rd, ra, z, ad, cd), rcode: dns.RcodeNotImplemented},
		{name: "type666", qtype: 666},
		{name: "tcp", network: "tcp", answers: true},
		{name: "edns", edns: &edns{size: 4096}, answers: true},
		{name: "edns1", edns: &edns{size: 4096, version: 1}, rcode: dns.RcodeBadVers},
		{name: "edns@512", qtype: dns.TypeTXT, edns: &edns{size: 512, flags: 0x8000}, tc: true},
		{name: "edns@512tcp", qtype: dns.TypeTXT, edns: &edns{size: 512, flags: 0x8000}, network: "tcp", answers: true},
		{name: "ednsopt", edns: &edns{size: 4096, options: list(unknown)}, answers: true},
		{name: "edns1opt", edns: &edns{size: 4096, version: 1, options: list(unknown)}, rcode: dns.RcodeBadVers},
		{name: "do", edns: &edns{size: 4096, flags: 0x8000}, answers: true},
		{name: "docd", header: set(cd), edns: &edns{size: 4096, flags: 0x8000}, answers: true},
		{name: "edns1do", edns: &edns{size: 4096, version: 1, flags: 0x8000}, rcode: dns.RcodeBadVers},
		{name: "ednsflags", edns: &edns{size: 4096, flags: 0x0080}, answers: true},
		{name: "ednsallflags", edns: &edns{size: 4096, flags: 0x7FFF}, answers: true},
		{name: "edns1flags", edns: &edns{size: 4096, version: 1, flags: 0x0080}, rcode: dns.RcodeBadVers},
		{name: "edns1optflags", edns: &edns{size: 4096, version: 1, flags: 0x0080, options: list(unknown)}, rcode: dns.RcodeBadVers},
		{name: "edns255", edns: &edns{size: 4096, version: 255}, rcode: dns.RcodeBadVers},
		{name: "ednstcp", network: "tcp", edns: &edns{size: 4096, flags: 0x8000}, answers: true},
		{name: "ednsnsid", edns: &edns{size: 4096, options: list(nsid)}, answers: true, options: []uint16{dns.EDNS0NSID}},
		{name: "edns1nsid", edns: &edns{size: 4096, version: 1, options: list(nsid)}, rcode: dns.RcodeBadVers},
		{name: "ednscookie", edns: &edns{size: 4096, options: list(cookie)}, answers: true, options: []uint16{dns.EDNS0COOKIE}},
		{name: "ednssubnet", edns: &edns{size: 4096, options: list(subnet)}, answers: true},
		{name: "ednsbadsubnet", edns: &edns{size: 4096, options: list(badSubnet)}, answers: true},
		{name: "ednsexpire", edns: &edns{size: 4096, options: list(expire)}, answers: true, options: []uint16{dns.EDNS0EXPIRE}},
		{name: "ednskeepalive", edns: &edns{size: 4096, options: list(keepalive)}, answers: true},
		{name: "ednskeepalivetcp", network: "tcp", edns: &edns{size: 4096, options: list(keepaliveWithTimeout)}, answers: true},
		{name: "ednskeepalivebad", network: "tcp", edns: &edns{size: 4096, options: list(keepaliveMalformed)}, answers: true},
		{name: "ednspadding", edns: &edns{size: 4096, options: list(padding)}, answers: true},
		{name: "optlist", edns: &edns{size: 4096, options: list(nsid, badSubnet, cookie)}, answers: true,
			options: []uint16{dns.EDNS0NSID, dns.EDNS0COOKIE}},
		{name: "ednsopttwice", edns: &edns{size: 4096, options: list(unknown, unknown)}, answers: true},
		{name: "edns@0", edns: &edns{size: 0}, answers: true},
		{name: "bind11", edns: &edns{size: 4096, version: 1, flags: 0x8080, options: list(nsid, subnet, cookie)}, rcode: dns.RcodeBadVers},
		{name: "dig11", header: set(rd, ad), edns: &edns{size: 4096, version: 1, options: list(cookie)}, rcode: dns.RcodeBadVers},
		{name: "a", qtype: dns.TypeA}, {name: "aaaa", qtype: dns.TypeAAAA}, {name: "mx", qtype: dns.TypeMX},
		{name: "ns", qtype: dns.TypeNS, answers: true}, {name: "ds", qtype: dns.TypeDS}, {name: "tlsa", qtype: dns.TypeTLSA},
		{name: "spf", qtype: dns.TypeSPF}, {name: "caa", qtype: dns.TypeCAA}, {name: "svcb", qtype: dns.TypeSVCB},
		{name: "txt", qtype: dns.TypeTXT, tc: true}, {name: "dnskey", qtype: dns.TypeDNSKEY, answers: true}, {name: "type1000", qtype: 1000}, {name: "type65280", qtype: 65280},
		{name: "any", qtype: dns.TypeANY, answers: true},
		{name: "axfrudp", qtype: dns.TypeAXFR, rcode: dns.RcodeFormatError},
	} {
		q := query("example.com.", c.qtype)
		q.RecursionDesired = slices.Contains(c.header, rd)
		if c.qtype == 0 {
			q.Question[0].Qtype = dns.TypeSOA
		}
		q.Authoritative, q.Truncated, q.RecursionAvailable = slices.Contains(c.header, aa), slices.Contains(c.header, tc), slices.Contains(c.header, ra)
		q.Zero, q.AuthenticatedData, q.CheckingDisabled = slices.Contains(c.header, z), slices.Contains(c.header, ad), slices.Contains(c.header, cd)
		q.Opcode = c.opcode
		if e := c.edns; e != nil {
			q.Extra = []dns.RR{&dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: e.size, Ttl: uint32(e.version)<<16 | uint32(e.flags)}, Option: e.options}}
		}
		network := c.network
		if network == "" {
			network = "udp"
		}
		for turn := range 2 { // the second time from what was kept
			r := ask1(t, s, q, from(clientAddr, network))
			fail := func(format string, args ...any) {
				t.Errorf("%s, turn %d: %s\n%s", c.name, turn, fmt.Sprintf(format, args...), r)
			}
			if r.Rcode != c.rcode {
				fail("rcode %s", dns.RcodeToString[r.Rcode])
			}
			if r.Id != q.Id || !r.Response || r.Opcode != q.Opcode || r.RecursionAvailable || r.Zero || r.AuthenticatedData || r.CheckingDisabled {
				fail("header")
			}
			if r.RecursionDesired != q.RecursionDesired || r.Truncated != c.tc {
				fail("RD %v, TC %v", r.RecursionDesired, r.Truncated)
			}
			if c.rcode == 0 && !c.tc && !r.Authoritative || c.rcode != 0 && r.Authoritative {
				fail("AA")
			}
			if c.answers != (len(r.Answer) > 0) {
				fail("answers")
			}
			if c.rcode == 0 && !c.answers && !c.tc && (len(r.Ns) == 0 || r.Ns[0].Header().Rrtype != dns.TypeSOA) {
				fail("no SOA with NODATA")
			}
			opt := r.IsEdns0()
			if (opt != nil) != (c.edns != nil) {
				fail("OPT")
			}
			if opt == nil {
				continue
			}
			do := c.edns.flags&0x8000 != 0
			if opt.Version() != 0 || opt.UDPSize() != maxUDP || opt.Hdr.Ttl&0xFFFF != map[bool]uint32{true: 0x8000}[do] {
				fail("OPT has version %d, size %d, flags %04x", opt.Version(), opt.UDPSize(), opt.Hdr.Ttl&0xFFFF)
			}
			var got []uint16
			for _, o := range opt.Option {
				got = append(got, o.Option())
			}
			if !slices.Equal(got, c.options) {
				fail("options %v, want %v", got, c.options)
			}
			if hasSig := slices.ContainsFunc(r.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG }); hasSig != (do && c.answers) {
				fail("signatures %v", hasSig)
			}
		}
	}
}

func set(names ...string) []string { return names }
