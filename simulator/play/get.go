package play

import (
	"fmt"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// get makes a step's HTTP request: at a time, or at once when that is zero.
func (p *player) get(s *scenarios.Step, out *Step, at time.Time, began func()) error {
	got, err := p.w.GetAt(p.ctx, at, began, s.Get)
	if err != nil {
		return err
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	out.Got = describeGot(got)
	if s.Expect == nil {
		return nil
	}
	if out.Failures = checkGot(s.Expect, got); len(out.Failures) > 0 {
		out.Path = p.w.PathOf(got)
	}
	return nil
}

// checkGot holds what came of a request against what was expected.
func checkGot(e *scenarios.Expect, g simulator.Got) []string {
	c := new(checker)
	if e.Elapsed != nil {
		c.want(within(e.Elapsed, g.Elapsed), "expected it to take %s, it took %v", bounds(e.Elapsed, time.Duration.String), g.Elapsed)
	}
	if e.Error != "" {
		c.want(g.Failure() == e.Error, "expected no answer but the error %s, got %s", e.Error, describeGot(g))
	}
	if e.Status != 0 {
		c.want(g.Status == e.Status, "expected the status %d, got %s", e.Status, describeGot(g))
	}
	return c.failures
}

// describeGot is what came of a request, in a line.
func describeGot(g simulator.Got) string {
	if g.Status == 0 {
		kind := g.Failure()
		if kind == "" {
			kind = "error"
		}
		return fmt.Sprintf("%s after %v: %v", kind, g.Elapsed, g.Err)
	}
	text := fmt.Sprintf("%d from %s", g.Status, g.Server)
	if g.Elapsed > 0 {
		text += fmt.Sprintf(" after %v", g.Elapsed)
	}
	return text
}
