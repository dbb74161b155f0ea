package authoritative

import (
	"fmt"
	"testing"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// TestAnswersBounded: what is kept never takes more than the pool has, the newest stays, and what is dropped gives its
// room back.
func TestAnswersBounded(t *testing.T) {
	t.Parallel()
	pool := new(answerPool)
	a, b := &answers{pool: pool}, &answers{pool: pool}
	big := make([]byte, largestHit)
	n := 3 * poolSize / largestHit
	for i := range n {
		a.put(fmt.Append(nil, i), big)
		if used := pool.used.Load(); used > poolSize || used != a.size[0]+a.size[1] {
			t.Fatalf("%d octets are kept, %v", used, a.size)
		}
	}
	if a.get([]byte("0")) != nil {
		t.Error("the oldest is still there")
	}
	if a.get(fmt.Append(nil, n-1)) == nil {
		t.Error("the newest is not there")
	}
	for i := range n {
		b.put(fmt.Append(nil, i), big)
		a.put(fmt.Append(nil, n+i), big)
		if used := pool.used.Load(); used > poolSize {
			t.Fatalf("%d octets are kept by two", used)
		}
	}
	if b.size[0]+b.size[1] == 0 {
		t.Error("one zone's answers leave no room for another's")
	}
	a.drop()
	b.drop()
	a.put([]byte("x"), big)
	if used := pool.used.Load(); used != 0 || a.get([]byte("x")) != nil {
		t.Errorf("%d octets are still kept", used)
	}
	a = &answers{pool: pool}
	if a.put([]byte("large"), make([]byte, largestHit+1)); a.get([]byte("large")) != nil {
		t.Error("too large an answer is kept")
	}
}

// TestEditDropsAnswers: after an edit nothing of before is given or kept.
func TestEditDropsAnswers(t *testing.T) {
	t.Parallel()
	s := plainServer(t, map[string]string{"example.com.": smallZone})
	for range 2 {
		if r := ask1(t, s, query("api.example.com.", dns.TypeA), from(clientAddr, "udp")); firstA(r) != "10.0.2.50" {
			t.Fatalf("before the edit:\n%s", r)
		}
	}
	if s.answers.used.Load() == 0 {
		t.Error("nothing is kept")
	}
	if err := s.Edit("", "example.com.", zone.Change{Op: zone.ReplaceRRset, Name: "api.example.com.", Type: dns.TypeA,
		RRs: []dns.RR{rr(t, "api.example.com. 60 IN A 10.0.2.99")}}); err != nil {
		t.Fatal(err)
	}
	if used := s.answers.used.Load(); used != 0 {
		t.Errorf("%d octets are kept over an edit", used)
	}
	if r := ask1(t, s, query("api.example.com.", dns.TypeA), from(clientAddr, "udp")); firstA(r) != "10.0.2.99" {
		t.Errorf("after the edit:\n%s", r)
	}
}

// BenchmarkAnswerNow10k is the wire to wire time for a signed zone of 10,000 names: every name in turn, every tenth
// question for one that does not exist.
func BenchmarkAnswerNow10k(b *testing.B) {
	text := []byte(smallZone)
	for i := range 10000 {
		text = fmt.Appendf(text, "host-%d 300 IN A 10.%d.%d.%d\n", i, i>>16, i>>8&255, i&255)
	}
	l := newLab(b)
	s := l.server(primaryAddr, Config{Views: []View{{Zones: []Zone{{Origin: "example.com.", Data: parseZone(b, "example.com.", string(text)), Signing: signing(b, "example.com.")}}}}})
	for _, do := range []bool{false, true} {
		var wires [][]byte
		for i := range 10000 {
			name := fmt.Sprintf("host-%d.example.com.", i*7919%10000)
			if i%10 == 0 {
				name = fmt.Sprintf("none-%d.example.com.", i)
			}
			q := query(name, dns.TypeA)
			if do {
				withEDNS(q, 1232, true)
			}
			wires = append(wires, pack(b, q))
		}
		peer := from(clientAddr, "udp")
		b.Run(fmt.Sprintf("DO=%v", do), func(b *testing.B) {
			for _, w := range wires {
				s.AnswerNow(w, peer)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if reply, ok := s.AnswerNow(wires[i%len(wires)], peer); !ok || reply == nil {
					b.Fatal("no answer")
				}
			}
		})
	}
}
