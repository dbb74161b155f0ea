package zone_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// RFC 4034 section 6.1 has this very list, in order.
func TestCanonicalOrder(t *testing.T) {
	t.Parallel()
	want := []string{
		"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.",
		`\001.z.example.`, "*.z.example.", `\200.z.example.`,
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, zone.CompareNames)
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for _, same := range [][2]string{{"A.example.", "a.EXAMPLE"}, {`\065.example.`, "a.example."}, {`a\.b.`, `a\046b.`}} {
		if zone.CompareNames(same[0], same[1]) != 0 {
			t.Errorf("%q", same)
		}
	}
}

// Comparing order keys is comparing labels from the right as RFC 4034 section 6.1 words it.
func TestCanonicalOrderProperty(t *testing.T) {
	t.Parallel()
	label := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, '*', 'A', 'a', 'b', 0xff}), 1, 3)
	name := rapid.SliceOfN(label, 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		want := slices.CompareFunc(backwards(a), backwards(b), func(x, y []byte) int { return slices.Compare(lower(x), lower(y)) })
		if got := zone.CompareNames(written1(a), written1(b)); got != want {
			t.Fatalf("%q and %q: %d, not %d", a, b, got, want)
		}
	})
}

func backwards(labels [][]byte) [][]byte {
	out := slices.Clone(labels)
	slices.Reverse(out)
	return out
}

func lower(label []byte) []byte { return []byte(strings.Replace(string(label), "A", "a", -1)) }

func written1(labels [][]byte) string {
	var b strings.Builder
	for _, label := range labels {
		for _, c := range label {
			fmt.Fprintf(&b, `\%03d`, c)
		}
		b.WriteByte('.')
	}
	return b.String() + strings.Repeat(".", max(0, 1-len(labels)))
}

// RFC 1982 section 5.1 has these cases for 8 bits; here they are for 32.
func TestSerialLess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b uint32
		less bool
	}{
		{0, 1, true}, {1, 0, false}, {1, 1, false}, {0xffffffff, 0, true}, {0, 0xffffffff, false},
		{44, 1 << 31, true}, {100, 100 + 1<<31 - 1, true}, {100, 101 + 1<<31, false},
		{0, 1 << 31, false}, {1 << 31, 0, false}, // undefined, so neither
	} {
		if got := zone.SerialLess(c.a, c.b); got != c.less {
			t.Errorf("%d < %d: %t", c.a, c.b, got)
		}
	}
}

