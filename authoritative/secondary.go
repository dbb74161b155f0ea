package authoritative

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

const (
	// A SOA check goes over UDP with checkTimeout, checkTries times at each primary.
	checkTimeout = 5 * time.Second
	checkTries   = 3
	// Where no SOA says how often to retry, since the zone was never loaded, tries come after firstRetry, which doubles
	// up to lastRetry.
	firstRetry = time.Minute
	lastRetry  = time.Hour
	// minInterval keeps a SOA full of zeros from turning the timers into a storm.
	minInterval = time.Second
)

// secondary is the state of a copied zone (RFC 1034 section 4.3.5). All but primaries and
// wholeOnly is guarded by mu of hosted.
type secondary struct {
	primaries []Primary
	wholeOnly bool       // AXFR is asked for, never IXFR
	wanted    bool       // a check is to be made at once
	force     bool       // and to be a transfer whatever the serial
	wake      func()     // fires what the loop waits for
	first     netip.Addr // the primary to be asked first, since it has told of news; not valid: none

	soa         *dns.SOA // of the last copy: its timers hold on after it has expired
	lastGood    time.Time
	lastResult  string
	nextRefresh time.Time
	backoff     time.Duration
	unwatch     context.CancelFunc // ends the wait for the present expiry
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }

// adopt takes the copy from disk, last known to be current at checked (zero: now).
func (h *hosted) adopt(z *zone.Zone, checked time.Time) {
	if checked.IsZero() {
		checked = h.server.clock.Now()
	}
	sec := h.secondary
	sec.soa = z.SOA()
	sec.lastGood = checked
	sec.nextRefresh = checked.Add(max(seconds(sec.soa.Refresh), minInterval))
	h.publish(z, checked.Add(seconds(sec.soa.Expire)))
}

// want has the loop check the primaries at once, or with force transfer the zone whatever its serial.
func (h *hosted) want(force bool) {
	h.mu.Lock()
	sec := h.secondary
	sec.wanted = true
	sec.force = sec.force || force
	wake := sec.wake
	h.mu.Unlock()
	if wake != nil {
		wake()
	}
}

// refreshLoop is the life of a secondary: a check at once, then one whenever it is due or wanted.
func (h *hosted) refreshLoop(ctx context.Context) {
	h.want(false)
	for {
		if h.wait(ctx) != nil {
			return
		}
		h.mu.Lock()
		sec := h.secondary
		force, first := sec.force, sec.first
		sec.wanted, sec.force, sec.first = false, false, netip.Addr{}
		h.mu.Unlock()
		h.expireIfDue()
		h.refresh(ctx, force, first)
	}
}

// wait returns nil when the next check is due or wanted, and an error when the server has been stopped.
func (h *hosted) wait(ctx context.Context) error {
	clock := h.server.clock
	done, fire := clock.Signal()
	h.mu.Lock()
	sec := h.secondary
	sec.wake = fire
	now, d := sec.wanted, sec.nextRefresh.Sub(clock.Now())
	h.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if now || d <= 0 {
		return nil
	}
	timer, cancel := clock.WithTimeout(ctx, d)
	defer cancel()
	err := clock.Await(timer, done)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	return err
}

// refresh asks the primaries in order until one confirms the copy or gives a newer one. The one at first, if any, comes
// before the others: another that has not heard the news yet would only confirm the old copy.
func (h *hosted) refresh(ctx context.Context, force bool, first netip.Addr) {
	began := h.server.clock.Now()
	var last error
	order := slices.Clone(h.secondary.primaries)
	slices.SortStableFunc(order, func(a, b Primary) int {
		return cmp.Compare(btoi(b.Addr.Addr().Unmap() == first), btoi(a.Addr.Addr().Unmap() == first))
	})
	for _, p := range order {
		err := h.refreshFrom(ctx, p, force)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			return
		}
		last = fmt.Errorf("%s: %w", p.Addr, err)
	}
	h.failed(began, last)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// refreshFrom makes the SOA check at p, and the transfer that may follow.
func (h *hosted) refreshFrom(ctx context.Context, p Primary, force bool) error {
	if !force {
		serial, expire, err := h.checkSerial(ctx, p)
		if err != nil {
			return err
		}
		if sv := h.current(); sv != nil {
			here := sv.zone.Serial()
			switch {
			case serial == here:
				h.good(ctx, sv.zone, expire)
				h.event(EventRefresh, p.Addr, "%s is current at serial %d", h.name(), here)
				return nil
			case !zone.SerialLess(here, serial):
				return fmt.Errorf("its serial %d is older than %d, which is here", serial, here)
			}
		}
		h.event(EventRefresh, p.Addr, "%s has serial %d of %s: transferring", p.Addr, serial, h.name())
	}
	t, err := h.transferIn(ctx, p, force)
	if err == nil {
		if sv := h.current(); sv != nil && !force && zone.SerialLess(t.zone.Serial(), sv.zone.Serial()) {
			err = fmt.Errorf("the transferred serial %d is older than %d, which is here", t.zone.Serial(), sv.zone.Serial())
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			h.event(EventTransferFailed, p.Addr, "transfer of %s from %s: %v", h.name(), p.Addr, err)
		}
		return fmt.Errorf("transfer: %w", err)
	}
	h.good(ctx, t.zone, t.expire)
	h.event(EventTransfer, p.Addr, "serial %d of %s has come in from %s, %s", t.zone.Serial(), h.name(), p.Addr, t.how)
	h.notifyAll()
	return nil
}

