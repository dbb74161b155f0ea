package resolver_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"faultzone/resolver"
)

// A person reads the dump, and a program reads it back to the same entries.
func TestDumpIsReadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	for _, q := range []string{"www.example.com A", "nosuch.example.com A", "www.example.com MX", "abroad.example.com A", "big.example.com TXT",
		"nosuch.nsec3.com A", "www.plain.com A", `a\.b\009.example.com TXT`} {
		c.ask(q)
	}
	w.break_("10.0.0.3", rcode(5))
	c.ask("x.plain.com A")
	w.advance(time.Second)
	var b bytes.Buffer
	must(t, c.r.WriteDump(&b))
	text := b.String()
	for _, line := range []string{
		"www.example.com.\tA\t298\tpositive\tsecure\tanswer\t-\twww.example.com. 298 IN A 192.0.2.80\n",
		"nosuch.example.com.\tANY\t298\tNXDOMAIN\tsecure\tanswer\t-\texample.com. 298 IN SOA ns1.example.com. admin.example.com. 2026040201 3600 900 604800 300\n",
		"ns1.example.com.\tA\t172798\tpositive\tindeterminate\tadditional\t-\tns1.example.com. 172798 IN A 10.0.0.1\n",
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("there is no line %q in\n%s", line, text)
		}
	}
	if !strings.Contains(text, "x.plain.com.\tA\t4\tfailure\tindeterminate\thint\t22:\"at delegation plain.com.\",23:") {
		t.Errorf("there is no failure in\n%s", text)
	}
	entries, err := resolver.ParseDump(strings.NewReader(text))
	must(t, err)
	dump := c.r.Dump()
	if len(entries) != len(dump) || len(entries) < 15 {
		t.Fatalf("%d entries read, %d dumped", len(entries), len(dump))
	}
	for i := range dump {
		if entries[i].String() != dump[i].String() {
			t.Errorf("%s\n%s", entries[i], dump[i])
		}
	}
}

func FuzzParseCacheEntry(f *testing.F) {
	f.Add("www.example.com.\tA\t298\tpositive\tsecure\tanswer\t-\twww.example.com. 298 IN A 192.0.2.80")
	f.Add("x.plain.com.\tTYPE65280\t4\tfailure\tbogus\thint\t22:\"a \\\"b\\\"\",23,9:\"\"")
	f.Add("x.\tANY\t4\tNXDOMAIN\tinsecure\tnon-authoritative answer\t0\t")
	f.Fuzz(func(t *testing.T, line string) {
		c, err := resolver.ParseCacheEntry(line)
		if err != nil {
			return
		}
		again, err := resolver.ParseCacheEntry(c.String())
		if err != nil || again.String() != c.String() {
			t.Errorf("%q is read as %q, and that as %q: %v", line, c, again, err)
		}
	})
}
