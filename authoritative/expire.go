package authoritative

import (
	"time"

	"github.com/miekg/dns"
)

// RFC 7314: a secondary that copies from another secondary asks when that one's copy expires, so that a copy of a copy
// does not outlive the SOA's expire.

// askExpire gives m an OPT record that asks for the expiry (RFC 7314 section 2).
func askExpire(m *dns.Msg) {
	m.SetEdns0(maxUDP, false)
	opt := m.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_EXPIRE{Code: dns.EDNS0EXPIRE, Empty: true})
}

// toldExpire is what a reply says of it, or nil.
func toldExpire(m *dns.Msg) *time.Duration {
	if o := expireOption(m); o != nil && !o.Empty {
		d := seconds(o.Expire)
		return &d
	}
	return nil
}

func expireOption(m *dns.Msg) *dns.EDNS0_EXPIRE {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EXPIRE); ok {
				return e
			}
		}
	}
	return nil
}

// tellExpire adds the option to an answer that has its OPT record, if the query asks for it: on a primary the SOA's
// expire, on a secondary what is left of its copy's time (RFC 7314 sections 3.1 and 3.2).
func (a *answer) tellExpire(q *dns.Msg, h *hosted, sv *served) {
	asked, opt := expireOption(q), a.msg.IsEdns0()
	if asked == nil || opt == nil || !sameOrigin(q.Question[0].Name, h.origin) {
		return
	}
	switch q.Question[0].Qtype {
	case dns.TypeSOA, dns.TypeAXFR, dns.TypeIXFR:
	default:
		return
	}
	left := sv.zone.SOA().Expire
	if !sv.expires.IsZero() {
		left = uint32(max(sv.expires.Sub(h.server.clock.Now()), 0) / time.Second)
	}
	opt.Option = append(opt.Option, &dns.EDNS0_EXPIRE{Code: dns.EDNS0EXPIRE, Expire: left})
}

// expiry is until when a copy may be served that has just been confirmed, or come in (RFC 7314 section 4). told is what
// the primary says of its own; it is taken for no more than the SOA's expire. A check that confirms the copy never
// shortens its time.
func expiry(now time.Time, soa *dns.SOA, told *time.Duration, before time.Time) time.Time {
	whole := seconds(soa.Expire)
	if told == nil {
		return now.Add(whole)
	}
	until := now.Add(min(*told, whole))
	if until.Before(before) {
		return before
	}
	return until
}
