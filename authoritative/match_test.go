package authoritative

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		list, addr, key string
		want            bool
	}{
		{"", "10.0.1.9", "", false},
		{"any", "10.0.1.9", "", true},
		{"none", "10.0.1.9", "", false},
		{"!none", "10.0.1.9", "", true},
		{"10.0.1.0/24", "10.0.1.9", "", true},
		{"10.0.1.0/24", "10.0.2.9", "", false},
		{"10.0.1.9", "10.0.1.9", "", true},
		{"10.0.1.9", "::ffff:10.0.1.9", "", true},
		{"!10.0.1.9, 10.0.1.0/24", "10.0.1.9", "", false},
		{"!10.0.1.9, 10.0.1.0/24", "10.0.1.8", "", true},
		{"10.0.1.0/24, !10.0.1.9", "10.0.1.9", "", true}, // the first that fits decides
		{"2001:db8::/32", "2001:db8:1::1", "", true},
		{"2001:db8::/32", "10.0.1.9", "", false},
		{"key a", "10.0.1.9", "a.", true},
		{"key A.", "10.0.1.9", "a.", true},
		{"key a", "10.0.1.9", "", false},
		{"!key a, any", "10.0.1.9", "a.", false},
		{"!key a, any", "10.0.1.9", "b.", true},
	} {
		var words []string
		if c.list != "" {
			words = strings.Split(c.list, ", ")
		}
		m := match(t, words...)
		if got := m.Allows(netip.MustParseAddr(c.addr), c.key); got != c.want {
			t.Errorf("%q allows %s under %q: %v, want %v", c.list, c.addr, c.key, got, c.want)
		}
		again := match(t, m.Strings()...)
		if !slices.Equal(m, again) {
			t.Errorf("%q reads as %q when written", c.list, m.Strings())
		}
	}
}

func TestMatchErrors(t *testing.T) {
	t.Parallel()
	_, err := ParseMatch([]string{"10.0.1.0/33", "localnets", "any", "key", "10.0.1.1/24", ""})
	for _, want := range []string{"10.0.1.0/33", "localnets", `"key"`, "write 10.0.1.0/24", `""`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not tell of %s: %v", want, err)
		}
	}
}

// FuzzParseMatch: what is read can be written and read again to the same.
func FuzzParseMatch(f *testing.F) {
	for _, s := range []string{"any", "!none", "key a", "! 10.0.0.0/8", "::1", "!!any", "::ffff:1.2.3.4/128"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMatch([]string{s})
		if err != nil {
			return
		}
		again, err := ParseMatch(m.Strings())
		if err != nil || !slices.Equal(m, again) {
			t.Fatalf("%q is written as %q: %v", s, m.Strings(), err)
		}
	})
}

// TestViews: one zone, two faces; keys come before addresses because the lists say so.
func TestViews(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	inside, outside := transferKey, transferKey
	outside.Name, outside.Secret = "external-transfer.", []byte("fedcba9876543210fedcba9876543210")
	face := func(addr string) Zone {
		return Zone{Origin: "example.com.", Data: parseZone(t, "example.com.", soaText+"@ IN NS ns1\nns1 IN A 10.0.1.20\nwww 60 IN A "+addr+"\n")}
	}
	s := l.server(primaryAddr, Config{
		Keys: []TSIGKey{inside, outside},
		Views: []View{
			{Name: "internal", Match: match(t, "key internal-transfer", "!key external-transfer", "10.0.0.0/8"), Zones: []Zone{face("10.0.2.50")}},
			{Name: "external", Match: match(t, "!192.0.2.0/24", "any"), Zones: []Zone{face("203.0.113.80")}},
		},
	})
	for _, c := range []struct {
		addr string
		key  *TSIGKey
		want string
	}{
		{"10.0.2.9", nil, "10.0.2.50"},
		{"203.0.113.9", nil, "203.0.113.80"},
		{"203.0.113.9", &inside, "10.0.2.50"},
		{"10.0.2.9", &outside, "203.0.113.80"},
	} {
		q := query("www.example.com.", dns.TypeA)
		wire := pack(t, q)
		if c.key != nil {
			wire, _ = signed(t, q, *c.key, start)
		}
		for range 2 {
			r := ask(t, s, wire, from(c.addr, "udp"))[0]
			if got := firstA(r); got != c.want {
				t.Errorf("%s under %v sees %s, want %s", c.addr, c.key, got, c.want)
			}
		}
	}
	q := withEDNS(query("www.example.com.", dns.TypeA), 1232, false)
	r := ask1(t, s, q, from("192.0.2.1", "udp"))
	wantRcode(t, r, dns.RcodeRefused)
	if ede(r) != 20 {
		t.Errorf("EDE %d without a view", ede(r))
	}
	// A subnet forgotten in the list is shown the outside, until the list is mended.
	was := s.Match("internal")
	if err := s.SetMatch("internal", match(t, "10.0.1.0/24")); err != nil {
		t.Fatal(err)
	}
	if got := firstA(ask1(t, s, q, from("10.0.2.9", "udp"))); got != "203.0.113.80" {
		t.Errorf("the forgotten subnet sees %s", got)
	}
	if err := s.SetMatch("internal", was); err != nil {
		t.Fatal(err)
	}
	if got := firstA(ask1(t, s, q, from("10.0.2.9", "udp"))); got != "10.0.2.50" {
		t.Errorf("the mended list shows %s", got)
	}
	if err := s.SetMatch("internal", match(t, "key unheard-of")); err == nil {
		t.Error("an unknown key is taken")
	}
}
