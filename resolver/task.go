package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// lookupKey is what a lookup is for. The name is canonical.
type lookupKey struct {
	name  string
	qtype uint16
	check bool // whether it is to be believed, too
}

func (k lookupKey) String() string { return k.name + " " + dns.Type(k.qtype).String() }

// aliased says whether a CNAME at the name leads on: not for who asks for it, or for everything (RFC 1034 section 3.6.2).
func (k lookupKey) aliased() bool { return k.qtype != dns.TypeCNAME && k.qtype != dns.TypeANY }

// task is the state of one client's question while it is resolved: one activity, which does one thing at a time.
type task struct {
	r      *Resolver
	ctx    context.Context
	outer  context.Context // the caller's, without our own time limit
	budget iterate.Budget
	stack  []lookupKey // lookups under way, each caused by the one before
	// serverDepth counts those of stack that look for a name server's address.
	serverDepth int
	// waiting is whose flight is awaited. The Resolver's mu is over it.
	waiting *flight
	// refresh is looked up whatever the cache has.
	refresh lookupKey
	rec     *recorder // of a Trace
}

// newTask is the state of a question that has until limited ends; outer is the caller's context.
func (r *Resolver) newTask(limited, outer context.Context) *task {
	return &task{r: r, ctx: limited, outer: outer, budget: iterate.Budget{Queries: r.cfg.Limits.Queries, Lookups: r.cfg.Limits.ServerLookups}}
}

// refreshing says whether key, about to be looked up or found, is to be got anew.
func (t *task) refreshing(key lookupKey, depth int) bool {
	return key == t.refresh && len(t.stack) == depth
}

// cached is what the cache can say at once: an entry, or the failure that it remembers, or neither.
func (r *Resolver) cached(key lookupKey, now time.Time) (*cache.Entry, *failure) {
	e, ok := r.cache.Get(key.name, key.qtype, now)
	if ok && tellable(e, key.check) {
		return e, nil
	}
	if key.aliased() {
		if e, ok := r.cache.RRset(key.name, dns.TypeCNAME, now); ok && tellable(e, key.check) {
			return e, nil
		}
	}
	if f, ok := r.cache.Failure(key.name, key.qtype, now); ok && (key.check || !f.Checking) {
		return nil, &failure{ede: f.EDE, since: f.Stored}
	}
	if key.name == "." {
		return nil, nil
	}
	if e, ok := r.cache.Closest(parent(key.name), dns.TypeDNAME, now); ok && tellable(e, key.check) {
		return e, nil
	}
	if e := r.belowNXDOMAIN(key, now); e != nil {
		return e, nil
	}
	return r.denied(key, now), nil
}

// belowNXDOMAIN is the NXDOMAIN of a name above, from which that of the key's follows (RFC 8020); nil: none does.
func (r *Resolver) belowNXDOMAIN(key lookupKey, now time.Time) *cache.Entry {
	if r.cfg.BelowNXDOMAIN == CutNever {
		return nil
	}
	routed := r.iter.RouteZone(key.name)
	e, _ := r.cache.NXDOMAINAbove(key.name, now, func(e *cache.Entry) bool {
		if routed != "" && (e.Name == routed || !dns.IsSubDomain(routed, e.Name)) || r.iter.Split(e.Name) {
			return false // whoever said so knows nothing of the zone that is configured here
		}
		if r.cfg.BelowNXDOMAIN == CutSecure {
			return e.Status == validate.Secure
		}
		return e.Status != validate.Bogus && tellable(e, key.check)
	})
	return e
}

// tellable says whether an entry may be told to clients, as it is.
func tellable(e *cache.Entry, check bool) bool {
	return e.Rank >= cache.NonAuthoritativeAnswer && (!check || e.Status != validate.Indeterminate)
}

// known is what the cache says, unless the key is to be got anew.
func (t *task) known(key lookupKey) (*cache.Entry, *failure) {
	e, f := t.r.cached(key, t.r.cfg.Clock.Now())
	if e == nil && f == nil || t.refreshing(key, 0) {
		return nil, nil
	}
	t.recordCached(key, e, f)
	return e, f
}

