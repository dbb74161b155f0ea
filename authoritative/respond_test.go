package authoritative

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func plainServer(t testing.TB, zones map[string]string) *Server {
	l := newLab(t)
	var list []Zone
	for _, origin := range sortedKeys(zones) {
		list = append(list, Zone{Origin: origin, Data: parseZone(t, origin, zones[origin]), Transfer: Everybody()})
	}
	return l.server(primaryAddr, Config{Views: []View{{Zones: list}}})
}

func TestHeader(t *testing.T) {
	t.Parallel()
	s := plainServer(t, map[string]string{"example.com.": smallZone})
	m := query("aPi.eXample.com.", dns.TypeA)
	m.AuthenticatedData, m.CheckingDisabled = true, true
	for range 2 { // the second answer is a kept one
		r := ask1(t, s, m, from(clientAddr, "udp"))
		if !r.Response || !r.Authoritative || !r.RecursionDesired || r.RecursionAvailable || r.AuthenticatedData || r.CheckingDisabled || r.Id != m.Id {
			t.Fatalf("header:\n%s", r)
		}
		if r.Question[0].Name != "aPi.eXample.com." {
			t.Errorf("the question's case is lost: %s", r.Question[0].Name)
		}
	}
	m.RecursionDesired, m.Id = false, 1
	if r := ask1(t, s, m, from(clientAddr, "udp")); r.RecursionDesired || r.Id != 1 {
		t.Errorf("RD or ID of an answer kept from another query:\n%s", r)
	}
}

func TestRcodes(t *testing.T) {
	t.Parallel()
	s := plainServer(t, map[string]string{"example.com.": smallZone})
	chaos := withEDNS(query("version.bind.", dns.TypeTXT), 1232, false)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	badvers := withEDNS(query("api.example.com.", dns.TypeA), 1232, false)
	badvers.IsEdns0().SetVersion(1)
	twoOPT := withEDNS(withEDNS(query("api.example.com.", dns.TypeA), 1232, false), 1232, false)
	twoQuestions := query("api.example.com.", dns.TypeA)
	twoQuestions.Question = append(twoQuestions.Question, twoQuestions.Question[0])
	noQuestion := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 1}}
	update := query("example.com.", dns.TypeSOA)
	update.Opcode = dns.OpcodeUpdate
	status := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 1, Opcode: dns.OpcodeStatus}}
	for _, c := range []struct {
		name  string
		q     *dns.Msg
		rcode int
		ede   int
	}{
		{"a name", withEDNS(query("api.example.com.", dns.TypeA), 1232, false), dns.RcodeSuccess, -1},
		{"no name", query("nothing.example.com.", dns.TypeA), dns.RcodeNameError, -1},
		{"another zone", withEDNS(query("example.org.", dns.TypeA), 1232, false), dns.RcodeRefused, 20},
		{"the root", withEDNS(query(".", dns.TypeNS), 1232, false), dns.RcodeRefused, 20},
		{"class CHAOS", chaos, dns.RcodeRefused, 20},
		{"EDNS version 1 (RFC 6891 section 6.1.3)", badvers, dns.RcodeBadVers, -1},
		{"two OPT (RFC 6891 section 6.1.1)", twoOPT, dns.RcodeFormatError, -1},
		{"two questions (RFC 9619)", twoQuestions, dns.RcodeFormatError, -1},
		{"no question", noQuestion, dns.RcodeFormatError, -1},
		{"UPDATE, which nobody may", update, dns.RcodeRefused, -1},
		{"STATUS", status, dns.RcodeNotImplemented, -1},
		{"MAILB", query("example.com.", dns.TypeMAILB), dns.RcodeNotImplemented, -1},
		{"type OPT", query("example.com.", dns.TypeOPT), dns.RcodeFormatError, -1},
		{"AXFR over UDP (RFC 5936 section 4.2)", query("example.com.", dns.TypeAXFR), dns.RcodeFormatError, -1},
	} {
		for range 2 {
			r := ask1(t, s, c.q, from(clientAddr, "udp"))
			if r.Rcode != c.rcode || ede(r) != c.ede {
				t.Errorf("%s: rcode %s, EDE %d, want %s, %d", c.name, dns.RcodeToString[r.Rcode], ede(r), dns.RcodeToString[c.rcode], c.ede)
			}
			if (r.IsEdns0() != nil) != (c.q.IsEdns0() != nil) && c.name != "two OPT (RFC 6891 section 6.1.1)" {
				t.Errorf("%s: OPT in the answer: %v", c.name, r.IsEdns0())
			}
		}
	}
}

