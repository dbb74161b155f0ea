package simulator

import (
	"context"
	"time"

	"faultzone/simulator/clock"
)

// Moment is a world time to come at which something is to be done. Waiting for it and doing it are one activity of the
// world, so that in live time too, on a busy machine and at a high speed, none of the world's time passes between the two.
type Moment struct {
	// At is the time; zero, or past: now.
	At time.Time
	// Began, when not nil, is called when the wait is over.
	Began func()
	// Hold has a live world's time stand still once it is done, until somebody waits for the next moment or calls
	// [World.Release]: the work between two moments takes none of the world's time either.
	Hold bool
}

// Release lets a live world's time go on that a [Moment] held.
func (w *World) Release() {
	if live, ok := w.driver.(*clock.Live); ok {
		live.Release()
	}
}

// hold is the other side of Release; activities call it.
func (w *World) hold() {
	if live, ok := w.driver.(*clock.Live); ok {
		live.Hold()
	}
}

// at does something at a moment. waitErr is that of the wait, after which nothing is done; err is the world's end.
func (w *World) at(ctx context.Context, m Moment, do func(context.Context)) (waitErr, err error) {
	err = w.driver.Run(func() {
		w.Release() // this activity is there, and time does not pass it
		if m.Hold {
			defer w.hold()
		}
		if ctx.Done() != nil { // so that it ends a wait, in a world whose time stands still too
			inside, cancel := w.driver.WithTimeout(ctx, 0)
			defer cancel()
			ctx = inside
		}
		for waitErr == nil && w.Now().Before(m.At) {
			waitErr = w.driver.Sleep(ctx, m.At.Sub(w.Now()))
		}
		if waitErr != nil {
			return
		}
		if m.Began != nil {
			m.Began()
		}
		do(ctx)
	})
	return waitErr, err
}

// WaitUntil returns when the world has reached the moment: in virtual time at once, by driving it there; in live time as
// the wall brings it, or when ctx ends.
func (w *World) WaitUntil(ctx context.Context, m Moment) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !w.Live() {
		// Not as an activity: all else that is due at that moment comes before what is done at it.
		if d := m.At.Sub(w.Now()); d > 0 {
			if err := w.driver.Advance(d); err != nil {
				return err
			}
		}
		if m.Began != nil {
			m.Began()
		}
		return nil
	}
	waitErr, err := w.at(ctx, m, func(context.Context) {})
	if err != nil {
		return err
	}
	return waitErr
}
