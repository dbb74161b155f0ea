package fault

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/authoritative/zone"
	"faultzone/scenarios"
)

// parentSide is what the parent publishes of a zone: the DS RRset, at every primary of the parent.
type parentSide struct {
	w            World
	zone, parent string
	ttl          uint32 // of the DS records as found
}

// find looks up the DS that the parent has now.
func (d *parentSide) find(w World) error {
	d.w = w
	parent, err := w.Parent(d.zone)
	if err != nil {
		return err
	}
	d.parent = parent
	return eachPrimary(w, parent, func(p Place) error {
		rrs, err := d.present(p)
		if err != nil {
			return err
		}
		if len(rrs) == 0 {
			return fmt.Errorf("%s has no DS for %s", parent, d.zone)
		}
		d.ttl = rrs[0].Header().Ttl
		return nil
	})
}

// present is the DS RRset at one of the parent's primaries; empty when there is none.
func (d *parentSide) present(p Place) ([]dns.RR, error) {
	z := p.Server.Zone(p.View, d.parent)
	if z == nil {
		return nil, fmt.Errorf("%s is not loaded", d.parent)
	}
	set, _ := z.RRset(d.zone, dns.TypeDS)
	return set.RRs, nil
}

// publish puts other records into their place; none: takes them away.
func (d *parentSide) publish(rrs []dns.RR) (lifts, error) {
	var undo lifts
	err := eachPrimary(d.w, d.parent, func(p Place) error {
		l, err := lay(d.w.Layers(), fmt.Sprintf("DS of %s on %s, view %s", d.zone, p.Node, p.View),
			func() ([]dns.RR, error) { return d.present(p) },
			func(rrs []dns.RR) error {
				change := zone.Change{Op: zone.DeleteRRset, Name: d.zone, Type: dns.TypeDS}
				if len(rrs) > 0 {
					change = zone.Change{Op: zone.ReplaceRRset, Name: d.zone, Type: dns.TypeDS, RRs: rrs}
				}
				return p.Server.Edit(p.View, d.parent, change)
			},
			func([]dns.RR) []dns.RR { return rrs })
		if err == nil {
			undo = append(undo, l.lift)
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, undo.all())
	}
	return undo, nil
}

// dsMissing takes a zone's DS away at its parent.
type dsMissing struct {
	ds   parentSide
	undo lifts
	*watch
}

func dsMissingSpec() Spec {
	return Spec{
		FaultSpec: scenarios.FaultSpec{
			Name:    "ds-missing",
			Summary: "the parent no longer publishes a zone's DS",
			Text: "As after a change of registrar or of delegation that forgot the DS. The parent proves that there is none, so " +
				"the zone is insecure, not bogus: names resolve, without AD.",
			Params: []scenarios.ParamSpec{
				{Name: "zone", Kind: scenarios.ZoneName, Required: true, Summary: "the signed child zone"},
			},
		},
		New: func(p Params) (Fault, error) {
			return &dsMissing{ds: parentSide{zone: dns.CanonicalName(p.String("zone", ""))}}, nil
		},
	}
}

func (f *dsMissing) Inject(w World) error {
	err := f.ds.find(w)
	if err != nil {
		return err
	}
	if f.undo, err = f.ds.publish(nil); err != nil {
		return err
	}
	f.watch = watchReplies(w.Network(), "ds-missing", w.Servers(f.ds.parent),
		// Where the DS would be: the answer to a question for it, and the referral to the zone for those who want
		// signatures.
		func(m *dns.Msg, _ netip.Addr) bool {
			if len(m.Question) != 1 {
				return false
			}
			q := m.Question[0]
			return q.Qtype == dns.TypeDS && dns.CanonicalName(q.Name) == f.ds.zone || f.ds.refers(m)
		},
		func(m *dns.Msg, _ netip.Addr) bool {
			return !records(m, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeDS })
		})
	return nil
}

// refers tells whether a message is a referral to the zone that would have its DS along (RFC 4035 section 3.1.4).
func (d *parentSide) refers(m *dns.Msg) bool {
	if opt := m.IsEdns0(); opt == nil || !opt.Do() || len(m.Answer) > 0 {
		return false
	}
	for _, rr := range m.Ns {
		if rr.Header().Rrtype == dns.TypeNS && dns.CanonicalName(rr.Header().Name) == d.zone {
			return true
		}
	}
	return false
}

func (f *dsMissing) Heal() error {
	f.watch.end()
	return f.undo.all()
}

// keyRoll signs a zone with new keys that its parent knows nothing of.
type keyRoll struct {
	ds         parentSide
	generation int
	*watch
}

func keyRollSpec() Spec {
	return Spec{
		FaultSpec: scenarios.FaultSpec{
			Name:    "key-roll-unannounced",
			Summary: "a zone's keys are replaced and the parent keeps the old DS",
			Text: "The zone is signed by new keys at once, and the parent's DS still names the old one: bogus for every validating " +
				"resolver as its cached keys run out. Healing has the parent publish the DS of the new key; resolvers that " +
				"hold the old DS wait for its TTL to end.",
			Params: []scenarios.ParamSpec{
				{Name: "zone", Kind: scenarios.ZoneName, Required: true, Summary: "the signed child zone"},
			},
		},
		New: func(p Params) (Fault, error) {
			return &keyRoll{ds: parentSide{zone: dns.CanonicalName(p.String("zone", ""))}}, nil
		},
	}
}

func (f *keyRoll) Inject(w World) error {
	if err := f.ds.find(w); err != nil {
		return err
	}
	f.generation = w.Layers().generation(f.ds.zone)
	keys, err := w.Keys(f.ds.zone, f.generation)
	if err != nil {
		return err
	}
	// The new keys stay: it is the parent that healing changes.
	_, err = resign(w, f.ds.zone, func(r authoritative.Resigning) authoritative.Resigning {
		r.Keys = keys
		return r
	})
	if err != nil {
		return err
	}
	fresh := map[uint16]bool{}
	for _, k := range keys {
		fresh[k.DNSKEY.KeyTag()] = true
	}
	f.watch = watchReplies(w.Network(), "key-roll-unannounced", w.Servers(f.ds.zone),
		func(m *dns.Msg, _ netip.Addr) bool { return signature(m, f.ds.zone, anySignature) },
		func(m *dns.Msg, _ netip.Addr) bool {
			return signature(m, f.ds.zone, func(s *dns.RRSIG) bool { return fresh[s.KeyTag] })
		})
	return nil
}

func (f *keyRoll) Heal() error {
	f.watch.end()
	keys, err := f.ds.w.Keys(f.ds.zone, f.generation)
	if err != nil {
		return err
	}
	var rrs []dns.RR
	for _, k := range keys {
		if k.KSK() {
			ds := k.DS(dns.SHA256)
			ds.Hdr.Ttl = f.ds.ttl
			rrs = append(rrs, ds)
		}
	}
	_, err = f.ds.publish(rrs)
	return err
}