// lookup finds the key's data: in the cache, with whoever is looking for it already, or by asking.
func (t *task) lookup(key lookupKey) (*cache.Entry, *failure) {
	for {
		changes := t.r.cache.Changes()
		if e, f := t.known(key); e != nil || f != nil {
			return e, f
		}
		if slices.Contains(t.stack, key) {
			return nil, t.stuck("to find %s one would have to know it", key)
		}
		if len(t.stack) >= t.r.cfg.Limits.Depth {
			return nil, t.stuck("%s is too many lookups deep", key)
		}
		f, lead := t.join(key)
		if lead && f != nil && t.r.cache.Changes() != changes { // a flight may have landed in between
			if e, fail := t.known(key); e != nil || fail != nil {
				t.r.land(key, f, e, fail)
				return e, fail
			}
		}
		if lead {
			return t.lead(key, f)
		}
		t.tell(func() Event {
			return Event{Kind: EventJoined, Query: key.String(), Text: "is being resolved already; waiting for that answer"}
		})
		err := t.r.cfg.Clock.Await(t.ctx, f.done)
		t.r.leave(t)
		switch {
		case err != nil:
			return nil, t.outOfTime(key)
		case !f.abandoned:
			return f.entry, f.failure
		}
	}
}

// lead does the work for all who want it. A nil flight is for this task alone.
func (t *task) lead(key lookupKey, f *flight) (e *cache.Entry, fail *failure) {
	defer func() {
		if f != nil {
			t.r.land(key, f, e, fail)
		}
	}()
	t.recordMissing(key)
	t.stack = append(t.stack, key)
	e, fail = t.find(key)
	t.stack = t.stack[:len(t.stack)-1]
	switch now := t.r.cfg.Clock.Now(); {
	case fail == nil || fail.local:
	case fail.checking:
		t.r.cache.FailChecking(key.name, key.qtype, fail.ede, now)
	default:
		t.r.cache.Fail(key.name, key.qtype, fail.ede, now)
	}
	return e, fail
}

// find asks servers, and with check judges what they say; when it is bogus, others are asked.
func (t *task) find(key lookupKey) (*cache.Entry, *failure) {
	if key.check && !t.refreshing(key, 1) {
		if e, fail := t.judgeKnown(key); e != nil || fail != nil {
			return e, fail
		}
	}
	var avoid []netip.AddrPort
	var bogus *cache.Entry
	for len(avoid) < maxBogus {
		resp, err := t.r.iter.Fetch(t.ctx, t.request(key, avoid))
		if err != nil {
			if bogus != nil {
				break
			}
			return nil, t.failed(err)
		}
		now := t.r.cfg.Clock.Now()
		e := entryOf(key, resp)
		if !key.check {
			t.r.keepRest(resp, false, now)
			boundNS(e, resp)
			return t.r.put(e, now), nil
		}
		v, fail := t.judge(key, e)
		if fail != nil {
			t.r.put(e, now) // for those who do not check
			return nil, fail.ofChecking()
		}
		if v.Status == validate.Bogus && !v.chain {
			v.Why += ", as " + resp.Server.String() + " tells it"
		}
		v.mark(e)
		boundNS(e, resp)
		t.r.learnDenial(e, v, now)
		t.reportVerdict(key, resp.Server, v)
		if e.Status != validate.Bogus {
			t.r.keepRest(resp, e.Status == validate.Secure, now)
			return t.r.keep(e), nil
		}
		if bogus == nil {
			bogus = e
		}
		if v.chain {
			break // whoever is asked, it will not help
		}
		avoid = append(avoid, resp.Server)
	}
	if s := &t.r.cfg.ServeStale; s.On && !s.NotForBogus && t.r.staleEntry(key, t.r.cfg.Clock.Now()) != nil {
		return nil, &failure{ede: bogus.EDE} // what has expired was good, and stays
	}
	return t.r.keep(bogus), nil
}

