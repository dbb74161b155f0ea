package cache

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"faultzone/resolver/validate"

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

// BenchmarkHeapOf100000 tells what 100,000 RRsets take on the heap, as records read from messages do, signed and not.
func BenchmarkHeapOf100000(b *testing.B) {
	for _, signed := range []bool{false, true} {
		b.Run(fmt.Sprintf("signed=%v", signed), func(b *testing.B) {
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				c := New(Config{MaxBytes: 1 << 30})
				for i := range 100_000 {
					c.Put(fromWire(b, i, signed), t0)
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
				b.ReportMetric(float64(c.Bytes())/1e6, "MB-estimated")
				runtime.KeepAlive(c)
			}
		})
	}
}

// fromWire is an entry as a reply brings it, with nothing shared.
func fromWire(tb testing.TB, i int, signed bool) *Entry {
	name := fmt.Sprintf("host%d.example.com.", i)
	m := &dns.Msg{Answer: []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: 1, Ttl: 300}, A: []byte{10, 0, 0, 1}}}}
	if signed {
		m.Answer = append(m.Answer, &dns.RRSIG{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeRRSIG, Class: 1, Ttl: 300}, TypeCovered: dns.TypeA,
			Algorithm: 13, Labels: 3, OrigTtl: 300, SignerName: "example.com.", Signature: strings.Repeat("abcd", 21) + "abc="})
	}
	wire, err := m.Pack()
	if err != nil {
		tb.Fatal(err)
	}
	m = new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		tb.Fatal(err)
	}
	set := validate.RRset{RRs: m.Answer[:1:1]}
	if signed {
		set.Sigs = []*dns.RRSIG{m.Answer[1].(*dns.RRSIG)}
	}
	return &Entry{Name: m.Answer[0].Header().Name, Type: dns.TypeA, Rank: Answer, Set: set}
}
