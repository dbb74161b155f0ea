package cache

import (
	"fmt"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

func TestFlushAndDump(t *testing.T) {
	t.Parallel()
	fill := func() *Cache {
		c := New(Config{})
		for _, line := range []string{"b.example. 60 IN A 10.0.0.1", "B.example. 60 IN AAAA fd00::1", "a.b.example. 60 IN A 10.0.0.1",
			"notb.example. 60 IN A 10.0.0.1", `a\.b.example. 60 IN A 10.0.0.1`, "example. 60 IN NS ns.example.", "z. 5 IN A 10.0.0.1"} {
			c.Put(positive(t, line), t0)
		}
		c.Put(negative(t, NXDOMAIN, "a.example.", dns.TypeA, soaLine), t0)
		c.Fail("b.example.", dns.TypeMX, nil, t0)
		return c
	}
	c := fill()
	var got []string
	for _, e := range c.Dump(at(4.5)) {
		got = append(got, fmt.Sprint(e.Name, " ", dns.Type(e.Type), " ", e.Kind))
	}
	want := []string{"example. NS positive", "a.example. None NXDOMAIN", `a\.b.example. A positive`, "b.example. A positive",
		"b.example. MX failure", "b.example. AAAA positive", "a.b.example. A positive", "notb.example. A positive", "z. A positive"}
	if !slices.Equal(got, want) {
		t.Errorf("Dump gives\n%q, want\n%q", got, want)
	}
	if n := c.Len(at(5)); n != 7 {
		t.Errorf("%d live entries, want 7", n)
	}
	for _, x := range []struct {
		name  string
		flush func(*Cache) int
		want  int
	}{
		{"a name", func(c *Cache) int { return c.Flush("B.Example") }, 3},
		{"no such name", func(c *Cache) int { return c.Flush("c.example.") }, 0},
		{"a tree", func(c *Cache) int { return c.FlushTree("b.example.") }, 4},
		{"the zone", func(c *Cache) int { return c.FlushTree("example.") }, 8},
		{"the root", func(c *Cache) int { return c.FlushTree(".") }, 9},
		{"all", (*Cache).Clear, 9},
	} {
		c := fill()
		if n := x.flush(c); n != x.want || c.Len(t0) != 9-x.want {
			t.Errorf("%s: %d removed and %d left, want %d", x.name, n, c.Len(t0), x.want)
		}
		if c.Len(t0) == 0 && c.Bytes() != 0 {
			t.Errorf("%s: empty, and %d bytes", x.name, c.Bytes())
		}
	}
}