// judgeKnown judges what is in the cache and was not judged yet: what came with a referral, or with an answer to
// somebody who did not check. Nothing comes of what is bogus: servers are asked for it again.
func (t *task) judgeKnown(key lookupKey) (*cache.Entry, *failure) {
	now := t.r.cfg.Clock.Now()
	known, ok := t.r.cache.Get(key.name, key.qtype, now)
	if !ok && key.aliased() {
		known, ok = t.r.cache.RRset(key.name, dns.TypeCNAME, now)
	}
	if !ok || known.Status != validate.Indeterminate ||
		known.Rank < cache.NonAuthoritativeAnswer && known.Type != dns.TypeDS {
		return nil, nil
	}
	if known.Kind != cache.Positive && len(known.SOA.RRs) == 0 && len(t.stack) == 1 {
		return nil, nil // what a referral proves is for us, and a client wants the whole
	}
	e := &cache.Entry{Name: known.Name, Type: known.Type, Kind: known.Kind, Rank: known.Rank,
		Set: known.Set, SOA: known.SOA, Proof: known.Proof, Above: known.Above}
	v, fail := t.judge(key, e)
	if fail != nil {
		return nil, fail.ofChecking()
	}
	if v.Status == validate.Bogus {
		return nil, nil
	}
	v.Until = earlier(v.Until, known.Expires) // it does not grow younger
	v.mark(e)
	t.reportVerdict(key, netip.AddrPort{}, v)
	return t.r.keep(e), nil
}

func (t *task) request(key lookupKey, avoid []netip.AddrPort) *iterate.Request {
	return &iterate.Request{
		Question: iterate.Question{Name: key.name, Type: key.qtype}, Avoid: avoid, Budget: &t.budget, Report: t.recordAsking(),
		Prime: func(context.Context) { t.lookup(lookupKey{name: ".", qtype: dns.TypeNS}) },
		Addresses: func(_ context.Context, host string, rrtype uint16) []netip.Addr {
			if t.serverDepth >= t.r.cfg.Limits.ServerDepth {
				return nil
			}
			t.serverDepth++
			defer func() { t.serverDepth-- }()
			// What this address leads to is checked; the address need not be.
			e, _ := t.lookup(lookupKey{name: host, qtype: rrtype})
			if e == nil || e.Kind != cache.Positive {
				return nil
			}
			return addresses(e.Set.RRs)
		},
	}
}

func addresses(rrs []dns.RR) (list []netip.Addr) {
	for _, rr := range rrs {
		switch rr := rr.(type) {
		case *dns.A:
			if a, ok := netip.AddrFromSlice(rr.A); ok {
				list = append(list, a.Unmap())
			}
		case *dns.AAAA:
			if a, ok := netip.AddrFromSlice(rr.AAAA); ok {
				list = append(list, a)
			}
		}
	}
	return list
}

// failed makes a failure of what ended a walk.
func (t *task) failed(err error) *failure {
	var f *iterate.Failure
	if !errors.As(err, &f) {
		return &failure{ede: []dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeOther, ExtraText: err.Error()}}}
	}
	// Time and budget are this client's question's; another question gets its own.
	spent := f.Cause != nil && (t.ctx.Err() != nil || errors.Is(f.Cause, iterate.ErrBudget))
	return &failure{ede: t.r.notReady(f), local: t.outer.Err() != nil || spent && len(t.stack) > 1}
}

func (t *task) stuck(format string, key lookupKey) *failure {
	return &failure{local: true, ede: []dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeOther, ExtraText: fmt.Sprintf(format, key)}}}
}

func (t *task) outOfTime(key lookupKey) *failure {
	return &failure{local: true, ede: []dns.EDNS0_EDE{{InfoCode: dns.ExtendedErrorCodeNoReachableAuthority,
		ExtraText: "out of time while " + key.String() + " was looked for"}}}
}

// parent is the name without its first label.
func parent(name string) string {
	off, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[off:]
}
