package fault

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/scenarios"
)

// transferRefused makes a primary refuse its secondaries.
type transferRefused struct {
	server, zone string
	undo         lifts
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
			return &transferRefused{server: p.String("server", ""), zone: dns.CanonicalName(p.String("zone", ""))}, nil
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
	var lists []*layer[authoritative.Match]
	err = eachPrimary(w, f.zone, func(p Place) error {
		if p.Node != f.server {
			return nil
		}
		l, err := lay(w.Layers(), fmt.Sprintf("who may transfer %s from %s, view %s", f.zone, p.Node, p.View),
			func() (authoritative.Match, error) { return p.Server.Transfer(p.View, f.zone) },
			func(m authoritative.Match) error { return p.Server.SetTransfer(p.View, f.zone, m) },
			func(authoritative.Match) authoritative.Match { return none })
		if err == nil {
			f.undo = append(f.undo, l.lift)
			lists = append(lists, l)
		}
		return err
	})
	if err == nil && len(f.undo) == 0 {
		err = fmt.Errorf("%s is no primary of %s", f.server, f.zone)
	}
	if err != nil {
		return errors.Join(err, f.undo.all())
	}
	f.watch = watchReplies(w.Network(), "transfer-refused", hosts(addresses),
		func(m *dns.Msg, _ netip.Addr) bool {
			return len(m.Question) == 1 && dns.CanonicalName(m.Question[0].Name) == f.zone &&
				(m.Question[0].Qtype == dns.TypeAXFR || m.Question[0].Qtype == dns.TypeIXFR)
		},
		// Those who are refused now and would not be without the fault.
		func(m *dns.Msg, to netip.Addr) bool {
			return m.Rcode == dns.RcodeRefused && slices.ContainsFunc(lists, func(l *layer[authoritative.Match]) bool {
				return l.without().Allows(to, keyOf(m))
			})
		})
	return nil
}

func (f *transferRefused) Heal() error {
	f.watch.end()
	return f.undo.all()
}
