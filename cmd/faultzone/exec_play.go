package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator/live"
	"faultzone/simulator/play"
)

// stepWatch counts the steps that are done, for one that waits for them.
type stepWatch struct {
	count atomic.Int64
	done  chan struct{} // holds a token after a step
}

// onStep is told of each step.
func (w *execWorld) onStep(s play.Step) {
	if w.c.Bool("verbose") {
		printStep(w.c.App.ErrWriter, s)
	}
	w.steps.count.Add(1)
	select {
	case w.steps.done <- struct{}{}:
	default:
	}
}

// play lets time pass and has the steps played. It returns when the world is as it is to be when the command starts, or
// somebody has interrupted it; stop ends the play. What interrupts the command later does not interrupt its world.
func (w *execWorld) play() (stop func() error, err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.c.Context))
	var failed error
	var wg sync.WaitGroup
	played := make(chan struct{})
	stop = func() error { cancel(); wg.Wait(); return failed }
	if err := w.host.Go(); err != nil {
		return stop, err
	}
	wg.Go(func() {
		defer close(played)
		if err := w.playOn(ctx); err != nil && ctx.Err() == nil {
			failed = err
		}
	})
	return stop, w.catchUp(played)
}

// catchUp returns when the steps that come before the command are done, and the time has come that it starts at.
func (w *execWorld) catchUp(played <-chan struct{}) error {
	world := w.host.World()
	steps := w.scenario.Steps[:before(w.scenario.Steps, w.at)]
	if w.at > 0 {
		// The waits of the steps are jumped over. What goes on within one, a question's time-out say, takes a hundredth of
		// its time: a few milliseconds of computing are then no more than some tenths of a second of the world's.
		const hurry = 100
		if err := world.SetSpeed(hurry); err != nil {
			return err
		}
	}
	for i, s := range steps {
		if err := jump(world, s.At); err != nil {
			return err
		}
		for w.steps.count.Load() <= int64(i) {
			select {
			case <-w.steps.done:
			case <-played:
				return nil // the play has ended with an error, which its end tells
			case <-w.c.Context.Done():
				return &exitError{code: exitInterrupted}
			}
		}
	}
	if w.at == 0 {
		return nil
	}
	return errors.Join(jump(world, w.at), w.host.Go())
}

// clockwork is a world's time.
type clockwork interface {
	Elapsed() time.Duration
	Advance(time.Duration) error
}

// jump moves a world on to a moment, if it is not there yet.
func jump(world clockwork, to time.Duration) error {
	if d := to - world.Elapsed(); d > 0 {
		return world.Advance(d)
	}
	return nil
}

// playOn plays the steps, anew after each reset.
func (w *execWorld) playOn(ctx context.Context) error {
	for {
		life := w.host.Life()
		_, err := w.host.Play(ctx)
		switch {
		case errors.Is(err, live.ErrReset):
			continue
		case err != nil && !errors.Is(err, live.ErrHalted):
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-life.Ended():
		}
	}
}

// before is how many steps are done before the command starts at a moment of the scenario. At its very beginning it is
// those up to the last one that changes the world: nobody should see it a moment before.
func before(steps []scenarios.Step, at time.Duration) (count int) {
	for i, s := range steps {
		switch {
		case s.At > at:
			return count
		case at > 0, s.Kind != scenarios.Query && s.Kind != scenarios.Inspect:
			count = i + 1
		}
	}
	return count
}
