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
	w    World
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
	for inception.Add(c.Validity).Before(now) {
		inception = inception.Add(step)
	}
	for inception.Add(c.Validity - step).After(now) {
		inception = inception.Add(-step)
	}
	return inception, inception.Add(c.Validity)
}

func (f *resigningStopped) Inject(w World) error {
	f.w = w
	inception, expiration := oldestValid(w.Calendar(), w.Now())
	err := eachPrimary(w, f.zone, func(p Place) error {
		return p.Server.Resign(p.View, f.zone, authoritative.Resigning{Inception: inception, Expiration: expiration, Stop: true})
	})
	if err != nil {
		return err
	}
	signature := func(m *dns.Msg, test func(*dns.RRSIG) bool) bool {
		return records(m, func(rr dns.RR) bool {
			s, ok := rr.(*dns.RRSIG)
			return ok && dns.CanonicalName(s.SignerName) == f.zone && test(s)
		})
	}
	f.watch = watchReplies(w.Network(), "resigning-stopped", w.Servers(f.zone),
		func(m *dns.Msg, _ netip.Addr) bool {
			return signature(m, func(*dns.RRSIG) bool { return true })
		},
		// What an honest signer would have renewed by now.
		func(m *dns.Msg, _ netip.Addr) bool {
			now := w.Now()
			return signature(m, func(s *dns.RRSIG) bool { return !s.ValidityPeriod(now) })
		})
	return nil
}

func (f *resigningStopped) Heal() error {
	f.watch.end()
	return eachPrimary(f.w, f.zone, func(p Place) error { return p.Server.ResumeSigning(p.View, f.zone) })
}