// TestGarbage: what cannot be read is FORMERR, and what is not a query gets nothing.
func TestGarbage(t *testing.T) {
	t.Parallel()
	s := plainServer(t, map[string]string{"example.com.": smallZone})
	good := pack(t, query("api.example.com.", dns.TypeA))
	with := func(change func(b []byte) []byte) []byte { return change(bytes.Clone(good)) }
	for name, c := range map[string]struct {
		wire  []byte
		rcode int // -1: no answer
	}{
		"nothing":            {nil, -1},
		"half a header":      {good[:6], -1},
		"a response":         {with(func(b []byte) []byte { b[2] |= flagQR; return b }), -1},
		"cut question":       {good[:len(good)-3], dns.RcodeFormatError},
		"bytes at the end":   {append(bytes.Clone(good), 0), dns.RcodeFormatError},
		"count too high":     {with(func(b []byte) []byte { b[7] = 9; return b }), dns.RcodeFormatError},
		"label of 64 octets": {with(func(b []byte) []byte { b[headerLen] = 64; return b }), dns.RcodeFormatError},
		"pointer to itself":  {with(func(b []byte) []byte { b[headerLen], b[headerLen+1] = 0xC0, headerLen; return b[:headerLen+6] }), dns.RcodeFormatError},
		"unknown opcode":     {with(func(b []byte) []byte { b[2] |= 9 << 3; return b[:14] }), dns.RcodeNotImplemented},
	} {
		replies := ask(t, s, c.wire, from(clientAddr, "udp"))
		switch {
		case c.rcode < 0 && len(replies) > 0:
			t.Errorf("%s: answered\n%s", name, replies[0])
		case c.rcode >= 0 && (len(replies) != 1 || replies[0].Rcode != c.rcode || !replies[0].Response):
			t.Errorf("%s: %v", name, replies)
		}
	}
}

// TestEDNSMatrix: the answer's OPT, its DO bit and its size for what a query may say (RFC 6891 sections 6.2.3 and 7).
func TestEDNSMatrix(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString(smallZone)
	for i := range 100 {
		fmt.Fprintf(&text, "big 60 IN TXT \"%03d %s\"\n", i, strings.Repeat("x", 9))
	}
	for i := range 30 {
		fmt.Fprintf(&text, "middle 60 IN A 10.9.0.%d\n", i)
	}
	s := plainServer(t, map[string]string{"example.com.": text.String()})
	for _, c := range []struct {
		name    string
		size    int // -1: no EDNS
		network string
		tc      bool
	}{
		{"big", -1, "udp", true}, {"big", 512, "udp", true}, {"big", 1232, "udp", true}, {"big", 65535, "udp", true}, {"big", -1, "tcp", false},
		{"middle", -1, "udp", true}, {"middle", 0, "udp", true}, {"middle", 511, "udp", true}, {"middle", 540, "udp", false}, {"middle", 4096, "udp", false},
		{"api", -1, "udp", false}, {"api", 0, "udp", false},
	} {
		for _, do := range []bool{false, true} {
			q := query(c.name+".example.com.", dns.TypeANY)
			q.Question[0].Qtype = map[string]uint16{"big": dns.TypeTXT, "middle": dns.TypeA, "api": dns.TypeA}[c.name]
			if c.size >= 0 {
				withEDNS(q, uint16(c.size), do)
			}
			for range 2 {
				r := ask1(t, s, q, from(clientAddr, c.network))
				opt := r.IsEdns0()
				if (opt != nil) != (c.size >= 0) {
					t.Fatalf("%+v: OPT %v", c, opt)
				}
				if opt != nil && (opt.Do() != do || opt.UDPSize() != 1232 || opt.Version() != 0) {
					t.Errorf("%+v do=%v: OPT %v", c, do, opt)
				}
				if r.Truncated != c.tc || c.tc != (len(r.Answer) == 0) {
					t.Errorf("%+v: TC %v with %d answers", c, r.Truncated, len(r.Answer))
				}
			}
		}
	}
}

