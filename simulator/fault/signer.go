package fault

import (
	"net/netip"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/authoritative/sign"
)

// signer makes a zone's signer go wrong in one way, until it is healed: then the zone is signed as before, at once.
type signer struct {
	name, zone string
	defect     sign.Alteration
	// shows tells the replies in which the defect may be seen, of those with signatures for names of the zone.
	shows func(*dns.Msg) bool
	undo  lifts
	*watch
}

func (f *signer) Inject(w World) error {
	var err error
	f.undo, err = resign(w, f.zone, func(r authoritative.Resigning) authoritative.Resigning {
		if first := r.Alter; first != nil {
			r.Alter = sign.Alterations(first, f.defect)
		} else {
			r.Alter = f.defect
		}
		return r
	})
	if err != nil {
		return err
	}
	f.watch = watchReplies(w.Network(), f.name, w.Servers(f.zone),
		func(m *dns.Msg, _ netip.Addr) bool {
			return m.IsEdns0() != nil && m.IsEdns0().Do() && len(m.Question) == 1 && dns.IsSubDomain(f.zone, m.Question[0].Name)
		},
		func(m *dns.Msg, _ netip.Addr) bool { return f.shows(m) })
	return nil
}

func (f *signer) Heal() error {
	f.watch.end()
	return f.undo.all()
}
