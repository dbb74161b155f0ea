package resolver

import (
	"fmt"
	"net/netip"
	"time"

	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// verdict is what judging an entry came to.
type verdict struct {
	validate.Verdict
	// chain: the fault, if it is Bogus, is with the way to the zone's keys, and not with what the server said.
	chain bool
	// zone is the one whose keys judged, if it came to that.
	zone string
}

// mark writes the verdict into the entry, before the cache has it.
func (v verdict) mark(e *cache.Entry) {
	e.Status, e.Until = v.Status, v.Until
	e.EDE = nil
	if v.EDE != 0 {
		e.EDE = []dns.EDNS0_EDE{{InfoCode: v.EDE, ExtraText: v.Why}}
	}
	if v.Status == validate.Secure && (e.Kind == cache.Positive || len(e.SOA.RRs) > 0) {
		e.Rank = max(e.Rank, cache.Authority) // a DS of a referral, say: it could not be better
	}
	if e.Kind == cache.Positive && v.Status == validate.Secure && v.Wildcard == "" {
		e.Proof = nil
	}
}

// judge validates an entry (RFC 4035 section 5). The failure says that what it takes could not be had.
func (t *task) judge(key lookupKey, e *cache.Entry) (verdict, *failure) {
	switch {
	case t.r.outside(key):
		return verdict{Verdict: validate.Verdict{Status: validate.Indeterminate}}, nil
	case key.qtype == dns.TypeDNSKEY && (e.Kind != cache.Positive || e.Type == dns.TypeDNSKEY):
		return t.judgeKeys(key, e)
	case e.Kind == cache.Positive && e.Type == dns.TypeRRSIG:
		return verdict{Verdict: validate.Verdict{Status: validate.Insecure}}, nil // nothing signs signatures
	case e.Kind == cache.Positive:
		return t.judgeSet(e)
	default:
		return t.judgeDenial(key, e)
	}
}

// outside says whether the key is another world's, of which the trust anchors of this one say nothing.
func (r *Resolver) outside(key lookupKey) bool {
	if !r.iter.Beyond(key.name, key.qtype) {
		return false
	}
	zone, ok := r.anchorOf(key.name)
	return !ok || !r.iter.Beyond(zone, dns.TypeDNSKEY)
}

// judgeKeys judges what was said to the question for a DNSKEY RRset, "there is none" too.
func (t *task) judgeKeys(key lookupKey, e *cache.Entry) (verdict, *failure) {
	d, fail := t.vouch(key.name)
	switch {
	case fail != nil:
		return verdict{}, fail
	case d.status != validate.Secure:
		return d.verdict(), nil
	case d.keysOf == key.name:
		if t.r.trusted.zones[key.name] != nil {
			return verdict{Verdict: t.judgeAnchored(key.name, e.Set), zone: key.name}, nil
		}
		v := validate.Keys(key.name, e.Set, d.ds, t.r.cfg.Clock.Now(), t.r.policy)
		if !d.until.IsZero() && v.Status == validate.Secure {
			v.Until = earlier(v.Until, d.until) // keys are trusted for no longer than what vouches for them is known
		}
		return verdict{Verdict: v, zone: key.name}, nil
	case e.Kind == cache.Positive:
		return t.judgeSet(e)
	default:
		return t.judgeDenial(key, e)
	}
}

func (t *task) judgeSet(e *cache.Entry) (verdict, *failure) {
	if e.Type == dns.TypeANY {
		return t.judgeAll(e)
	}
	z, fail := t.zoneOf(holder(e), e.Set.Sigs)
	if fail != nil || z.status != validate.Secure {
		return z.verdict(), fail
	}
	now, p := t.r.cfg.Clock.Now(), t.r.policy
	v := validate.Signed(e.Set, z.keysOf, z.keys, now, p)
	if v.Status == validate.Secure && v.Wildcard != "" {
		closer := validate.NoCloserMatch(e.Name, v.Wildcard, z.keysOf, e.Proof, z.keys, now, p)
		if closer.Status != validate.Secure {
			return verdict{Verdict: closer, zone: z.keysOf}, nil
		}
		v.Until = earlier(v.Until, closer.Until)
	}
	return verdict{Verdict: v, zone: z.keysOf}, nil
}

func (t *task) judgeDenial(key lookupKey, e *cache.Entry) (verdict, *failure) {
	sigs := e.SOA.Sigs
	for _, set := range e.Proof {
		sigs = append(sigs[:len(sigs):len(sigs)], set.Sigs...)
	}
	z, fail := t.zoneOf(above(key.name, key.qtype), sigs)
	if fail != nil || z.status != validate.Secure {
		return z.verdict(), fail
	}
	if len(e.Proof) == 0 && z.keysOf != key.name {
		// An unsigned zone below may be on the same servers, though the SOA is of the one above.
		if below, fail := t.descend(above(key.name, key.qtype)); fail == nil && below.status != validate.Secure {
			return below.verdict(), nil
		}
	}
	now, p := t.r.cfg.Clock.Now(), t.r.policy
	if e.Kind == cache.NXDOMAIN {
		return verdict{Verdict: validate.NameError(key.name, z.keysOf, denial(e), z.keys, now, p), zone: z.keysOf}, nil
	}
	return verdict{Verdict: validate.NoData(key.name, key.qtype, z.keysOf, denial(e), z.keys, now, p), zone: z.keysOf}, nil
}

// denial is all that speaks in a negative answer.
func denial(e *cache.Entry) []validate.RRset {
	sets := make([]validate.RRset, 0, 1+len(e.Proof))
	if len(e.SOA.RRs) > 0 {
		sets = append(sets, e.SOA)
	}
	return append(sets, e.Proof...)
}

// above is the deepest name whose zone may say that there is none of the type at name: a DS belongs to the zone above.
func above(name string, rrtype uint16) string {
	if rrtype == dns.TypeDS {
		return parent(name)
	}
	return name
}

// holder is the deepest name whose zone may have the entry's RRset. A CNAME has no place at the top of a zone, and yet
// there are some: then the signature says so.
func holder(e *cache.Entry) string {
	if e.Type != dns.TypeCNAME {
		return above(e.Name, e.Type)
	}
	for _, sig := range e.Set.Sigs {
		if dns.CanonicalName(sig.SignerName) == e.Name {
			return e.Name
		}
	}
	return parent(e.Name)
}

func (t *task) reportVerdict(key lookupKey, server netip.AddrPort, v verdict) {
	t.tell(func() Event {
		e := Event{Kind: EventValidated, Query: key.String(), Server: server, EDE: v.EDE, Zone: v.zone, Status: v.Status,
			KeyTag: v.KeyTag, Text: v.Status.String()}
		if v.Status == validate.Bogus {
			e.Kind = EventBogus
		}
		switch {
		case v.Why != "":
			e.Text += ": " + v.Why
		case v.Status == validate.Secure && v.KeyTag != 0:
			e.Text += fmt.Sprintf(": signed by key %d of zone %s until %s", v.KeyTag, v.zone, v.Until.Format(time.RFC3339))
		case v.Status == validate.Secure && v.zone != "":
			e.Text += fmt.Sprintf(": proven by zone %s until %s", v.zone, v.Until.Format(time.RFC3339))
		}
		return e
	})
}
