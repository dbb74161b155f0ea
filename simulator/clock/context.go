package clock

import (
	"context"
	"time"
)

// deadline is a context whose end is an event of the schedule.
type deadline struct {
	context.Context // the parent
	s               *scheduler
	done            chan struct{}
	err             error // guarded by s.mu
	timer           timer
	hasTimer        bool
	up              *deadline
	children        []*deadline
	waiters         []*activity
	unbridge        func() bool
}

// nearest is the key under which a deadline finds the closest one above it, of the same scheduler.
type nearest struct{ s *scheduler }

func (c *deadline) Done() <-chan struct{} { return c.done }

func (c *deadline) Deadline() (time.Time, bool) {
	above, ok := c.Context.Deadline()
	if !c.hasTimer {
		return above, ok
	}
	if own := time.Unix(0, c.timer.due).UTC(); !ok || own.Before(above) {
		return own, true
	}
	return above, true
}

func (c *deadline) Err() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.err
}

func (c *deadline) Value(key any) any {
	if k, ok := key.(nearest); ok && k.s == c.s {
		return c
	}
	return c.Context.Value(key)
}

// nearest returns the closest deadline of this scheduler at or above ctx, or nil.
func (s *scheduler) nearest(ctx context.Context) *deadline {
	if c, ok := ctx.(*deadline); ok && c.s == s {
		return c
	}
	if ctx.Done() == nil {
		return nil
	}
	c, _ := ctx.Value(nearest{s}).(*deadline)
	return c
}

// WithTimeout implements [Clock].
func (s *scheduler) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	c := &deadline{Context: ctx, s: s, done: make(chan struct{}), up: s.nearest(ctx)}
	if c.up == nil && ctx.Done() != nil {
		// A context from outside of the world: its end has to be carried in.
		c.unbridge = context.AfterFunc(ctx, func() { s.finish(c, ctx.Err()) }) // perhaps at once, while we are here
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c.err != nil:
	case s.closed:
		s.end(c, ErrClosed)
	case c.up != nil && c.up.err != nil:
		s.end(c, c.up.err)
	default:
		if c.up != nil {
			c.up.children = append(c.up.children, c)
		}
		if d > 0 {
			c.hasTimer = true
			c.timer.context = c
			s.arm(&c.timer, s.clockNow()+int64(d))
			s.timersChanged()
		}
	}
	return c, func() { s.cancel(c, context.Canceled) }
}

// cancel ends c, and the watch on a context from outside of the world that it may have.
func (s *scheduler) cancel(c *deadline, err error) {
	if c.unbridge != nil {
		c.unbridge()
	}
	s.finish(c, err)
}

// finish ends c from whatever goroutine.
func (s *scheduler) finish(c *deadline, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(c, err)
	s.kick()
}

// end ends c, all below it, and every wait on them. The caller holds s.mu.
func (s *scheduler) end(c *deadline, err error) {
	if c.err != nil {
		return
	}
	c.err = err
	close(c.done)
	s.timers.remove(&c.timer)
	if c.up != nil {
		c.up.children = without(c.up.children, c)
	}
	for len(c.waiters) > 0 {
		s.wake(c.waiters[0], err)
	}
	for children := c.children; len(children) > 0; children = children[1:] {
		child := children[0]
		child.up = nil
		s.end(child, err)
	}
	c.children = nil
}

// without removes x from list, keeping the order.
func without[T comparable](list []T, x T) []T {
	for i, y := range list {
		if y == x {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}
