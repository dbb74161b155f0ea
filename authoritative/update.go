package authoritative

import (
	"context"
	"fmt"
	"slices"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// update answers a dynamic update (RFC 2136): all of it is done, or nothing. Who may is asked before the prerequisites
// are looked at, which would otherwise tell strangers what the zone holds.
func (x *exchange) update(ctx context.Context, q *dns.Msg) error {
	e, rcode := readEDNS(q)
	a := &answer{msg: newReply(q, rcode), edns: e}
	zoneSection := q.Question[0]
	if rcode != dns.RcodeSuccess || zoneSection.Qtype != dns.TypeSOA { // section 3.1.1
		return x.reply(a.refuse(max(rcode, dns.RcodeFormatError), nil))
	}
	v := x.s.viewFor(&x.peer, x.key)
	if v == nil {
		return x.reply(x.s.refuseQuestion(a, v, zoneSection, x.request))
	}
	h := v.exact(zoneSection.Name)
	if h == nil || zoneSection.Qclass != dns.ClassINET { // section 3.1.2
		return x.reply(a.refuse(dns.RcodeNotAuth, newEDE(dns.ExtendedErrorCodeNotAuthoritative, "no zone of that name is served")))
	}
	if !h.allowUpdate.Load().Allows(x.peer.Addr.Addr(), x.key) {
		return x.refuseUpdate(a, h, dns.RcodeRefused, "not among those who may%s", x.signedBy())
	}
	if h.secondary != nil {
		return x.forwardUpdate(ctx, a, h)
	}
	changed, failure := h.update(q)
	if failure != nil {
		return x.refuseUpdate(a, h, failure.rcode, "%s", failure.why)
	}
	if changed {
		h.event(EventUpdated, x.peer.Addr, "%s has been updated by %s%s", h.name(), x.peer.Addr, x.signedBy())
		h.notifyAll()
	}
	return x.reply(a.refuse(dns.RcodeSuccess, nil))
}

// refuseUpdate says why not, to the client and in an event.
func (x *exchange) refuseUpdate(a *answer, h *hosted, rcode int, format string, args ...any) error {
	why := fmt.Sprintf(format, args...)
	h.event(EventUpdateRefused, x.peer.Addr, "update of %s: %s: %s", h.name(), dns.RcodeToString[rcode], why)
	code := dns.ExtendedErrorCodeOther
	if rcode == dns.RcodeRefused {
		code = dns.ExtendedErrorCodeProhibited
	}
	return x.reply(a.refuse(rcode, newEDE(code, why)))
}

// updateError is why an update is not made.
type updateError struct {
	rcode int
	why   string
}

func failUpdate(rcode int, format string, args ...any) *updateError {
	return &updateError{rcode, fmt.Sprintf(format, args...)}
}

// update makes the update that q asks for and tells whether it changed anything.
func (h *hosted) update(q *dns.Msg) (bool, *updateError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.primary
	if p.signing == nil && signedByOthers(p.source) {
		return false, failUpdate(dns.RcodeRefused, "the zone's signatures were made elsewhere, and would be lost")
	}
	u := newUpdating(p.source, q)
	if err := u.checkPrerequisites(q.Answer); err != nil {
		return false, err
	}
	if err := u.prescan(q.Ns, p.signing != nil); err != nil {
		return false, err
	}
	for _, rr := range q.Ns {
		u.do(rr)
	}
	changes := u.changes()
	if len(changes) == 0 {
		return false, nil
	}
	if _, err := h.edit(changes); err != nil {
		return false, failUpdate(dns.RcodeRefused, "the zone would not be sound: %v", err)
	}
	return true, nil
}

// signedByOthers tells whether the zone was handed over with its signatures.
func signedByOthers(z *zone.Zone) bool {
	apex, ok := z.RRset(z.Origin(), dns.TypeSOA)
	return ok && len(apex.Sigs) > 0
}

// nameType is an RRset's place, the name in canonical form.
type nameType struct {
	name   string
	rrtype uint16
}

// updating is the part of a zone that an update speaks of, before it and as it goes.
type updating struct {
	origin string
	before map[nameType][]dns.RR
	now    map[nameType][]dns.RR
	order  []nameType
}

// newUpdating takes from z what is at the names in q.
func newUpdating(z *zone.Zone, q *dns.Msg) *updating {
	u := &updating{origin: z.Origin(), before: map[nameType][]dns.RR{}, now: map[nameType][]dns.RR{}}
	names := map[string]bool{}
	for _, section := range [][]dns.RR{q.Answer, q.Ns} {
		for _, rr := range section {
			names[dns.CanonicalName(rr.Header().Name)] = true
		}
	}
	for set := range z.RRsets() {
		at := nameType{dns.CanonicalName(set.Name), set.Type}
		if names[at.name] {
			u.before[at] = set.RRs
			u.put(at, set.RRs)
		}
	}
	return u
}

func placeOf(rr dns.RR) nameType {
	return nameType{dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype}
}

// put sets the records at a place; only places ever put to are walked through, in the order in which that began.
func (u *updating) put(at nameType, rrs []dns.RR) {
	if _, known := u.now[at]; !known {
		u.order = append(u.order, at)
	}
	u.now[at] = rrs
}

// inUse tells whether a name has any records but those of one type (0: no exception).
func (u *updating) inUse(name string, but uint16) bool {
	for _, at := range u.order {
		if at.name == name && at.rrtype != but && len(u.now[at]) > 0 {
			return true
		}
	}
	return false
}

// checkPrerequisites is RFC 2136 section 3.2.5.
func (u *updating) checkPrerequisites(rrs []dns.RR) *updateError {
	wanted := map[nameType][]dns.RR{}
	var order []nameType
	for _, rr := range rrs {
		h, at := rr.Header(), placeOf(rr)
		empty := h.Rdlength == 0
		switch {
		case h.Ttl != 0:
			return failUpdate(dns.RcodeFormatError, "the prerequisite %s has a TTL", describeRR(rr))
		case !dns.IsSubDomain(u.origin, at.name):
			return failUpdate(dns.RcodeNotZone, "the prerequisite %s is outside of the zone", describeRR(rr))
		case (h.Class == dns.ClassANY || h.Class == dns.ClassNONE) && !empty:
			return failUpdate(dns.RcodeFormatError, "the prerequisite %s has data", describeRR(rr))
		}
		whole := at.rrtype == dns.TypeANY
		switch h.Class {
		case dns.ClassANY: // sections 2.4.1 and 2.4.4
			if whole && !u.inUse(at.name, 0) {
				return failUpdate(dns.RcodeNameError, "%s is not in use", at.name)
			}
			if !whole && len(u.now[at]) == 0 {
				return failUpdate(dns.RcodeNXRrset, "there is no %s", describeRR(rr))
			}
		case dns.ClassNONE: // sections 2.4.3 and 2.4.5
			if whole && u.inUse(at.name, 0) {
				return failUpdate(dns.RcodeYXDomain, "%s is in use", at.name)
			}
			if !whole && len(u.now[at]) > 0 {
				return failUpdate(dns.RcodeYXRrset, "there is %s", describeRR(rr))
			}
		case dns.ClassINET: // section 2.4.2
			if wanted[at] == nil {
				order = append(order, at)
			}
			if !contains(wanted[at], rr) {
				wanted[at] = append(wanted[at], rr)
			}
		default:
			return failUpdate(dns.RcodeFormatError, "the prerequisite %s is of another class", describeRR(rr))
		}
	}
	for _, at := range order {
		if !sameRecords(wanted[at], u.now[at]) {
			return failUpdate(dns.RcodeNXRrset, "%s %s is not as the prerequisite says", at.name, dns.Type(at.rrtype))
		}
	}
	return nil
}

// prescan is RFC 2136 section 3.4.1.3. In a zone signed here, what the signer makes is not for others to change.
func (u *updating) prescan(rrs []dns.RR, signed bool) *updateError {
	for _, rr := range rrs {
		h := rr.Header()
		meta := isMeta(h.Rrtype) || h.Rrtype == dns.TypeANY
		bad := ""
		switch h.Class {
		case dns.ClassINET:
			if meta || h.Rdlength == 0 && h.Rrtype != dns.TypeAPL && h.Rrtype != dns.TypeNULL {
				bad = "adds what is no record"
			}
		case dns.ClassANY:
			if h.Ttl != 0 || h.Rdlength != 0 || meta && h.Rrtype != dns.TypeANY {
				bad = "deletes what is no RRset"
			}
		case dns.ClassNONE:
			if h.Ttl != 0 || meta {
				bad = "deletes what is no record"
			}
		default:
			bad = "is of another class"
		}
		if !dns.IsSubDomain(u.origin, dns.CanonicalName(h.Name)) {
			return failUpdate(dns.RcodeNotZone, "%s is outside of the zone", describeRR(rr))
		}
		if bad != "" {
			return failUpdate(dns.RcodeFormatError, "%s %s", describeRR(rr), bad)
		}
		switch h.Rrtype {
		case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM:
			if signed || h.Rrtype != dns.TypeNSEC3PARAM {
				return failUpdate(dns.RcodeRefused, "%s is the signer's to make", describeRR(rr))
			}
		}
	}
	return nil
}

// do makes one change, as RFC 2136 section 3.4.2.7 has it.
func (u *updating) do(rr dns.RR) {
	at := placeOf(rr)
	apex := at.name == u.origin
	switch class := rr.Header().Class; {
	case class == dns.ClassINET:
		u.add(at, rr)
	case class == dns.ClassANY && at.rrtype == dns.TypeANY:
		for _, other := range slices.Clone(u.order) {
			if other.name == at.name && !(apex && (other.rrtype == dns.TypeSOA || other.rrtype == dns.TypeNS)) {
				u.put(other, nil)
			}
		}
	case class == dns.ClassANY:
		if !(apex && (at.rrtype == dns.TypeSOA || at.rrtype == dns.TypeNS)) {
			u.put(at, nil)
		}
	case at.rrtype == dns.TypeSOA: // class NONE from here on
	case apex && at.rrtype == dns.TypeNS && len(u.now[at]) == 1: // the zone keeps its last name server
	default:
		gone := inClassIN(rr, 0)
		u.put(at, slices.DeleteFunc(slices.Clone(u.now[at]), func(old dns.RR) bool { return dns.IsDuplicate(old, gone) }))
	}
}

// add is section 3.4.2.2: what may not stand beside what is there is passed over in silence.
func (u *updating) add(at nameType, rr dns.RR) {
	rr = inClassIN(rr, rr.Header().Ttl)
	there := u.now[at]
	switch at.rrtype {
	case dns.TypeSOA:
		if len(there) == 1 && zone.SerialLess(there[0].(*dns.SOA).Serial, rr.(*dns.SOA).Serial) {
			u.put(at, []dns.RR{rr})
		}
		return
	case dns.TypeCNAME:
		if !u.inUse(at.name, dns.TypeCNAME) {
			u.put(at, []dns.RR{rr})
		}
		return
	}
	if len(u.now[nameType{at.name, dns.TypeCNAME}]) > 0 {
		return
	}
	if at.rrtype == dns.TypeDNAME {
		there = nil
	}
	var next []dns.RR // all with the TTL of the newest, RFC 2181 section 5.2
	for _, old := range there {
		if dns.IsDuplicate(old, rr) {
			continue
		}
		if old.Header().Ttl != rr.Header().Ttl {
			old = inClassIN(old, rr.Header().Ttl)
		}
		next = append(next, old)
	}
	u.put(at, append(next, rr))
}

// changes are what leads from before to now.
func (u *updating) changes() []zone.Change {
	var changes []zone.Change
	for _, at := range u.order {
		before, now := u.before[at], u.now[at]
		if sameRecords(before, now) && (len(now) == 0 || before[0].Header().Ttl == now[0].Header().Ttl) {
			continue
		}
		changes = append(changes, zone.Change{Op: zone.ReplaceRRset, Name: at.name, Type: at.rrtype, RRs: now})
	}
	return changes
}

// inClassIN is a copy of a record as a zone would hold it.
func inClassIN(rr dns.RR, ttl uint32) dns.RR {
	rr = dns.Copy(rr)
	rr.Header().Class, rr.Header().Ttl = dns.ClassINET, ttl
	return rr
}

func contains(rrs []dns.RR, rr dns.RR) bool {
	return slices.ContainsFunc(rrs, func(r dns.RR) bool { return dns.IsDuplicate(r, rr) })
}

// sameRecords compares two RRsets without duplicates, their order and TTLs apart.
func sameRecords(a, b []dns.RR) bool {
	if len(a) != len(b) {
		return false
	}
	for _, rr := range a {
		if !contains(b, rr) {
			return false
		}
	}
	return true
}

func describeRR(rr dns.RR) string {
	return rr.Header().Name + " " + dns.Type(rr.Header().Rrtype).String()
}

// forwardUpdate hands an update on to the secondary's primaries as it came, with its TSIG untouched but for the message
// ID, which that allows for (RFC 2136 section 6, RFC 8945 section 5.5), and the answer back likewise.
func (x *exchange) forwardUpdate(ctx context.Context, a *answer, h *hosted) error {
	id := x.s.id()
	query := slices.Clone(x.query)
	query[0], query[1] = byte(id>>8), byte(id)
	var err error
	for _, p := range h.secondary.primaries {
		var reply []byte
		reply, err = x.s.exchanger.Exchange(ctx, p.Addr, x.peer.Network, query, checkTimeout, func(b []byte) bool {
			return len(b) >= headerLen && wireID(b) == id && b[2]&flagQR != 0 && wireOpcode(b) == dns.OpcodeUpdate
		})
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		}
		h.event(EventUpdated, p.Addr, "an update of %s has been handed on to %s for %s: %s", h.name(), p.Addr, x.peer.Addr,
			dns.RcodeToString[wireRcode(reply)])
		reply = slices.Clone(reply)
		reply[0], reply[1] = x.query[0], x.query[1]
		return x.send(reply)
	}
	return x.refuseUpdate(a, h, dns.RcodeServerFailure, "no primary takes it: %v", err)
}

// AllowUpdate returns who may update the zone.
func (s *Server) AllowUpdate(view, origin string) (Match, error) {
	h, err := s.hosted(view, origin)
	if err != nil {
		return nil, err
	}
	return *h.allowUpdate.Load(), nil
}

// SetAllowUpdate changes who may update the zone; nil: nobody.
func (s *Server) SetAllowUpdate(view, origin string, m Match) error {
	h, err := s.hosted(view, origin)
	if err == nil {
		err = s.knownKeys(m)
	}
	if err != nil {
		return err
	}
	h.allowUpdate.Store(&m)
	return nil
}
