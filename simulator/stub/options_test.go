package stub

import (
	"slices"
	"testing"
	"time"
)

func TestParseOptions(t *testing.T) {
	t.Parallel()
	defaults := Options{Ndots: 1, Timeout: 5 * time.Second, Attempts: 2}
	with := func(f func(*Options)) Options {
		o := defaults
		f(&o)
		return o
	}
	for _, c := range []struct {
		line    string
		want    Options
		unknown []string
	}{
		{"", defaults, nil},
		{"timeout:2 attempts:3 rotate", Options{Ndots: 1, Timeout: 2 * time.Second, Attempts: 3, Rotate: true}, nil},
		{" \ttimeout:2\tattempts:3 ", Options{Ndots: 1, Timeout: 2 * time.Second, Attempts: 3}, nil},
		{"timeout:31 attempts:6 ndots:16", Options{Ndots: 15, Timeout: 30 * time.Second, Attempts: 5}, nil},
		{"timeout: attempts:x ndots:", Options{}, nil},
		{"timeout:3s", with(func(o *Options) { o.Timeout = 3 * time.Second }), nil},
		{"attempts:+4", with(func(o *Options) { o.Attempts = 4 }), nil},
		{"attempts:-1", with(func(o *Options) { o.Attempts = -1 }), nil},
		{"ndots:-1", with(func(o *Options) { o.Ndots = 15 }), nil}, // four bits
		{"timeout:99999999999999999999", with(func(o *Options) { o.Timeout = 30 * time.Second }), nil},
		{"use-vc edns0 trust-ad no-aaaa no-tld-query", with(func(o *Options) {
			o.UseVC, o.EDNS0, o.TrustAD, o.NoAAAA, o.NoTLDQuery = true, true, true, true, true
		}), nil},
		{"no_tld_query", with(func(o *Options) { o.NoTLDQuery = true }), nil},
		{"single-request single-request-reopen no-reload", defaults, nil},
		{"rotated", with(func(o *Options) { o.Rotate = true }), nil}, // by its beginning
		{"Rotate inet6 timeouts:3", defaults, []string{"Rotate", "inet6", "timeouts:3"}},
	} {
		got, unknown := ParseOptions(c.line)
		if got != c.want || !slices.Equal(unknown, c.unknown) {
			t.Errorf("%q: %+v, unknown %q; want %+v, %q", c.line, got, unknown, c.want, c.unknown)
		}
	}
}

func FuzzParseOptions(f *testing.F) {
	f.Add("timeout:2 attempts:3 rotate")
	f.Add("ndots:-3 timeout:999999999999 use-vc")
	f.Fuzz(func(t *testing.T, line string) {
		o, _ := ParseOptions(line)
		if o.Ndots < 0 || o.Ndots > 15 || o.Timeout > 30*time.Second || o.Attempts > 5 {
			t.Errorf("%q: %+v", line, o)
		}
		for n := 1; n <= maxServers; n++ {
			for i := range n {
				if w := o.wait(i, n); w < time.Second || w > 60*time.Second {
					t.Errorf("%q: waits %v for server %d of %d", line, w, i, n)
				}
			}
		}
	})
}
