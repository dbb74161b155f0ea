// Package clock is the time of a world.
//
// A world's activities (a query under way, a secondary's timer, a client's loop) run as goroutines that wait only
// through their clock. One activity runs at a time, in the order of due time and then of asking, and whoever waits
// hands the turn to the next. Time moves only when all of them wait, so a run is the same on any number of cores and
// a quiet week costs nothing.
//
// Two drivers move that one scheduler. [Virtual] time stands still until Advance or Run drives it. [Live] time
// follows the wall at a settable speed, and can jump: a jump steps through everything that comes due on the way, each
// event settled before the next.
//
// What the package asks of its users: Sleep and Await are called by activities only (inside Go or Run); nobody holds
// a lock over them; channels to Await come from Signal; deadlines come from WithTimeout. A context made elsewhere is
// respected too, but only its cancellation from outside of the world is: it arrives at no particular world time.
package clock

import (
	"context"
	"errors"
	"time"
)

// Teller only tells time; those who need no more get no more.
type Teller interface {
	// Now is the world's time, in UTC.
	Now() time.Time
}

// Clock is all that an activity needs of time.
type Clock interface {
	Teller
	// Sleep parks until d of world time has passed, or ctx ends. It returns nil, the context's error, or [ErrClosed].
	Sleep(ctx context.Context, d time.Duration) error
	// Signal makes a one-shot event that the scheduler can see. Firing it again does nothing; anyone may fire it.
	Signal() (done <-chan struct{}, fire func())
	// Await parks until done, made by Signal, has fired, or ctx ends. Errors are Sleep's.
	Await(ctx context.Context, done <-chan struct{}) error
	// WithTimeout returns a context that ends after d of world time; 0 means only by its cancel function. Its
	// Deadline is a world time.
	WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	// Go starts an activity. After Close it starts nothing.
	Go(f func())
}

// Driver is a clock that can be moved and ended: what a world holds, and does not hand on to its nodes.
type Driver interface {
	Clock
	// Advance moves time on by d (not below 0) and returns when everything that was due has settled.
	Advance(d time.Duration) error
	// Run runs f as an activity and returns when it has ended.
	Run(f func()) error
	// Close makes every wait fail and returns when every activity has ended. It may be called more than once.
	Close() error
}

// ErrClosed is what every wait returns once the clock is closed.
var ErrClosed = errors.New("the world's clock is closed")

// ErrStuck is returned by Run in virtual time when its activity waits for a signal that nothing is left to fire.
var ErrStuck = errors.New("the activity waits for an event that nothing in the world will bring about")

var (
	_ Driver = (*Virtual)(nil)
	_ Driver = (*Live)(nil)
)
