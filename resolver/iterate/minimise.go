package iterate

import (
	"fmt"

	"faultzone/resolver/cache"

	"github.com/miekg/dns"
)

// Minimisation is how far servers are kept from seeing the whole question (RFC 9156).
type Minimisation uint8

const (
	// MinimiseOff asks each server the whole question.
	MinimiseOff Minimisation = iota
	// MinimiseRelaxed asks the whole question when the hiding one had an answer that broken servers give to names
	// which merely have something below them: NXDOMAIN without a signed denial, REFUSED, SERVFAIL, FORMERR, NOTIMP,
	// or none for three times. As Unbound does by default, and BIND's "relaxed".
	MinimiseRelaxed
	// MinimiseStrict takes every answer at its word: NXDOMAIN is that of all names below too (RFC 8020).
	MinimiseStrict
)

// String gives the word for it that scenarios use.
func (m Minimisation) String() string {
	switch m {
	case MinimiseRelaxed:
		return "relaxed"
	case MinimiseStrict:
		return "strict"
	}
	return "off"
}

// minimiser is how far one question has been shown.
type minimiser struct {
	off   bool
	child string // the longest name known to be no zone cut, or the zone itself
	count int    // hiding questions asked
	// silences are queries in a row that hid something and had no reply.
	silences int
}

// hide makes w.q the next question to be shown to the zone's servers: the whole, or less of it (RFC 9156 section 2).
func (w *walk) hide() {
	m := &w.hidden
	w.q = w.req.Question
	for !m.off && w.it.cfg.Minimise != MinimiseOff && w.zone.route.iterative() {
		if !dns.IsSubDomain(w.zone.zone, m.child) || m.child == "" {
			m.child = w.zone.zone
		}
		left := dns.CountLabel(w.req.Name) - dns.CountLabel(m.child)
		steps := w.it.cfg.MaxMinimiseCount - m.count
		if left <= 0 || steps <= 0 {
			return
		}
		add := 1
		if m.count >= w.it.cfg.MinimiseOneLabel {
			add = max(left/steps, 1) // RFC 9156 section 2.3: the rest is spread evenly
		}
		if left <= add {
			return
		}
		m.child = suffix(w.req.Name, dns.CountLabel(m.child)+add)
		q := Question{Name: m.child, Type: w.it.cfg.MinimiseType}
		if !w.known(q) {
			m.count++
			w.q = q
			return
		}
	}
}

// known says whether the cache tells that there is no zone cut at the name, so that it need not be asked about.
func (w *walk) known(q Question) bool {
	e, ok := w.it.cfg.Cache.Get(q.Name, q.Type, w.it.cfg.Clock.Now())
	return ok && e.Rank >= cache.NonAuthoritativeAnswer && (e.Kind == cache.NODATA || e.Kind == cache.Positive)
}

// hiding says whether w.q is less than the question.
func (w *walk) hiding() bool { return w.q != w.req.Question }

// shown deals with a reply to a hiding question. done: it answers the whole of it.
func (w *walk) shown(s *scrubbed, from *target, kind Kind) (done bool) {
	switch kind {
	case NODATA:
		w.putNegative(s, cache.NODATA)
	case Answer:
		// At the name there is something: a zone that the same servers serve, or data.
		if w.q.Type != dns.TypeNS { // which would tell servers without their addresses
			w.putShown(s)
		}
	case NXDOMAIN:
		if w.it.cfg.Minimise == MinimiseStrict || s.signedDenial() {
			return true
		}
		w.showAll(from, "NXDOMAIN to "+w.q.String())
	default: // CNAME, DNAME: the whole question has them too
		w.showAll(from, kind.String()+" at "+w.q.Name)
	}
	return false
}

// showAll goes on with the whole question.
func (w *walk) showAll(from *target, why string) {
	w.hidden.off = true
	w.report(EventMinimise, from.addr, func() string {
		return fmt.Sprintf("%s: asking for the whole of %s", why, w.req.Question)
	})
}

// balked deals with a server that had nothing of use to say to a hiding question; it says whether to ask it the whole.
func (w *walk) balked(t *target, why string) bool {
	if !w.hiding() || w.it.cfg.Minimise != MinimiseRelaxed {
		return false
	}
	w.showAll(t, why)
	return true
}

// maxMinimisedSilences is how many hiding queries in a row may stay without an answer; as in Unbound.
const maxMinimisedSilences = 3

// putNegative remembers that a hiding question found no zone cut, so that the next one need not ask.
func (w *walk) putNegative(s *scrubbed, kind cache.Kind) {
	e := &cache.Entry{Name: w.q.Name, Type: w.q.Type, Kind: kind, Rank: cache.Answer, SOA: s.soa, Proof: s.proof}
	if !s.aa {
		e.Rank = cache.NonAuthoritativeAnswer
	}
	w.it.cfg.Cache.Put(e, w.it.cfg.Clock.Now())
}

// putShown remembers what a hiding question found, for the same reason. It is judged by those who want to tell it.
func (w *walk) putShown(s *scrubbed) {
	rank := cache.Answer
	if !s.aa {
		rank = cache.NonAuthoritativeAnswer
	}
	w.it.put(s.chain[0], rank, w.it.cfg.Clock.Now())
}

// signedDenial says whether the reply's authority section has a signed NSEC or NSEC3: servers of signed zones know their
// empty non-terminals.
func (s *scrubbed) signedDenial() bool {
	for _, set := range s.proof {
		if len(set.Sigs) > 0 {
			return true
		}
	}
	return false
}

// suffix is the name's last labels.
func suffix(name string, labels int) string {
	if labels == 0 {
		return "."
	}
	off, start := dns.PrevLabel(name, labels)
	if start {
		return name
	}
	return name[off:]
}
