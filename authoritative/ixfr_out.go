package authoritative

import (
	"context"
	"iter"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// ixfrOut answers an IXFR (RFC 1995): with the SOA alone to somebody who is up to date, or over UDP when the answer does
// not fit (section 2); with the changes, if the history reaches back that far and they are less than the zone itself;
// otherwise with the whole zone (section 4).
func (x *exchange) ixfrOut(ctx context.Context, a *answer, h *hosted, sv *served, q *dns.Msg) error {
	theirs := clientSOA(q, h.origin)
	if theirs == nil { // section 3 wants it in the authority section
		return x.reply(a.refuse(dns.RcodeFormatError, nil))
	}
	a.msg.Authoritative = true
	a.edns.attach(a.msg, nil)
	a.tellExpire(q, h, sv)
	from, to := theirs.Serial, sv.zone.Serial()
	if !zone.SerialLess(from, to) {
		a.msg.Answer = []dns.RR{sv.zone.SOA()}
		return x.reply(a)
	}
	changes := sv.changesSince(from)
	if x.peer.Network != "tcp" {
		return x.ixfrDatagram(a, h, sv, changes, from)
	}
	if changes == nil {
		return x.zoneOut(ctx, a, h, sv)
	}
	if err := x.sendRecords(ctx, a.msg, changes.records()); err != nil {
		h.event(EventTransferFailed, x.peer.Addr, "incremental transfer out of %s broke off: %v", h.name(), err)
		return err
	}
	x.incrementOut(h, from, to)
	return nil
}

func (x *exchange) incrementOut(h *hosted, from, to uint32) {
	h.event(EventTransferOut, x.peer.Addr, "the changes from serial %d to %d of %s have gone out%s", from, to, h.name(), x.signedBy())
}

// ixfrDatagram answers over UDP: with the changes if they fit into one message, else with the SOA alone, upon which the
// client comes back over TCP.
func (x *exchange) ixfrDatagram(a *answer, h *hosted, sv *served, changes history, from uint32) error {
	limit := a.edns.limit(x.peer.Network)
	if x.session != nil {
		limit -= x.session.room()
	}
	if changes != nil && changes.octets() < 4*limit { // compression does no more than that
		for rr := range changes.records() {
			a.msg.Answer = append(a.msg.Answer, rr)
		}
		if packed, err := a.msg.Pack(); err == nil && len(packed) <= limit {
			x.incrementOut(h, from, sv.zone.Serial())
			return x.sendPacked(packed)
		}
	}
	a.msg.Answer = []dns.RR{sv.zone.SOA()}
	return x.reply(a)
}

// clientSOA is the SOA of the version that the asker of an IXFR has, or nil.
func clientSOA(q *dns.Msg, origin string) *dns.SOA {
	for _, rr := range q.Ns {
		if soa, ok := rr.(*dns.SOA); ok && sameOrigin(soa.Hdr.Name, origin) {
			return soa
		}
	}
	return nil
}

// changesSince is what to send to somebody who has that serial: the changes one after another, or condensed into one
// where that is shorter; nil when only the whole zone will do.
func (sv *served) changesSince(serial uint32) history {
	changes := sv.history.since(serial)
	if changes == nil {
		return nil
	}
	if net := (history{changes.condense()}); net.octets() < changes.octets() {
		changes = net
	}
	if changes.octets() >= sv.octets() {
		return nil
	}
	return changes
}

// records are the changes as RFC 1995 section 4 sends them, between two copies of the newest SOA.
func (hs history) records() iter.Seq[dns.RR] {
	return func(yield func(dns.RR) bool) {
		newest := hs[len(hs)-1].to
		if !yield(newest) {
			return
		}
		for _, d := range hs {
			if !yield(d.from) || !yieldAll(yield, d.deleted) || !yield(d.to) || !yieldAll(yield, d.added) {
				return
			}
		}
		yield(newest)
	}
}

func yieldAll(yield func(dns.RR) bool, rrs []dns.RR) bool {
	for _, rr := range rrs {
		if !yield(rr) {
			return false
		}
	}
	return true
}

// octets is how large the changes are on the wire, uncompressed.
func (hs history) octets() int { return octets(hs.records()) }

func octets(rrs iter.Seq[dns.RR]) int {
	n := 0
	for rr := range rrs {
		n += dns.Len(rr)
	}
	return n
}

// octets is how large the whole zone is, likewise.
func (sv *served) octets() int {
	sv.sizing.Do(func() { sv.size = octets(sv.zone.Transfer()) })
	return sv.size
}
