package scenarios

import (
	"fmt"
	"strings"
	"time"
)

const (
	day  = 24 * time.Hour
	week = 7 * day

	// maxDuration keeps sums of a scenario's times far from overflowing.
	maxDuration = 36500 * day
)

// parseDuration reads Go's durations with d (24 hours) and w (7 days) besides: "90s", "1h30m", "2w", "1.5d". Durations
// are not negative, and 100 years at most.
func parseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	if strings.HasPrefix(s, "-") {
		return 0, fmt.Errorf("the duration %s is negative", quote(s))
	}
	if s == "" || len(s) > 100 {
		return 0, badDuration(s)
	}
	total := time.Duration(0)
	for rest := s; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		after := rest[digits:]
		letters := strings.IndexAny(after, "0123456789.")
		if letters < 0 {
			letters = len(after)
		}
		part, err := durationPart(rest[:digits], after[:letters])
		if err != nil {
			return 0, badDuration(s)
		}
		if total += part; part < 0 || total > maxDuration {
			return 0, fmt.Errorf("the duration %s is longer than 36500d, the longest", quote(s))
		}
		rest = after[letters:]
	}
	return total, nil
}

// durationPart is one number with its unit; negative when it is too long.
func durationPart(number, unit string) (time.Duration, error) {
	times := time.Duration(1)
	switch unit {
	case "d":
		unit, times = "h", day/time.Hour
	case "w":
		unit, times = "h", week/time.Hour
	}
	d, err := time.ParseDuration(number + unit)
	if err != nil {
		if whole, _, _ := strings.Cut(number, "."); len(whole) > 6 && knownUnit(unit) {
			return -1, nil // overflow, as far as can be told
		}
		return 0, err
	}
	if d > maxDuration/times {
		return -1, nil
	}
	return d * times, nil
}

func knownUnit(unit string) bool {
	_, err := time.ParseDuration("1" + unit)
	return err == nil
}

func badDuration(s string) error {
	hint := ""
	if s != "" && strings.Trim(s, "0123456789") == "" && len(s) < 10 {
		hint = fmt.Sprintf("; write %q for seconds", s+"s")
	}
	return fmt.Errorf(`expected a duration such as "90s", "1h30m" or "2d" (units ns, us, ms, s, m, h, d, w), found %s%s`, quote(s), hint)
}

// formatDuration is the shortest spelling that parseDuration reads: 1h rather than 1h0m0s.
func formatDuration(d time.Duration) string {
	var b strings.Builder
	if days := d / day; days > 0 {
		fmt.Fprintf(&b, "%dd", days)
		d %= day
	}
	if d > 0 || b.Len() == 0 {
		s := d.String()
		if strings.HasSuffix(s, "m0s") {
			s = strings.TrimSuffix(s, "0s")
		}
		if strings.HasSuffix(s, "h0m") {
			s = strings.TrimSuffix(s, "0m")
		}
		b.WriteString(s)
	}
	return b.String()
}
