package zone_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// What records are together is told with file and line, in included files and of $GENERATE too.
func TestLoadSaysWhere(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"zones/main": {Data: []byte(`$TTL 60
@      SOA   ns h ( 1
             2 3 4 5 )
alias  CNAME a
       TXT   "not beside it"
$INCLUDE part

sub    NS    ns.sub
$GENERATE 1-2 a.b$ MX 10 192.0.2.$.
`)},
		"zones/part": {Data: []byte("\nother.example.net. A 192.0.2.1\nchaos CH TXT x\n")},
	}
	_, err := zone.LoadFS(files, "zones/main", "example.")
	want := []string{
		"zones/part:2: other.example.net. A: is outside of the zone",
		"zones/part:3: chaos.example. TXT: is of class CH",
		"zones/main:2: example. NS: the zone has no NS records",
		"zones/main:4: alias.example. CNAME: stands beside TXT",
	}
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("not told: %s", w)
		}
	}
	var one *zone.CheckError
	if !errors.As(err, &one) || one.File != "zones/part" || one.Line != 2 {
		t.Errorf("%+v", one)
	}
	if t.Failed() {
		t.Log(err)
	}
	main := string(files["zones/main"].Data)
	main = strings.Replace(strings.Replace(main, "       TXT", "ns     TXT", 1), "$INCLUDE part", "@ NS ns", 1)
	z, err := zone.Load(strings.NewReader(main), "example.", "main")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(z.Warnings(), "\n")
	wantWarnings := strings.TrimSpace(`
main:6: example. NS: ns.example. has neither A nor AAAA
main:9: a.b1.example. MX: names the address 192.0.2.1. where a host name belongs
main:9: a.b2.example. MX: names the address 192.0.2.2. where a host name belongs
main:8: sub.example. NS: ns.sub.example. lies below the delegation and has no glue: it cannot be found`)
	if got != wantWarnings {
		t.Errorf("got\n%s", got)
	}
	// Load is Parse and New.
	if again := load(t, "example.", main); !again.Same(z) {
		t.Errorf("Load gave\n%s", written(t, z))
	}
}

