package simulator

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/authoritative/zone"
	"faultzone/scenarios"
	"faultzone/simulator/fault"
)

// registryInterval is how often a parent looks at the CDS records of a zone that is rolling a key.
const registryInterval = time.Hour

// Roll starts an orderly rollover of one of a zone's keys, the same new key in every view and on every primary. For a
// KSK the parent looks at the zone's CDS every hour and does what they ask, unless it is deaf.
func (w *World) Roll(r scenarios.RollStep) error {
	places := w.places(r.Zone, true)
	if len(places) == 0 {
		return fmt.Errorf("no server of the world is a primary of %s", r.Zone)
	}
	keys, err := w.zones.nextKeys(r.Zone)
	if err != nil {
		return err
	}
	roll := authoritative.Roll{Kind: authoritative.RollZSK}
	if r.KSK {
		roll.Kind = authoritative.RollKSK
	}
	for _, k := range keys {
		if k.KSK() == r.KSK {
			roll.Key = k
		}
	}
	for _, p := range places {
		if err := p.Server.StartRollover(p.View, r.Zone, roll); err != nil {
			return fmt.Errorf("roll a key of %s on %s, view %s: %w", r.Zone, p.Node, p.View, err)
		}
	}
	if r.KSK && !r.Deaf {
		w.driver.Go(func() { w.followChild(r.Zone, places[0]) })
	}
	return nil
}

// followChild is the registry of a zone's parent while the zone rolls a key: it has the DS that the zone's CDS ask for.
func (w *World) followChild(origin string, child fault.Place) {
	for w.driver.Sleep(context.Background(), registryInterval) == nil {
		status, err := child.Server.Rollover(child.View, origin)
		if err != nil || status.Phase == authoritative.RollDone || status.Phase == authoritative.RollCancelled {
			return
		}
		served := child.Server.Zone(child.View, origin)
		if served == nil {
			continue
		}
		want, ok := authoritative.ParentWants(served, dsTTL)
		if !ok || sameRecords(want, w.parentDS(origin)) {
			continue
		}
		if err := w.publishDS(origin, want); err != nil {
			w.note(Entry{Kind: KindWorld, What: "registry", Zone: origin, Text: err.Error()})
			return
		}
		w.note(Entry{Kind: KindWorld, What: "registry", Zone: origin, Text: fmt.Sprintf("the parent has %d DS now", len(want))})
	}
}

// publishDS puts a zone's DS RRset into its parent, at each of the parent's primaries.
func (w *World) publishDS(origin string, rrs []dns.RR) error {
	parent, err := w.zones.parent(origin)
	if err != nil {
		return err
	}
	for _, p := range w.places(parent, true) {
		if err := p.Server.Edit(p.View, parent, zone.Change{Op: zone.ReplaceRRset, Name: origin, Type: dns.TypeDS, RRs: rrs}); err != nil {
			return fmt.Errorf("DS of %s at %s: %w", origin, p.Node, err)
		}
	}
	return nil
}

// parentDS is the DS RRset that a zone's parent serves now.
func (w *World) parentDS(origin string) []dns.RR {
	parent, err := w.zones.parent(origin)
	if err != nil {
		return nil
	}
	for _, p := range w.places(parent, false) {
		if z := p.Server.Zone(p.View, parent); z != nil {
			set, _ := z.RRset(dns.CanonicalName(origin), dns.TypeDS)
			return set.RRs
		}
	}
	return nil
}

// sameRecords tells whether two RRsets are the same, their TTLs left aside.
func sameRecords(a, b []dns.RR) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		found := false
		for _, y := range b {
			found = found || dns.IsDuplicate(x, y)
		}
		if !found {
			return false
		}
	}
	return true
}
