package clock

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// scheduler is what both kinds of time share: activities, their turn, and the schedule.
type scheduler struct {
	mu       sync.Mutex
	now      atomic.Int64 // the time of the last event; moved with mu held
	next     atomic.Int64 // while nobody has the turn: the first event to come is not before this
	busy     atomic.Bool  // somebody has the turn
	turn     *activity    // who runs; nil: nobody
	ready    queue        // who runs next, in order
	timers   timers
	seq      uint64
	awaiting map[<-chan struct{}][]*activity
	spare    []*activity // goroutines whose activity has ended, kept for the next
	workers  sync.WaitGroup
	idle     sync.Cond // turn became nil
	closed   bool
	failure  error

	// The driver's side, set once before use. All are called with mu held.
	driven   bool         // a free turn may be taken at once
	horizon  func() int64 // time may move up to here
	clockNow func() int64 // the time as told to others
	onIdle   func()
}

// activity is a goroutine of the world.
type activity struct {
	run   func()
	wake  chan struct{} // one token: the turn
	timer timer
	// The wait under way.
	parked  bool
	err     error
	signal  <-chan struct{}
	context *deadline
}

func (s *scheduler) init(start time.Time) {
	s.awaiting = make(map[<-chan struct{}][]*activity)
	s.idle.L = &s.mu
	s.now.Store(start.UnixNano())
	s.next.Store(math.MaxInt64)
}

// Go implements [Clock].
func (s *scheduler) Go(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start(f)
	s.kick()
}

// start queues f as a new activity and tells whether it will run. The caller holds s.mu.
func (s *scheduler) start(f func()) bool {
	if s.closed {
		return false
	}
	var a *activity
	if n := len(s.spare); n > 0 {
		a, s.spare = s.spare[n-1], s.spare[:n-1]
		a.run = f
	} else {
		a = &activity{run: f, wake: make(chan struct{}, 1)}
		a.timer.activity = a
		s.workers.Go(func() { s.work(a) })
	}
	s.ready.push(a)
	return true
}

// work is the life of an activity's goroutine: a function after another, each begun when it gets the turn.
func (s *scheduler) work(a *activity) {
	for range a.wake {
		if a.run == nil {
			return
		}
		s.perform(a)
	}
}

// perform runs the activity's function and then hands the turn on, whatever way the function ended.
func (s *scheduler) perform(a *activity) {
	returned := false
	defer func() {
		p := recover()
		s.mu.Lock()
		defer s.mu.Unlock()
		if p != nil && s.failure == nil {
			s.failure = fmt.Errorf("an activity of the world panicked: %v\n%s", p, debug.Stack())
		}
		a.run = nil
		if returned || p != nil {
			s.spare = append(s.spare, a)
		} // else runtime.Goexit ends this goroutine for good
		if s.turn == a {
			s.pass()
		}
		if s.closed {
			s.dismiss()
		}
	}()
	a.run()
	returned = true
}

// dismiss ends the goroutines that have nothing to do. The caller holds s.mu.
func (s *scheduler) dismiss() {
	for _, a := range s.spare {
		a.wake <- struct{}{}
	}
	s.spare = nil
}

// pass gives the turn to the next activity, moving time on to the next event where the driver lets it. The caller
// holds s.mu, and the turn, or nobody has it.
func (s *scheduler) pass() {
	for {
		if a := s.ready.pop(); a != nil {
			if s.turn == nil {
				s.busy.Store(true)
			}
			s.turn = a
			a.wake <- struct{}{}
			return
		}
		if len(s.timers) == 0 || s.timers[0].due > s.horizon() {
			break
		}
		s.fire(s.timers[0])
	}
	s.turn = nil
	s.lookAhead()
	s.busy.Store(false)
	s.idle.Broadcast()
	if s.onIdle != nil {
		s.onIdle()
	}
}

// lookAhead notes when the first event to come is due. The caller holds s.mu.
func (s *scheduler) lookAhead() {
	due := int64(math.MaxInt64)
	if len(s.timers) > 0 {
		due = s.timers[0].due
	}
	s.next.Store(due)
}

// fire moves time to t's and lets what waited for it go on. The caller holds s.mu.
func (s *scheduler) fire(t *timer) {
	s.timers.remove(t)
	if t.due > s.now.Load() {
		s.now.Store(t.due)
	}
	if t.context != nil {
		s.end(t.context, context.DeadlineExceeded)
		return
	}
	s.wake(t.activity, nil)
}

// arm puts t on the schedule. The caller holds s.mu.
func (s *scheduler) arm(t *timer, due int64) {
	s.seq++
	t.due, t.seq = due, s.seq
	s.timers.push(t)
	if due < s.next.Load() {
		s.next.Store(due)
	}
}

// timersChanged lets a live driver look at the schedule again when nobody has the turn. The caller holds s.mu.
func (s *scheduler) timersChanged() {
	if s.turn == nil && s.onIdle != nil {
		s.onIdle()
	}
}

