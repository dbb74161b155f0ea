package clock

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Live is a clock that follows the wall: world time is an offset and a speed away from it.
//
// The wall says when an event comes, and not how long it takes: while activities run, the time is that of the event
// that they run for, and no time is told that lies behind an event still to come. So at a speed of 600, at which a
// millisecond of this machine's work would be 0.6 s of the world's, nobody times out because of that work; a world
// that has more to do than the wall leaves time for falls behind the wall, and catches up.
type Live struct {
	scheduler
	wall    Wall
	drive   sync.Mutex // one jump at a time
	mapping atomic.Pointer[mapping]
	barrier atomic.Int64  // time does not pass it
	ending  atomic.Bool   // somebody closes the clock
	changed chan struct{} // the schedule or the mapping is new
	quit    chan struct{}
	once    sync.Once
	gone    chan struct{}
}

// mapping is how world time follows the wall.
type mapping struct {
	wall  time.Time // with its monotonic reading
	world int64
	speed float64
	// frozen: a jump is under way; time is that of its last event, and may move up to target.
	frozen bool
	target int64
}

// NewLive returns a clock that shows start now and goes on at speed times the wall's pace; 0 stands still. Close it
// when done.
func NewLive(start time.Time, speed float64) (*Live, error) {
	if err := checkSpeed(speed); err != nil {
		return nil, err
	}
	l := &Live{changed: make(chan struct{}, 1), quit: make(chan struct{}), gone: make(chan struct{})}
	l.init(start)
	l.mapping.Store(&mapping{wall: l.wall.Now(), world: start.UnixNano(), speed: speed})
	l.barrier.Store(math.MaxInt64)
	l.driven = true
	l.clockNow = l.tell
	l.horizon = func() int64 {
		m := l.mapping.Load()
		if m.frozen {
			return min(m.target, l.barrier.Load())
		}
		return min(m.follow(l.wall), l.barrier.Load())
	}
	l.onIdle = l.nudge
	go l.follow()
	return l, nil
}

func checkSpeed(speed float64) error {
	if speed < 0 || speed > 1e6 || math.IsNaN(speed) {
		return fmt.Errorf("a speed of %v: want a number from 0 (stand still) to 1000000", speed)
	}
	return nil
}

// tell is the world's time in nanoseconds.
func (l *Live) tell() int64 {
	m := l.mapping.Load()
	if m.frozen || l.busy.Load() {
		return l.now.Load()
	}
	return min(m.follow(l.wall), l.next.Load(), l.barrier.Load())
}

// follow is where the wall has brought the world's time to.
func (m *mapping) follow(wall Wall) int64 {
	return m.world + int64(float64(wall.Since(m.wall))*m.speed)
}

// Now implements [Clock]; any goroutine may call it.
func (l *Live) Now() time.Time { return time.Unix(0, l.tell()).UTC() }

// nudge makes follow look again.
func (l *Live) nudge() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// follow hands out the turn whenever the wall reaches the next event.
func (l *Live) follow() {
	defer close(l.gone)
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for {
		l.mu.Lock()
		if l.turn == nil && !l.closed {
			if !l.ready.empty() || len(l.timers) > 0 && l.timers[0].due <= l.horizon() {
				l.pass()
			}
		}
		if l.turn == nil {
			l.lookAhead() // what was to come first may have been called off
		}
		wait := l.untilNext()
		l.mu.Unlock()
		alarm.Reset(wait)
		select {
		case <-l.quit:
			return
		case <-l.changed:
		case <-alarm.C:
		}
	}
}

// untilNext is how long the wall takes to the next event. The caller holds l.mu.
func (l *Live) untilNext() time.Duration {
	const never = 24 * time.Hour
	m := l.mapping.Load()
	if len(l.timers) == 0 || m.speed == 0 || m.frozen || l.turn != nil || l.timers[0].due > l.barrier.Load() {
		return never
	}
	wait := float64(l.timers[0].due-m.follow(l.wall)) / m.speed
	return time.Duration(min(max(wait, 0), float64(never))) + 1
}

// Speed is the present speed.
func (l *Live) Speed() float64 { return l.mapping.Load().speed }

// SetSpeed changes the pace from now on; 0 pauses the world.
func (l *Live) SetSpeed(speed float64) error {
	if err := checkSpeed(speed); err != nil {
		return err
	}
	l.drive.Lock()
	defer l.drive.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mapping.Store(&mapping{wall: l.wall.Now(), world: l.tell(), speed: speed})
	l.nudge()
	return nil
}

// Hold has time stand still at the moment of the activity that calls it, until Release: whoever drives the world from
// outside, step by step, and has the next step to prepare, so loses none of its time. What happens at that moment goes on
// happening. A jump waits too, so that it steps through what is done from outside as well; when time is released it catches
// up with the wall.
func (l *Live) Hold() { l.barrier.Store(l.now.Load()) }

// Release ends a hold; without one it does nothing.
func (l *Live) Release() {
	if l.barrier.Load() == math.MaxInt64 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.barrier.Store(math.MaxInt64)
	l.idle.Broadcast()
	l.nudge()
}

// Advance implements [Driver]: it jumps, stepping through everything that comes due on the way. The wall does not
// move the world meanwhile.
func (l *Live) Advance(d time.Duration) error {
	l.drive.Lock()
	defer l.drive.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	m := *l.mapping.Load()
	from := l.tell()
	if from < l.now.Load() {
		from = l.now.Load()
	}
	target := after(from, d)
	l.now.Store(from)
	l.mapping.Store(&mapping{speed: m.speed, frozen: true, target: target})
	l.settle(target)
	if l.ending.Load() {
		return ErrClosed
	}
	l.now.Store(target)
	l.mapping.Store(&mapping{wall: l.wall.Now(), world: target, speed: m.speed})
	l.nudge()
	return l.failure
}

// settle lets the world run up to the target of a jump, and waits for those who hold time on the way. The caller holds
// l.mu.
func (l *Live) settle(target int64) {
	for {
		if l.turn == nil {
			l.pass()
		}
		for l.turn != nil {
			l.idle.Wait()
		}
		switch {
		case l.ending.Load():
			return
		case !l.ready.empty() || len(l.timers) > 0 && l.timers[0].due <= l.horizon():
			// Time was released between the last activity's end and now.
		case l.barrier.Load() >= target:
			return
		default:
			l.idle.Wait()
		}
	}
}

// Run implements [Driver]: f gets a turn as any activity, and time goes on as it does.
func (l *Live) Run(f func()) error {
	ended := make(chan struct{})
	l.mu.Lock()
	if !l.start(func() { defer close(ended); f() }) {
		l.mu.Unlock()
		return ErrClosed
	}
	l.kick()
	l.mu.Unlock()
	<-ended
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

// Close implements [Driver].
func (l *Live) Close() error {
	l.ending.Store(true)
	l.mu.Lock()
	l.idle.Broadcast() // a jump waits for nobody any more
	l.mu.Unlock()
	l.drive.Lock()
	defer l.drive.Unlock()
	err := l.close()
	l.once.Do(func() { close(l.quit) })
	<-l.gone
	return err
}
