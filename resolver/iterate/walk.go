package iterate

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

const (
	triesEach   = 3  // queries to one address in one zone, over UDP
	maxSends    = 24 // queries to one zone's servers
	maxGlueless = 5  // servers of one zone whose address is looked up (CVE-2020-12662, "NXNSAttack")
	maxZones    = 64 // delegations on the way of one question
)

// Budget is how many queries may still be sent, shared by all that one question leads to. It is for one goroutine at a
// time.
type Budget struct{ Queries int }

// Request is a question to be asked.
type Request struct {
	Question
	// Avoid are servers that are not to be asked, since what they said was of no use.
	Avoid []netip.AddrPort
	// Budget is drawn upon for each query.
	Budget *Budget
	// Addresses looks up the addresses (A or AAAA) of a name server that came without. nil: they stay unknown.
	Addresses func(ctx context.Context, host string, rrtype uint16) []netip.Addr
}

// Response is the reply that answers a question: Answer, CNAME, DNAME, NODATA or NXDOMAIN.
type Response struct {
	Kind Kind
	// Zone is the one whose server answered, as far as the delegations told; the data may be of a zone below.
	Zone          string
	Server        netip.AddrPort
	Authoritative bool // AA
	// Chain is the RRset that answers the question, then what the same reply says to where it leads.
	Chain []validate.RRset
	// SOA of a negative answer; empty when the server left it out.
	SOA validate.RRset
	// Proof are the reply's NSEC and NSEC3 RRsets.
	Proof []validate.RRset
}

// walk is the state of one question on its way down.
type walk struct {
	it  *Iterator
	req *Request
	q   Question

	zone     *delegation
	targets  []*target
	unknown  []string // servers of zone whose addresses were not asked for yet
	glueless int
	sends    int
	attempts []Attempt
}

// Fetch asks until a server answers. What referrals tell on the way is put into the cache; the answer is not. The error
// is a *Failure.
func (it *Iterator) Fetch(ctx context.Context, req *Request) (*Response, error) {
	w := &walk{it: it, req: req, q: req.Question}
	w.enter(it.start(w.q, it.cfg.Clock.Now()))
	for range maxZones {
		s, from, kind, err := w.askZone(ctx)
		switch {
		case err == nil && kind == Referral:
			w.enter(it.learn(s, it.cfg.Clock.Now()))
		case err == nil:
			return w.response(s, from, kind), nil
		case w.climb():
		default:
			return nil, err
		}
	}
	return nil, w.failure(fmt.Errorf("more than %d referrals", maxZones))
}

// enter goes on with another zone.
func (w *walk) enter(d *delegation) {
	w.zone, w.targets, w.unknown, w.glueless, w.sends = d, nil, nil, 0, 0
	for _, name := range d.names {
		addrs := w.it.addressesOf(d, name)
		if len(addrs) == 0 {
			w.unknown = append(w.unknown, name)
		}
		w.targets = w.it.addTargets(w.targets, name, addrs)
	}
	for _, t := range w.targets {
		t.done = slices.Contains(w.req.Avoid, t.addr)
	}
}

// climb goes back to the zone above when the cached delegation turned out to be of no use because no address of its
// servers is known any more: the parent has the glue.
func (w *walk) climb() bool {
	if !w.zone.cached || len(w.targets) > 0 || w.zone.zone == "." {
		return false
	}
	w.enter(w.it.closest(parent(w.zone.zone), w.it.cfg.Clock.Now()))
	return true
}

// askZone asks the zone's servers one after another until a reply is of use.
func (w *walk) askZone(ctx context.Context) (*scrubbed, *target, Kind, error) {
	for {
		t := w.it.choose(w.targets, w.it.cfg.Clock.Now())
		if t == nil {
			if w.findMore(ctx) {
				continue
			}
			return nil, nil, 0, w.failure(ctx.Err())
		}
		if w.sends == maxSends {
			return nil, nil, 0, w.failure(nil)
		}
		s, kind, err := w.ask(ctx, t)
		if err != nil {
			return nil, nil, 0, w.failure(err)
		}
		if kind.Useful() {
			return s, t, kind, nil
		}
	}
}

// findMore looks up the addresses of a server that came without glue. It says whether there may be somebody to ask now.
func (w *walk) findMore(ctx context.Context) bool {
	for len(w.unknown) > 0 && w.glueless < maxGlueless && w.req.Addresses != nil && ctx.Err() == nil {
		host := w.unknown[0]
		w.unknown = w.unknown[1:]
		if dns.IsSubDomain(w.zone.zone, host) {
			continue // to find it, one would have to ask it
		}
		w.glueless++
		w.report(EventGlueless, netip.AddrPort{}, func() string {
			return fmt.Sprintf("zone %s came without the address of its server %s", w.zone.zone, host)
		})
		before := len(w.targets)
		for _, t := range w.it.addressTypes() {
			w.targets = w.it.addTargets(w.targets, host, w.req.Addresses(ctx, host, t))
		}
		for _, t := range w.targets[before:] {
			t.done = slices.Contains(w.req.Avoid, t.addr)
		}
		if len(w.targets) > before {
			return true
		}
	}
	return false
}

func (w *walk) failure(cause error) error {
	f := &Failure{Question: w.q, Zone: w.zone.zone, Attempts: w.attempts, Cause: cause}
	w.report(EventGiveUp, netip.AddrPort{}, f.Error)
	return f
}

// response makes the answer of a reply, and remembers the NS RRset that came with it.
func (w *walk) response(s *scrubbed, from *target, kind Kind) *Response {
	if s.aa && len(s.ns.RRs) > 0 && s.cut() == w.zone.zone {
		// The zone's own NS RRset is better than the parent's (RFC 2181 section 5.4.1).
		w.it.put(s.ns, cache.Authority, w.it.cfg.Clock.Now())
	}
	r := &Response{Kind: kind, Zone: w.zone.zone, Server: from.addr, Authoritative: s.aa, Chain: s.chain, Proof: s.proof}
	if kind == NODATA || kind == NXDOMAIN {
		r.SOA = s.soa
	}
	w.report(EventReply, from.addr, func() string { return r.text() })
	return r
}

// text is the answer in a line.
func (r *Response) text() string {
	var b strings.Builder
	b.WriteString(r.Kind.String())
	if len(r.Chain) > 0 {
		for _, rr := range r.Chain[0].RRs[:min(len(r.Chain[0].RRs), 4)] {
			fields := strings.SplitN(rr.String(), "\t", 5)
			value := fields[len(fields)-1]
			if len(value) > 60 {
				value = value[:60] + "…"
			}
			b.WriteString(" " + value)
		}
		if n := len(r.Chain[0].RRs); n > 4 {
			fmt.Fprintf(&b, " and %d more", n-4)
		}
	}
	if !r.Authoritative {
		b.WriteString(", without AA")
	}
	fmt.Fprintf(&b, ", from a server of %s", r.Zone)
	return b.String()
}