// named-checkzone and ours refuse the same zones, and frown at the same ones; lines agree where BIND tells them.
func TestChecksAsNamedCheckzoneDoes(t *testing.T) {
	t.Parallel()
	const head = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
	const (
		fine = iota
		frowned
		refused
	)
	for _, c := range []struct {
		name, text string
		verdict    int
		ours       string
	}{
		{"fine", head, fine, ""},
		{"no NS", "$TTL 60\n@ SOA ns h 1 2 3 4 5\n", refused, "z:2: example. NS: the zone has no NS"},
		{"no SOA", "$TTL 60\n@ NS ns\nns A 192.0.2.1\n", refused, "z:2: example. SOA: the zone has no SOA"},
		{"two SOA", head + "@ SOA ns h 2 2 3 4 5\n", refused, "z:2: example. SOA: the zone has 2"},
		{"CNAME and other data", head + "c CNAME ns\nc A 192.0.2.1\n", refused, "z:5: c.example. CNAME: stands beside A"},
		{"two CNAME", head + "c CNAME ns\nc CNAME ns2\n", refused, "z:5: c.example. CNAME: there are 2"},
		{"syntax", head + "a A 192.0.2\n", refused, "z:5: bad A"},
		{"unknown type", head + "\na AA 192.0.2.1\n", refused, "z:6: "},
		{"TTLs differ", head + "t 60 A 192.0.2.1\nt 70 A 192.0.2.2\n", frowned, "z:5: t.example. A: its records have different TTLs"},
		{"NS is an alias", head + "@ NS c\nc CNAME ns\n", frowned, "z:3: example. NS: c.example. is an alias"},
		{"NS without address", head + "@ NS lost\n", frowned, "z:3: example. NS: lost.example. has neither"},
		{"MX is an alias", head + "m MX 1 c\nc CNAME ns\n", frowned, "z:5: m.example. MX: c.example. is an alias"},
		{"MX without address", head + "m MX 1 lost\n", frowned, "z:5: m.example. MX: lost.example. has neither"},
		{"MX is an address", head + "m MX 1 192.0.2.1.\n", frowned, "z:5: m.example. MX: names the address"},
		{"SRV is an alias", head + "_s._tcp SRV 0 0 1 c\nc CNAME ns\n", frowned, "z:5: _s._tcp.example. SRV: c.example. is an alias"},
		{"SRV without address", head + "_s._tcp SRV 0 0 1 lost\n", frowned, "z:5: _s._tcp.example. SRV: lost.example. has neither"},
		{"glue", head + "sub NS ns.sub\nns.sub A 192.0.2.1\n", fine, ""},
		{"no glue", head + "sub NS ns.sub\n", frowned, "z:5: sub.example. NS: ns.sub.example. lies below the delegation and has no glue"},
		{"no host name", head + "a_b A 192.0.2.1\n", frowned, "z:5: a_b.example. A: is owned by what is no host name"},
		{"gc._msdcs", head + "gc._msdcs A 192.0.2.1\n", fine, ""},
		{"an asterisk inside", head + "a.*.b A 192.0.2.1\n", frowned, "z:5: a.*.b.example.: has an asterisk"},
		{"DNAME beside NS", head + "d DNAME x.\nd NS ns\n", refused, "z:5: d.example. DNAME: stands beside NS"},
		{"two DNAME", head + "d DNAME x.\nd DNAME y.\n", refused, "z:5: d.example. DNAME: there are 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			z, err := zone.Load(strings.NewReader(c.text), "example.", "z")
			var ours string
			verdict := fine
			switch {
			case err != nil:
				ours, verdict = err.Error(), refused
			case len(z.Warnings()) > 0:
				ours, verdict = strings.Join(z.Warnings(), "\n"), frowned
			}
			if verdict != c.verdict || !strings.Contains(ours, c.ours) {
				t.Errorf("%d: %s", verdict, ours)
			}
			file := filepath.Join(t.TempDir(), "z")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(need(t, "named-checkzone"), "-i", "local", "-k", "warn", "-n", "warn", "-m", "warn", "-M", "warn",
				"-S", "warn", "-W", "warn", "example", file).CombinedOutput()
			// Of these two BIND says nothing when it is asked to warn only, or at all.
			silent := c.name == "DNAME beside NS"
			if (err != nil) != (c.verdict == refused) && !silent && c.verdict != frowned {
				t.Errorf("named-checkzone: %v\n%s", err, out)
			}
			if c.verdict == frowned && err == nil && bytes.Count(out, []byte("\n")) < 3 {
				t.Errorf("named-checkzone does not mind:\n%s", out)
			}
		})
	}
}

func TestFollows(t *testing.T) {
	t.Parallel()
	const old = "$TTL 60\n@ SOA ns h 5 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nns A 192.0.2.2\n"
	for _, c := range []struct{ text, want string }{
		{old, ""},
		{"$TTL 60\n@ NS NS.example.\nns A 192.0.2.2\nns A 192.0.2.1\n@ SOA ns h 5 2 3 4 5\n", ""},
		{strings.Replace(old, " 5 2", " 6 2", 1) + "x A 192.0.2.1\n", ""},
		{old + "x A 192.0.2.1\n", "f:2: example. SOA: the content has changed and the serial 5 has not"},
		{strings.Replace(old, "192.0.2.2", "192.0.2.3", 1), "the serial 5 has not"},
		{strings.Replace(old, "ns A", "ns 61 A", 2), "the serial 5 has not"},
		{strings.Replace(old, " 5 2", " 4 2", 1), "the serial 4 does not come after 5"},
		{strings.Replace(old, " 5 2", " 2147483653 2", 1), "does not come after 5"},
	} {
		z, err := zone.Load(strings.NewReader(c.text), "example.", "f")
		if err != nil {
			t.Fatal(err)
		}
		if err = z.Follows(load(t, "example.", old)); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

// Large RRsets are searched in another way than small ones.
func TestDuplicatesInLargeRRsets(t *testing.T) {
	t.Parallel()
	text := "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n$GENERATE 0-199 ns A 10.0.0.$\n$GENERATE 0-255 ns A 10.0.0.$\n"
	for range 20 {
		text += "few NS a\nfew NS A.EXAMPLE.\n"
	}
	z := load(t, "example.", text)
	big, _ := z.RRset("ns.example.", dns.TypeA)
	few, _ := z.RRset("few.example.", dns.TypeNS)
	if len(big.RRs) != 256 || len(few.RRs) != 1 {
		t.Errorf("%d and %d records", len(big.RRs), len(few.RRs))
	}
}
