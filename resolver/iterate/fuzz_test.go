package iterate

import (
	"testing"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// FuzzScrub: what is left of any reply is of the zone whose server sent it, and leads from the question; a useful reply has
// what its kind says.
func FuzzScrub(f *testing.F) {
	question := []dns.Question{{Name: "www.example.com.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}
	for _, records := range [][3]string{
		{"www.example.com. 60 IN A 192.0.2.1", "example.com. 60 IN NS ns.example.com.", "ns.example.com. 60 IN A 192.0.2.53"},
		{"www.example.com. 60 IN CNAME a.example.com.", "a.example.com. 60 IN NSEC b.example.com. A", "x. 60 IN A 192.0.2.53"},
		{"example.com. 60 IN DNAME example.net.", "com. 60 IN NS ns.com.", "ns.com. 60 IN A 192.0.2.53"},
		{"www.example.com. 60 IN RRSIG A 13 3 60 20260410000000 20260401000000 1 example.com. AAAA",
			"example.com. 60 IN SOA a. b. 1 2 3 4 5", "sub.example.com. 60 IN DS 1 13 2 00"},
	} {
		m := dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Authoritative: true}, Question: question, Compress: true}
		for i, section := range []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
			rr, err := dns.NewRR(records[i])
			if err != nil {
				f.Fatal(err)
			}
			*section = append(*section, rr)
		}
		b, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint16(dns.TypeA))
		f.Add(b, uint16(dns.TypeDS))
	}
	f.Fuzz(func(t *testing.T, data []byte, qtype uint16) {
		var m dns.Msg
		if m.Unpack(data) != nil {
			return
		}
		const zone = "example.com."
		q := Question{Name: "www.example.com.", Type: qtype}
		s := scrub(&m, q, zone)
		sets := append([]validate.RRset{s.soa, s.ns, s.ds}, s.chain...)
		sets = append(append(sets, s.proof...), s.glue...)
		for _, set := range sets {
			for _, rr := range set.RRs {
				if !dns.IsSubDomain(zone, rr.Header().Name) || rr.Header().Class != dns.ClassINET {
					t.Fatalf("kept %s", rr)
				}
			}
		}
		for _, recursive := range []bool{false, true} {
			kind := s.classify(q, zone, recursive)
			switch {
			case kind == Referral && (recursive || len(s.ns.RRs) == 0 || s.cut() == zone || !dns.IsSubDomain(s.cut(), q.Name)):
				t.Fatalf("a referral to %v", s.ns.RRs)
			case kind <= DNAME && len(s.chain) == 0:
				t.Fatalf("%v without records", kind)
			}
		}
	})
}

// FuzzMatch: a reply is taken only if it has the query's ID and question.
func FuzzMatch(f *testing.F) {
	m := manner{id: 0x1234, edns: true, udpSize: 1232, mix: &[4]uint64{0xA5A5A5A5, 1, 2, 3}}
	query, end, err := m.pack(Question{Name: "www.example.com.", Type: dns.TypeA})
	if err != nil {
		f.Fatal(err)
	}
	reply := append([]byte(nil), query...)
	reply[2] |= 0x80
	f.Add(reply)
	f.Add(reply[:12])
	f.Add(query)
	f.Fuzz(func(t *testing.T, data []byte) {
		fits, exact := answers(data, query, end)
		if exact && !fits {
			t.Fatal("exact, and does not fit")
		}
		var r dns.Msg
		if !fits || r.Unpack(data) != nil {
			return
		}
		if r.Id != 0x1234 || !r.Response || len(r.Question) > 1 ||
			len(r.Question) == 1 && dns.CanonicalName(r.Question[0].Name) != "www.example.com." ||
			len(r.Question) == 0 && r.Rcode&0xF != dns.RcodeFormatError && r.Rcode&0xF != dns.RcodeNotImplemented {
			t.Fatalf("taken: %v", &r)
		}
		if u, err := unmix(data, end); err == nil && len(u.Question) == 1 && u.Question[0].Name != "www.example.com." {
			t.Fatalf("unmixed: %v", u)
		}
	})
}
