package zone

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// Names that a message brought (miekg/dns wrote those) are all understood, and to the octets that they came as.
func FuzzName(f *testing.F) {
	f.Add([]byte("\x03www\x07Example\x00"))
	f.Add([]byte("\x01.\x02\\\x00\x01*\x00"))
	f.Add([]byte("\x00"))
	f.Add([]byte("\x04a b\x7f\x02\"@\x00"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		if i := strings.IndexFunc(string(msg), func(r rune) bool { return r >= 0xC0 }); i >= 0 {
			return // compression is not what this is about
		}
		name, end, err := dns.UnpackDomainName(msg, 0)
		if err != nil {
			return
		}
		wire, ok := wireOf(name)
		if !ok {
			t.Fatalf("%q was refused", name)
		}
		if want := lowered(msg[:end]); wire != want {
			t.Fatalf("%q: %q, not %q", name, wire, want)
		}
		if again, _ := wireOf(presentation(wire)); again != wire {
			t.Fatalf("%q comes back as %q", wire, again)
		}
		if n := countLabels([]byte(wire)); n != dns.CountLabel(name) {
			t.Fatalf("%q has %d labels", name, n)
		}
		orderOf(wire)
	})
}

func lowered(b []byte) string {
	b = []byte(string(b))
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// No lookup of a plain name costs memory: a server's answer has little more than a microsecond.
func TestNamesAllocateNothing(t *testing.T) {
	z := &Zone{nodes: map[string]*node{"\x07example\x00": {}}}
	if n := testing.AllocsPerRun(100, func() {
		var buf [maxWire + 1]byte
		wire, _ := appendWire(buf[:0], "a.B.c.d.example.")
		z.closest(wire)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
