package clock

import (
	"sync"
	"time"
)

// Virtual is a clock that stands still until it is driven. Runs that do the same see the same, to the nanosecond.
type Virtual struct {
	scheduler
	drive sync.Mutex // one driver at a time
	limit int64
}

// longestRun bounds the world time of one Run: whoever has not ended by then waits for what never comes, though the
// world's own timers would keep it busy for ever.
const longestRun = 10 * 365 * 24 * time.Hour

// NewVirtual returns a clock that stands at start. Close it when done.
func NewVirtual(start time.Time) *Virtual {
	v := &Virtual{limit: start.UnixNano()}
	v.init(start)
	v.horizon = func() int64 { return v.limit }
	v.clockNow = v.now.Load
	return v
}

// Now implements [Clock]; any goroutine may call it.
func (v *Virtual) Now() time.Time { return time.Unix(0, v.now.Load()).UTC() }

// Advance implements [Driver]: every event up to and at the new time has happened when it returns. The error is that
// of an activity that panicked, or [ErrClosed].
func (v *Virtual) Advance(d time.Duration) error {
	v.drive.Lock()
	defer v.drive.Unlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return ErrClosed
	}
	target := after(v.now.Load(), d)
	v.settle(target)
	if v.failure == nil && target > v.now.Load() {
		v.now.Store(target)
	}
	v.limit = v.now.Load()
	return v.failure
}

// Run implements [Driver]: time moves as far as f needs to end, and not further. Called from inside an activity it
// would wait for itself: call f there.
func (v *Virtual) Run(f func()) error {
	v.drive.Lock()
	defer v.drive.Unlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return ErrClosed
	}
	ended := false
	v.start(func() {
		defer func() {
			v.mu.Lock()
			ended = true
			v.limit = v.now.Load()
			v.mu.Unlock()
		}()
		f()
	})
	v.settle(after(v.now.Load(), longestRun))
	v.limit = v.now.Load()
	if v.failure == nil && !ended {
		return ErrStuck
	}
	return v.failure
}

// settle lets the world run up to limit. The caller holds v.mu.
func (v *Virtual) settle(limit int64) {
	v.limit = limit
	v.driven = true
	if v.turn == nil {
		v.pass()
	}
	for v.turn != nil {
		v.idle.Wait()
	}
	v.driven = false
}

// Close implements [Driver]. The error is that of an activity that panicked.
func (v *Virtual) Close() error {
	v.drive.Lock()
	defer v.drive.Unlock()
	return v.close()
}
