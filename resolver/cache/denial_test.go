package cache

import (
	"fmt"
	"testing"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

func denial(t *testing.T, d *Denials, zone, text string, s float64) {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	d.Add(zone, validate.RRset{RRs: []dns.RR{rr}}, at(s))
}

// The canonical order of RFC 4034 section 6.1, by its own example.
func TestDenialsAreInCanonicalOrder4034(t *testing.T) {
	t.Parallel()
	order := []string{"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.", `\001.z.example.`, "*.z.example.", `\200.z.example.`}
	for i := 1; i < len(order); i++ {
		if orderKey(order[i-1]) >= orderKey(order[i]) {
			t.Errorf("%s is not before %s", order[i-1], order[i])
		}
	}
	if orderKey(`\000.example.`) <= orderKey("example.") || orderKey(`a.\000.example.`) >= orderKey("a.example.") {
		t.Error("an octet of zero is out of order")
	}
	d := NewDenials(1 << 20)
	for i := len(order) - 1; i >= 0; i-- {
		denial(t, d, "example.", order[i]+" 300 IN NSEC example. A", 300)
	}
	if s := d.NSEC("example.", "b.example.", t0); s == nil || s.Set.RRs[0].Header().Name != "zABC.a.EXAMPLE." {
		t.Errorf("before b.example. comes %v", s)
	}
	if s := d.NSEC("example.", "b.example.", at(300)); s != nil {
		t.Errorf("%v has expired", s)
	}
	if d.Zone("x.y.example.") != "example." || d.Zone("example.org.") != "" {
		t.Error("the zone is another")
	}
}

// The ring of NSEC3 hashes, and a chain of new parameters in the place of the old one (RFC 5155 section 10).
func TestDenialsByHash5155(t *testing.T) {
	t.Parallel()
	d := NewDenials(1 << 20)
	const tail = " 300 IN NSEC3 1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A"
	low, high := "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en.example."
	denial(t, d, "example.", high+tail, 300)
	denial(t, d, "example.", low+tail, 300)
	name := dns.HashName("a.example.", dns.SHA1, 0, "")
	s, match := d.NSEC3("example.", "a.example.", t0)
	if want := map[bool]string{true: high, false: low}[name > "R53" || name < "0P9"]; match || s == nil || s.Set.RRs[0].Header().Name != want {
		t.Errorf("of %s speaks %v", name, s)
	}
	denial(t, d, "example.", low+" 300 IN NSEC3 1 0 1 AABB 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A", 300)
	if d.Len() != 1 {
		t.Errorf("%d RRsets, want that of the new chain", d.Len())
	}
}

// A bound in bytes: the oldest go first. Flushing goes by owner, or by tree.
func TestDenialsAreBounded(t *testing.T) {
	t.Parallel()
	d := NewDenials(10_000)
	for i := range 200 {
		denial(t, d, "example.", fmt.Sprintf("n%03d.example. 300 IN NSEC n%03d.example. A", i, i+1), 300)
	}
	if d.bytes > 10_000 || d.Len() < 10 || d.Len() != len(d.zones["example."].nsec) {
		t.Errorf("%d bytes, %d RRsets, %d in order", d.bytes, d.Len(), len(d.zones["example."].nsec))
	}
	if d.NSEC("example.", "n199.example.", t0) == nil || d.NSEC("example.", "n000.example.", t0) != nil {
		t.Error("it was not the oldest that went")
	}
	n := d.Len()
	if d.Flush("n199.example.", false) != 1 || d.Len() != n-1 || d.Flush("example.", true) != n-1 || d.bytes != 0 {
		t.Errorf("%d RRsets of %d bytes are left", d.Len(), d.bytes)
	}
}

// A zone of which nothing is kept any more takes no memory either.
func TestDenialsForgetZones(t *testing.T) {
	t.Parallel()
	d := NewDenials(4096)
	for i := range 1000 {
		zone := fmt.Sprintf("z%d.example.", i)
		denial(t, d, zone, zone+" 300 IN NSEC "+zone+" SOA", 300)
		denial(t, d, zone, zone+" 300 IN SOA . . 1 1 1 1 1", 300)
	}
	if len(d.zones) > d.Len() {
		t.Errorf("%d zones for %d RRsets", len(d.zones), d.Len())
	}
	d.Flush(".", true)
	if len(d.zones) != 0 || d.bytes != 0 {
		t.Errorf("%d zones and %d octets are left of nothing", len(d.zones), d.bytes)
	}
}
