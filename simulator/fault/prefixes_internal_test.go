package fault

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"faultzone/authoritative"
)

func prefixList(words ...string) []netip.Prefix {
	list := []netip.Prefix{}
	for _, w := range words {
		list = append(list, netip.MustParsePrefix(w))
	}
	return list
}

func TestSubtract(t *testing.T) {
	for _, c := range []struct {
		name             string
		from, take, want []netip.Prefix
	}{
		{"the same", prefixList("10.0.5.0/24"), prefixList("10.0.5.0/24"), prefixList()},
		{"a wider one", prefixList("10.0.5.0/24"), prefixList("10.0.0.0/8"), prefixList()},
		{"a stranger", prefixList("10.0.5.0/24"), prefixList("10.0.6.0/24"), prefixList("10.0.5.0/24")},
		{"a half", prefixList("10.0.4.0/23"), prefixList("10.0.5.0/24"), prefixList("10.0.4.0/24")},
		{"a host", prefixList("10.0.0.0/30"), prefixList("10.0.0.2/32"), prefixList("10.0.0.0/31", "10.0.0.3/32")},
		{"the other family", prefixList("10.0.0.0/8", "fd00::/8"), prefixList("::/0"), prefixList("10.0.0.0/8")},
		{"in IPv6", prefixList("fd00::/126"), prefixList("fd00::1/128"), prefixList("fd00::/128", "fd00::2/127")},
		{"nothing", prefixList("10.0.0.0/8"), nil, prefixList("10.0.0.0/8")},
		{"from nobody", nil, prefixList("10.0.0.0/8"), prefixList()},
	} {
		if got := subtract(c.from, c.take); !slices.Equal(got, c.want) || got == nil {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// drawPrefix draws a prefix of a small corner of the address space, so that they meet.
func drawPrefix(t *rapid.T, label string) netip.Prefix {
	if rapid.Bool().Draw(t, label+" six") {
		a := [16]byte{0xfd, 15: rapid.Byte().Draw(t, label)}
		return netip.PrefixFrom(netip.AddrFrom16(a), rapid.IntRange(112, 128).Draw(t, label+" bits")).Masked()
	}
	a := [4]byte{10, 0, rapid.ByteRange(0, 3).Draw(t, label+" net"), rapid.Byte().Draw(t, label)}
	return netip.PrefixFrom(netip.AddrFrom4(a), rapid.IntRange(16, 32).Draw(t, label+" bits")).Masked()
}

func TestSubtractIsSetDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Prefix { return drawPrefix(t, "from") }), 0, 4).Draw(t, "from")
		take := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Prefix { return drawPrefix(t, "take") }), 0, 4).Draw(t, "take")
		a := drawPrefix(t, "address").Addr()
		rest := subtract(from, take)
		if got, want := contains(rest, a), contains(from, a) && !contains(take, a); got != want {
			t.Fatalf("%v − %v = %v; it has %v: %v, want %v", from, take, rest, a, got, want)
		}
		for _, p := range rest {
			if p != p.Masked() {
				t.Fatalf("%v has bits beyond its length", p)
			}
		}
	})
}

