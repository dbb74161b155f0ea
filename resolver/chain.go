package resolver

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver/cache"
	"faultzone/resolver/iterate"
	"faultzone/resolver/validate"
)

// zoneKeys is how far the chain of trust reaches to a zone: its keys when that is Secure.
type zoneKeys struct {
	name   string
	status validate.Status
	keys   []dns.RR
	ede    uint16
	why    string
	until  time.Time
}

// verdict is the status of whatever stands in a zone that is not Secure.
func (z zoneKeys) verdict() validate.Verdict {
	return validate.Verdict{Status: z.status, EDE: z.ede, Why: z.why, Until: z.until}
}

// zoneFor finds the zone whose keys an answer to the question must stand by: that of its signatures, when they are of
// the zone that was asked or of one below it on the way to the name; else the zone asked. An answer without
// signatures out of a Secure zone may be from an unsigned zone on the same servers, which must then be proven.
func (r *Resolver) zoneFor(ctx context.Context, w *iterate.Work, q question, asked string, sigs []*dns.RRSIG) zoneKeys {
	top := q.Name
	if q.Type == dns.TypeDS && top != "." {
		top = parentOf(top)
	}
	for _, s := range sigs {
		if signer := dns.CanonicalName(s.SignerName); dns.IsSubDomain(asked, signer) && dns.IsSubDomain(signer, top) {
			return r.chain(ctx, w, signer)
		}
	}
	z := r.chain(ctx, w, asked)
	if z.status != validate.Secure || len(sigs) > 0 {
		return z
	}
	for _, name := range between(asked, top) {
		below := r.chain(ctx, w, name)
		if below.status != validate.Secure || below.name == name {
			return below
		}
	}
	return z
}

// between lists the names below zone down to name, from the top.
func between(zone, name string) []string {
	var list []string
	for n := name; n != zone && dns.IsSubDomain(zone, n); n = parentOf(n) {
		list = append([]string{n}, list...)
		if n == "." {
			break
		}
	}
	return list
}

func parentOf(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end || next >= len(name) {
		return "."
	}
	return name[next:]
}

// chain follows the chain of trust to the zone that name is the apex of, or is in.
func (r *Resolver) chain(ctx context.Context, w *iterate.Work, name string) zoneKeys {
	if anchors := r.anchors[name]; anchors != nil {
		return r.keysOf(ctx, w, name)
	}
	if name == "." || !r.belowAnchor(name) {
		return zoneKeys{name: name, status: validate.Indeterminate}
	}
	// Keys that were found good need no DS until they run out.
	if e, ok := r.cache.RRset(name, dns.TypeDNSKEY, r.config.Clock.Now()); ok && e.Status == validate.Secure {
		return zoneKeys{name: name, status: validate.Secure, keys: e.Set.RRs, until: e.Until}
	}
	ds := r.lookup(ctx, w, question{Name: name, Type: dns.TypeDS}).entry
	switch {
	case ds.Kind == cache.Failure:
		return zoneKeys{name: name, status: validate.Bogus, ede: firstEDE(ds), why: "the DS of " + name + " cannot be had: " + firstText(ds)}
	case ds.Status == validate.Bogus:
		return zoneKeys{name: name, status: validate.Bogus, ede: firstEDE(ds), why: "the DS of " + name + " does not stand: " + firstText(ds)}
	case ds.Status != validate.Secure:
		return zoneKeys{name: name, status: ds.Status, ede: firstEDE(ds), why: firstText(ds), until: ds.Until}
	case ds.Kind == cache.Positive && ds.Type == dns.TypeDS:
		return r.keysOf(ctx, w, name)
	}
	// Proven that there is no DS: either an unsigned zone begins here, or none does.
	return r.withoutDS(ctx, w, name, ds)
}

// withoutDS decides what a Secure proof that name has no DS means for what is at and below it.
func (r *Resolver) withoutDS(ctx context.Context, w *iterate.Work, name string, ds *cache.Entry) zoneKeys {
	above := r.chain(ctx, w, parentOf(name))
	if above.status != validate.Secure || ds.Kind == cache.NXDOMAIN {
		return above
	}
	v := validate.NoDS(name, above.name, ds.Proof, above.keys, r.config.Clock.Now(), r.config.Validation)
	if v.Status == validate.Secure {
		return above // no cut here: the zone above goes on
	}
	return zoneKeys{name: name, status: v.Status, ede: v.EDE, why: v.Why, until: v.Until}
}

func (r *Resolver) belowAnchor(name string) bool {
	for zone := range r.anchors {
		if dns.IsSubDomain(zone, name) {
			return true
		}
	}
	return false
}

// keysOf fetches a zone's keys; judging them checks them against its DS or anchor.
func (r *Resolver) keysOf(ctx context.Context, w *iterate.Work, zone string) zoneKeys {
	e := r.lookup(ctx, w, question{Name: zone, Type: dns.TypeDNSKEY}).entry
	z := zoneKeys{name: zone, status: e.Status, ede: firstEDE(e), why: firstText(e), until: e.Until}
	switch {
	case e.Kind == cache.Failure:
		z.status = validate.Bogus
		z.why = fmt.Sprintf("the keys of %s cannot be had: %s", zone, z.why)
	case e.Kind != cache.Positive || e.Type != dns.TypeDNSKEY:
		// Its parent says that the zone is signed, and it has no keys.
		z.status, z.ede, z.why = validate.Bogus, dns.ExtendedErrorCodeDNSKEYMissing, "the parent has a DS for "+zone+", which has no DNSKEY"
	case e.Status == validate.Secure:
		z.keys = e.Set.RRs
	}
	return z
}

// judgeKeys checks a DNSKEY RRset against the anchors or the DS of its zone.
func (r *Resolver) judgeKeys(ctx context.Context, w *iterate.Work, zone string, set validate.RRset) validate.Verdict {
	vouchers := r.anchors[zone]
	var until time.Time
	if vouchers == nil {
		if zone == "." || !r.belowAnchor(zone) {
			return validate.Verdict{Status: validate.Indeterminate}
		}
		ds := r.lookup(ctx, w, question{Name: zone, Type: dns.TypeDS}).entry
		switch {
		case ds.Kind == cache.Failure || ds.Status == validate.Bogus:
			return validate.Verdict{Status: validate.Bogus, EDE: firstEDE(ds), Why: "the DS of " + zone + ": " + firstText(ds)}
		case ds.Status != validate.Secure:
			return validate.Verdict{Status: ds.Status, EDE: firstEDE(ds), Why: firstText(ds)}
		case ds.Kind != cache.Positive:
			z := r.withoutDS(ctx, w, zone, ds)
			if z.status == validate.Secure { // keys where no zone begins: let the zone above vouch for them
				return validate.Signed(set, z.name, z.keys, r.config.Clock.Now(), r.config.Validation)
			}
			return z.verdict()
		}
		vouchers, until = ds.Set.RRs, ds.Until
	}
	v := validate.Keys(zone, set, vouchers, r.config.Clock.Now(), r.config.Validation)
	if v.Status == validate.Secure && !until.IsZero() && until.Before(v.Until) {
		v.Until = until
	}
	r.reportVerdict(question{Name: zone, Type: dns.TypeDNSKEY}, zoneKeys{name: zone}, v)
	return v
}
