package zone_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"faultzone/authoritative/zone"
)

func TestParseErrorsSayWhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"@ 60 A 192.0.2.300\n", `f:1: bad A A: "192.0.2.300"`},
		{"$TTL 60\n\n; x\n@ SOA ns h ( 1 2\n 3 4 5 )\n@ BOGUS x\n", "f:6: "},
		{"www A 192.0.2.1\n", "f:1: the record has no TTL"},
		{"$TTL 60\n A 192.0.2.1\n", "f:2: the first record has no owner name"},
		{"$TTL 60\nwww A\nx A 192.0.2.1\n", "f:2: the line ends before"},
		{"$TTL 60\nwww MX ; none\n", "f:2: bad MX"},
		{"$TTL 60\nwww A", "f:2: the line ends before"},
		{"www 2147483648 A 192.0.2.1\n", "f:1: TTL 2147483648 is too high"},
		{"$TTL 60\n$INCLUDE other\n", "f:2: $INCLUDE is not possible here"},
		{"$TTL 60\n@ TXT ( \"a\"\n", "f:2: "},
	} {
		_, err := zone.Parse(strings.NewReader(c.text), "example.", "f")
		var where *zone.ParseError
		if !errors.As(err, &where) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
	if _, err := zone.Parse(strings.NewReader(""), "a..b", "f"); err == nil {
		t.Error("an origin that is no name was taken")
	}
	broken := errors.New("the disk is gone")
	if _, err := zone.Parse(iotest.ErrReader(broken), "example.", "f"); !errors.Is(err, broken) {
		t.Errorf("a read error: %v", err)
	}
}

// All that is wrong in a file is told, and what is right between is not.
func TestParseTellsAllErrors(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"f": {Data: []byte(`$TTL 60
@     SOA  ns h 1 2 3 4 5
a     A    192.0.2.300
      AAAA 2001:db8::1 ; the owner of the line before holds
b     BOGUS x
$ORIGIN sub
c     MX   ( 10
             x y )   ; too much
d     A    192.0.2.1
$FOO  bar
$GENERATE 5-1 h$ A 10.0.0.$
$GENERATE 1-300 g$ A 10.0.0.${0,0,q}
$GENERATE 254-300 g$ A 10.0.0.$
$INCLUDE lost
$INCLUDE more
e     TXT  "not closed
f     A    192.0.2.2
g     TXT  ( "not closed"
h     A    192.0.2.3
      A    bad
`)}, "more": {Data: []byte("x A\ny A 1.2.3\n z AAAA ::1\n")}}
	_, err := zone.ParseFS(files, "f", "example.")
	var got []string
	got = append(got, strings.Split(err.Error(), "\n")...)
	want := []string{
		`f:3: bad A A: "192.0.2.300"`,
		`f:5: "BOGUS" is neither a type`,
		`f:8: `,
		`f:10: $FOO is no directive`,
		`f:11: $GENERATE has the range "5-1"`,
		`f:12: $GENERATE has ${0,0,q}`,
		`f:13: bad A A: "10.0.0.256"`,
		`f:14: failed to open "lost"`,
		`more:1: the line ends before`,
		`more:2: bad A A: "1.2.3"`,
		`more:3: "z" is neither`,
		`f:20: `,
	}
	for i, w := range want {
		if i >= len(got) || !strings.HasPrefix(got[i], w) {
			t.Errorf("error %d is not %s", i, w)
		}
	}
	if t.Failed() || len(got) != len(want) {
		t.Errorf("got\n%s", err)
	}
	if _, err := zone.Parse(strings.NewReader(strings.Repeat("x\n", 1000)), "example.", "f"); strings.Count(err.Error(), "\n") != 100 {
		t.Errorf("%d errors", strings.Count(err.Error(), "\n"))
	}
}

// What BIND's $GENERATE makes of the same lines is what ours does.
func TestGenerateAsBINDDoes(t *testing.T) {
	t.Parallel()
	tool := need(t, "named-compilezone")
	const text = `$TTL 60
@ SOA ns h 1 2 3 4 5
@ NS ns
ns A 192.0.2.1
$GENERATE 1-3 a$ A 10.0.0.$
$GENERATE 0-10/5 b${1} CNAME c${10,4}
$GENERATE 7-9 x${0,4,x}.X${250,2,X}.o${0,3,o}. 30 IN TXT number$costs\$5
$GENERATE 0-20/10 ${0,3,n} PTR h$.${0,1,N}.example.
$GENERATE 10-300/145 ${0,0,n}.w TXT ${0,7,N}
`
	file := filepath.Join(t.TempDir(), "zone")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "o${0,3,o}.", "o${0,3,o}")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-i", "none", "-k", "ignore", "-s", "full", "-o", "-", "example", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := written(t, load(t, "example.", string(out)))
	ours := written(t, load(t, "example.", strings.ReplaceAll(text, "o${0,3,o}.", "o${0,3,o}")))
	if ours != theirs {
		t.Errorf("ours\n%s\nBIND's\n%s", ours, theirs)
	}
}

