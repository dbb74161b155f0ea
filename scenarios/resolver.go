package scenarios

import (
	"net/netip"
	"slices"
	"time"
)

// onlyIPv6 tells whether a resolver has no IPv4 address to ask from: then it asks over IPv6 without being told.
func (r *Resolver) onlyIPv6() bool {
	return len(r.Addresses) > 0 && !slices.ContainsFunc(r.Addresses, netip.Addr.Is4)
}

// resolver reads [resolver.NAME].
func (l *loader) resolver(n *node) Resolver {
	r := Resolver{Name: n.name, Pos: n.keyPosition()}
	f := l.fields(n, "resolver "+quote(n.name))
	if f == nil {
		return r
	}
	r.Addresses = l.inhabit(f, resolverNode)
	r.Validate = f.flagOr("validate", true)
	r.IPv6 = f.flagOr("ipv6", r.onlyIPv6())
	if list, given := f.list("allow"); given != nil {
		r.Allow = make([]netip.Prefix, 0, len(list)) // an empty list is nobody, no list is everybody
		for _, e := range list {
			if p, ok := l.prefix(e); ok {
				r.Allow = append(r.Allow, p)
			}
		}
	}
	r.MinTTL = l.ttl(f, "min_ttl")
	r.MaxTTL = l.ttl(f, "max_ttl")
	r.MaxNegativeTTL = l.ttl(f, "max_negative_ttl")
	if r.MaxTTL > 0 && r.MinTTL > r.MaxTTL {
		at, _ := f.place("min_ttl")
		l.errorf(at, "min_ttl %s is more than max_ttl %s", formatDuration(r.MinTTL), formatDuration(r.MaxTTL))
	}
	r.ServeStale = f.flagOr("serve_stale", false)
	var limit *node
	if r.MaxStale, limit = f.duration("max_stale"); limit != nil && !r.ServeStale {
		l.errorf(limit.position(), "max_stale says for how long expired data is told, and nothing is without serve_stale = true")
	}
	r.Prefetch = f.flagOr("prefetch", false)
	r.AggressiveNSEC = f.flagOr("aggressive_nsec", false)
	if r.AggressiveNSEC && !r.Validate {
		at, _ := f.place("aggressive_nsec")
		l.errorf(at, "aggressive_nsec goes by validated records (RFC 8198 section 3), and this resolver has validate = false")
	}
	r.QNAMEMinimisation = l.minimisation(f)
	r.Forward = l.routes(f, "forward")
	r.Stub = l.routes(f, "stub")
	l.checkRoutes(f, &r)
	r.DomainInsecure = l.zoneNames(f, "domain_insecure")
	if len(r.DomainInsecure) > 0 && !r.Validate {
		at, _ := f.place("domain_insecure")
		l.errorf(at, "domain_insecure says what is not validated, and this resolver validates nothing: it has validate = false")
	}
	l.policies(f, &r)
	f.done()
	return r
}

// ttl reads a bound for TTLs, which are whole seconds of 31 bits (RFC 2181 section 8).
func (l *loader) ttl(f *fields, name string) time.Duration {
	d, n := f.duration(name)
	const most = (1<<31 - 1) * time.Second
	if n != nil && (d%time.Second != 0 || d > most) {
		l.errorf(n.position(), "%s: a TTL is a whole number of seconds, 2147483647 at most (RFC 2181 section 8), not %s", name, quote(n.string()))
		return 0
	}
	return d
}
