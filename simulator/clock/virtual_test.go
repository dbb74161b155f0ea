package clock_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"faultzone/simulator/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC)

func virtual(t testing.TB) *clock.Virtual {
	v := clock.NewVirtual(epoch)
	t.Cleanup(func() { v.Close() })
	return v
}

func TestSleepMovesTimeExactlyAndOnlyWhenDriven(t *testing.T) {
	v := virtual(t)
	var woke time.Time
	v.Go(func() {
		v.Sleep(context.Background(), 604800*time.Second)
		woke = v.Now()
	})
	if !v.Now().Equal(epoch) {
		t.Fatalf("time moved to %v without being driven", v.Now())
	}
	if err := v.Advance(604800*time.Second - 1); err != nil || !woke.IsZero() {
		t.Fatalf("woke a nanosecond early: %v, %v", woke, err)
	}
	if err := v.Advance(1); err != nil || !woke.Equal(epoch.Add(604800*time.Second)) {
		t.Fatalf("woke at %v, %v", woke, err)
	}
}

func TestRunStopsWhereItsActivityEnds(t *testing.T) {
	v := virtual(t)
	ticks := 0
	v.Go(func() {
		for v.Sleep(context.Background(), time.Second) == nil {
			ticks++
		}
	})
	if err := v.Run(func() { v.Sleep(context.Background(), 2500*time.Millisecond) }); err != nil {
		t.Fatal(err)
	}
	if ticks != 2 || v.Now().Sub(epoch) != 2500*time.Millisecond {
		t.Fatalf("%d ticks, %v passed", ticks, v.Now().Sub(epoch))
	}
}

func TestEqualTimesRunInTheOrderOfAsking(t *testing.T) {
	for _, procs := range []int{1, 2, 4} {
		old := runtime.GOMAXPROCS(procs)
		v := clock.NewVirtual(epoch)
		var order strings.Builder
		for i := range 20 {
			v.Go(func() {
				v.Sleep(context.Background(), time.Duration(i%3)*time.Second)
				fmt.Fprint(&order, i, " ")
			})
		}
		v.Advance(time.Minute)
		v.Close()
		runtime.GOMAXPROCS(old)
		if got, want := order.String(), "0 3 6 9 12 15 18 1 4 7 10 13 16 19 2 5 8 11 14 17 "; got != want {
			t.Errorf("GOMAXPROCS %d: %q, want %q", procs, got, want)
		}
	}
}

func TestSignalWakesWaitersOnce(t *testing.T) {
	v := virtual(t)
	done, fire := v.Signal()
	woken := 0
	for range 3 {
		v.Go(func() {
			if v.Await(context.Background(), done) == nil {
				woken++
			}
		})
	}
	v.Go(func() { v.Sleep(context.Background(), time.Second); fire(); fire() })
	v.Advance(time.Second)
	if woken != 3 {
		t.Fatalf("%d woken, want 3", woken)
	}
	if err := v.Run(func() {
		if err := v.Await(context.Background(), done); err != nil {
			t.Errorf("a fired signal makes nobody wait: %v", err)
		}
	}); err != nil {
		t.Fatal(err)
	}
}

