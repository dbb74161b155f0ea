// Package play runs a scenario's steps in a world, checks what they must show, and reports.
//
// Steps run one after another, each at its time or, where the one before took longer, right after it. The report says
// of each expectation that did not hold what was expected, what came, and the way that the question took through the
// world. A fault that changed nothing fails the scenario too: it proved nothing.
package play

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/clock"
	"faultzone/simulator/fault"
)

// Report is the outcome of one play.
type Report struct {
	Name, Title string
	// Passed: every expectation held and every fault had an effect.
	Passed bool
	Steps  []Step
	Faults []Fault
	// Problems are the failures that belong to no single step.
	Problems []string
	// Checked is how many expectations were looked at.
	Checked int
	// Virtual is the world time that passed, Wall the real time that it took.
	Virtual, Wall time.Duration
}

// Step is one step as it went.
type Step struct {
	scenarios.Step
	// Began is the world time of its beginning, from the scenario's start.
	Began time.Duration
	// What says what was done, Got what came of it.
	What, Got string
	// Failures are the expectations that did not hold; Path is then the question's way through the world.
	Failures []string
	Path     []string
	// Traces are what resolvers tell of a question's path, in a world with simulator.Options.Trace.
	Traces []*simulator.Trace
}

// Fault is one injected fault's record.
type Fault struct {
	Label, Name string
	Counts      fault.Counts
}

// Failures is the number of expectations that did not hold, and problems.
func (r *Report) Failures() int {
	n := len(r.Problems)
	for _, s := range r.Steps {
		n += len(s.Failures)
	}
	return n
}

// Options change how a scenario is played.
type Options struct {
	// OnStep, when not nil, is told of each step as it is done.
	OnStep func(Step)
}

// Run plays the world's scenario from the world's start to the last step. The error is of a play that could not go
// on: ctx ended, the world failed.
func Run(ctx context.Context, w *simulator.World, o Options) (*Report, error) {
	p := NewPlayer(w)
	p.p.hold = true
	defer w.Release()
	for {
		if _, ok := p.Next(); !ok {
			return p.Report(), nil
		}
		step, err := p.Step(ctx)
		if err != nil {
			return nil, err
		}
		if o.OnStep != nil {
			o.OnStep(step)
		}
	}
}

// player carries one play.
type player struct {
	ctx  context.Context
	w    *simulator.World
	hold bool // a live world waits for its next step
}

// step waits for a step's time, does it and checks what it shows.
func (p *player) step(s *scenarios.Step) (Step, error) {
	out := Step{Step: *s, What: Describe(s)}
	moment := simulator.Moment{At: p.w.Start().Add(s.At), Hold: p.hold && s.Kind != scenarios.Advance, Began: func() {
		out.Began = p.w.Elapsed()
		p.w.Note(string(s.Kind), out.What)
	}}
	if ask := p.asks(s.Kind); ask != nil && p.w.Live() {
		// On a busy machine at a high speed, a wait and then a question would be seconds of the world's time apart.
		err := p.failed(&out, ask(s, &out, moment))
		return out, err
	}
	if err := p.w.WaitUntil(p.ctx, moment); err != nil {
		return out, err
	}
	var err error
	switch s.Kind {
	case scenarios.Query:
		err = p.query(s, &out, simulator.Moment{})
	case scenarios.Get:
		err = p.get(s, &out, simulator.Moment{})
	case scenarios.Inspect:
		err = p.inspect(s, &out)
	case scenarios.Inject:
		_, err = p.w.Inject(s.Inject.Fault, s.Inject.Label, s.Inject.Params, s.Inject.For)
	case scenarios.Heal:
		err = p.w.Heal(s.Heal)
	case scenarios.Edit:
		err = p.w.Edit(s.Edit)
	case scenarios.Flush:
		err = p.w.Flush(s.Flush)
	case scenarios.Retransfer:
		err = p.w.Retransfer(s.Zone)
	case scenarios.Roll:
		err = p.w.Roll(s.Roll)
	case scenarios.Advance:
		err = p.w.Advance(s.Advance)
	default:
		err = fmt.Errorf("a step of kind %q", s.Kind)
	}
	err = p.failed(&out, err)
	return out, err
}

// asks is how a step of a kind that waits for an answer is done; nil for the others.
func (p *player) asks(k scenarios.Kind) func(*scenarios.Step, *Step, simulator.Moment) error {
	switch k {
	case scenarios.Query:
		return p.query
	case scenarios.Get:
		return p.get
	}
	return nil
}

// failed makes a step's own error a failure of the step, and returns one that ends the play.
func (p *player) failed(out *Step, err error) error {
	if err == nil || fatal(err) {
		return err
	}
	out.Failures = append(out.Failures, err.Error())
	return nil
}

// fatal tells errors that end the play from those that are a step's own.
func fatal(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, clock.ErrClosed)
}

// query asks a step's question at a moment.
func (p *player) query(s *scenarios.Step, out *Step, at simulator.Moment) error {
	result, err := p.w.QueryAt(p.ctx, at, s.Query)
	if err != nil {
		return err
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	out.Got = describeResult(s.Query, result)
	out.Traces = result.Traces
	if s.Expect == nil {
		return nil
	}
	out.Failures = checkQuery(p.w, s, result)
	if len(out.Failures) > 0 {
		out.Path = p.w.Path(result)
	}
	return nil
}

// invisible explains a fault that changed nothing.
func (p *player) invisible(in *simulator.Injected) string {
	c := in.Counts()
	why := fmt.Sprintf("the fault %s changed nothing (saw %d, matched %d)", in.Label(), c.Seen, c.Matched)
	for _, s := range p.w.Scenario().Steps {
		if s.Kind != scenarios.Query || s.Query.Via == "" || p.w.Start().Add(s.At).Before(in.Since()) {
			continue
		}
		if left, ok := p.w.Cached(s.Query.Via, s.Query.Name, s.Query.Type); ok {
			return fmt.Sprintf("%s: armed, not visible: %s holds the answer to %s %s for %.0f s more",
				why, s.Query.Via, s.Query.Name, dns.Type(s.Query.Type), left.Seconds())
		}
	}
	return why + ": no question of the scenario met it while it was active"
}
