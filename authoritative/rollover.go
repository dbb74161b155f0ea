package authoritative

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// RollKind says which of a zone's keys gives way to a successor, and how.
type RollKind uint8

const (
	// RollZSK replaces the zone-signing key by pre-publication (RFC 6781 section 4.1.1.1, RFC 7583 section 3.2.1): the new
	// key is published, signs once everybody can know it, and the old one goes once its signatures are forgotten.
	RollZSK RollKind = iota + 1
	// RollKSK replaces the key-signing key by double DS (RFC 6781 section 4.1.2, RFC 7583 section 3.3.2): CDS and CDNSKEY
	// (RFC 7344) ask the parent for the new key's DS beside the old one's; once it is there, and the DS RRset without it
	// forgotten, the keys are swapped; once the old key is forgotten, CDS and CDNSKEY ask for the old DS to go.
	RollKSK
)

func (k RollKind) String() string {
	return [...]string{"no rollover", "ZSK rollover", "KSK rollover"}[k]
}

// RollPhase is how far a rollover is.
type RollPhase string

const (
	RollPublished RollPhase = "published"  // ZSK: the new key is in the DNSKEY RRset and signs nothing yet
	RollSigning   RollPhase = "signing"    // ZSK: it signs, and the old one is still published
	RollAnnounced RollPhase = "announced"  // KSK: CDS and CDNSKEY ask for both DS; the parent has still to follow
	RollParentHas RollPhase = "parent-has" // KSK: the parent has both DS; the RRset without the new one is still cached
	RollSwapped   RollPhase = "swapped"    // KSK: the new key has taken the old one's place, which is still cached
	RollWithdrawn RollPhase = "withdrawn"  // KSK: CDS and CDNSKEY ask for the new DS alone; the parent has still to follow
	RollDone      RollPhase = "done"       // the old key has gone
	RollCancelled RollPhase = "cancelled"  // the operator thought better of it
	rollAsk                 = time.Hour    // between two questions to the parent
	rollSpread              = 5 * time.Minute
	rollFailed              = time.Hour // until a step that could not be signed is tried again
)

// Roll is a rollover to be made.
type Roll struct {
	Kind RollKind
	// Key is the successor: of the zone, with the flags and the algorithm of the key that it replaces.
	Key *sign.Key
	// Spread is how long it takes until all servers of the zone have a change; 0: five minutes. ParentSpread is the same
	// for the parent's.
	Spread, ParentSpread time.Duration
}

// RollStatus is how a rollover stands.
type RollStatus struct {
	// Kind is 0 where there has been none.
	Kind     RollKind
	Phase    RollPhase
	Old, New uint16 // key tags
	// Since is when the phase began. Next is when it ends by itself; zero where that is for the parent to bring about,
	// and at the end.
	Since, Next time.Time
}

// What rollovers fail with, by errors.Is.
var (
	ErrRolling    = errors.New("a rollover is under way")
	ErrNotRolling = errors.New("no rollover is under way")
	ErrTooLate    = errors.New("the rollover is too far to be cancelled")
)

// rollover is a rollover under way; guarded by the zone's mu.
type rollover struct {
	Roll
	old    *sign.Key
	status RollStatus
	dsTTL  time.Duration // of the parent's DS RRset, the longest seen
	askAt  time.Time     // when the parent is asked again; zero: when somebody says so
	told   []dns.RR      // what the parent has, as an operator says; nil: nothing said
	wake   func()        // fires what the loop waits for
}

// asks tells the phases that end when the parent has followed.
func (r *rollover) asks() bool {
	return r.status.Phase == RollAnnounced || r.status.Phase == RollWithdrawn
}