// checkSerial asks p for the zone's SOA: over UDP, and over TCP when that was truncated (RFC 1034 section 4.3.5).
// The second result is what p says of its own copy's expiry.
func (h *hosted) checkSerial(ctx context.Context, p Primary) (uint32, *time.Duration, error) {
	var reply *dns.Msg
	var err error
	for range checkTries {
		reply, err = h.askSOA(ctx, p, "udp")
		if err == nil || ctx.Err() != nil || !timedOut(err) {
			break
		}
	}
	if err == nil && reply.Truncated {
		reply, err = h.askSOA(ctx, p, "tcp")
	}
	if err != nil {
		return 0, nil, fmt.Errorf("SOA check: %w", err)
	}
	if reply.Rcode != dns.RcodeSuccess {
		return 0, nil, fmt.Errorf("SOA check: it answered %s", rcodeText(reply))
	}
	for _, rr := range reply.Answer {
		if soa, ok := rr.(*dns.SOA); ok && sameOrigin(soa.Hdr.Name, h.origin) {
			if !reply.Authoritative {
				return 0, nil, errors.New("SOA check: it is not authoritative for the zone itself")
			}
			return soa.Serial, toldExpire(reply), nil
		}
	}
	return 0, nil, errors.New("SOA check: its answer has no SOA of the zone")
}

// askSOA asks with EDNS, to be told the expiry or why not, and again without it where that is not understood.
func (h *hosted) askSOA(ctx context.Context, p Primary, network string) (*dns.Msg, error) {
	for _, withEDNS := range []bool{true, false} {
		m := h.server.newQuery(dns.OpcodeQuery, h.origin, dns.TypeSOA)
		if withEDNS {
			askExpire(m)
		}
		reply, err := h.server.ask(ctx, m, p, network, checkTimeout)
		if err != nil || reply.Rcode != dns.RcodeFormatError && reply.Rcode != dns.RcodeNotImplemented {
			return reply, err
		}
	}
	return nil, errors.New("it does not understand the query")
}

func timedOut(err error) bool {
	t := interface{ Timeout() bool }(nil)
	return errors.As(err, &t) && t.Timeout()
}

// good takes z, confirmed or new, as current from now: refresh and expire count from here, the latter as far as the
// primary's own copy lasts.
func (h *hosted) good(ctx context.Context, z *zone.Zone, expire *time.Duration) {
	now := h.server.clock.Now()
	soa := z.SOA()
	h.mu.Lock()
	sec := h.secondary
	sec.soa, sec.lastGood, sec.lastResult, sec.backoff = soa, now, "successful", 0
	sec.nextRefresh = now.Add(max(seconds(soa.Refresh), minInterval))
	var before time.Time
	if sv := h.served.Load(); sv != nil && sv.zone == z {
		before = sv.expires
	}
	h.publish(z, expiry(now, soa, expire, before))
	h.mu.Unlock()
	h.watchExpiry(ctx)
}

// failed notes that no primary was of use. The next try comes the SOA's retry after this one began.
func (h *hosted) failed(began time.Time, err error) {
	now := h.server.clock.Now()
	h.mu.Lock()
	sec := h.secondary
	var pause time.Duration
	if sec.soa != nil {
		pause = max(seconds(sec.soa.Retry), minInterval)
	} else {
		sec.backoff = min(max(2*sec.backoff, firstRetry), lastRetry)
		pause = sec.backoff
	}
	sec.lastResult = err.Error()
	sec.nextRefresh = began.Add(pause)
	if sec.nextRefresh.Before(now) {
		sec.nextRefresh = now
	}
	next := sec.nextRefresh
	h.mu.Unlock()
	h.event(EventRefreshFailed, h.secondary.primaries[0].Addr, "no primary has confirmed %s; next try at %s; the last said: %v",
		h.name(), next.UTC().Format(time.RFC3339), err)
}

// watchExpiry waits, in an activity of its own, for the moment at which the present copy is to be given up.
func (h *hosted) watchExpiry(ctx context.Context) {
	clock := h.server.clock
	ctx, cancel := clock.WithTimeout(ctx, 0)
	h.mu.Lock()
	before := h.secondary.unwatch
	h.secondary.unwatch = cancel
	h.mu.Unlock()
	if before != nil {
		before()
	}
	clock.Go(func() {
		for {
			sv := h.served.Load()
			if sv.zone == nil || h.expireIfDue() || h.server.sleepUntil(ctx, sv.expires) != nil {
				return
			}
		}
	})
}

// expireIfDue gives up a copy that no primary has confirmed for the SOA's expire, and tells whether it did.
func (h *hosted) expireIfDue() bool {
	h.mu.Lock()
	sv := h.served.Load()
	due := sv != nil && sv.zone != nil && !h.server.clock.Now().Before(sv.expires)
	if due {
		h.served.Store(&served{expires: sv.expires})
		sv.answers.drop()
	}
	h.mu.Unlock()
	if due {
		h.event(EventExpired, h.secondary.primaries[0].Addr, "%s", h.whyNot())
	}
	return due
}
