package iterate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// Request is a question to be asked.
type Request struct {
	Question
	// Avoid are servers that are not to be asked, since what they said was of no use.
	Avoid []netip.AddrPort
	// Budget is drawn upon for each query.
	Budget *Budget
	// Addresses looks up the addresses (A or AAAA) of a name server that came without. nil: they stay unknown.
	Addresses func(ctx context.Context, host string, rrtype uint16) []netip.Addr
	// Prime looks up the root's NS RRset, so that the cache has it, unless it lately could not be had. nil: the hints
	// stand, even with Policy.Prime.
	Prime func(ctx context.Context)
	// Report is told what Config.Report is told of this request; nil: nobody is.
	Report func(Event)
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

	from *delegation
}

// Bound is what an NS RRset of the reply is to be kept with (cache.Entry).
func (r *Response) Bound(owner string) (until time.Time, above *cache.Above) {
	return r.from.bound(owner)
}

// walk is the state of one question on its way down.
type walk struct {
	it     *Iterator
	req    *Request
	q      Question // what is asked next: the request's question, or what hides part of it
	hidden minimiser

	zone    *delegation
	targets []*target
	unknown []string // servers of zone whose addresses were not asked for yet
	half    []string // those of them whose IPv4 addresses were, and not the IPv6 ones
	others  int      // how many of the latter were
	missing []string // those of them that are in zone, so that the zone above would have to tell
	// lacksGlue: there were any.
	lacksGlue bool
	glueless  int
	sends     int // of q in this zone
	attempts  []Attempt
	doubt     *doubtful // the best that servers of zone have said which it is better to ask others about
	climbed   string    // the zone that was left for the one above
	spent     []*target // who was asked there in vain
}

// Fetch asks until a server answers. What referrals tell on the way is put into the cache; the answer is not. The error
// is a *Failure.
func (it *Iterator) Fetch(ctx context.Context, req *Request) (*Response, error) {
	w := &walk{it: it, req: req, q: req.Question}
	w.enter(it.start(w.q, it.cfg.Clock.Now()))
	w.begin()
	w.prime(ctx)
	r, err := w.run(ctx)
	if route := w.zone.route; err != nil && route != nil && route.first && ctx.Err() == nil && !errors.Is(err, ErrBudget) {
		w.report(EventRoute, netip.AddrPort{}, func() string {
			return "none of the servers given for " + route.zone + " gave an answer; asking those that it is delegated to"
		})
		w.enter(it.closest(req.owner(), it.cfg.Clock.Now()))
		w.prime(ctx)
		return w.run(ctx)
	}
	return r, err
}

// prime has the root's servers looked up when the walk begins with them (RFC 9609).
func (w *walk) prime(ctx context.Context) {
	isIt := w.req.Question == Question{Name: ".", Type: dns.TypeNS}
	if w.zone != w.it.root || !w.it.cfg.Prime || w.req.Prime == nil || isIt {
		return
	}
	w.report(EventPrime, netip.AddrPort{}, func() string { return "the root's servers are looked up, starting from the hints" })
	w.req.Prime(ctx)
	w.enter(w.it.closest(".", w.it.cfg.Clock.Now()))
}

// run goes from delegation to delegation until there is an answer.
func (w *walk) run(ctx context.Context) (*Response, error) {
	for range w.it.cfg.Limits.Referrals {
		w.hide()
		s, from, kind, err := w.askZone(ctx)
		switch {
		case err == nil && kind == Referral:
			w.enter(w.deepest(w.it.learn(s, w.zone, w.it.cfg.Clock.Now())))
		case err == nil:
			return w.response(s, from, kind), nil
		case w.climb():
		default:
			w.inVain(err)
			return nil, err
		}
	}
	return nil, w.failure(fmt.Errorf("more than %d referrals", w.it.cfg.Limits.Referrals))
}

// deepest is a delegation below d that is known and was in doubt until d was told anew; or else d.
func (w *walk) deepest(d *delegation) *delegation {
	if w.climbed != "" {
		return d
	}
	if known := w.it.closest(w.req.owner(), w.it.cfg.Clock.Now()); known.zone != d.zone && dns.IsSubDomain(d.zone, known.zone) {
		return known
	}
	return d
}

// enter goes on with another zone.
func (w *walk) enter(d *delegation) {
	w.zone, w.targets, w.unknown, w.half, w.glueless, w.others, w.sends, w.doubt, w.missing, w.lacksGlue = d, nil, nil, nil, 0, 0, 0, nil, nil, false
	if d.route != nil {
		w.targets = d.route.targets()
	}
	for _, name := range d.names {
		addrs := w.it.addressesOf(d, name)
		if !slices.ContainsFunc(addrs, w.it.usable) { // there may be some of the other family
			w.unknown = append(w.unknown, name)
		}
		w.targets = w.it.addTargets(w.targets, name, addrs)
	}
	w.mark(w.targets)
}

// mark notes what is known against the targets.
func (w *walk) mark(targets []*target) {
	now := w.it.cfg.Clock.Now()
	for _, t := range targets {
		t.done = slices.Contains(w.req.Avoid, t.addr) || w.isSpent(t)
		t.lame = w.it.isLame(t.addr, w.zone.zone, now)
	}
}

