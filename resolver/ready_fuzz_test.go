package resolver_test

import (
	"context"
	"strings"
	"testing"

	"faultzone/resolver"

	"github.com/miekg/dns"
)

// FuzzAnswerNow: whatever bytes ask for it, an answer at once is the answer that the same question gets as a message, and
// echoes its question.
func FuzzAnswerNow(f *testing.F) {
	w := newWorld(f)
	c := w.resolver(func(cfg *resolver.Config) {
		cfg.AggressiveNSEC = true
		cfg.LocalZones = []resolver.LocalZone{{Name: "no.example.", Type: resolver.LocalRefuse, EDE: 15}}
	})
	for _, q := range []string{"www.example.com A", "nosuch.example.com A +do", "abroad.example.com A +cd", "localhost A", "x.no.example A", "www.example.com MX +norec",
		"x.wild.example.com A", "example.com DNSKEY +do", `\*.a\.b\000.example.com A +noedns`} {
		c.ask(q)
		f.Add(packed(f, query(q)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w.t = t
		var q dns.Msg
		for range 2 { // put together, and then perhaps kept
			reply, ok := c.r.AnswerNow(data, inside)
			if !ok || reply == nil {
				return
			}
			var got dns.Msg
			must(t, got.Unpack(reply))
			must(t, q.Unpack(data))
			if len(got.Question) != 1 || got.Question[0] != q.Question[0] || got.Id != q.Id {
				t.Fatalf("%v is answered by %v", &q, &got)
			}
			if got.Truncated {
				return
			}
			var want *dns.Msg
			must(t, w.clock.Run(func() { want = c.r.Resolve(context.Background(), &q, inside.Addr.Addr()) }))
			if !strings.EqualFold(got.String(), want.String()) {
				t.Fatalf("%v\nwant %v", &got, want)
			}
		}
	})
}
