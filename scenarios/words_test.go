package scenarios

import (
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1w2d3h": 9*day + 3*time.Hour,
		"1.5d": 36 * time.Hour, "0.5w": 84 * time.Hour, "250us": 250 * time.Microsecond, "36500d": maxDuration, "1ns": 1,
	} {
		got, err := parseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
		if again, err := parseDuration(formatDuration(got)); err != nil || again != got {
			t.Errorf("%s is written as %s, which reads %v, %v", text, formatDuration(got), again, err)
		}
	}
	for _, text := range []string{"", "d", "1", "1x", "1 d", " 1d", "1d ", "+1d", "-1d", "1.2.3s", ".", "1d-2h", "36501d", "300y", "9e9s", "1W",
		"99999999999999999999d", "106751d23h", "1ms1", strings.Repeat("1s", 60)} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"0", "1h30m", "2w", "1.5d", "999999999d", "0.0000001w", "1d1d1d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDuration(text)
		if err != nil {
			return
		}
		if d < 0 || d > maxDuration {
			t.Fatalf("%q is %v", text, d)
		}
		if again, err := parseDuration(formatDuration(d)); err != nil || again != d {
			t.Fatalf("%q is written as %s, which reads %v, %v", text, formatDuration(d), again, err)
		}
	})
}

func TestNearest(t *testing.T) {
	t.Parallel()
	valid := []string{"addresses", "resolver-a", "resolver-b", "ns1", "ns2", "view", "views", "zone"}
	for text, want := range map[string]string{
		"adresses": "addresses", "addressse": "addresses", "Addresses": "addresses", "ns3": "ns1", "vies": "view", "zon": "zone",
		"resolver": "resolver-a", "branch": "", "": "", "x": "", "resolver-c": "resolver-a", "zoen": "zone",
	} {
		if got := nearest(text, valid); got != want {
			t.Errorf("nearest to %q is %q, want %q", text, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}, {"same", "same", 0}} {
		if got := distance(c.a, c.b, 10); got != c.want {
			t.Errorf("from %q to %q it is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// The limits are RFC 1035 section 2.3.4's; escapes are section 5.1's.
func TestCheckName(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("a", 63)
	full := strings.Repeat(label+".", 3) + strings.Repeat("b", 61) + "." // 3·64 + 62 + 1 = 255 octets
	for _, name := range []string{".", "a", "a.", "_ldap._tcp.example.org", "*.example.org.", `a\.b.c`, `\000\255.x`, label, full, full[:len(full)-1],
		strings.Repeat(`\097`, 63) + ".x"} {
		if err := checkName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "..", ".a", "a..", "a..b", label + "a", "b" + full, `a\`, `a\25`, `\256`, `\2a5`, "a b", "a\n", strings.Repeat(`\097`, 64)} {
		if err := checkName(name); err == nil {
			t.Errorf("%q passed", name)
		}
	}
}
