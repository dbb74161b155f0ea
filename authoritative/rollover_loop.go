package authoritative

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// rollLoop takes a rollover from phase to phase until it ends: by the clock, or when the parent is found to have
// followed. While signing is stopped nothing moves.
func (h *hosted) rollLoop(ctx context.Context, r *rollover) {
	clock := h.server.clock
	for {
		done, fire := clock.Signal()
		h.mu.Lock()
		if h.primary.roll != r || ctx.Err() != nil {
			h.mu.Unlock()
			return
		}
		r.wake = fire
		at := r.status.Next
		if r.asks() {
			at = r.askAt
		}
		if h.primary.over.Stop {
			at = time.Time{}
		}
		h.mu.Unlock()
		wait := at.Sub(clock.Now())
		switch {
		case at.IsZero():
			if clock.Await(ctx, done) != nil {
				return
			}
		case wait <= 0:
			h.rollStep(r)
		default:
			timer, cancel := clock.WithTimeout(ctx, wait)
			err := clock.Await(timer, done)
			cancel()
			if err != nil && (!errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil) {
				return
			}
		}
	}
}

// rollStep makes the step that is due.
func (h *hosted) rollStep(r *rollover) {
	h.mu.Lock()
	asks, ds, phase := r.asks(), r.told, r.status.Phase
	ask := h.primary.signing.ParentDS
	h.mu.Unlock()
	if asks && ds == nil && ask != nil {
		ds = ask(h.origin) // no lock is held: it may well look into this server's other zones
	}
	h.mu.Lock()
	if h.primary.roll != r || r.status.Phase != phase || h.primary.over.Stop {
		h.mu.Unlock()
		return
	}
	entered, err := h.goOn(r, ds)
	h.mu.Unlock()
	if err != nil {
		h.event(EventSignFailed, netip.AddrPort{}, "the rollover of %s is held up: %v", h.name(), err)
	} else if entered {
		h.rolled()
	}
}

// goOn enters the next phase, if its condition is met, and tells whether. The caller holds mu.
func (h *hosted) goOn(r *rollover, ds []dns.RR) (bool, error) {
	var next RollPhase
	switch r.status.Phase {
	case RollPublished:
		next = RollSigning
	case RollParentHas:
		next = RollSwapped
	case RollSwapped:
		next = RollWithdrawn
	case RollSigning:
		next = RollDone
	case RollAnnounced:
		r.seeTTL(ds)
		if hasDS(ds, r.Key) {
			next = RollParentHas
		}
	case RollWithdrawn:
		if hasDS(ds, r.Key) && !hasDS(ds, r.old) {
			next = RollDone
		}
	}
	now := h.server.clock.Now()
	if next == "" { // the parent has not followed
		r.told, r.askAt = nil, time.Time{}
		if h.primary.signing.ParentDS != nil {
			r.askAt = now.Add(h.askEvery())
		}
		return false, nil
	}
	if err := h.enter(next); err != nil {
		if r.asks() {
			r.askAt = now.Add(rollFailed)
		} else {
			r.status.Next = now.Add(rollFailed)
		}
		return false, err
	}
	return true, nil
}

// seeTTL keeps the longest TTL that the parent's DS RRset has had.
func (r *rollover) seeTTL(ds []dns.RR) {
	for _, rr := range ds {
		r.dsTTL = max(r.dsTTL, seconds(rr.Header().Ttl))
	}
}

// wakeRollover has a rollover look again, after signing was stopped or resumed.
func (h *hosted) wakeRollover() {
	h.mu.Lock()
	var wake func()
	if h.primary != nil && h.primary.roll != nil {
		wake = h.primary.roll.wake
	}
	h.mu.Unlock()
	if wake != nil {
		wake()
	}
}
