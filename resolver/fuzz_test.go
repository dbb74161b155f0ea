package resolver_test

import (
	"context"
	"testing"

	"faultzone/resolver"

	"github.com/miekg/dns"
)

// FuzzServe: whatever a client sends, the answer is one to it, fits, and is the same with and without waiting.
func FuzzServe(f *testing.F) {
	w := newWorld(f)
	c := w.resolver(nil)
	for _, q := range []string{"www.example.com A", "nosuch.example.com A +do", "abroad.example.com A +cd", "loop1.example.com A +noedns"} {
		c.ask(q)
		f.Add(packed(f, query(q)))
	}
	odd := query("www.example.com A")
	odd.Opcode = dns.OpcodeUpdate
	f.Add(packed(f, odd))
	f.Add([]byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 12, 0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		w.t = t
		now, ok := c.r.AnswerNow(data, inside)
		var replies [][]byte
		must(t, w.clock.Run(func() {
			must(t, c.r.Serve(context.Background(), data, inside, func(b []byte) error {
				replies = append(replies, b)
				return nil
			}))
		}))
		w.asked()
		if len(replies) > 1 || ok && (now == nil) != (len(replies) == 0) {
			t.Fatalf("%d replies, at once %v", len(replies), ok)
		}
		if len(replies) == 0 {
			if len(data) >= 12 && data[2]&0x80 == 0 {
				t.Fatal("a query without a reply")
			}
			return
		}
		reply := replies[0]
		var m dns.Msg
		if err := m.Unpack(reply); err != nil {
			t.Fatalf("a reply that cannot be read: %v", err)
		}
		limit := 512
		var q dns.Msg
		if q.Unpack(data) == nil && q.IsEdns0() != nil {
			limit = 1232
		}
		if reply[0] != data[0] || reply[1] != data[1] || !m.Response || len(reply) > limit {
			t.Fatalf("%d octets: %v", len(reply), &m)
		}
	})
}

// FuzzReply: whatever a zone's servers send, the resolver answers in time, and what is not signed by the right keys is
// never given out as secure.
func FuzzReply(f *testing.F) {
	w := newWorld(f)
	for _, question := range []string{"www.example.com A", "nosuch.example.com A", "www.old.example.com A", "any.wild.example.com A", "x.plain.com A"} {
		q := query(question + " +do")
		f.Add(packed(f, w.right("10.0.0.1", q, "tcp"))[12:])
		f.Add(packed(f, w.right("192.5.6.30", q, "tcp"))[12:])
	}
	var reply []byte
	fuzzed := func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		head := packed(w.t, &dns.Msg{MsgHdr: dns.MsgHdr{Id: q.Id, Response: true}})
		if len(reply) > 2 {
			copy(head[2:], reply[:2])
			head[2] = head[2]&0x07 | 0x80
		}
		return act{raw: [][]byte{append(head[:4], reply...)}}
	}
	w.break_("10.0.0.1", fuzzed)
	w.break_("10.0.0.2", fuzzed)
	for _, question := range []string{"www.example.com A", "nosuch.example.com A"} {
		q := query(question + " +do")
		b := packed(f, w.right("10.0.0.1", q, "tcp"))
		f.Add(append(b[4:12:12], b[12:]...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w.t = t
		c := w.resolver(func(cfg *resolver.Config) { cfg.Report = func(resolver.Event) {} })
		reply = data
		for _, question := range []string{"www.example.com A +do", "nosuch.example.com A", "www.example.com A +cd"} {
			m, took := c.took(question)
			if _, err := m.Pack(); err != nil {
				t.Fatalf("%s: a reply that cannot be packed: %v", question, err)
			}
			if took > 20e9 {
				t.Fatalf("%s took %v", question, took)
			}
			if m.AuthenticatedData && m.Rcode == dns.RcodeSuccess && len(m.Answer) > 0 {
				if a, ok := m.Answer[0].(*dns.A); ok && a.A.String() != "192.0.2.80" {
					t.Fatalf("%s is secure: %v", question, m)
				}
			}
		}
		c.r.Dump()
		w.asked()
	})
}
