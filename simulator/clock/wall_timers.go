package clock

import (
	"context"
	"time"
)

// Every sends at each interval of real time, and drops what nobody takes, until stop is called.
func (Wall) Every(d time.Duration) (ticks <-chan time.Time, stop func()) {
	t := time.NewTicker(d)
	return t.C, t.Stop
}

// WithTimeout is a context that ends after d of real time.
func (Wall) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}
