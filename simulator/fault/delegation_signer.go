package fault

import (
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/authoritative/zone"
	"faultzone/scenarios"
)

// delegationSigner is what the parent publishes of a zone: the DS RRset, at every primary of the parent.
type delegationSigner struct {
	w            World
	zone, parent string
	rrs          []dns.RR // as found
}

// find looks up the DS that the parent has now.
func (d *delegationSigner) find(w World) error {
	d.w = w
	parent, err := w.Parent(d.zone)
	if err != nil {
		return err
	}
	d.parent = parent
	return eachPrimary(w, parent, func(p Place) error {
		z := p.Server.Zone(p.View, parent)
		if z == nil {
			return fmt.Errorf("%s is not loaded", parent)
		}
		set, ok := z.RRset(d.zone, dns.TypeDS)
		if !ok {
			return fmt.Errorf("%s has no DS for %s", parent, d.zone)
		}
		d.rrs = set.RRs
		return nil
	})
}

// publish puts other records into their place; none: takes them away.
func (d *delegationSigner) publish(rrs []dns.RR) error {
	change := zone.Change{Op: zone.DeleteRRset, Name: d.zone, Type: dns.TypeDS}
	if len(rrs) > 0 {
		change = zone.Change{Op: zone.ReplaceRRset, Name: d.zone, Type: dns.TypeDS, RRs: rrs}
	}
	return eachPrimary(d.w, d.parent, func(p Place) error { return p.Server.Edit(p.View, d.parent, change) })
}

// dsMissing takes a zone's DS away at its parent.
type dsMissing struct {
	ds delegationSigner
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
			return &dsMissing{ds: delegationSigner{zone: dns.CanonicalName(p.String("zone", ""))}}, nil
		},
	}
}

func (f *dsMissing) Inject(w World) error {
	if err := f.ds.find(w); err != nil {
		return err
	}
	if err := f.ds.publish(nil); err != nil {
		return err
	}
	about := func(m *dns.Msg, _ netip.Addr) bool {
		return len(m.Question) == 1 && dns.IsSubDomain(f.ds.zone, m.Question[0].Name)
	}
	f.watch = watchReplies(w.Network(), "ds-missing", w.Servers(f.ds.parent), about,
		func(m *dns.Msg, _ netip.Addr) bool {
			return !records(m, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeDS })
		})
	return nil
}

func (f *dsMissing) Heal() error {
	f.watch.end()
	return f.ds.publish(f.ds.rrs)
}

// keyRoll signs a zone with new keys that its parent knows nothing of.
type keyRoll struct {
	ds delegationSigner
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
			return &keyRoll{ds: delegationSigner{zone: dns.CanonicalName(p.String("zone", ""))}}, nil
		},
	}
}

func (f *keyRoll) Inject(w World) error {
	if err := f.ds.find(w); err != nil {
		return err
	}
	keys, err := w.Keys(f.ds.zone, 1)
	if err != nil {
		return err
	}
	err = eachPrimary(w, f.ds.zone, func(p Place) error {
		return p.Server.Resign(p.View, f.ds.zone, authoritative.Resigning{Keys: keys})
	})
	if err != nil {
		return err
	}
	fresh := map[string]bool{}
	for _, k := range keys {
		fresh[k.DNSKEY.PublicKey] = true
	}
	f.watch = watchReplies(w.Network(), "key-roll-unannounced", w.Servers(f.ds.zone),
		func(m *dns.Msg, _ netip.Addr) bool {
			return len(m.Question) == 1 && m.Question[0].Qtype == dns.TypeDNSKEY
		},
		func(m *dns.Msg, _ netip.Addr) bool {
			return records(m, func(rr dns.RR) bool { k, ok := rr.(*dns.DNSKEY); return ok && fresh[k.PublicKey] })
		})
	return nil
}

func (f *keyRoll) Heal() error {
	f.watch.end()
	keys, err := f.ds.w.Keys(f.ds.zone, 1)
	if err != nil {
		return err
	}
	var rrs []dns.RR
	for _, k := range keys {
		if k.KSK() {
			ds := k.DS(dns.SHA256)
			ds.Hdr.Ttl = f.ds.rrs[0].Header().Ttl
			rrs = append(rrs, ds)
		}
	}
	return f.ds.publish(rrs)
}
