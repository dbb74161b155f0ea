package authoritative

import (
	"bytes"
	"context"
	"testing"

	"github.com/miekg/dns"
)

// FuzzServe: whatever comes, the server does not panic, never answers a response, and answers with well-formed responses
// of the query's ID that fit their transport. AnswerNow and Serve agree.
func FuzzServe(f *testing.F) {
	l := newLab(f)
	s := l.server(primaryAddr, Config{
		Keys: []TSIGKey{transferKey},
		Views: []View{{Zones: []Zone{
			{Origin: "example.com.", Data: parseZone(f, "example.com.", smallZone), Transfer: Everybody(), Signing: signing(f, "example.com.")},
			{Origin: "second.example.", Primaries: []Primary{{Addr: at53(secondaryAddr)}}},
		}}},
	})
	for _, m := range []*dns.Msg{
		query("api.example.com.", dns.TypeA),
		withEDNS(query("nothing.example.com.", dns.TypeAAAA), 1232, true),
		withEDNS(query("example.com.", dns.TypeAXFR), 512, false),
		query("example.com.", dns.TypeIXFR), query("second.example.", dns.TypeSOA), query("sub.example.com.", dns.TypeDS),
		{MsgHdr: dns.MsgHdr{Opcode: dns.OpcodeNotify}, Question: []dns.Question{{Name: "second.example.", Qtype: dns.TypeSOA, Qclass: 1}}},
	} {
		f.Add(pack(f, m), true)
		f.Add(pack(f, m), false)
		wire, _ := signed(f, m, transferKey, start)
		f.Add(wire, true)
		f.Add(wire, false)
	}
	f.Fuzz(func(t *testing.T, wire []byte, udp bool) {
		network := "tcp"
		if udp {
			network = "udp"
		}
		peer := from(secondaryAddr, network)
		before := bytes.Clone(wire)
		now, ok := s.AnswerNow(wire, peer)
		var replies [][]byte
		if err := s.Serve(context.Background(), wire, peer, func(b []byte) error { replies = append(replies, b); return nil }); err != nil {
			t.Fatalf("Serve: %v", err)
		}
		if !bytes.Equal(wire, before) {
			t.Fatal("the query was changed")
		}
		if ok && now == nil != (len(replies) == 0) || ok && now != nil && !bytes.Equal(now, replies[0]) {
			t.Fatalf("AnswerNow gives %x, Serve %x", now, replies)
		}
		if len(wire) < headerLen || wire[2]&flagQR != 0 {
			if len(replies) > 0 {
				t.Fatal("a response was answered")
			}
			return
		}
		for _, b := range replies {
			if len(b) < headerLen || wireID(b) != wireID(wire) || b[2]&flagQR == 0 || wireOpcode(b) != wireOpcode(wire) {
				t.Fatalf("the header does not answer the query: %x", b)
			}
			if udp && len(b) > maxUDP {
				t.Fatalf("%d octets over UDP", len(b))
			}
			if _, err := measure(b); err != nil {
				t.Fatalf("the answer is malformed: %x", b)
			}
			if err := new(dns.Msg).Unpack(b); err != nil {
				t.Fatalf("the answer cannot be unpacked: %v", err)
			}
		}
		if len(replies) == 0 {
			t.Fatal("a query went unanswered")
		}
	})
}

// FuzzVerify: whatever a primary sends, the check of its TSIG neither panics nor passes.
func FuzzVerify(f *testing.F) {
	key, err := newTSIGKey(transferKey)
	if err != nil {
		f.Fatal(err)
	}
	wire, _ := signRequest(key, pack(f, query("example.com.", dns.TypeSOA)), start)
	f.Add(wire)
	f.Add(pack(f, query("example.com.", dns.TypeSOA)))
	f.Fuzz(func(t *testing.T, b []byte) {
		session := &tsigSession{key: key, prior: []byte("the MAC of a request")}
		if session.verify(b, start) == nil {
			t.Fatal("verified")
		}
	})
}
