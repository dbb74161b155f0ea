package clock

import "time"

// Wall is the real time, for what truly is outside of the world: deadlines of real sockets, TSIG that came through
// one, how long something took the person at the keyboard. Nothing in the world reads it.
type Wall struct{}

// Now is the real time, with its monotonic reading.
func (Wall) Now() time.Time { return time.Now() }

// Since is how long ago t was.
func (Wall) Since(t time.Time) time.Duration { return time.Since(t) }

// After has f called in the real time d from now, from a goroutine of its own, unless the timer is stopped before.
func (Wall) After(d time.Duration, f func()) *time.Timer { return time.AfterFunc(d, f) }

// In is the real time d from now, for a socket's deadline.
func (Wall) In(d time.Duration) time.Time { return time.Now().Add(d) }
