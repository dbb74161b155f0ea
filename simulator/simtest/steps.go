package simtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator/play"
)

// steps plays the scenario as the world's time comes to it.
type steps struct {
	w      *World
	mu     sync.Mutex // one step, and one advance, at a time
	player *play.Player
	// asExpected are the entries of the journal that belong to steps which showed what they must: what fails there is no
	// news. In a live world they are mixed with others.
	asExpected [][2]int
}

func newSteps(w *World) *steps { return &steps{w: w, player: play.NewPlayer(w.world)} }

// due plays the steps up to and at a time.
func (s *steps) due(ctx context.Context, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.play(ctx, until)
}

// play is due for whoever holds s.mu.
func (s *steps) play(ctx context.Context, until time.Time) error {
	for {
		at, more := s.player.Next()
		if !more || at.After(until) {
			return nil
		}
		if gap := at.Sub(s.w.world.Now()); gap > 0 {
			if err := s.w.world.Advance(gap); err != nil {
				return err
			}
		}
		from := s.w.world.Journal().Len()
		step, err := s.player.Step(ctx)
		if err != nil {
			return err
		}
		s.w.acts.Add(1)
		if len(step.Failures) == 0 && !s.w.options.Live {
			s.asExpected = append(s.asExpected, [2]int{from, s.w.world.Journal().Len()})
		}
		if step.Expect == nil && len(step.Failures) > 0 {
			s.w.t.Errorf("%s:%d: the step %q cannot be done: %s", step.Pos.File, step.Pos.Line, step.What, step.Failures[0])
		}
	}
}

// advance moves the world's time on, with the steps on the way.
func (s *steps) advance(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	target := s.w.world.Now().Add(d)
	if err := s.play(ctx, target); err != nil {
		return err
	}
	if rest := target.Sub(s.w.world.Now()); rest > 0 {
		return s.w.world.Advance(rest)
	}
	return nil
}

// expected tells whether an entry of the journal belongs to a step that showed what it must.
func (s *steps) expected(number int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.asExpected, func(r [2]int) bool { return r[0] <= number && number < r[1] })
}

// catchUp plays what has come due while a question took the world's time. In a live world that is follow's work.
func (s *steps) catchUp() error {
	if s.w.options.Live {
		return nil
	}
	return s.due(context.Background(), s.w.world.Now())
}

// follow plays the steps of a live world as the wall brings them, until ctx ends.
func (s *steps) follow(ctx context.Context) {
	for {
		s.mu.Lock()
		at, more := s.player.Next()
		s.mu.Unlock()
		if !more || s.w.world.WaitUntil(ctx, at) != nil {
			return
		}
		if err := s.due(ctx, s.w.world.Now()); err != nil {
			if ctx.Err() == nil {
				s.w.t.Errorf("play the scenario: %v", err)
			}
			return
		}
	}
}

// Play plays the steps that are left, each at its time, and fails the test for each expectation of the scenario that did
// not hold, those of steps played before among them, and for a fault that changed nothing. The report says it all.
func (w *World) Play() *play.Report {
	w.t.Helper()
	w.acts.Add(1)
	w.steps.mu.Lock()
	defer w.steps.mu.Unlock()
	const forever = 100 * 365 * 24 * time.Hour
	if err := w.steps.play(context.Background(), w.world.Now().Add(forever)); err != nil {
		w.t.Fatalf("play the scenario: %v", err)
	}
	r := w.steps.player.Report()
	for i, step := range r.Steps {
		for _, failure := range step.Failures {
			w.t.Errorf("%s:%d: step %d, at %s: %s\n  %s\n  came: %s%s", step.Pos.File, step.Pos.Line, i+1, play.Span(step.Began), step.What,
				failure, step.Got, indented(step.Path))
		}
	}
	for _, problem := range r.Problems {
		w.t.Errorf("%s: %s", r.Name, problem)
	}
	return r
}

// indented are lines below another.
func indented(lines []string) (text string) {
	for _, line := range lines {
		text += "\n    " + line
	}
	return text
}

// Edit changes records of a zone on its primaries, as their operator would: the serial is raised, and secondaries are
// told, who have it as soon as time goes on (Advance by a second). Caches hold what they have: see Flush.
//
//	w.Edit(scenarios.EditStep{Zone: "solvethenetwork.com.", Replace: []string{"api 300 IN A 10.0.2.51"}})
func (w *World) Edit(e scenarios.EditStep) {
	w.t.Helper()
	w.do("edit "+e.Zone, func() error { return w.world.Edit(e) })
}

// Flush empties a resolver's cache, or takes a name, and with ".name" all that is below it too, out of it.
func (w *World) Flush(resolver string, names ...string) {
	w.t.Helper()
	if len(names) == 0 {
		w.do("flush "+resolver, func() error { return w.world.Flush(scenarios.FlushStep{Resolver: resolver}) })
	}
	for _, name := range names {
		f := scenarios.FlushStep{Resolver: resolver, Name: name}
		if len(name) > 1 && name[0] == '.' {
			f.Name, f.Tree = name[1:], true
		}
		w.do("flush "+name+" at "+resolver, func() error { return w.world.Flush(f) })
	}
}

// do does something to the world, after the steps that have come due, and fails the test when it cannot be done.
func (w *World) do(what string, act func() error) {
	w.t.Helper()
	err := w.steps.catchUp()
	if err == nil {
		w.acts.Add(1)
		if err = act(); err == nil {
			return
		}
	}
	w.t.Fatal(fmt.Errorf("%s: %w", what, err))
}
