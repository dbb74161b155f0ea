package resolver_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"faultzone/resolver"

	"github.com/miekg/dns"
)

func benchNow(b *testing.B, question string, change func(*resolver.Config)) {
	w := newWorld(b)
	c := w.resolver(change)
	c.ask(question)
	q := packed(b, query(question))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.r.AnswerNow(q, inside); !ok {
			b.Fatal("not cached")
		}
	}
}

// What real sockets call for what is known.
func BenchmarkAnswerNow(b *testing.B)       { benchNow(b, "www.example.com A", nil) }
func BenchmarkAnswerNowDO(b *testing.B)     { benchNow(b, "www.example.com A +do", nil) }
func BenchmarkAnswerNowChain(b *testing.B)  { benchNow(b, "abroad.example.com A", nil) }
func BenchmarkAnswerNowDenial(b *testing.B) { benchNow(b, "nosuch.example.com A", nil) }
func BenchmarkAnswerNowRefused(b *testing.B) {
	q := packed(b, query("www.example.com A"))
	c := newWorld(b).resolver(func(cfg *resolver.Config) { cfg.Allow = []netip.Prefix{} })
	b.ReportAllocs()
	for b.Loop() {
		c.r.AnswerNow(q, inside)
	}
}

// BenchmarkColdValidated is a name that nothing is known of: six questions, six signatures, and the test's own internet.
func BenchmarkColdValidated(b *testing.B) { benchCold(b, nil) }

func BenchmarkColdUnvalidated(b *testing.B) {
	benchCold(b, func(cfg *resolver.Config) { cfg.TrustAnchors = nil })
}

func benchCold(b *testing.B, change func(*resolver.Config)) {
	w := newWorld(b)
	q := query("www.example.com A")
	cs := make([]*client, 0, b.N)
	b.ReportAllocs()
	for b.Loop() {
		c := w.resolver(change)
		cs = append(cs[:0], c)
		must(b, w.clock.Run(func() {
			if m := c.r.Resolve(context.Background(), q, netip.Addr{}); m.Rcode != dns.RcodeSuccess {
				b.Fatal(m)
			}
		}))
		w.asked()
		if w.clock.Now().Sub(start) > 24*time.Hour {
			b.StopTimer()
			w = newWorld(b)
			b.StartTimer()
		}
	}
}

// BenchmarkWarmValidated is another name of a zone whose keys are known: one question, one signature.
func BenchmarkWarmValidated(b *testing.B) {
	w := newWorld(b)
	c := warm(w)
	q := query("long.example.com A")
	b.ReportAllocs()
	for b.Loop() {
		must(b, w.clock.Run(func() {
			c.r.Flush("long.example.com")
			if m := c.r.Resolve(context.Background(), q, netip.Addr{}); m.Rcode != dns.RcodeSuccess {
				b.Fatal(m)
			}
		}))
		w.asked()
	}
}
