package iterate

import "fmt"

// doubtful is a reply that answers the question, in a way that right servers do not: one that offers recursion and does
// not claim authority, or a denial with neither an SOA nor a signature. All the zone's other servers are asked before it is
// taken; Unbound does the same, BIND takes it at once.
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
		if s.ra && !s.aa {
			what = "as a resolver does, without authority"
		}
		return fmt.Sprintf("%s, %s of zone %s, says %s %s; others are asked first", t.addr.Addr(), t.host, w.zone.zone, kind, what)
	})
}
