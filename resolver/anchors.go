package resolver

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// AnchorUpdates has trust anchors follow the key rolls of their zones (RFC 5011). Each DNSKEY RRset of such a zone that is
// fetched and validated is looked at: a new key with the SEP bit becomes a trust anchor when it has been seen for the
// hold-down time, and a key that revokes itself stops being one at once. The zero value: anchors stay as configured.
//
// Nothing more is asked than questions take; a resolver that may be idle for long also runs [Resolver.RefreshAnchors].
type AnchorUpdates struct {
	On bool
	// AddHoldDown is how long a new key is watched before it is trusted, and RemoveHoldDown how long a revoked one is
	// remembered; 0: 30 days each (RFC 5011 sections 2.4.1 and 2.4.2).
	AddHoldDown, RemoveHoldDown time.Duration
	// Known are keys with their states from an earlier life, as [Resolver.Anchors] told them. Those with a state of
	// AnchorValid or AnchorMissing are trusted beside TrustAnchors; revoked ones take away what TrustAnchors says.
	Known []Anchor
}

func (u *AnchorUpdates) check() error {
	if u.AddHoldDown < 0 || u.RemoveHoldDown < 0 {
		return errors.New("AnchorUpdates: a hold-down time is negative: 0 is its default")
	}
	for _, a := range u.Known {
		if a.Key == nil || a.State > AnchorRevoked {
			return errors.New("AnchorUpdates: a known anchor has no key, or no state of RFC 5011")
		}
	}
	return nil
}

// AnchorState is a key's state in the sense of RFC 5011 section 4.
type AnchorState uint8

const (
	// AnchorAddPending: seen, and not trusted before its hold-down time is over.
	AnchorAddPending AnchorState = iota
	// AnchorValid: trusted.
	AnchorValid
	// AnchorMissing: trusted, and not in the zone's DNSKEY RRset of late.
	AnchorMissing
	// AnchorRevoked: it has revoked itself, and is never trusted again.
	AnchorRevoked
)

// String is the state's name in RFC 5011.
func (s AnchorState) String() string {
	return [...]string{"AddPend", "Valid", "Missing", "Revoked"}[s]
}

// Anchor is a key that is a trust anchor, was one, or may become one.
type Anchor struct {
	// Key's flags are without the REVOKE bit, whatever its state, so that its tag stays the same.
	Key   *dns.DNSKEY
	State AnchorState
	// Since is when it got into this state; Until, of AnchorAddPending and AnchorRevoked, when the hold-down time ends.
	Since, Until time.Time
}

// anchorSet is what is trusted.
type anchorSet struct {
	policy AnchorUpdates
	mu     sync.Mutex
	zones  map[string]*trustPoint
}

// trustPoint is a zone with trust anchors.
type trustPoint struct {
	fixed []dns.RR // as configured, without those revoked
	keys  []Anchor
}

func newAnchorSet(cfg *Config) *anchorSet {
	s := &anchorSet{policy: cfg.AnchorUpdates, zones: make(map[string]*trustPoint)}
	orElse(&s.policy.AddHoldDown, 30*24*time.Hour)
	orElse(&s.policy.RemoveHoldDown, 30*24*time.Hour)
	for _, rr := range cfg.TrustAnchors {
		zone := dns.CanonicalName(rr.Header().Name)
		if s.zones[zone] == nil {
			s.zones[zone] = &trustPoint{}
		}
		s.zones[zone].fixed = append(s.zones[zone].fixed, rr)
	}
	if !s.policy.On {
		return s
	}
	for _, a := range s.policy.Known {
		if p := s.zones[dns.CanonicalName(a.Key.Hdr.Name)]; p != nil {
			p.keys = append(p.keys, a)
			if a.State == AnchorRevoked {
				p.drop(a.Key)
			}
		}
	}
	return s
}

