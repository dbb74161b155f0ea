package authoritative

import (
	"context"
	"net/netip"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// Resigning is what an operator can have the signer do instead of its calendar's work. Zero values leave things as they
// are configured.
type Resigning struct {
	// Inception and Expiration are the signatures' times; zero: the current period's. They hold until the next renewal.
	Inception, Expiration time.Time
	// Keys sign instead of the configured ones, and Alter passes over what is made (see package sign), until
	// ResumeSigning. Alter must not call the server.
	Keys  []*sign.Key
	Alter func(sign.Product, dns.RR) []dns.RR
	// Stop ends the renewals: the signatures stay until ResumeSigning, though they expire.
	Stop bool
}

// primary is the state of a zone whose content is here. All but signing is guarded by the zone's mu.
type primary struct {
	// source is what was configured and edited, without signatures where the server makes them.
	source  *zone.Zone
	signing *Signing // nil: source is served as it is

	keys   []*sign.Key // the zone's own, after the rollovers that have ended
	roll   *rollover   // under way; nil: none
	rolled RollStatus  // how the last one ended

	over                  Resigning
	period                time.Time // when the period began that the last signing was made in
	inception, expiration time.Time
}

// sign signs source with the times that hold and publishes the result. Edits keep the times of the signatures: an
// operator whose signer has stopped does not get fresh ones by editing. The caller holds mu, or nobody else has h yet.
func (p *primary) sign(h *hosted, source *zone.Zone, now time.Time) error {
	if p.inception.IsZero() {
		p.renewTimes(now)
	}
	params := p.signing.Params
	params.Inception, params.Expiration = p.inception, p.expiration
	params.Keys = p.keys
	if p.roll != nil {
		params.Keys = p.roll.keys(p.keys)
		params.Announce, _ = p.roll.announce(params.Announce)
	}
	if p.over.Keys != nil {
		params.Keys = p.over.Keys
	}
	if p.over.Alter != nil {
		params.Alter = p.over.Alter
	}
	signed, err := sign.Sign(source, params)
	if err != nil {
		return err
	}
	p.source = source
	h.publish(signed, time.Time{})
	return nil
}

// renewTimes goes over to the period that is current at now.
func (p *primary) renewTimes(now time.Time) {
	p.inception, p.expiration, _ = p.signing.period(now)
	p.period = p.inception
}

// signLoop renews the signatures at the beginning of each period.
func (h *hosted) signLoop(ctx context.Context) {
	clock := h.server.clock
	for {
		if ctx.Err() != nil {
			return
		}
		h.renew()
		_, _, next := h.primary.signing.period(clock.Now())
		if h.server.sleepUntil(ctx, next) != nil {
			return
		}
	}
}

// renew signs the zone anew if another period has begun and renewal has not been stopped.
func (h *hosted) renew() {
	now := h.server.clock.Now()
	h.mu.Lock()
	p := h.primary
	current, _, _ := p.signing.period(now)
	if p.over.Stop || current.Equal(p.period) {
		h.mu.Unlock()
		return
	}
	p.over.Inception, p.over.Expiration = time.Time{}, time.Time{}
	err := h.resign(now)
	h.mu.Unlock()
	h.signed(err)
}

// resign raises the serial and signs, with the times that p.over or else the calendar says. The state is as it was when
// that fails. The caller holds mu.
func (h *hosted) resign(now time.Time) error {
	p := h.primary
	before := *p
	p.renewTimes(now)
	if !p.over.Inception.IsZero() {
		p.inception = p.over.Inception
	}
	if !p.over.Expiration.IsZero() {
		p.expiration = p.over.Expiration
	}
	source, err := raiseSerial(p.source)
	if err == nil {
		err = p.sign(h, source, now)
	}
	if err != nil {
		*p = before
		return err
	}
	return nil
}

// signed tells of a signing and spreads it.
func (h *hosted) signed(err error) {
	if err != nil {
		h.event(EventSignFailed, netip.AddrPort{}, "%s has not been signed anew: %v", h.name(), err)
		return
	}
	h.mu.Lock()
	from, to := h.primary.inception, h.primary.expiration
	h.mu.Unlock()
	h.event(EventSigned, netip.AddrPort{}, "the signatures of %s run from %s to %s", h.name(),
		from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	h.notifyAll()
	h.wakeRollover()
}

// raiseSerial returns the zone with its serial one higher (RFC 1982 section 3.1) and nothing else changed.
func raiseSerial(z *zone.Zone) (*zone.Zone, error) {
	soa := dns.Copy(z.SOA()).(*dns.SOA)
	soa.Serial++
	return z.Apply(zone.Change{Op: zone.ReplaceRRset, Name: soa.Hdr.Name, Type: dns.TypeSOA, RRs: []dns.RR{soa}})
}
