package fault

import (
	"net/netip"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/scenarios"
)

// transferRefused makes a primary refuse its secondaries.
type transferRefused struct {
	server, zone string
	undo         []func() error
	*watch
}

func transferRefusedSpec() Spec {
	return Spec{
		FaultSpec: scenarios.FaultSpec{
			Name:    "transfer-refused",
			Summary: "a primary no longer lets anybody transfer a zone",
			Text: "The zone's allow-transfer is emptied. Secondaries still see the SOA and hear every NOTIFY, so nothing " +
				"expires and nothing looks down; they only never get what has changed.",
			Params: []scenarios.ParamSpec{
				{Name: "server", Kind: scenarios.ServerNode, Required: true, Summary: "the primary"},
				{Name: "zone", Kind: scenarios.ZoneName, Required: true, Summary: "the zone"},
			},
		},
		New: func(p Params) (Fault, error) {
			return &transferRefused{server: p.String("server", ""), zone: p.String("zone", "")}, nil
		},
	}
}

func (f *transferRefused) Inject(w World) error {
	none, err := authoritative.ParseMatch([]string{"none"})
	if err != nil {
		return err
	}
	addresses, err := w.Addresses(f.server)
	if err != nil {
		return err
	}
	err = eachPrimary(w, f.zone, func(p Place) error {
		if p.Node != f.server {
			return nil
		}
		old, err := p.Server.Transfer(p.View, f.zone)
		if err != nil {
			return err
		}
		f.undo = append(f.undo, func() error { return p.Server.SetTransfer(p.View, f.zone, old) })
		return p.Server.SetTransfer(p.View, f.zone, none)
	})
	if err != nil {
		return err
	}
	f.watch = watchReplies(w.Network(), "transfer-refused", hosts(addresses),
		func(m *dns.Msg, _ netip.Addr) bool {
			return len(m.Question) == 1 && (m.Question[0].Qtype == dns.TypeAXFR || m.Question[0].Qtype == dns.TypeIXFR)
		},
		func(m *dns.Msg, _ netip.Addr) bool { return m.Rcode == dns.RcodeRefused })
	return nil
}

func (f *transferRefused) Heal() error {
	f.watch.end()
	for _, undo := range f.undo {
		if err := undo(); err != nil {
			return err
		}
	}
	return nil
}
