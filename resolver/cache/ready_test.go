package cache

import (
	"encoding/binary"
	"testing"

	"github.com/miekg/dns"
)

// A packed answer is told as long as its entries are there and nothing else is known about their names, with the TTL that
// each has left.
func TestReady(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	keep := func(s float64) *Ready {
		since := c.Changes()
		alias := c.Put(positive(t, "www.example. 60 IN CNAME api.example."), at(s))
		api := c.Put(positive(t, "api.example. 30 IN A 10.0.0.1"), at(s))
		a := &Ready{Variant: 7, Packed: make([]byte, 20), TTLs: []TTLPlace{{At: 4, Entry: 0}, {At: 12, Entry: 1}}, Entries: []*Entry{alias, api}}
		if c.KeepReady(a, since, at(s)); c.Ready([]byte("www.example."), 7, at(s)) != nil {
			t.Fatal("kept, though its entries are newer than the question")
		}
		c.KeepReady(a, c.Changes(), at(s))
		return a
	}
	a := keep(0)
	told := make([]byte, 20)
	if got := c.Ready([]byte("www.example."), 7, at(10)); got != a {
		t.Fatalf("got %v", got)
	}
	if a.Age(told, at(10)); binary.BigEndian.Uint32(told[4:]) != 50 || binary.BigEndian.Uint32(told[12:]) != 20 || a.Packed[7] != 0 {
		t.Errorf("TTLs in %x, and %x is kept", told, a.Packed)
	}
	for name, gone := range map[string]func() bool{
		"another variant":       func() bool { return c.Ready([]byte("www.example."), 8, at(10)) == nil },
		"another name":          func() bool { return c.Ready([]byte("api.example."), 7, at(10)) == nil },
		"the first end":         func() bool { return c.Ready([]byte("www.example."), 7, at(30)) == nil },
		"a flush of its target": func() bool { c.Flush("api.example."); return c.Ready([]byte("www.example."), 7, at(10)) == nil },
		"a failure beside it": func() bool {
			keep(10)
			c.Fail("www.example.", dns.TypeMX, nil, at(10))
			return c.Ready([]byte("www.example."), 7, at(10)) == nil
		},
		"a change of who is told what": func() bool { keep(10); c.ForgetReady(); return c.Ready([]byte("www.example."), 7, at(10)) == nil },
		"a clearing": func() bool {
			keep(10)
			c.Clear()
			return c.Ready([]byte("www.example."), 7, at(10)) == nil && c.Bytes() == 0
		},
	} {
		c.Clear()
		keep(0)
		if !gone() {
			t.Errorf("told after %s", name)
		}
	}
}

// Packed answers count towards the bound, and few variants of a name are kept.
func TestReadyIsBounded(t *testing.T) {
	t.Parallel()
	c := New(Config{MaxBytes: 20_000})
	for i := range 40 {
		e := c.Put(positive(t, "n."+string(rune('a'+i%20))+".example. 60 IN A 10.0.0.1"), t0)
		for v := range uint32(20) {
			c.KeepReady(&Ready{Variant: v, Packed: make([]byte, 500), Entries: []*Entry{e}}, c.Changes(), t0)
			if n := c.names[e.Name]; n != nil && len(n.answers) > maxAnswers {
				t.Fatalf("%d variants", len(n.answers))
			}
		}
		if c.Bytes() > 20_000 {
			t.Fatalf("%d bytes", c.Bytes())
		}
	}
}
