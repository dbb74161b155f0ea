package authoritative

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// TestConcurrent: questions, transfers, edits, signings, changes of lists and time all at once, for the race detector.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	l, primary, secondary := signedPair(t)
	var wg sync.WaitGroup
	each := func(n int, f func(i int) error) {
		wg.Go(func() {
			for i := range n {
				if err := f(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for _, s := range []*Server{primary, secondary} {
		for _, name := range []string{"api", "www", "nothing", "x.sub", "x.wild"} {
			wire := pack(t, withEDNS(query(name+".example.com.", dns.TypeA), 1232, true))
			each(300, func(int) error {
				if b, ok := s.AnswerNow(wire, from(clientAddr, "udp")); !ok || len(b) < headerLen {
					return fmt.Errorf("no answer for %s", name)
				}
				return nil
			})
		}
		each(100, func(int) error { _, err := s.Status("", "example.com."); return err })
		each(100, func(i int) error { return s.SetMatch("", Everybody()) })
	}
	axfr, _ := signed(t, query("example.com.", dns.TypeAXFR), transferKey, l.clock.Now())
	each(50, func(int) error {
		return primary.Serve(context.Background(), axfr, from(secondaryAddr, "tcp"), func([]byte) error { return nil })
	})
	each(10, func(i int) error {
		return primary.Edit("", "example.com.", zone.Change{Op: zone.Add, RRs: []dns.RR{rr(t, fmt.Sprintf("new%d.example.com. 60 IN A 10.0.2.61", i))}})
	})
	each(5, func(int) error { return primary.Resign("", "example.com.", Resigning{}) })
	each(20, func(int) error { return secondary.Refresh("", "example.com.") })
	each(20, func(int) error { return l.clock.Advance(10 * time.Second) })
	wg.Wait()
	l.advance(time.Minute)
	if p, s := status(t, primary), status(t, secondary); p.Serial != s.Serial || p.Serial != 2024040201+10+5 {
		t.Fatalf("serials %d and %d", p.Serial, s.Serial)
	}
}

func benchmarkAnswer(b *testing.B, name string, do bool) {
	s := plainServer(b, map[string]string{"example.com.": smallZone})
	s.tell = nil // the lab remembers every event
	wire := pack(b, withEDNS(query(name, dns.TypeA), 1232, do))
	peer := from(clientAddr, "udp")
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, ok := s.AnswerNow(wire, peer); !ok {
			b.Fatal("no answer")
		}
	}
}

func BenchmarkAnswerNow(b *testing.B)         { benchmarkAnswer(b, "api.example.com.", true) }
func BenchmarkAnswerNowNXDOMAIN(b *testing.B) { benchmarkAnswer(b, "nothing.example.com.", true) }
func BenchmarkAnswerNowRefused(b *testing.B)  { benchmarkAnswer(b, "api.example.org.", true) }

// BenchmarkAnswerSlowly is the way of an answer that has not been given before.
func BenchmarkAnswerSlowly(b *testing.B) {
	s := plainServer(b, map[string]string{"example.com.": smallZone})
	wire := pack(b, withEDNS(query("api.example.com.", dns.TypeA), 1232, true))
	peer := from(clientAddr, "udp")
	b.ReportAllocs()
	for range b.N {
		s.answerSlowly(wire, peer, nil, nil)
	}
}

func BenchmarkTransferOut(b *testing.B) {
	s := plainServer(b, map[string]string{"example.com.": largeZone(5000)})
	wire := pack(b, query("example.com.", dns.TypeAXFR))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if err := s.Serve(context.Background(), wire, from(clientAddr, "tcp"), func([]byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
