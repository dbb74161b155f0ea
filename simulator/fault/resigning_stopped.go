package fault

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/scenarios"
)

// resigningStopped lets a zone's signatures run out.
type resigningStopped struct {
	zone string
	undo lifts
	*watch
}

func resigningStoppedSpec() Spec {
	return Spec{
		FaultSpec: scenarios.FaultSpec{
			Name:    "resigning-stopped",
			Summary: "nobody renews a zone's signatures",
			Text: "The signer has been dead for a while: the zone is served with the oldest signatures that are still valid, " +
				"the next to end, and nothing renews them. Healing brings the signer back, which signs anew at once.",
			Params: []scenarios.ParamSpec{
				{Name: "zone", Kind: scenarios.ZoneName, Required: true, Summary: "the zone"},
			},
		},
		New: func(p Params) (Fault, error) {
			return &resigningStopped{zone: dns.CanonicalName(p.String("zone", ""))}, nil
		},
	}
}

// oldestValid is the period of the calendar that is the next to end after now.
func oldestValid(c scenarios.Calendar, now time.Time) (inception, expiration time.Time) {
	step := c.Validity - c.Refresh
	periods := (now.Sub(c.Epoch) - c.Validity) / step
	inception = c.Epoch.Add(periods * step)
	for !inception.Add(c.Validity).After(now) {
		inception = inception.Add(step)
	}
	for inception.Add(c.Validity - step).After(now) {
		inception = inception.Add(-step)
	}
	return inception, inception.Add(c.Validity)
}

func (f *resigningStopped) Inject(w World) error {
	inception, expiration := oldestValid(w.Calendar(), w.Now())
	inception = inception.Add(-w.Calendar().InceptionOffset)
	var err error
	f.undo, err = resign(w, f.zone, func(r authoritative.Resigning) authoritative.Resigning {
		r.Inception, r.Expiration, r.Stop = inception, expiration, true
		return r
	})
	if err != nil {
		return err
	}
	f.watch = watchReplies(w.Network(), "resigning-stopped", w.Servers(f.zone),
		func(m *dns.Msg, _ netip.Addr) bool { return signature(m, f.zone, anySignature) },
		// What an honest signer would have renewed by now.
		func(m *dns.Msg, _ netip.Addr) bool {
			now := w.Now()
			return signature(m, f.zone, func(s *dns.RRSIG) bool { return !s.ValidityPeriod(now) })
		})
	return nil
}

func (f *resigningStopped) Heal() error {
	f.watch.end()
	return f.undo.all()
}
