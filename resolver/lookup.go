package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/miekg/dns"

	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"
)

// flight is a question being asked upstream; whoever else has it waits for the same answer.
type flight struct {
	done  <-chan struct{}
	found found
}

// found is what is known about a name and type: an entry, with the DNAME that its CNAME was made from.
type found struct {
	entry *cache.Entry
	dname *cache.Entry
}

// maxBogusRetries is how many other servers are asked when an answer does not stand.
const maxBogusRetries = 3

// lookup finds what there is for the question: in the cache, or upstream. What comes back is Positive of the type, a
// CNAME, NODATA, NXDOMAIN or a Failure; it is never nil.
func (r *Resolver) lookup(ctx context.Context, w *iterate.Work, q question) found {
	if f, ok := r.cached(q); ok {
		return f
	}
	if slices.Contains(w.Pending, q) || len(w.Pending) > 4*iterate.MaxDepth {
		return r.failure(q, dns.ExtendedErrorCodeNoReachableAuthority, fmt.Sprintf("%v is needed to find itself", q), false)
	}
	r.mu.Lock()
	if f := r.flights[q]; f != nil {
		r.mu.Unlock()
		if err := r.config.Clock.Await(ctx, f.done); err != nil {
			return r.failure(q, dns.ExtendedErrorCodeNoReachableAuthority, fmt.Sprintf("no answer to %v in time", q), false)
		}
		return f.found
	}
	done, fire := r.config.Clock.Signal()
	f := &flight{done: done}
	r.flights[q] = f
	r.mu.Unlock()

	w.Pending = append(w.Pending, q)
	f.found = r.fetch(ctx, w, q)
	w.Pending = w.Pending[:len(w.Pending)-1]

	r.mu.Lock()
	delete(r.flights, q)
	r.mu.Unlock()
	fire()
	return f.found
}

// cached is what the cache has for the question: the data or its absence, an alias, or a failure that still counts.
func (r *Resolver) cached(q question) (found, bool) {
	now := r.config.Clock.Now()
	if e, ok := r.cache.Get(q.Name, q.Type, now); ok && e.Rank >= cache.NonAuthoritativeAnswer {
		return found{entry: e}, true
	}
	if q.Type != dns.TypeCNAME && q.Type != dns.TypeDS && q.Type != dns.TypeRRSIG {
		if e, ok := r.cache.RRset(q.Name, dns.TypeCNAME, now); ok && e.Rank >= cache.NonAuthoritativeAnswer {
			return found{entry: e}, true
		}
		if f, ok := r.cachedDNAME(q); ok {
			return f, true
		}
	}
	if e, ok := r.cache.Failure(q.Name, q.Type, now); ok {
		return found{entry: e}, true
	}
	return found{}, false
}

// fetch asks upstream, validates, and asks another server when the answer does not stand (a secondary may be stale).
func (r *Resolver) fetch(ctx context.Context, w *iterate.Work, q question) found {
	var best found
	avoid := map[netip.AddrPort]bool{}
	for range maxBogusRetries {
		resp, err := r.it.Resolve(ctx, w, q.Name, q.Type, avoid)
		if err != nil {
			if best.entry != nil {
				break
			}
			return r.unreachable(ctx, q, err)
		}
		f := r.judge(ctx, w, q, resp)
		if best.entry == nil || f.entry.Status != validate.Bogus {
			best = f
		}
		if f.entry.Status != validate.Bogus {
			break
		}
		r.report("bogus", q, firstEDE(f.entry), fmt.Sprintf("from %s: %s", resp.Server.Addr(), firstText(f.entry)))
		avoid[resp.Server] = true
	}
	return r.store(best)
}

// store puts what was found into the cache and returns what stands there then.
func (r *Resolver) store(f found) found {
	now := r.config.Clock.Now()
	if f.dname != nil {
		f.dname = r.cache.Put(f.dname, now)
		return f // the CNAME is made anew each time
	}
	f.entry = r.cache.Put(f.entry, now)
	return f
}

// unreachable makes a failure of the iterator's error and remembers it.
func (r *Resolver) unreachable(ctx context.Context, q question, err error) found {
	text := err.Error()
	var u *iterate.Unreachable
	socket := false
	if errors.As(err, &u) {
		text = u.Error()
		for _, a := range u.Attempts {
			socket = socket || a.Reply != "" || errors.Is(a.Err, syscall.ECONNREFUSED) || errors.Is(a.Err, syscall.EHOSTUNREACH)
		}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return r.failure(q, dns.ExtendedErrorCodeNoReachableAuthority, text, false)
	}
	r.report("servfail", q, dns.ExtendedErrorCodeNoReachableAuthority, text)
	return r.failure(q, dns.ExtendedErrorCodeNoReachableAuthority, text, true, socket)
}

// failure is an entry that says that the question could not be answered. With network, a second extended error says
// that servers or their hosts said no (RFC 8914 section 4.24).
func (r *Resolver) failure(q question, code uint16, text string, remember bool, network ...bool) found {
	ede := []dns.EDNS0_EDE{{InfoCode: code, ExtraText: text}}
	if len(network) > 0 && network[0] {
		ede = append(ede, dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNetworkError})
	}
	if remember {
		return found{entry: r.cache.Fail(q.Name, q.Type, ede, r.config.Clock.Now())}
	}
	return found{entry: &cache.Entry{Name: q.Name, Type: q.Type, Kind: cache.Failure, EDE: ede}}
}

// address looks up a name server's address for the iterator; what it finds is in the cache then.
func (r *Resolver) address(ctx context.Context, w *iterate.Work, name string, rrtype uint16) error {
	f := r.lookup(ctx, w, question{Name: dns.CanonicalName(name), Type: rrtype})
	if f.entry.Kind == cache.Failure {
		return errors.New(firstText(f.entry))
	}
	return nil
}

func firstEDE(e *cache.Entry) uint16 {
	if len(e.EDE) == 0 {
		return 0
	}
	return e.EDE[0].InfoCode
}

func firstText(e *cache.Entry) string {
	if len(e.EDE) == 0 {
		return ""
	}
	return e.EDE[0].ExtraText
}
