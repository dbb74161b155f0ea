package control

import (
	"net/http"
	"strconv"
	"time"

	"faultzone/scenarios"
)

// Clock is the world's time.
type Clock struct {
	Start time.Time `json:"start"`
	Now   time.Time `json:"now"`
	// Elapsed is how much of the world's time has passed since the start, for people and for programs.
	Elapsed        string  `json:"elapsed"`
	ElapsedSeconds float64 `json:"elapsed_seconds"`
	// Speed is the pace, as a multiple of the wall's: 0 while it is paused.
	Speed  float64 `json:"speed"`
	Paused bool    `json:"paused"`
}

func (c *call) clock() Clock {
	w := c.world()
	now := w.Now()
	elapsed := now.Sub(w.Start())
	out := Clock{Start: w.Start(), Now: now, Elapsed: scenarios.FormatDuration(max(elapsed, 0).Round(time.Millisecond)),
		ElapsedSeconds: elapsed.Seconds(), Paused: c.session.pace.paused()}
	if !out.Paused {
		out.Speed = w.Speed()
	}
	return out
}

func tellTime(c *call) (any, error) { return c.clock(), nil }

// Jump is what POST /v1/clock/advance takes.
type Jump struct {
	By string `json:"by"` // a duration of the world's time, such as "2h" or "7d"
}

// What a jump may be, and in how large pieces it is made: between two of them it can be called off.
const (
	longestJump = 3660 * 24 * time.Hour
	jumpPiece   = 30 * 24 * time.Hour
)

// advance moves the clock on, and answers when all that came due has settled.
func advance(c *call) (any, error) {
	var order Jump
	if err := c.body(&order); err != nil {
		return nil, err
	}
	if order.By == "" {
		return nil, refuse(http.StatusUnprocessableEntity, unprocessable, "", `by: expected a duration such as "90s", "1h30m" or "2d", found nothing`)
	}
	d, err := scenarios.ParseDuration(order.By)
	switch {
	case err != nil:
		return nil, refuse(http.StatusUnprocessableEntity, unprocessable, "", "by: %v", err)
	case d == 0:
		return nil, refuse(http.StatusUnprocessableEntity, unprocessable, "", "by: the clock is moved by more than 0")
	case d > longestJump:
		return nil, refuse(http.StatusUnprocessableEntity, unprocessable, "make several jumps", "by: %s is longer than %s, the longest jump", order.By,
			scenarios.FormatDuration(longestJump))
	}
	c.act("advance", "%s", scenarios.FormatDuration(d))
	ctx, done := c.s.under(c.r.Context())
	defer done()
	for d > 0 {
		if ctx.Err() != nil {
			return nil, refuse(http.StatusServiceUnavailable, busy, "", "the jump was called off %s before its end", scenarios.FormatDuration(d))
		}
		piece := min(d, jumpPiece)
		if err := c.world().Advance(piece); err != nil {
			return nil, err
		}
		d -= piece
	}
	return c.clock(), nil
}

// Pace is what PUT /v1/clock/speed takes.
type Pace struct {
	Speed *float64 `json:"speed"`
}

// setSpeed changes the pace; 0 pauses.
func setSpeed(c *call) (any, error) {
	const fastest = 1e6
	var order Pace
	if err := c.body(&order); err != nil {
		return nil, err
	}
	if order.Speed == nil || *order.Speed < 0 || *order.Speed > fastest {
		return nil, refuse(http.StatusUnprocessableEntity, unprocessable, "", "speed: expected a number from 0 (stand still) to 1000000 (times the wall's pace)")
	}
	c.act("speed", "%s", strconv.FormatFloat(*order.Speed, 'g', -1, 64))
	if err := c.session.pace.set(*order.Speed); err != nil {
		return nil, err
	}
	return c.clock(), nil
}

// nothing is what calls take that take no keys.
type nothing struct{}

// pause has the world stand still.
func pause(c *call) (any, error) {
	if err := c.body(&nothing{}); err != nil {
		return nil, err
	}
	c.act("pause", "the world stands still")
	if err := c.session.pace.set(0); err != nil {
		return nil, err
	}
	return c.clock(), nil
}

// resume has the world go on at the pace that it had before.
func resume(c *call) (any, error) {
	if err := c.body(&nothing{}); err != nil {
		return nil, err
	}
	c.act("resume", "the world goes on")
	if err := c.session.pace.resume(); err != nil {
		return nil, err
	}
	return c.clock(), nil
}