func TestDeadlineEndsSleepAwaitAndChildren(t *testing.T) {
	v := virtual(t)
	never, _ := v.Signal()
	err := v.Run(func() {
		ctx, cancel := v.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		below, cancelBelow := v.WithTimeout(ctx, time.Hour)
		defer cancelBelow()
		if end, ok := below.Deadline(); !ok || !end.Equal(epoch.Add(2*time.Second)) {
			t.Errorf("Deadline = %v, %v", end, ok)
		}
		if err := v.Await(below, never); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Await: %v", err)
		}
		if passed := v.Now().Sub(epoch); passed != 2*time.Second {
			t.Errorf("%v passed", passed)
		}
		if err := v.Sleep(below, time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sleep under an ended context: %v", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRaceOfTwoServersLoserCancelled(t *testing.T) {
	v := virtual(t)
	var cancelled error
	err := v.Run(func() {
		ctx, cancel := v.WithTimeout(context.Background(), 0)
		first, won := v.Signal()
		v.Go(func() { v.Sleep(ctx, 10*time.Millisecond); won() })
		v.Go(func() { cancelled = v.Sleep(ctx, time.Hour) })
		v.Await(ctx, first)
		cancel()
		v.Sleep(context.Background(), 0)
	})
	if err != nil || !errors.Is(cancelled, context.Canceled) || v.Now().Sub(epoch) != 10*time.Millisecond {
		t.Fatalf("%v, loser: %v, passed %v", err, cancelled, v.Now().Sub(epoch))
	}
}

func TestStuckRunIsToldAndPanicFailsTheWorld(t *testing.T) {
	v := virtual(t)
	never, _ := v.Signal()
	if err := v.Run(func() { v.Await(context.Background(), never) }); !errors.Is(err, clock.ErrStuck) {
		t.Fatalf("want ErrStuck, got %v", err)
	}
	other := 0
	v.Go(func() { v.Sleep(context.Background(), time.Second); panic("boom") })
	v.Go(func() { v.Sleep(context.Background(), 2*time.Second); other++ })
	err := v.Advance(3 * time.Second)
	if err == nil || !strings.Contains(err.Error(), "boom") || !strings.Contains(err.Error(), "virtual_test.go") {
		t.Fatalf("want the panic with its stack, got %v", err)
	}
	if other != 1 {
		t.Error("the turn was lost with the panic")
	}
}

func TestGoexitHandsTheTurnOn(t *testing.T) {
	v := virtual(t)
	v.Go(func() { runtime.Goexit() })
	ran := false
	v.Go(func() { ran = true })
	if err := v.Advance(0); err != nil || !ran {
		t.Fatalf("ran %v, %v", ran, err)
	}
}

func TestCloseEndsEveryWaitAndGoroutine(t *testing.T) {
	v := clock.NewVirtual(epoch)
	never, _ := v.Signal()
	var ended atomic.Int32
	for range 5 {
		v.Go(func() {
			if errors.Is(v.Sleep(context.Background(), time.Hour), clock.ErrClosed) {
				ended.Add(1)
			}
		})
		v.Go(func() {
			if errors.Is(v.Await(context.Background(), never), clock.ErrClosed) {
				ended.Add(1)
			}
		})
	}
	v.Advance(time.Second)
	if err := v.Close(); err != nil || ended.Load() != 10 {
		t.Fatalf("%d of 10 ended, %v", ended.Load(), err)
	}
	if v.Advance(time.Second) != clock.ErrClosed || v.Run(func() {}) != clock.ErrClosed || v.Close() != nil {
		t.Error("a closed clock must say so")
	}
}

func TestSleepFromOutsidePanics(t *testing.T) {
	v := virtual(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	v.Sleep(context.Background(), time.Second)
}

// Whatever sleeps are asked for, each ends exactly when it is due, and in order.
func TestSleepsEndWhenDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delays := rapid.SliceOfN(rapid.IntRange(0, 50), 1, 40).Draw(t, "delays")
		v := clock.NewVirtual(epoch)
		defer v.Close()
		last := epoch
		for _, d := range delays {
			v.Go(func() {
				d := time.Duration(d) * time.Millisecond
				for range 3 {
					due := v.Now().Add(d)
					v.Sleep(context.Background(), d)
					if now := v.Now(); !now.Equal(due) || now.Before(last) {
						t.Errorf("woke at %v, due %v, after %v", now, due, last)
					}
					last = v.Now()
				}
			})
		}
		if err := v.Advance(time.Second); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkHandover(b *testing.B) {
	for _, parked := range []int{10, 10_000} {
		b.Run(fmt.Sprint(parked), func(b *testing.B) {
			v := clock.NewVirtual(epoch)
			defer v.Close()
			for range parked {
				v.Go(func() {
					for v.Sleep(context.Background(), time.Second) == nil {
					}
				})
			}
			v.Advance(time.Second)
			b.ReportAllocs()
			b.ResetTimer()
			for turns := 0; turns < b.N; turns += parked {
				v.Advance(time.Second)
			}
		})
	}
}

func BenchmarkRun(b *testing.B) {
	v := clock.NewVirtual(epoch)
	defer v.Close()
	b.ReportAllocs()
	for b.Loop() {
		v.Run(func() { v.Sleep(context.Background(), time.Millisecond) })
	}
}