// at is what vouches for the zone's keys; ok false: it is no trust point.
func (s *anchorSet) at(zone string) (anchors []dns.RR, ok bool) {
	p := s.zones[zone] // the map does not change
	if p == nil || !s.policy.On {
		if p == nil {
			return nil, false
		}
		return p.fixed, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	anchors = slices.Clone(p.fixed)
	for _, a := range p.keys {
		if a.State == AnchorValid || a.State == AnchorMissing {
			anchors = append(anchors, a.Key)
		}
	}
	return anchors, true
}

// plainKey is the key without its REVOKE bit.
func plainKey(k *dns.DNSKEY) *dns.DNSKEY {
	if k.Flags&dns.REVOKE == 0 {
		return k
	}
	plain := *k
	plain.Flags &^= dns.REVOKE
	return &plain
}

func sameKey(a, b *dns.DNSKEY) bool {
	return a.Algorithm == b.Algorithm && a.Protocol == b.Protocol && (a.Flags^b.Flags)&^dns.REVOKE == 0 && a.PublicKey == b.PublicKey
}

// drop forgets what was configured and means the key.
func (p *trustPoint) drop(key *dns.DNSKEY) {
	p.fixed = slices.DeleteFunc(slices.Clone(p.fixed), func(rr dns.RR) bool { return means(rr, key) })
}

// means says whether a configured trust anchor is the key, or a digest of it.
func means(rr dns.RR, key *dns.DNSKEY) bool {
	switch rr := rr.(type) {
	case *dns.DNSKEY:
		return sameKey(rr, key)
	case *dns.DS:
		ds := plainKey(key).ToDS(rr.DigestType)
		return ds != nil && rr.KeyTag == ds.KeyTag && rr.Algorithm == ds.Algorithm && strings.EqualFold(rr.Digest, ds.Digest)
	}
	return false
}

func (p *trustPoint) find(key *dns.DNSKEY) *Anchor {
	for i := range p.keys {
		if sameKey(p.keys[i].Key, key) {
			return &p.keys[i]
		}
	}
	return nil
}

// change is a state that changed, for reports.
type change struct {
	key   *dns.DNSKEY
	state string
	text  string
}

// revoke takes away the trust in keys that have revoked themselves. It comes before the RRset is validated.
func (s *anchorSet) revoke(zone string, keys []*dns.DNSKEY, now time.Time) (changes []change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.zones[zone]
	for _, k := range keys {
		a := p.find(k)
		switch {
		case a == nil && slices.ContainsFunc(p.fixed, func(rr dns.RR) bool { return means(rr, k) }):
			p.keys = append(p.keys, Anchor{Key: plainKey(k)})
			a = &p.keys[len(p.keys)-1]
		case a == nil || a.State == AnchorRevoked:
			continue // RFC 5011 section 2.1: nobody trusted it
		}
		p.drop(k)
		a.State, a.Since, a.Until = AnchorRevoked, now, now.Add(s.policy.RemoveHoldDown)
		changes = append(changes, change{a.Key, AnchorRevoked.String(), "has revoked itself"})
	}
	return changes
}

// observe takes a validated DNSKEY RRset into account (RFC 5011 section 4.2).
func (s *anchorSet) observe(zone string, set validate.RRset, now time.Time) (changes []change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.zones[zone]
	seen := make(map[*dns.DNSKEY]bool)
	for _, rr := range set.RRs {
		k, ok := rr.(*dns.DNSKEY)
		if !ok || k.Flags&dns.SEP == 0 || k.Flags&dns.ZONE == 0 || k.Flags&dns.REVOKE != 0 || k.Protocol != 3 {
			continue
		}
		a := p.find(k)
		if a == nil {
			a = p.enter(k, s.policy.AddHoldDown, now)
			changes = append(changes, change{k, a.State.String(), p.greeting(a)})
		}
		seen[a.Key] = true
		switch {
		case a.State == AnchorAddPending && !now.Before(a.Until):
			a.State, a.Since, a.Until = AnchorValid, now, time.Time{}
			changes = append(changes, change{k, AnchorValid.String(), "has been there for its hold-down time"})
		case a.State == AnchorMissing:
			a.State, a.Since = AnchorValid, now
			changes = append(changes, change{k, AnchorValid.String(), "is there again"})
		}
	}
	kept := p.keys[:0:0]
	for _, a := range p.keys {
		switch {
		case a.State == AnchorAddPending && !seen[a.Key]:
			changes = append(changes, change{a.Key, "Start", "has gone before its hold-down time was over"})
			continue
		case a.State == AnchorRevoked && !now.Before(a.Until):
			changes = append(changes, change{a.Key, "Removed", "was revoked long ago"})
			continue
		case a.State == AnchorValid && !seen[a.Key]:
			a.State, a.Since = AnchorMissing, now
			changes = append(changes, change{a.Key, AnchorMissing.String(), "is not there any more; it stays trusted"})
		}
		kept = append(kept, a)
	}
	p.keys = kept
	return changes
}

// enter makes a state for a key that has none: Valid where it is what was configured.
func (p *trustPoint) enter(k *dns.DNSKEY, holdDown time.Duration, now time.Time) *Anchor {
	a := Anchor{Key: k, State: AnchorAddPending, Since: now}
	if slices.ContainsFunc(p.fixed, func(rr dns.RR) bool { return means(rr, k) }) {
		a.State = AnchorValid
	} else {
		// RFC 5011 section 2.4.1: or the RRset's TTL, if that is longer.
		a.Until = now.Add(max(holdDown, time.Duration(k.Hdr.Ttl)*time.Second))
	}
	p.keys = append(p.keys, a)
	return &p.keys[len(p.keys)-1]
}

func (p *trustPoint) greeting(a *Anchor) string {
	if a.State == AnchorValid {
		return "is the one that was configured"
	}
	return "is new; it is trusted from " + a.Until.Format(time.RFC3339) + " on, if it stays"
}

// Anchors tells what is known of the keys of zones with trust anchors (RFC 5011), in the order of their zones and tags. With
// AnchorUpdates off there are none.
func (r *Resolver) Anchors() []Anchor {
	s := r.trusted
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Anchor
	for _, p := range s.zones {
		list = append(list, p.keys...)
	}
	slices.SortFunc(list, func(a, b Anchor) int {
		return cmp.Or(strings.Compare(a.Key.Hdr.Name, b.Key.Hdr.Name), cmp.Compare(a.Key.KeyTag(), b.Key.KeyTag()))
	})
	return list
}

// judgeAnchored judges the DNSKEY RRset of a zone with a trust anchor, and learns from it.
func (t *task) judgeAnchored(zone string, set validate.RRset) validate.Verdict {
	now, s := t.r.cfg.Clock.Now(), t.r.trusted
	if s.policy.On {
		t.reportAnchors(zone, s.revoke(zone, validate.Revoked(zone, set, now, t.r.policy), now))
	}
	anchors, _ := s.at(zone)
	v := validate.Keys(zone, set, anchors, now, t.r.policy)
	if s.policy.On && v.Status == validate.Secure {
		t.reportAnchors(zone, s.observe(zone, set, now))
	}
	return v
}

func (t *task) reportAnchors(zone string, changes []change) {
	for _, c := range changes {
		t.tell(func() Event {
			return Event{Kind: EventAnchor, Query: zone + " DNSKEY", Zone: zone, KeyTag: c.key.KeyTag(),
				Text: fmt.Sprintf("key %d of zone %s %s: %s", c.key.KeyTag(), zone, c.text, c.state)}
		})
	}
}