// keys are the zone's keys in the present phase.
func (r *rollover) keys(base []*sign.Key) []*sign.Key {
	var keys []*sign.Key
	for _, k := range base {
		switch {
		case k != r.old:
			keys = append(keys, k)
		case r.status.Phase == RollSigning:
			keys = append(keys, &sign.Key{DNSKEY: k.DNSKEY})
		case r.status.Phase == RollSwapped || r.status.Phase == RollWithdrawn || r.status.Phase == RollDone:
		default:
			keys = append(keys, k)
		}
	}
	switch r.status.Phase {
	case RollPublished:
		keys = append(keys, &sign.Key{DNSKEY: r.Key.DNSKEY})
	case RollSigning, RollSwapped, RollWithdrawn, RollDone:
		keys = append(keys, r.Key)
	}
	return keys
}

// announce is what CDS and CDNSKEY say in the present phase; ok false: what is configured.
func (r *rollover) announce(configured sign.Announce) (a sign.Announce, ok bool) {
	a = sign.Announce{Digests: configured.Digests, CDNSKEY: true}
	if len(a.Digests) == 0 {
		a.Digests = []uint8{dns.SHA256}
	}
	switch r.status.Phase {
	case RollAnnounced, RollParentHas, RollSwapped:
		a.Keys = []*sign.Key{r.old, r.Key}
	case RollWithdrawn:
		a.Keys = []*sign.Key{r.Key}
	default:
		return configured, false
	}
	return a, true
}

// StartRollover begins to replace one of a primary's keys. What can be done at once is; the rest follows as time passes
// on the clock while the server is started. A zone in several views is rolled in each. A zone with one key for
// everything cannot be rolled this way, nor to another algorithm.
func (s *Server) StartRollover(view, origin string, roll Roll) error {
	h, err := s.signedHere(view, origin)
	if err != nil {
		return err
	}
	h.mu.Lock()
	err = h.startRollover(roll)
	r := h.primary.roll
	h.mu.Unlock()
	if err != nil {
		return fmt.Errorf("zone %s: %w", h.name(), err)
	}
	h.rolled()
	if ctx := s.running(); ctx != nil {
		s.clock.Go(func() { h.rollLoop(ctx, r) })
	}
	return nil
}

// startRollover is called with mu held.
func (h *hosted) startRollover(roll Roll) error {
	p := h.primary
	switch {
	case p.roll != nil:
		return ErrRolling
	case p.over.Keys != nil:
		return errors.New("an operator has it signed with other keys; ResumeSigning first")
	case p.over.Stop:
		return errors.New("its signing has been stopped; ResumeSigning first")
	}
	old, err := h.predecessor(roll)
	if err != nil {
		return err
	}
	if roll.Spread == 0 {
		roll.Spread = rollSpread
	}
	if roll.ParentSpread == 0 {
		roll.ParentSpread = rollSpread
	}
	r := &rollover{Roll: roll, old: old}
	r.status = RollStatus{Kind: roll.Kind, Old: old.DNSKEY.KeyTag(), New: roll.Key.DNSKEY.KeyTag()}
	first := RollPublished
	if roll.Kind == RollKSK {
		first = RollAnnounced
	}
	p.roll = r
	if err := h.enter(first); err != nil {
		p.roll = nil
		return err
	}
	return nil
}

// predecessor finds the key that the new one replaces.
func (h *hosted) predecessor(roll Roll) (*sign.Key, error) {
	if roll.Kind != RollZSK && roll.Kind != RollKSK {
		return nil, errors.New("Roll.Kind is neither RollZSK nor RollKSK")
	}
	k := roll.Key
	if k == nil || k.DNSKEY == nil || k.Signer == nil || !sameOrigin(k.DNSKEY.Hdr.Name, h.origin) || k.KSK() != (roll.Kind == RollKSK) {
		return nil, fmt.Errorf("a %s needs a private key of the zone with the flags of the one that it replaces", roll.Kind)
	}
	var same, others []*sign.Key
	for _, old := range h.primary.keys {
		switch {
		case old.DNSKEY.Algorithm != k.DNSKEY.Algorithm || old.Signer == nil:
		case dns.IsDuplicate(old.DNSKEY, k.DNSKEY):
			return nil, errors.New("the successor is the key that is in use")
		case old.KSK() == k.KSK():
			same = append(same, old)
		default:
			others = append(others, old)
		}
	}
	switch {
	case len(same) != 1:
		return nil, fmt.Errorf("the zone has %d keys of that kind and algorithm, so none that is the one to be replaced", len(same))
	case len(others) == 0:
		return nil, errors.New("its one key signs everything; give it a KSK and a ZSK to roll them")
	}
	return same[0], nil
}

