package iterate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"
)

// Resolve asks for one name and type at the zone that has it, and returns what one of its servers says. Servers in
// avoid are not asked in the last zone: they gave answers that did not stand. The errors are *[Unreachable] and ctx's.
func (it *Iterator) Resolve(ctx context.Context, w *Work, name string, rrtype uint16, avoid map[netip.AddrPort]bool) (*Response, error) {
	name = dns.CanonicalName(name)
	d := it.closest(name, rrtype, it.config.Clock.Now())
	for range maxReferrals {
		r, next, err := it.zone(ctx, w, d, name, rrtype, avoid)
		if err != nil || r != nil {
			return r, err
		}
		d = next
	}
	return nil, &Unreachable{Zone: d.zone, Query: Question{name, rrtype}.String(), Attempts: []Attempt{{Reply: "referrals without end"}}}
}

// zone asks the servers of one zone, one after another, until one helps: with a response, or with the next delegation.
func (it *Iterator) zone(ctx context.Context, w *Work, d delegation, name string, rrtype uint16, avoid map[netip.AddrPort]bool) (*Response, delegation, error) {
	failed := &Unreachable{Zone: d.zone, Query: Question{name, rrtype}.String()}
	tried := map[netip.AddrPort]int{}
	resolved := false
	for {
		if err := ctx.Err(); err != nil {
			return nil, d, errors.Join(failed, err)
		}
		at, ok := it.choose(without(d.addresses, avoid), tried, it.config.Clock.Now())
		if !ok && !resolved {
			resolved = true
			it.resolveNames(ctx, w, &d)
			continue
		}
		if !ok {
			return nil, d, failed
		}
		tried[at]++
		m, kind, err := it.ask(ctx, w, at, d.zone, name, rrtype)
		if err != nil {
			it.report(Event{Kind: reason(err), Query: failed.Query, Server: at, Text: err.Error()})
			failed.Attempts = append(failed.Attempts, Attempt{Server: at, Err: err})
			if errors.Is(err, errWork) {
				return nil, d, failed
			}
			if !isTimeout(err) {
				tried[at] = maxTries // it will say the same again
			}
			continue
		}
		switch kind {
		case Answer, CNAME, NODATA, NXDOMAIN:
			it.report(Event{Kind: "reply", Query: failed.Query, Server: at, Text: fmt.Sprintf("%v from a server of %s", kind, d.zone)})
			r := respond(m, kind, d.zone, name, rrtype)
			r.Server = at
			return r, d, nil
		case Referral:
			if next, ok := it.learn(m, d.zone, name, it.config.Clock.Now()); ok && !(rrtype == dns.TypeDS && next.zone == name) {
				it.report(Event{Kind: "referral", Query: failed.Query, Server: at, Text: "to " + next.zone})
				return nil, next, nil
			}
			kind = Lame
		}
		tried[at] = maxTries
		text := describe(kind, m)
		it.report(Event{Kind: "lame", Query: failed.Query, Server: at, Text: text})
		failed.Attempts = append(failed.Attempts, Attempt{Server: at, Reply: text})
	}
}

// describe is a reply that does not help, in a word or two.
func describe(kind Kind, m *dns.Msg) string {
	if m == nil || m.Rcode == dns.RcodeSuccess {
		return kind.String()
	}
	return dns.RcodeToString[m.Rcode]
}

func reason(err error) string {
	if isTimeout(err) {
		return "timeout"
	}
	return "error"
}

func without(list []netip.AddrPort, avoid map[netip.AddrPort]bool) []netip.AddrPort {
	if len(avoid) == 0 {
		return list
	}
	var rest []netip.AddrPort
	for _, a := range list {
		if !avoid[a] {
			rest = append(rest, a)
		}
	}
	return rest
}
