package resolver

import (
	"context"
	"fmt"

	"github.com/miekg/dns"

	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"
)

// maxLinks bounds a chain of aliases.
const maxLinks = 16

// answer is what a question of a client came to: the aliases on the way, and what stands at their end.
type answer struct {
	links  []found
	final  *cache.Entry // nil when the chain has no end
	status validate.Status
	ede    []dns.EDNS0_EDE
}

// failed tells whether there is nothing to give to a client, whatever it allows.
func (a *answer) failed() bool { return a.final == nil || a.final.Kind == cache.Failure }

// resolve answers a question, upstream where the cache does not know.
func (r *Resolver) resolve(ctx context.Context, q question) answer {
	ctx, cancel := r.config.Clock.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	w := new(iterate.Work)
	a, _ := follow(q, func(q question) (found, bool) { return r.lookup(ctx, w, q), true })
	return a
}

// resolveCached answers a question from the cache alone; ok is false when it does not know.
func (r *Resolver) resolveCached(q question) (a answer, ok bool) { return follow(q, r.cached) }

// follow looks up name after name along the aliases.
func follow(q question, look func(question) (found, bool)) (answer, bool) {
	var a answer
	a.status = validate.Secure
	for range maxLinks {
		f, ok := look(q)
		if !ok {
			return a, false
		}
		e := f.entry
		a.status = weaker(a.status, e.Status)
		a.ede = append(a.ede, e.EDE...)
		if e.Kind != cache.Positive || e.Type != dns.TypeCNAME || q.Type == dns.TypeCNAME {
			a.final = e
			if e.Kind == cache.Failure {
				a.status = validate.Indeterminate
			}
			return a, true
		}
		a.links = append(a.links, f)
		if e.Status == validate.Bogus {
			// Nothing is asked on behalf of an alias that does not stand.
			a.final = e
			return a, true
		}
		q.Name = dns.CanonicalName(e.Set.RRs[0].(*dns.CNAME).Target)
	}
	a.status = validate.Indeterminate
	a.ede = append(a.ede, dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeOther,
		ExtraText: fmt.Sprintf("the chain of aliases has no end after %d links", maxLinks)})
	return a, true
}

// weaker is what two statuses come to together: Bogus spoils all, and only Secure with Secure is Secure.
func weaker(a, b validate.Status) validate.Status {
	switch {
	case a == validate.Bogus || b == validate.Bogus:
		return validate.Bogus
	case a == validate.Secure:
		return b
	case b == validate.Secure:
		return a
	}
	return min(a, b)
}
