package play_test

import (
	"testing"
	"time"

	"faultzone/simulator/play"
)

func TestSpan(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		0:                                 "0s",
		600 * time.Microsecond:            "600µs",
		90 * time.Second:                  "1m30s",
		time.Hour:                         "1h",
		day:                               "1d",
		7*day + 2*time.Hour + time.Minute: "7d2h1m",
		day + time.Hour + 20*time.Minute + 1500*time.Millisecond: "1d1h20m1.5s",
		-time.Minute: "-1m",
	} {
		if got := play.Span(d); got != want {
			t.Errorf("Span(%d) = %q, want %q", d, got, want)
		}
	}
}
