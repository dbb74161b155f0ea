package authoritative

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"faultzone/authoritative/zone"
)

// hosted is one zone in one view. What answers need is in served, read without a lock; the rest is guarded by mu, which
// is never held over a wait.
type hosted struct {
	server   *Server
	view     string
	origin   string // canonical
	served   atomic.Pointer[served]
	transfer atomic.Pointer[Match]
	// allowUpdate says who may update the zone, on a secondary through it.
	allowUpdate atomic.Pointer[Match]
	notifyFrom  Match
	targets     []Primary // who is notified
	journal     int       // how many records the history may have

	// One of the two is set.
	primary   *primary
	secondary *secondary

	mu       sync.Mutex
	announce uint64 // counts the changes announced, so that an older NOTIFY gives way to a newer
}

// served is what a zone answers from at one time. A nil *served has never been loaded; a nil zone has expired.
type served struct {
	zone *zone.Zone
	// expires is when a secondary's copy is given up; zero for a primary's.
	expires time.Time
	answers *answers
	// history leads up to zone.
	history history

	sizing sync.Once
	size   int // of the zone on the wire, once sizing is done
}

// current returns what to answer from now, or nil when the zone has expired or was never loaded.
func (h *hosted) current() *served {
	sv := h.served.Load()
	if sv == nil || sv.zone == nil {
		return nil
	}
	if !sv.expires.IsZero() && !h.server.clock.Now().Before(sv.expires) {
		return nil
	}
	return sv
}

// whyNot says why current is nil.
func (h *hosted) whyNot() string {
	sv := h.served.Load()
	if sv == nil {
		return fmt.Sprintf("%s has not been loaded: no primary has given it yet", h.origin)
	}
	return fmt.Sprintf("%s expired at %s: no primary has confirmed it in time", h.origin, sv.expires.UTC().Format(time.RFC3339))
}

// publish makes z what is answered from, until expires (zero: for ever), and notes what has changed. The caller holds mu,
// or nobody else has h yet.
func (h *hosted) publish(z *zone.Zone, expires time.Time) {
	sv := &served{zone: z, expires: expires}
	old := h.served.Load()
	if old != nil && old.zone == z {
		sv.answers, sv.history = old.answers, old.history
	} else {
		sv.answers = &answers{pool: &h.server.answers}
		if old != nil {
			sv.history = old.history.grown(old.zone, z, h.journal)
		}
	}
	h.served.Store(sv)
	if old != nil && old.answers != nil && old.answers != sv.answers {
		old.answers.drop()
	}
}

// start begins the zone's timers.
func (h *hosted) start(ctx context.Context) {
	if h.secondary != nil {
		h.server.clock.Go(func() { h.refreshLoop(ctx) })
		if h.current() != nil {
			h.watchExpiry(ctx)
		}
	} else if h.primary.signing != nil {
		h.server.clock.Go(func() { h.signLoop(ctx) })
		h.mu.Lock()
		r := h.primary.roll
		h.mu.Unlock()
		if r != nil {
			h.server.clock.Go(func() { h.rollLoop(ctx, r) })
		}
	}
	h.notifyAll()
}

// event is an event of this zone's.
func (h *hosted) event(kind string, peer netip.AddrPort, format string, args ...any) {
	if h.server.tell == nil {
		return
	}
	e := Event{Kind: kind, Zone: h.origin, View: h.view, Peer: peer, Text: fmt.Sprintf(format, args...)}
	if sv := h.served.Load(); sv != nil && sv.zone != nil {
		e.Serial = sv.zone.Serial()
	}
	h.server.report(e)
}

// name is how errors call the zone.
func (h *hosted) name() string {
	if h.view == "" {
		return h.origin
	}
	return h.origin + " in view " + h.view
}