func TestNewTellsAllAtOnce(t *testing.T) {
	t.Parallel()
	rrs := records(t, "example.", `
$TTL 60
@        SOA   ns h 1 2 3 4 5
@        SOA   ns h 2 2 3 4 5
sub      SOA   ns h 1 2 3 4 5
alias    CNAME a
alias    CNAME b
alias    A     192.0.2.1
d        DNAME example.net.
d        NS    ns.d
d        DNAME example.org.
x.d      A     192.0.2.1
other.example.net. A 192.0.2.1
chaos CH TXT   "x"
`)
	rrs = append(rrs, &dns.ANY{Hdr: dns.RR_Header{Name: "any.example.", Rrtype: dns.TypeANY, Class: dns.ClassINET}},
		&dns.A{Hdr: dns.RR_Header{Name: "a..example.", Rrtype: dns.TypeA, Class: dns.ClassINET}},
		&dns.MX{Hdr: dns.RR_Header{Name: "odd.example.", Rrtype: dns.TypeSOA, Class: dns.ClassINET}},
		&dns.TXT{Hdr: dns.RR_Header{Name: "big.example.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{strings.Repeat("x", 256)}},
		&dns.TXT{Hdr: dns.RR_Header{Name: "ttl.example.", Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 1 << 31}, Txt: []string{"x"}},
		nil)
	_, err := zone.New("example.", rrs)
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, want := range []string{
		"example. SOA: the zone has 2 SOA records",
		"example. NS: the zone has no NS records",
		"sub.example. SOA: stands below the apex",
		"alias.example. CNAME: there are 2 of them",
		"alias.example. CNAME: stands beside A",
		"d.example. DNAME: there are 2 of them",
		"d.example. DNAME: stands beside NS",
		"x.d.example.: lies below the DNAME of d.example.",
		"other.example.net. A: is outside of the zone example.",
		"chaos.example. TXT: is of class CH",
		"any.example. ANY: is no type for a zone's data",
		"a..example. A: the owner is not a domain name",
		"odd.example. SOA: is a *dns.MX by its data",
		"big.example. TXT: cannot be put on the wire",
		"ttl.example. TXT: has TTL 2147483648",
		"a record is nil",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s", want)
		}
	}
	var one *zone.CheckError
	if !errors.As(err, &one) {
		t.Errorf("%T holds no *CheckError", err)
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	z := load(t, "example.", `
$TTL 60
@        SOA   ns h 1 2 3 4 5
@        NS    ns
@        NS    alias
@        NS    missing
@        MX    10 alias
@        MX    20 192.0.2.1.
@        MX    30 wild.card
_s       SRV   0 0 1 x.moved
@        NS    ns.elsewhere.
ns       A     192.0.2.1
alias    CNAME ns
*.card   A     192.0.2.2
moved    DNAME example.net.
sub      NS    ns.sub
sub      NS    ns.fine
x.sub    TXT   "never seen"
fine     NS    ns.fine
ns.fine  A     192.0.2.3
ttl   10 A     192.0.2.1
ttl   20 A     192.0.2.2
ttl   20 A     192.0.2.2
*.w      NS    ns
gone     RRSIG A 13 2 60 20260410120000 20260326120000 1 example. AAAA
`)
	got := strings.Join(z.Warnings(), "\n")
	want := strings.TrimSpace(`
gone.example. RRSIG: covers A, which is not there: dropped
ttl.example. A: its records have different TTLs (RFC 2181 section 5.2): all get the lowest, 10
example. NS: alias.example. is an alias (RFC 2181 section 10.3)
example. NS: missing.example. has neither A nor AAAA
example. MX: alias.example. is an alias (RFC 2181 section 10.3)
example. MX: names the address 192.0.2.1. where a host name belongs
_s.example. SRV: x.moved.example. is an alias (RFC 2181 section 10.3)
sub.example. NS: ns.sub.example. lies below the delegation and has no glue: it cannot be found
x.sub.example. TXT: lies below the delegation of sub.example. and is never answered
*.w.example. NS: at a wildcard neither delegates nor redirects (RFC 4592 sections 4.2 and 4.4)`)
	if got != want {
		t.Errorf("got\n%s", got)
	}
	if set, _ := z.RRset("ttl.example.", dns.TypeA); len(set.RRs) != 2 || set.RRs[0].Header().Ttl != 10 || set.RRs[1].Header().Ttl != 10 {
		t.Errorf("%v", set.RRs)
	}
	if z.Place("gone.example.") != zone.PlaceAbsent {
		t.Error("a signature alone makes a name exist")
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	z := load(t, "com.", delegationZone+"a.b.c A 192.0.2.1\n")
	var got []string
	for n := range z.Names() {
		got = append(got, fmt.Sprintf("%s %v %v", n.Name, n.Place, n.Types))
		if z.Place(strings.ToUpper(n.Name)) != n.Place {
			t.Errorf("Place(%s)", n.Name)
		}
	}
	want := []string{
		"com. authoritative data [2 6]",
		"c.com. empty non-terminal []",
		"b.c.com. empty non-terminal []",
		"a.b.c.com. authoritative data [1]",
		"here.com. authoritative data [1]",
		"lonely.com. delegation point [2]",
		"own.com. delegation point [2]",
		"provider.com. delegation point [2]",
		"ns2.provider.com. below a delegation [1]",
		"signed.com. delegation point [2 43]",
		"solvethenetwork.com. delegation point [2]",
		"ns1.SolveTheNetwork.com. below a delegation [1 28]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if !z.IsDelegation("LONELY.com") || z.IsDelegation("com.") || z.IsDelegation("ns2.provider.com.") {
		t.Error("IsDelegation")
	}
}

// RFC 5936 section 2.2: the SOA first and last, everything else once.
func TestTransfer(t *testing.T) {
	t.Parallel()
	z := load(t, "com.", delegationZone)
	rrs := slices.Collect(z.Transfer())
	if rrs[0] != dns.RR(z.SOA()) || rrs[len(rrs)-1] != rrs[0] {
		t.Error("the SOA is not at both ends")
	}
	again, err := zone.New("com.", rrs)
	if err != nil {
		t.Fatal(err)
	}
	if len(rrs) != len(records(t, "com.", delegationZone))+1 || written(t, again) != written(t, z) {
		t.Errorf("%d records:\n%s", len(rrs), lines(rrs))
	}
	n := 0
	for range z.RRsets() {
		n++
	}
	if z.Len() != n {
		t.Errorf("Len %d, RRsets %d", z.Len(), n)
	}
}

func TestWriteIsReadByBIND(t *testing.T) {
	t.Parallel()
	tool := need(t, "named-checkzone")
	for origin, text := range map[string]string{"example": wildcardZone, "com": delegationZone, "example.com": aliasZone} {
		z := load(t, origin, text)
		if again := load(t, origin, written(t, z)); written(t, again) != written(t, z) {
			t.Errorf("%s does not come back as it was", origin)
		}
		file := filepath.Join(t.TempDir(), "zone")
		if err := os.WriteFile(file, []byte(written(t, z)), 0o600); err != nil {
			t.Fatal(err)
		}
		// -i none: these zones have integrity faults on purpose.
		if out, err := exec.Command(tool, "-i", "none", origin, file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", origin, err, out)
		}
	}
}
