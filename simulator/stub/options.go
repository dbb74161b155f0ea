package stub

import (
	"strings"
	"time"
)

// Options are the options of resolv.conf(5) as glibc 2.36 holds them.
type Options struct {
	Ndots    int           // 0 to 15, default 1
	Timeout  time.Duration // whole seconds up to 30, default 5 s
	Attempts int           // up to 5, default 2; below 1 no server is ever asked

	Rotate, UseVC, EDNS0, TrustAD, NoAAAA, NoTLDQuery bool
}

// Bounds and defaults of resolv.h.
const (
	maxNdots        = 15
	maxTimeout      = 30
	maxAttempts     = 5
	defaultTimeout  = 5
	defaultAttempts = 2
)

// ParseOptions reads an options line, or several joined by blanks. It follows glibc in what that takes: numbers above
// their bound become the bound, what does not begin with a number is 0, an unknown option is ignored, and a known one
// is known by its beginning. The unknown ones are returned too, for whoever wants to tell the user.
func ParseOptions(line string) (o Options, unknown []string) {
	o = Options{Ndots: 1, Timeout: defaultTimeout * time.Second, Attempts: defaultAttempts}
	flags := []struct {
		name string
		flag *bool // nil for what makes no difference to a lookup of one type
	}{
		{"rotate", &o.Rotate}, {"edns0", &o.EDNS0}, {"single-request-reopen", nil}, {"single-request", nil},
		{"no_tld_query", &o.NoTLDQuery}, {"no-tld-query", &o.NoTLDQuery}, {"no-reload", nil}, {"use-vc", &o.UseVC},
		{"trust-ad", &o.TrustAD}, {"no-aaaa", &o.NoAAAA}, {"strict-error", nil},
	}
next:
	for _, word := range strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }) {
		if value, ok := strings.CutPrefix(word, "ndots:"); ok {
			o.Ndots = min(leadingInt(value), maxNdots) & maxNdots // glibc keeps it in four bits
			continue
		}
		if value, ok := strings.CutPrefix(word, "timeout:"); ok {
			o.Timeout = time.Duration(min(leadingInt(value), maxTimeout)) * time.Second
			continue
		}
		if value, ok := strings.CutPrefix(word, "attempts:"); ok {
			o.Attempts = min(leadingInt(value), maxAttempts)
			continue
		}
		for _, f := range flags {
			if strings.HasPrefix(word, f.name) {
				if f.flag != nil {
					*f.flag = true
				}
				continue next
			}
		}
		unknown = append(unknown, word)
	}
	return o, unknown
}

// leadingInt reads the number that s begins with, as strtol does; 0 when there is none.
func leadingInt(s string) int {
	digits := strings.TrimLeft(s, "+-")
	negative := strings.HasPrefix(s, "-")
	if len(s)-len(digits) > 1 {
		return 0
	}
	const enough = 1 << 20 // beyond every bound, and far from an overflow
	n := 0
	for i := 0; i < len(digits) && digits[i] >= '0' && digits[i] <= '9'; i++ {
		n = min(n*10+int(digits[i]-'0'), enough)
	}
	if negative {
		return -n
	}
	return n
}

// wait is how long a server is waited for: the timeout doubled for each place down the list, shared among all servers
// for those after the first, in whole seconds and at least one. It does not grow from attempt to attempt.
func (o Options) wait(index, servers int) time.Duration {
	seconds := int(o.Timeout/time.Second) << index
	if index > 0 {
		seconds /= servers
	}
	return time.Duration(max(seconds, 1)) * time.Second
}
