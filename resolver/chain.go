package resolver

import (
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// trust is how far the chain of trust leads towards a name.
type trust struct {
	status validate.Status
	// keysOf is the zone that it leads to when status is Secure.
	keysOf string
	keys   []dns.RR  // its DNSKEY RRset
	ds     []dns.RR  // or what vouches for that RRset: its DS, or trust anchors,
	until  time.Time // and until when this is known
	ede    uint16
	why    string
}

// verdict is that of data in a zone to which the chain does not lead.
func (z trust) verdict() verdict {
	return verdict{Verdict: validate.Verdict{Status: z.status, EDE: z.ede, Why: z.why}, chain: true}
}

// by is the trust that an entry on the way says there is none of.
func by(e *cache.Entry) trust {
	z := trust{status: e.Status}
	if len(e.EDE) > 0 {
		z.ede, z.why = e.EDE[0].InfoCode, e.EDE[0].ExtraText
	}
	return z
}

// anchored says whether a trust anchor stands at or above name.
func (r *Resolver) anchored(name string) bool {
	if len(r.trusted.zones) == 0 {
		return false
	}
	_, ok := r.anchorOf(name)
	return ok
}

// anchorOf is the deepest zone with a trust anchor that name is in, unless there is a negative one at it or below
// (RFC 7646 section 3).
func (r *Resolver) anchorOf(name string) (zone string, ok bool) {
	for {
		if r.insecure[name] {
			return "", false
		}
		if r.trusted.zones[name] != nil {
			return name, true
		}
		if name == "." {
			return "", false
		}
		name = parent(name)
	}
}

// zoneOf finds the zone that has to have signed data at name, and its keys. The data's own signatures say where to look;
// if they say nothing of use, the way is walked from the top, looking for a zone cut at each label.
func (t *task) zoneOf(name string, sigs []*dns.RRSIG) (trust, *failure) {
	tried := ""
	for _, sig := range sigs[:min(len(sigs), 4)] {
		signer := dns.CanonicalName(sig.SignerName)
		if signer == tried || !dns.IsSubDomain(signer, name) || !t.r.anchored(signer) {
			continue
		}
		z, fail := t.keysFor(signer)
		if fail != nil || z.status != validate.Secure || z.keysOf == signer {
			return z, fail
		}
		tried = signer
	}
	return t.descend(name)
}

// keysFor gives the validated keys of a zone. When zone turns out to be no zone, they are those of the zone that it is in.
func (t *task) keysFor(zone string) (trust, *failure) {
	if e, ok := t.r.cache.RRset(zone, dns.TypeDNSKEY, t.r.cfg.Clock.Now()); ok && e.Status == validate.Secure {
		t.recordCached(lookupKey{name: zone, qtype: dns.TypeDNSKEY}, e, nil)
		return trust{status: validate.Secure, keysOf: zone, keys: e.Set.RRs}, nil
	}
	z, fail := t.vouch(zone)
	if fail != nil || z.status != validate.Secure || z.keysOf != zone {
		return z, fail
	}
	e, fail := t.lookup(lookupKey{name: zone, qtype: dns.TypeDNSKEY, check: true})
	switch {
	case fail != nil:
		return trust{}, fail.withoutKeys(zone)
	case e.Status != validate.Secure:
		return by(e), nil
	}
	return trust{status: validate.Secure, keysOf: zone, keys: e.Set.RRs}, nil
}

// ofChecking is the failure of a question whose data is there, and only what it takes to judge it is not.
func (f *failure) ofChecking() *failure {
	about := *f
	about.checking = true
	return &about
}

// withoutKeys adds that it was the keys of a signed zone that could not be had (RFC 8914 section 4.10).
func (f *failure) withoutKeys(zone string) *failure {
	added := *f
	added.ede = append(f.ede[:len(f.ede):len(f.ede)], dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSKEYMissing,
		ExtraText: "zone " + zone + " is signed, and its DNSKEY could not be had"})
	return &added
}

// vouch finds out what vouches for the keys of name. If name is no zone of its own, it gives the keys of the one that it is
// in.
func (t *task) vouch(name string) (trust, *failure) {
	if anchors, ok := t.r.trusted.at(name); ok {
		return trust{status: validate.Secure, keysOf: name, ds: anchors}, nil
	}
	if !t.r.anchored(name) {
		return trust{status: validate.Indeterminate}, nil
	}
	key := lookupKey{name: name, qtype: dns.TypeDS, check: true}
	e, fail := t.judgedDenial(key), (*failure)(nil)
	if e == nil {
		e, fail = t.lookup(key)
	}
	switch {
	case fail != nil:
		return trust{}, fail
	case e.Status != validate.Secure:
		return by(e), nil
	case e.Kind == cache.Positive && e.Type == dns.TypeDS:
		return trust{status: validate.Secure, keysOf: name, ds: e.Set.RRs, until: e.Expires}, nil
	case e.Kind == cache.Positive: // an alias is not a zone cut
		return t.zoneOf(e.Name, e.Set.Sigs)
	}
	return t.denied(name, e)
}

// judgedDenial is what a referral said against the key's DS, if that was judged already. It has no SOA, so that clients are
// not told of it; nil: there is no such.
func (t *task) judgedDenial(key lookupKey) *cache.Entry {
	e, ok := t.r.cache.Get(key.name, key.qtype, t.r.cfg.Clock.Now())
	if !ok || e.Rank != cache.Referral || e.Kind != cache.NODATA || e.Status != validate.Secure && e.Status != validate.Insecure {
		return nil
	}
	t.recordCached(key, e, nil)
	return e
}

// denied is what follows for name when its DS is denied: that there is a zone which is not signed, or no zone.
func (t *task) denied(name string, e *cache.Entry) (trust, *failure) {
	z, fail := t.zoneOf(parent(name), e.SOA.Sigs)
	if fail != nil || z.status != validate.Secure {
		return z, fail
	}
	v := validate.NoDS(name, z.keysOf, denial(e), z.keys, t.r.cfg.Clock.Now(), t.r.policy)
	if v.Status == validate.Secure {
		return z, nil
	}
	return trust{status: v.Status, ede: v.EDE, why: v.Why}, nil
}

// descend walks from the deepest zone whose keys are known, or else the trust anchor, down to name.
func (t *task) descend(name string) (trust, *failure) {
	zone, ok := t.r.anchorOf(name)
	if !ok {
		return trust{status: validate.Indeterminate}, nil
	}
	e, ok := t.r.cache.Closest(name, dns.TypeDNSKEY, t.r.cfg.Clock.Now())
	if ok && e.Status == validate.Secure && dns.IsSubDomain(zone, e.Name) {
		zone = e.Name
	}
	z, fail := t.keysFor(zone)
	for _, below := range namesBetween(zone, name) {
		if fail != nil || z.status != validate.Secure {
			return z, fail
		}
		z, fail = t.keysFor(below)
	}
	return z, fail
}

// namesBetween lists the names from below zone down to name.
func namesBetween(zone, name string) []string {
	var names []string
	for ; name != zone && name != "."; name = parent(name) {
		names = append(names, name)
	}
	for i, j := 0, len(names)-1; i < j; i, j = i+1, j-1 {
		names[i], names[j] = names[j], names[i]
	}
	return names
}