// RFC 1035 section 5.1, RFC 2308 section 4 and BIND's $GENERATE.
func TestParse(t *testing.T) {
	t.Parallel()
	got := lines(records(t, "example.", `
$TTL 1h
@    IN SOA ns hostmaster ( 2026032601 ; serial
          1h 15m 1w 5m )
     NS  ns
ns   300 IN A 192.0.2.1
     IN 600 AAAA 2001:db8::1
$ORIGIN sub
a\.b TXT "a;b" c
$ORIGIN example.net.
@    TYPE65280 \# 3 010203
$GENERATE 1-3 host$ A 10.0.0.$
`))
	want := `example. 3600 SOA ns.example. hostmaster.example. 2026032601 3600 900 604800 300
example. 3600 NS ns.example.
ns.example. 300 A 192.0.2.1
ns.example. 600 AAAA 2001:db8::1
a\.b.sub.example. 3600 TXT "a;b" "c"
example.net. 3600 CLASS1 TYPE65280 \# 3 010203
host1.example.net. 3600 A 10.0.0.1
host2.example.net. 3600 A 10.0.0.2
host3.example.net. 3600 A 10.0.0.3
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestParseFS(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"zones/main":         {Data: []byte("$TTL 60\n@ SOA ns h 1 2 3 4 5\n$INCLUDE parts/hosts sub\nafter A 192.0.2.9\n")},
		"zones/parts/hosts":  {Data: []byte("www A 192.0.2.1\n")},
		"zones/broken":       {Data: []byte("$TTL 60\n$INCLUDE parts/bad\n")},
		"zones/empty":        {Data: []byte("$TTL 60\n\n$INCLUDE parts/nodata\n")},
		"zones/lost":         {Data: []byte("$TTL 60\n$INCLUDE nowhere\n")},
		"zones/outside":      {Data: []byte("$TTL 60\n$INCLUDE ../../secret\n")},
		"zones/loop":         {Data: []byte("$TTL 60\n$INCLUDE loop\n")},
		"zones/behind":       {Data: []byte("$TTL 60\n$INCLUDE parts/hosts\n\nx A\n")},
		"zones/parts/bad":    {Data: []byte("\nwww A x\n")},
		"zones/parts/nodata": {Data: []byte("\n\nwww A\n")},
	}
	rrs, err := zone.ParseFS(files, "zones/main", "example.")
	if err != nil || !strings.HasSuffix(lines(rrs), "www.sub.example. 60 A 192.0.2.1\nafter.example. 60 A 192.0.2.9\n") {
		t.Errorf("%v\n%s", err, lines(rrs))
	}
	for path, want := range map[string]string{
		"zones/broken":  "zones/parts/bad:2: bad A A",
		"zones/empty":   "zones/parts/nodata:3: the line ends before",
		"zones/behind":  "zones/behind:4: the line ends before",
		"zones/lost":    "zones/lost:2: failed to open",
		"zones/outside": "zones/outside:2: failed to open",
		"zones/loop":    "zones/loop:2: too deeply nested $INCLUDE",
	} {
		if _, err := zone.ParseFS(files, path, "example."); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := zone.ParseFS(files, "absent", "example."); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
}

// Whatever is read can be written and read again, and every zone that comes of it answers.
func FuzzParse(f *testing.F) {
	f.Add(wildcardZone)
	f.Add(aliasZone)
	f.Add(delegationZone)
	f.Add("$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a\n@ NSEC3PARAM 1 0 1 aa\n0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 1 1 aa 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n")
	f.Add("$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a\n\\000 TYPE1 \\# 4 01020304\n@ NSEC a A\n* CNAME *.a\n$ORIGIN a\n*.* A 1.2.3.4\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToUpper(text), "$GENERATE") {
			return // 65,536 records a line say nothing new
		}
		rrs, err := zone.Parse(strings.NewReader(text), "example.", "f")
		if err != nil {
			return
		}
		z, err := zone.New("example.", rrs)
		if err != nil {
			return
		}
		for _, rr := range rrs {
			for _, qname := range []string{rr.Header().Name, "x." + rr.Header().Name, "*." + rr.Header().Name} {
				z.Lookup(qname, rr.Header().Rrtype, true)
				z.Lookup(qname, 1, false)
			}
		}
		first := written(t, z)
		again, err := zone.Parse(strings.NewReader(first), "example.", "f")
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		z, err = zone.New("example.", again)
		if err != nil {
			t.Fatal(err)
		}
		if second := written(t, z); second != first {
			t.Errorf("first\n%s\nthen\n%s", first, second)
		}
	})
}
