package cache

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"
)

func benchCache(b *testing.B) *Cache {
	c := New(Config{})
	for i := range 1000 {
		c.Put(positive(b, fmt.Sprintf("n%d.example. 86400 IN A 10.0.0.1", i), fmt.Sprintf("n%d.example. 86400 IN A 10.0.0.2", i)), t0)
	}
	return c
}

// BenchmarkAnswer is a hit within one second: the aged copies are there.
func BenchmarkAnswer(b *testing.B) {
	c, now := benchCache(b), at(10)
	dst := make([]dns.RR, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		e, _ := c.Get("n500.example.", dns.TypeA, now)
		dst = e.AppendRRs(dst[:0], now)
	}
}

// BenchmarkAnswerAged makes new copies each time.
func BenchmarkAnswerAged(b *testing.B) {
	c := benchCache(b)
	dst := make([]dns.RR, 0, 8)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now := at(float64(i % 80000))
		e, _ := c.Get("n500.example.", dns.TypeA, now)
		dst = e.AppendRRs(dst[:0], now)
	}
}

func BenchmarkAnswerMixedCase(b *testing.B) {
	c, now := benchCache(b), at(10)
	b.ReportAllocs()
	for b.Loop() {
		c.Get("N500.eXample.", dns.TypeA, now)
	}
}

func BenchmarkAnswerParallel(b *testing.B) {
	c, now := benchCache(b), at(10)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		dst := make([]dns.RR, 0, 8)
		for pb.Next() {
			e, _ := c.Get("n500.example.", dns.TypeA, now)
			dst = e.AppendRRs(dst[:0], now)
		}
	})
}

func BenchmarkClosest(b *testing.B) {
	c, now := benchCache(b), at(10)
	c.Put(positive(b, "example. 86400 IN NS ns.example."), t0)
	b.ReportAllocs()
	for b.Loop() {
		c.Closest("a.b.c.n500.example.", dns.TypeNS, now)
	}
}

// BenchmarkPutEvicting is a full cache that takes ever new names.
func BenchmarkPutEvicting(b *testing.B) {
	c := New(Config{MaxBytes: 1 << 20})
	set := positive(b, "x.example. 86400 IN A 10.0.0.1").Set
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("n%d.example.", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Put(&Entry{Name: names[i%len(names)], Type: dns.TypeA, Rank: Answer, Set: set}, t0)
	}
}