// askZone asks the zone's servers one after another until a reply is of use.
func (w *walk) askZone(ctx context.Context) (*scrubbed, *target, Kind, error) {
	for {
		t := w.it.choose(w.targets, w.it.cfg.Clock.Now())
		if t == nil {
			if w.findMore(ctx) || w.findGlue() || w.findAbove(ctx) {
				continue
			}
			if d := w.doubt; d != nil && ctx.Err() == nil {
				w.doubt = nil
				return d.reply, d.from, d.kind, nil
			}
			return nil, nil, 0, w.failure(ctx.Err())
		}
		if w.sends >= w.it.cfg.Limits.ZoneQueries {
			return nil, nil, 0, w.failure(nil)
		}
		s, kind, err := w.ask(ctx, t)
		if err != nil {
			return nil, nil, 0, w.failure(err)
		}
		switch {
		case !kind.Useful():
		case kind == Referral || !w.hiding() || w.shown(s, t, kind):
			return s, t, kind, nil
		default:
			w.goOn()
		}
	}
}

// goOn has the same servers asked the next question.
func (w *walk) goOn() {
	w.sends, w.hidden.silences = 0, 0
	for _, t := range w.targets {
		t.tries, t.silences = 0, 0
	}
	w.hide()
}

// findMore looks up the addresses of a server that came without glue. It says whether there may be somebody to ask now.
func (w *walk) findMore(ctx context.Context) bool {
	for len(w.unknown) > 0 && w.glueless < w.it.cfg.Limits.ZoneLookups && w.req.Budget.Lookups > 0 &&
		w.req.Addresses != nil && ctx.Err() == nil {
		host := w.unknown[0]
		w.unknown = w.unknown[1:]
		if dns.IsSubDomain(w.zone.zone, host) {
			w.missing, w.lacksGlue = append(w.missing, host), true
			continue // to find it, one would have to ask it
		}
		w.glueless++
		w.req.Budget.Lookups--
		w.report(EventGlueless, netip.AddrPort{}, func() string {
			return fmt.Sprintf("zone %s came without the address of its server %s", w.zone.zone, host)
		})
		w.half = append(w.half, host)
		queries := w.req.Budget.Queries
		found := w.addAddresses(ctx, host, w.it.addressTypes()[0])
		if w.req.Budget.Queries == queries { // it is known, and cost nothing: another one gets its chance
			w.glueless--
		}
		if found {
			return true
		}
	}
	return w.findOtherFamily(ctx)
}

// findOtherFamily looks up the IPv6 addresses of those servers whose IPv4 addresses were looked up, and were of no use: that
// takes long when nobody answers, and one family is enough to ask.
func (w *walk) findOtherFamily(ctx context.Context) bool {
	types := w.it.addressTypes()
	for len(types) > 1 && len(w.half) > 0 && w.others < w.it.cfg.Limits.ZoneLookups && ctx.Err() == nil {
		host, queries := w.half[0], w.req.Budget.Queries
		w.half = w.half[1:]
		found := w.addAddresses(ctx, host, types[1])
		if w.req.Budget.Queries < queries {
			w.others++
		}
		if found {
			return true
		}
	}
	return false
}

// addAddresses looks up a server's addresses of one family. It says whether there is somebody more to ask.
func (w *walk) addAddresses(ctx context.Context, host string, rrtype uint16) bool {
	before := len(w.targets)
	w.targets = w.it.addTargets(w.targets, host, w.req.Addresses(ctx, host, rrtype))
	w.mark(w.targets[before:])
	return len(w.targets) > before
}

func (w *walk) failure(cause error) error {
	f := &Failure{Question: w.req.Question, Zone: w.zone.zone, Attempts: w.attempts, Cause: cause}
	w.report(EventGiveUp, netip.AddrPort{}, f.Error)
	return f
}

// response makes the answer of a reply, and remembers the NS RRset that came with it.
func (w *walk) response(s *scrubbed, from *target, kind Kind) *Response {
	if s.aa && len(s.ns.RRs) > 0 && s.cut() == w.zone.zone && (s.sure || w.it.cfg.AuthorityNS) {
		// The zone's own NS RRset is better than the parent's (RFC 2181 section 5.4.1).
		w.it.putNS(s.ns, cache.Authority, w.zone, w.it.cfg.Clock.Now())
	}
	if w.zone.zone == "." && kind == Answer && w.q.Type == dns.TypeNS {
		for _, set := range s.glue { // RFC 9609 section 4: addresses of the root's servers
			w.it.put(set, cache.Additional, w.it.cfg.Clock.Now())
		}
	}
	r := &Response{Kind: kind, Zone: w.zone.zone, from: w.zone, Server: from.addr, Authoritative: s.aa, Chain: s.chain, Proof: s.proof}
	if kind == NODATA || kind == NXDOMAIN {
		r.SOA = s.soa
	}
	w.tell(Event{Kind: EventReply, Server: from.addr, Class: kind.String()}, r.text)
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