// kick hands out a turn that nobody has: what comes from outside of the world happens now. The caller holds s.mu.
func (s *scheduler) kick() {
	if s.driven && s.turn == nil && !s.ready.empty() {
		if now := s.clockNow(); now > s.now.Load() {
			s.now.Store(now)
		}
		s.pass()
	}
}

// wake makes a parked activity ready; err is what its wait returns. The caller holds s.mu.
func (s *scheduler) wake(a *activity, err error) {
	if !a.parked {
		return
	}
	a.parked, a.err = false, err
	s.timers.remove(&a.timer)
	if a.signal != nil {
		if rest := without(s.awaiting[a.signal], a); len(rest) > 0 {
			s.awaiting[a.signal] = rest
		} else {
			delete(s.awaiting, a.signal)
		}
		a.signal = nil
	}
	if a.context != nil {
		a.context.waiters = without(a.context.waiters, a)
		a.context = nil
	}
	s.ready.push(a)
}

// park gives up the turn until wake. The caller holds s.mu, which is released; a has its timer or signal set.
func (s *scheduler) park(a *activity, ctx context.Context) error {
	if c := s.nearest(ctx); c != nil {
		if c.err != nil {
			s.timers.remove(&a.timer)
			a.signal = nil
			s.mu.Unlock()
			return c.err
		}
		a.context = c
		c.waiters = append(c.waiters, a)
	}
	if a.signal != nil {
		s.awaiting[a.signal] = append(s.awaiting[a.signal], a)
	}
	a.parked = true
	s.pass()
	s.mu.Unlock()
	<-a.wake
	return a.err
}

// caller returns the activity that calls, which is the one that has the turn.
func (s *scheduler) caller(what string) *activity {
	if s.turn == nil {
		s.mu.Unlock()
		panic("clock: " + what + " from outside of an activity; use Run or Go")
	}
	return s.turn
}

// Sleep implements [Clock].
func (s *scheduler) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	a := s.caller("Sleep")
	due := after(s.clockNow(), d)
	// With nothing to happen before it, a sleep is only a change of the time.
	if s.ready.empty() && (len(s.timers) == 0 || s.timers[0].due > due) && due <= s.horizon() {
		if due > s.now.Load() {
			s.now.Store(due)
		}
		s.mu.Unlock()
		return nil
	}
	s.arm(&a.timer, due)
	return s.park(a, ctx)
}

// after is now + d, d not below 0, without running over the end of time.
func after(now int64, d time.Duration) int64 {
	due := now + max(int64(d), 0)
	if due < now {
		return math.MaxInt64
	}
	return due
}

// Signal implements [Clock].
func (s *scheduler) Signal() (<-chan struct{}, func()) {
	done := make(chan struct{})
	fired := false
	return done, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if fired {
			return
		}
		fired = true
		close(done)
		for waiting := s.awaiting[done]; len(waiting) > 0; waiting = s.awaiting[done] {
			s.wake(waiting[0], nil)
		}
		s.kick()
	}
}

// Await implements [Clock].
func (s *scheduler) Await(ctx context.Context, done <-chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	select {
	case <-done:
		s.mu.Unlock()
		return nil
	default:
	}
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	a := s.caller("Await")
	a.signal = done
	return s.park(a, ctx)
}

// close wakes everybody for the last time and waits until all have ended. The driver has made sure that a free turn
// is handed out.
func (s *scheduler) close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		for len(s.timers) > 0 {
			t := s.timers[0]
			s.timers.remove(t)
			if t.activity != nil {
				s.wake(t.activity, ErrClosed)
			}
		}
		for _, waiting := range s.awaiting {
			for _, a := range append([]*activity(nil), waiting...) {
				s.wake(a, ErrClosed)
			}
		}
		if s.turn == nil {
			s.pass()
		}
		s.dismiss()
	}
	for s.turn != nil {
		s.idle.Wait()
	}
	s.dismiss()
	err := s.failure
	s.mu.Unlock()
	s.workers.Wait()
	return err
}

// queue is a first-in first-out ring of activities.
type queue struct {
	ring       []*activity
	head, size int
}

func (q *queue) empty() bool { return q.size == 0 }

func (q *queue) push(a *activity) {
	if q.size == len(q.ring) {
		grown := make([]*activity, max(16, 2*q.size))
		for i := range q.size {
			grown[i] = q.ring[(q.head+i)%len(q.ring)]
		}
		q.ring, q.head = grown, 0
	}
	q.ring[(q.head+q.size)%len(q.ring)] = a
	q.size++
}

func (q *queue) pop() *activity {
	if q.size == 0 {
		return nil
	}
	a := q.ring[q.head]
	q.ring[q.head] = nil
	q.head = (q.head + 1) % len(q.ring)
	q.size--
	return a
}