// TestReferralGlue: glue inside the delegated zone is never dropped without TC; a sibling's may be (RFC 9471 section 3).
func TestReferralGlue(t *testing.T) {
	t.Parallel()
	text := func(where string, n int) string {
		var b strings.Builder
		b.WriteString(smallZone)
		for i := range n {
			fmt.Fprintf(&b, "big 60 IN NS ns%02d.%s\nns%02d.%s 60 IN AAAA 2001:db8::%x\n", i, where, i, where, i)
		}
		if where != "big" {
			fmt.Fprintf(&b, "%s 60 IN NS ns00.%s\n", where, where)
		}
		return b.String()
	}
	inside := plainServer(t, map[string]string{"example.com.": text("big", 13)})
	r := ask1(t, inside, query("x.big.example.com.", dns.TypeA), from(clientAddr, "udp"))
	if !r.Truncated || r.Authoritative {
		t.Errorf("glue inside the zone does not fit and TC is not set:\n%s", r)
	}
	r = ask1(t, inside, withEDNS(query("x.big.example.com.", dns.TypeA), 1232, false), from(clientAddr, "udp"))
	if r.Truncated || len(r.Ns) != 13 || len(r.Extra) != 14 {
		t.Errorf("glue inside the zone fits 1232 octets:\n%s", r)
	}
	sibling := plainServer(t, map[string]string{"example.com.": text("sister", 13)})
	r = ask1(t, sibling, query("x.big.example.com.", dns.TypeA), from(clientAddr, "udp"))
	if r.Truncated || len(r.Ns) != 13 || len(r.Extra) == 0 || len(r.Extra) >= 13 {
		t.Errorf("a sibling's glue is to be given as far as it fits:\n%s", r)
	}
}

// TestTwoZones: DS at a cut is the parent's (RFC 4035 section 3.1.4.1), everything else below it the child's, and an
// alias is followed from one zone into the other.
func TestTwoZones(t *testing.T) {
	t.Parallel()
	s := plainServer(t, map[string]string{
		"example.com.": smallZone + "sub 3600 IN DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\nlink 60 IN CNAME host.sub\n" +
			"loop 60 IN CNAME loop.sub\nout 60 IN CNAME elsewhere.example.\n",
		"sub.example.com.": soaText + "@ IN NS ns\nns IN A 10.0.4.1\nhost 60 IN A 10.0.4.2\nloop 60 IN CNAME loop.example.com.\n",
	})
	r := ask1(t, s, query("sub.example.com.", dns.TypeDS), from(clientAddr, "udp"))
	if len(r.Answer) != 1 || r.Answer[0].Header().Rrtype != dns.TypeDS || !r.Authoritative {
		t.Errorf("DS:\n%s", r)
	}
	r = ask1(t, s, query("sub.example.com.", dns.TypeNS), from(clientAddr, "udp"))
	if len(r.Answer) != 1 || !r.Authoritative {
		t.Errorf("NS of the child:\n%s", r)
	}
	for range 2 {
		r = ask1(t, s, query("link.example.com.", dns.TypeA), from(clientAddr, "udp"))
		if len(r.Answer) != 2 || firstA(r) != "10.0.4.2" {
			t.Errorf("an alias into the child:\n%s", r)
		}
	}
	r = ask1(t, s, query("out.example.com.", dns.TypeA), from(clientAddr, "udp"))
	if len(r.Answer) != 1 || r.Rcode != dns.RcodeSuccess {
		t.Errorf("an alias out of what is served:\n%s", r)
	}
	r = ask1(t, s, query("loop.example.com.", dns.TypeA), from(clientAddr, "udp"))
	if len(r.Answer) == 0 || len(r.Answer) > 2*maxFollowed+2 {
		t.Errorf("a loop through two zones:\n%s", r)
	}
}

// TestRespondEqualsServe: both ways give the same answer, whether kept or not.
func TestRespondEqualsServe(t *testing.T) {
	t.Parallel()
	s := plainServer(t, map[string]string{"example.com.": smallZone})
	for _, name := range []string{"api", "www", "nothing", "x.wild", "x.sub", "sub"} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeNS, dns.TypeANY} {
			for _, edns := range []bool{false, true} {
				q := query(name+".example.com.", qtype)
				if edns {
					withEDNS(q, 1232, true)
				}
				want := s.Respond(t.Context(), q, from(clientAddr, "udp"))
				for range 2 {
					got := serve1(t, s, pack(t, q), "udp")
					if !bytes.Equal(got, pack(t, want)) {
						t.Errorf("%s %s: the two ways differ", name, dns.TypeToString[qtype])
					}
				}
			}
		}
	}
	if s.Respond(t.Context(), &dns.Msg{MsgHdr: dns.MsgHdr{Response: true}}, from(clientAddr, "udp")) != nil {
		t.Error("a response was answered")
	}
}
