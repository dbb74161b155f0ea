package clock_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"faultzone/simulator/clock"
)

func live(t testing.TB, speed float64) *clock.Live {
	l, err := clock.NewLive(epoch, speed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestLiveJumpStepsThroughAllThatComesDue(t *testing.T) {
	l := live(t, 0)
	refreshes := 0
	l.Go(func() {
		for l.Sleep(context.Background(), time.Hour) == nil {
			refreshes++
			if want := epoch.Add(time.Duration(refreshes) * time.Hour); !l.Now().Equal(want) {
				t.Errorf("refresh %d at %v", refreshes, l.Now())
			}
		}
	})
	if err := l.Advance(7 * 24 * time.Hour); err != nil || refreshes != 168 {
		t.Fatalf("%d refreshes, %v", refreshes, err)
	}
	if got := l.Now().Sub(epoch); got != 7*24*time.Hour {
		t.Fatalf("%v passed", got)
	}
}

func TestLiveFollowsTheWallAtItsSpeed(t *testing.T) {
	l := live(t, 100_000)
	var woke time.Time
	if err := l.Run(func() { l.Sleep(context.Background(), 10*time.Minute); woke = l.Now() }); err != nil {
		t.Fatal(err)
	}
	if woke.Before(epoch.Add(10 * time.Minute)) {
		t.Errorf("woke early: %v", woke)
	}
}

func TestLivePausesAndGoesOn(t *testing.T) {
	l := live(t, 0)
	done, fire := l.Signal()
	l.Go(func() { l.Sleep(context.Background(), time.Hour); fire() })
	if !l.Now().Equal(epoch) {
		t.Fatal("a paused world moved")
	}
	if err := l.SetSpeed(1e6); err != nil {
		t.Fatal(err)
	}
	if err := l.Run(func() { l.Await(context.Background(), done) }); err != nil || l.Now().Before(epoch.Add(time.Hour)) {
		t.Fatalf("%v at %v", err, l.Now())
	}
}

func TestLiveWakesForSignalsFromOutside(t *testing.T) {
	l := live(t, 1)
	done, fire := l.Signal()
	go fire()
	if err := l.Run(func() { l.Await(context.Background(), done) }); err != nil {
		t.Fatal(err)
	}
}

func TestLiveEndsWithOutsideContext(t *testing.T) {
	l := live(t, 1)
	outside, cancel := context.WithCancel(context.Background())
	ctx, stop := l.WithTimeout(outside, 0)
	defer stop()
	go cancel()
	l.Run(func() {
		if err := l.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestLiveRefusesNonsenseSpeeds(t *testing.T) {
	for _, speed := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := clock.NewLive(epoch, speed); err == nil {
			t.Errorf("speed %v was taken", speed)
		}
	}
}

// At a speed of a million a microsecond of work would be a second of the world's time: the reply would be late.
func TestLiveWorkTakesNoWorldTime(t *testing.T) {
	l := live(t, 1e6)
	work := func() {
		data := make([]byte, 1<<20)
		for range 4 {
			sum := sha256.Sum256(data)
			copy(data, sum[:])
		}
	}
	err := l.Run(func() {
		for range 20 {
			began := l.Now()
			ctx, cancel := l.WithTimeout(context.Background(), 376*time.Millisecond)
			replied, reply := l.Signal()
			l.Go(func() {
				l.Sleep(context.Background(), 8*time.Millisecond)
				work()
				l.Sleep(context.Background(), 8*time.Millisecond)
				reply()
			})
			work()
			if err := l.Await(ctx, replied); err != nil {
				t.Errorf("the reply was late: %v", err)
			}
			cancel()
			if took := l.Now().Sub(began); took != 16*time.Millisecond {
				t.Errorf("the exchange took %v, want 16ms", took)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Whoever looks from outside sees time go forward only, and never past an event that has not happened.
func TestLiveTimeGoesForwardForThoseOutside(t *testing.T) {
	l := live(t, 1e5)
	var last atomic.Int64 // the last tick
	const tick = 50 * time.Millisecond
	ended, fire := l.Signal()
	l.Go(func() {
		defer fire()
		for range 5000 {
			last.Store(l.Now().UnixNano())
			l.Sleep(context.Background(), tick)
		}
	})
	var before time.Time
	for {
		now := l.Now()
		if now.Before(before) {
			t.Fatalf("time went from %v back to %v", before, now)
		}
		before = now
		select {
		case <-ended:
			return
		default:
		}
		if tock := last.Load(); tock != 0 && now.UnixNano()-tock > int64(tick) {
			t.Fatalf("%v passed a tick that was still to come", now)
		}
		runtime.Gosched()
	}
}

// A timer that is called off does not hold time up.
func TestLiveGoesOnAfterACancelledTimer(t *testing.T) {
	l := live(t, 1e6)
	_, cancel := l.WithTimeout(context.Background(), time.Second)
	cancel()
	for l.Now().Before(epoch.Add(time.Minute)) {
		runtime.Gosched()
	}
}

// Between two steps that somebody outside drives, none of the world's time passes, however long that takes.
func TestLiveHold(t *testing.T) {
	t.Parallel()
	l := live(t, 0)
	if err := l.Run(l.Hold); err != nil { // the world waits for the first step too
		t.Fatal(err)
	}
	if err := l.SetSpeed(1e6); err != nil {
		t.Fatal(err)
	}
	var wall clock.Wall
	for i := 1; i <= 20; i++ {
		due := epoch.Add(time.Duration(i) * time.Minute)
		if err := l.Run(func() {
			l.Release()
			defer l.Hold()
			if err := l.Sleep(context.Background(), due.Sub(l.Now())); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
		for began := wall.Now(); wall.Since(began) < time.Millisecond; { // 17 minutes at this speed
			if now := l.Now(); !now.Equal(due) {
				t.Fatalf("it is %v, and was held at %v", now, due)
			}
		}
	}
	l.Release()
	if err := l.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := l.Now(); got.Before(epoch.Add(80 * time.Minute)) {
		t.Errorf("after the jump it is %v", got)
	}
}

// A jump steps through what somebody outside does step by step, each at its time, and time never goes back.
func TestLiveJumpWaitsForSteps(t *testing.T) {
	t.Parallel()
	l := live(t, 0)
	steps := make(chan time.Time, 100)
	go func() {
		defer close(steps)
		for i := range 51 {
			due := epoch.Add(time.Duration(i) * time.Minute)
			if l.Run(func() {
				l.Release()
				defer l.Hold()
				if d := due.Sub(l.Now()); d <= 0 || l.Sleep(context.Background(), d) == nil {
					steps <- l.Now()
				}
			}) != nil {
				return
			}
			runtime.Gosched() // the work between two steps
		}
		l.Release()
	}()
	if first := <-steps; !first.Equal(epoch) {
		t.Fatalf("the first step at %v", first)
	}
	var last time.Time
	for l.Now().Before(epoch.Add(time.Hour)) {
		if err := l.Advance(30 * time.Minute); err != nil {
			t.Fatal(err)
		}
		if now := l.Now(); now.Before(last) {
			t.Fatalf("from %v back to %v", last, now)
		} else {
			last = now
		}
	}
	i := 0
	for at := range steps {
		if i++; !at.Equal(epoch.Add(time.Duration(i) * time.Minute)) {
			t.Errorf("step %d at %v", i, at)
		}
	}
	if i != 50 {
		t.Errorf("%d steps", i)
	}
}

// Closing ends a jump that waits for somebody.
func TestLiveCloseEndsAJump(t *testing.T) {
	t.Parallel()
	l := live(t, 1)
	if err := l.Run(l.Hold); err != nil {
		t.Fatal(err)
	}
	jumped := make(chan error, 1)
	go func() { jumped <- l.Advance(time.Hour) }()
	runtime.Gosched()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-jumped; !errors.Is(err, clock.ErrClosed) {
		t.Errorf("the jump ended with %v", err)
	}
}
