package cache

import (
	"fmt"
	"testing"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

func TestEviction(t *testing.T) {
	t.Parallel()
	entry := func(i, ttl int) *Entry { return positive(t, fmt.Sprintf("n%03d.example. %d IN A 10.0.0.1", i, ttl)) }
	cost := estimate(entry(0, 60))
	has := func(c *Cache, i int, s float64) bool {
		_, ok := c.RRset(fmt.Sprintf("n%03d.example.", i), dns.TypeA, at(s))
		return ok
	}
	c := New(Config{MaxBytes: 10 * cost})
	c.Put(entry(0, 60), t0)
	c.Put(entry(1, 5), t0)
	for i := 2; i < 10; i++ {
		c.Put(entry(i, 60), t0)
	}
	c.Put(entry(10, 60), at(6)) // the expired one makes room
	if c.Len(at(6)) != 10 || !has(c, 0, 6) {
		t.Errorf("%d entries, want the 10 live ones", c.Len(at(6)))
	}
	c.Put(entry(11, 60), at(6)) // 0 was used just now, 2 is the next oldest
	if !has(c, 0, 6) || has(c, 2, 6) || !has(c, 3, 6) {
		t.Error("it was not the least recently used that went")
	}
	if e := c.Put(&Entry{Name: "huge.", Type: dns.TypeTXT, Rank: Answer, Set: bigSet(int(10 * cost))}, at(6)); e.TTL(at(6)) != 60 {
		t.Error("what does not fit is not returned for use")
	}
	if c.Len(at(6)) != 10 || c.Bytes() > 10*cost {
		t.Errorf("%d entries of %d bytes, want 10", c.Len(at(6)), c.Bytes())
	}
}

func bigSet(size int) validate.RRset {
	txt := &dns.TXT{Hdr: dns.RR_Header{Name: "huge.", Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}}
	for range size / 100 {
		txt.Txt = append(txt.Txt, fmt.Sprintf("%0100d", 0))
	}
	return validate.RRset{RRs: []dns.RR{txt}}
}