func TestWithoutSubnet(t *testing.T) {
	for _, c := range []struct {
		name   string
		words  []string
		subnet string
		want   []string
	}{
		{"by itself", []string{"10.0.1.0/24", "10.0.5.0/24"}, "10.0.5.0/24", []string{"10.0.1.0/24"}},
		{"a single address", []string{"10.0.5.9", "10.0.1.0/24"}, "10.0.5.9/32", []string{"10.0.1.0/24"}},
		{"in a wider one", []string{"10.0.0.0/8"}, "10.0.5.0/24", []string{"!10.0.5.0/24", "10.0.0.0/8"}},
		{"behind the keys", []string{"!key b.", "key a.", "10.0.0.0/8"}, "10.0.5.0/24", []string{"!key b.", "key a.", "!10.0.5.0/24", "10.0.0.0/8"}},
		{"everybody", []string{"any"}, "10.0.5.0/24", []string{"!10.0.5.0/24", "any"}},
		{"by itself and in a wider one", []string{"10.0.5.0/24", "10.0.0.0/8"}, "10.0.5.0/24", []string{"!10.0.5.0/24", "10.0.0.0/8"}},
		{"wider than what is there", []string{"10.0.5.0/24"}, "10.0.4.0/22", []string{"!10.0.4.0/22", "10.0.5.0/24"}},
		{"not there", []string{"10.0.1.0/24"}, "10.0.5.0/24", []string{"10.0.1.0/24"}},
		{"nobody", nil, "10.0.5.0/24", nil},
	} {
		if got := withoutSubnet(c.words, c.subnet); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// Whatever the list: nobody in the subnet is meant any more, and for everybody else it is as it was.
func TestWithoutSubnetLeavesTheOthers(t *testing.T) {
	word := rapid.Custom(func(t *rapid.T) string {
		not := rapid.SampledFrom([]string{"", "", "!"}).Draw(t, "not")
		switch rapid.IntRange(0, 7).Draw(t, "word") {
		case 0:
			return not + "any"
		case 1:
			return not + "none"
		case 2:
			return not + "key a."
		}
		return not + drawPrefix(t, "element").String()
	})
	rapid.Check(t, func(t *rapid.T) {
		before, err := authoritative.ParseMatch(rapid.SliceOfN(word, 0, 6).Draw(t, "words"))
		if err != nil {
			t.Fatal(err)
		}
		subnet := drawPrefix(t, "subnet")
		after, err := authoritative.ParseMatch(withoutSubnet(before.Strings(), subnet.String()))
		if err != nil {
			t.Fatal(err)
		}
		a := drawPrefix(t, "address").Addr()
		if got, want := after.Allows(a, ""), before.Allows(a, "") && !subnet.Contains(a); got != want {
			t.Fatalf("%v without %v is %v: %v gets %v, want %v", before.Strings(), subnet, after.Strings(), a, got, want)
		}
		if !subnet.Contains(a) && after.Allows(a, "a.") != before.Allows(a, "a.") {
			t.Fatalf("%v without %v is %v: %v with the key is treated otherwise", before.Strings(), subnet, after.Strings(), a)
		}
	})
}

// Several faults on one setting may heal in any order: what holds is what was there with the changes of the others.
func TestLayersLiftInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all Layers
		holds := "base"
		var active []*layer[string]
		var names []string
		for i := range rapid.IntRange(1, 20).Draw(t, "acts") {
			if len(active) > 0 && rapid.Bool().Draw(t, "lift") {
				j := rapid.IntRange(0, len(active)-1).Draw(t, "which")
				if err := active[j].lift(); err != nil {
					t.Fatal(err)
				}
				active, names = slices.Delete(active, j, j+1), slices.Delete(names, j, j+1)
			} else {
				name := fmt.Sprintf("+%d", i)
				l, err := lay(&all, "x", func() (string, error) { return holds, nil },
					func(s string) error { holds = s; return nil }, func(s string) string { return s + name })
				if err != nil {
					t.Fatal(err)
				}
				active, names = append(active, l), append(names, name)
			}
			want := "base"
			for _, n := range names {
				want += n
			}
			if holds != want {
				t.Fatalf("%q holds, want %q", holds, want)
			}
		}
		if len(active) == 0 && len(all.piles) != 0 {
			t.Fatalf("%d piles are left", len(all.piles))
		}
	})
}

// A change that the setting does not take leaves everything as it was.
func TestLayersRefused(t *testing.T) {
	var all Layers
	holds := 1
	set := func(v int) error {
		if v > 10 {
			return fmt.Errorf("%d is too much", v)
		}
		holds = v
		return nil
	}
	get := func() (int, error) { return holds, nil }
	first, err := lay(&all, "x", get, set, func(v int) int { return v + 5 })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lay(&all, "x", get, set, func(v int) int { return v * 10 }); err == nil {
		t.Fatal("taken")
	}
	if got := first.without(); holds != 6 || got != 1 {
		t.Fatalf("%d holds, %d without the layer", holds, got)
	}
	if err := first.lift(); err != nil || holds != 1 {
		t.Fatalf("%d holds after the last was lifted: %v", holds, err)
	}
}