// CancelRollover undoes a rollover whose new key nobody depends on yet.
func (s *Server) CancelRollover(view, origin string) error {
	h, err := s.rollingHere(view, origin)
	if err != nil {
		return err
	}
	h.mu.Lock()
	if r := h.primary.roll; r == nil {
		err = ErrNotRolling
	} else if r.status.Phase != RollPublished && r.status.Phase != RollAnnounced {
		err = ErrTooLate
	} else {
		err = h.enter(RollCancelled)
	}
	h.mu.Unlock()
	if err != nil {
		return fmt.Errorf("zone %s: %w", h.name(), err)
	}
	h.rolled()
	return nil
}

// Rollover tells how the zone's rollover stands, or how the last one ended.
func (s *Server) Rollover(view, origin string) (RollStatus, error) {
	h, err := s.signedHere(view, origin)
	if err != nil {
		return RollStatus{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.primary.roll; r != nil {
		return r.status, nil
	}
	return h.primary.rolled, nil
}

// CheckParent has a rollover ask its parent at once (Signing.ParentDS), rather than at the next full hour.
func (s *Server) CheckParent(view, origin string) error { return s.ParentHas(view, origin, nil) }

// ParentHas tells a rollover which DS records the zone's parent has now, as somebody does who has looked, where
// Signing.ParentDS cannot.
func (s *Server) ParentHas(view, origin string, ds []dns.RR) error {
	h, err := s.rollingHere(view, origin)
	if err != nil {
		return err
	}
	h.mu.Lock()
	var wake func()
	if r := h.primary.roll; r != nil {
		r.told, r.askAt, wake = ds, s.clock.Now(), r.wake
	}
	h.mu.Unlock()
	if wake != nil {
		wake()
	}
	return nil
}

func (s *Server) signedHere(view, origin string) (*hosted, error) {
	h, err := s.primaryOf(view, origin)
	if err == nil && h.primary.signing == nil {
		return nil, fmt.Errorf("zone %s: %w", h.name(), ErrNotSigning)
	}
	return h, err
}

func (s *Server) rollingHere(view, origin string) (*hosted, error) {
	h, err := s.signedHere(view, origin)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.primary.roll == nil {
		return nil, fmt.Errorf("zone %s: %w", h.name(), ErrNotRolling)
	}
	return h, nil
}

// enter goes over to a phase: signs the zone as it wants it, with a new serial and the times that the signatures have,
// and sets the time of the next. All is as before when that fails. The caller holds mu.
func (h *hosted) enter(phase RollPhase) error {
	p, now := h.primary, h.server.clock.Now()
	r := p.roll
	before, ttls := r.status, h.rollTTLs()
	r.status.Phase, r.status.Since, r.status.Next = phase, now, time.Time{}
	r.askAt, r.told = time.Time{}, nil
	switch phase {
	case RollPublished, RollSwapped: // until nobody has the DNSKEY RRset of before
		r.status.Next = now.Add(r.Spread + ttls.keys)
	case RollSigning: // until nobody has a signature of the old key's
		r.status.Next = now.Add(r.Spread + ttls.longest)
	case RollParentHas: // until nobody has the DS RRset of before
		r.status.Next = now.Add(r.ParentSpread + r.dsTTL)
		return nil // nothing changes in the zone
	case RollAnnounced, RollWithdrawn:
		if p.signing.ParentDS != nil {
			r.askAt = now.Add(h.askEvery())
		}
	}
	keys := p.keys
	ended := phase == RollDone || phase == RollCancelled
	if ended {
		p.keys, p.roll = r.keys(keys), nil
	}
	source, err := raiseSerial(p.source)
	if err == nil {
		err = p.sign(h, source, now)
	}
	if err != nil {
		p.keys, p.roll, r.status = keys, r, before
		return err
	}
	if ended {
		p.rolled = r.status
	}
	return nil
}

func (h *hosted) askEvery() time.Duration {
	if d := h.primary.signing.ParentInterval; d > 0 {
		return d
	}
	return rollAsk
}

// rollTTLs are how long a validator may keep what it has of the zone.
func (h *hosted) rollTTLs() (ttls struct{ keys, longest time.Duration }) {
	z := h.served.Load().zone
	for set := range z.RRsets() {
		ttl := seconds(set.RRs[0].Header().Ttl)
		ttls.longest = max(ttls.longest, ttl)
		if set.Type == dns.TypeDNSKEY && sameOrigin(set.Name, z.Origin()) {
			ttls.keys = max(ttls.keys, ttl)
		}
	}
	return ttls
}

// rolled tells of a step, and spreads it.
func (h *hosted) rolled() {
	h.mu.Lock()
	st := h.primary.rolled
	if r := h.primary.roll; r != nil {
		st = r.status
	}
	h.mu.Unlock()
	next := ""
	switch {
	case !st.Next.IsZero():
		next = ", until " + st.Next.UTC().Format(time.RFC3339)
	case st.Phase == RollAnnounced || st.Phase == RollWithdrawn:
		next = ", until the parent follows"
	}
	h.event(EventRollover, netip.AddrPort{}, "%s of %s from key %d to %d: %s%s", st.Kind, h.name(), st.Old, st.New, st.Phase, next)
	h.notifyAll()
}

// hasDS tells whether one of the records is a DS of the key.
func hasDS(ds []dns.RR, k *sign.Key) bool {
	return slices.ContainsFunc(ds, func(rr dns.RR) bool {
		have, ok := rr.(*dns.DS)
		if !ok {
			return false
		}
		want := k.DS(have.DigestType)
		return want != nil && have.KeyTag == want.KeyTag && have.Algorithm == want.Algorithm && strings.EqualFold(have.Digest, want.Digest)
	})
}

// ParentWants is what a zone's CDS, or where it has none its CDNSKEY, ask the parent to have in its DS RRset (RFC 7344
// section 6, RFC 8078 section 4): the records with that owner and TTL, nil for none at all. ok is false where the zone
// asks for nothing, or contradicts itself. Whether the zone is to be believed is the caller's to check.
func ParentWants(child *zone.Zone, ttl uint32) (ds []dns.RR, ok bool) {
	cds, _ := child.RRset(child.Origin(), dns.TypeCDS)
	for _, rr := range cds.RRs {
		d := rr.(*dns.CDS)
		if d.Algorithm == 0 {
			return nil, len(cds.RRs) == 1
		}
		ds = append(ds, asDS(&d.DS, child.Origin(), ttl))
	}
	if len(ds) > 0 {
		return ds, true
	}
	keys, _ := child.RRset(child.Origin(), dns.TypeCDNSKEY)
	for _, rr := range keys.RRs {
		k := rr.(*dns.CDNSKEY)
		if k.Algorithm == 0 {
			return nil, len(keys.RRs) == 1
		}
		if d := k.DNSKEY.ToDS(dns.SHA256); d != nil {
			ds = append(ds, asDS(d, child.Origin(), ttl))
		}
	}
	return ds, len(ds) > 0
}

func asDS(d *dns.DS, owner string, ttl uint32) *dns.DS {
	return &dns.DS{
		Hdr:    dns.RR_Header{Name: owner, Rrtype: dns.TypeDS, Class: dns.ClassINET, Ttl: ttl},
		KeyTag: d.KeyTag, Algorithm: d.Algorithm, DigestType: d.DigestType, Digest: d.Digest,
	}
}
