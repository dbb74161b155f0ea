package iterate

import (
	"fmt"

	"faultzone/resolver/validate"
)

// doubtful is a reply that answers the question, in a way that right servers do not: one that offers recursion and does
// not claim authority, a denial with neither an SOA nor a signature, or what a signed zone says of itself without any. All
// the zone's other servers are asked before it is taken; Unbound does the same, BIND takes it at once.
type doubtful struct {
	reply *scrubbed
	from  *target
	kind  Kind
}

// noteDoubt keeps the first such reply, and has others asked.
func (w *walk) noteDoubt(s *scrubbed, t *target, kind Kind) {
	if w.doubt == nil || w.doubt.kind > kind {
		w.doubt = &doubtful{s, t, kind}
	}
	t.done = true
	w.attempts = append(w.attempts, Attempt{Server: t.addr, Network: "udp", Kind: Lame})
	if !s.aa && w.zone.route.iterative() {
		w.it.noteLame(t.addr, w.zone.zone, w.it.cfg.Clock.Now())
	}
	w.tell(Event{Kind: EventLame, Server: t.addr, Class: kind.String()}, func() string {
		what := "with neither an SOA nor a signature"
		switch {
		case s.ra && !s.aa:
			what = "as a resolver does, without authority"
		case !s.doubtful:
			what = "without a signature, and the zone is signed"
		}
		return fmt.Sprintf("%s, %s of zone %s, says %s %s; others are asked first", t.addr.Addr(), t.host, w.zone.zone, kind, what)
	})
}

// withoutSignatures says whether it is zone that speaks in the reply, by its SOA or NS RRset, with no signature at all. An
// unsigned zone below may be on the same servers; its answers are none of zone's.
func (s *scrubbed) withoutSignatures(zone string) bool {
	switch {
	case len(s.soa.RRs) > 0 && s.soaOwner() == zone:
	case len(s.ns.RRs) > 0 && s.cut() == zone:
	default:
		return false
	}
	n := len(s.soa.Sigs) + len(s.ns.Sigs)
	for _, sets := range [...][]validate.RRset{s.chain, s.proof} {
		for _, set := range sets {
			n += len(set.Sigs)
		}
	}
	return n == 0
}
