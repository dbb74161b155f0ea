package simulator

import (
	"fmt"

	"faultzone/scenarios"
	"faultzone/simulator/fault"
)

// Resign signs a zone at once on its primaries, with the times of the present period and a new serial, as an operator
// does by hand. What faults have done to the signer stays: a broken one signs as it does, and one that renews nothing
// renews nothing after this either.
func (w *World) Resign(z scenarios.ZoneStep) error {
	places, err := narrow(w.places(z.Zone, true), z.Zone, z.Server, z.View)
	if err != nil {
		return err
	}
	w.acts.Lock()
	defer w.acts.Unlock()
	for _, p := range places {
		if err := fault.SignNow(&w.layers, z.Zone, p); err != nil {
			return fmt.Errorf("sign %s on %s, view %s: %w", z.Zone, p.Node, p.View, err)
		}
	}
	return nil
}
