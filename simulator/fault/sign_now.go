package fault

import (
	"fmt"
	"time"

	"faultzone/authoritative"
)

// signingOf is the setting that faults lay changes of a zone's signing on.
func signingOf(zone string, p Place) string {
	return fmt.Sprintf("signing of %s on %s, view %s", zone, p.Node, p.View)
}

// SignNow signs a zone at one place at once, with the times of the present period; all else that faults have laid on its
// signing holds.
func SignNow(all *Layers, zone string, p Place) error {
	all.mu.Lock()
	defer all.mu.Unlock()
	var r authoritative.Resigning
	if laid, ok := all.piles[signingOf(zone, p)].(*pile[authoritative.Resigning]); ok {
		r = laid.value(nil)
	}
	r.Inception, r.Expiration = time.Time{}, time.Time{}
	return p.Server.Resign(p.View, zone, r)
}
