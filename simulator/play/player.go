package play

import (
	"context"
	"time"

	"faultzone/simulator"
	"faultzone/simulator/clock"
)

// Player plays a world's scenario a step at a time, for those who do something of their own between the steps. One
// goroutine uses it at a time.
type Player struct {
	p      player
	report Report
	wall   clock.Wall
	began  time.Time
}

// NewPlayer is a player at the scenario's first step.
func NewPlayer(w *simulator.World) *Player {
	p := &Player{p: player{w: w}, report: Report{Name: w.Scenario().Name, Title: w.Scenario().Title}}
	p.began = p.wall.Now()
	return p
}

// Next is the world time of the step to come; ok is false when all are done.
func (p *Player) Next() (at time.Time, ok bool) {
	steps := p.p.w.Scenario().Steps
	if len(p.report.Steps) == len(steps) {
		return time.Time{}, false
	}
	return p.p.w.Start().Add(steps[len(p.report.Steps)].At), true
}

// Step waits for the time of the step to come, does it and notes it for the report. Where all are done it does nothing.
// The error is of a play that cannot go on: ctx ended, the world failed.
func (p *Player) Step(ctx context.Context) (Step, error) {
	steps := p.p.w.Scenario().Steps
	i := len(p.report.Steps)
	if i == len(steps) {
		return Step{}, nil
	}
	p.p.ctx = ctx
	step, err := p.p.step(&steps[i])
	if err != nil {
		return step, err
	}
	if steps[i].Expect != nil {
		p.report.Checked++
	}
	p.report.Steps = append(p.report.Steps, step)
	return step, nil
}

// Report is the outcome so far. A fault that has changed nothing is a problem of it.
func (p *Player) Report() *Report {
	r := p.report
	r.Faults, r.Problems = nil, nil
	for _, in := range p.p.w.Faults() {
		f := Fault{Label: in.Label(), Name: in.Name(), Counts: in.Counts()}
		r.Faults = append(r.Faults, f)
		if f.Counts.Changed == 0 {
			r.Problems = append(r.Problems, p.p.invisible(in))
		}
	}
	r.Passed = r.Failures() == 0
	r.Virtual = p.p.w.Elapsed()
	r.Wall = p.wall.Since(p.began)
	return &r
}
