package fault

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"faultzone/scenarios"
)

func TestOldestValid(t *testing.T) {
	day := 24 * time.Hour
	epoch := time.Date(2026, 3, 26, 12, 0, 0, 0, time.UTC)
	base := scenarios.Calendar{Epoch: epoch, Validity: 15 * day, Refresh: 5 * day}
	for _, c := range []struct {
		name       string
		c          scenarios.Calendar
		now        time.Duration // after the epoch
		expiration time.Duration
	}{
		{"in the first period", base, 7 * day, 15 * day},
		{"where the one before it has not ended", base, 4 * day, 5 * day},
		{"a second before the end", base, 15*day - time.Second, 15 * day},
		{"at the very end", base, 15 * day, 25 * day},
		{"long after", base, 365*day + time.Hour, 375 * day},
		{"long before", base, -365 * day, -355 * day},
		{"refreshed half-way", scenarios.Calendar{Epoch: epoch, Validity: 2 * day, Refresh: day}, day / 2, day},
		{"refreshed almost at once", scenarios.Calendar{Epoch: epoch, Validity: 10 * day, Refresh: 9 * day}, 0, day},
	} {
		inception, expiration := oldestValid(c.c, epoch.Add(c.now))
		if !expiration.Equal(epoch.Add(c.expiration)) || expiration.Sub(inception) != c.c.Validity {
			t.Errorf("%s: from %v to %v, want the end %v", c.name, inception, expiration, epoch.Add(c.expiration))
		}
	}
}

// The period is one of the calendar's, it is valid now, and the one before it is not any more.
func TestOldestValidIsTheNextToEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		validity := time.Duration(rapid.Int64Range(2, 1e6).Draw(t, "validity")) * time.Minute
		refresh := time.Duration(rapid.Int64Range(1, int64(validity/time.Minute)-1).Draw(t, "refresh")) * time.Minute
		epoch := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "epoch"), 0).UTC()
		// A few years around the epoch: what is older than a period is all alike.
		now := epoch.Add(time.Duration(rapid.Int64Range(-1e8, 1e8).Draw(t, "now")) * time.Second)
		step := validity - refresh
		inception, expiration := oldestValid(scenarios.Calendar{Epoch: epoch, Validity: validity, Refresh: refresh}, now)
		switch {
		case inception.Sub(epoch)%step != 0, expiration.Sub(inception) != validity:
			t.Fatal("no period of the calendar")
		case inception.After(now) || !expiration.After(now):
			t.Fatalf("from %v to %v is not valid at %v", inception, expiration, now)
		case expiration.Add(-step).After(now):
			t.Fatal("one that ends earlier is valid still")
		}
	})
}
