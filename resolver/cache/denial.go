package cache

import (
	"sort"
	"strings"
	"sync"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// Span is an RRset that was found Secure and says more than was asked: an NSEC or NSEC3 RRset, the zone's SOA, or an RRset
// of a wildcard.
type Span struct {
	Set     validate.RRset
	Expires time.Time

	zone, key string
	cost      int64
}

// Denials keeps what zones deny, and what their wildcards give, for names that nobody has asked for (RFC 8198). It is safe
// for concurrent use.
type Denials struct {
	max int64

	mu    sync.RWMutex
	zones map[string]*denialZone
	queue []*Span // in order of arrival; the first goes first
	bytes int64
}

type denialZone struct {
	soa   *Span
	nsec  []*Span // by canonical order of owners (RFC 4034 section 6.1)
	nsec3 []*Span // by hash
	wild  map[string]*Span
	// params are those of the NSEC3 chain.
	params *dns.NSEC3
}

// NewDenials makes an empty store of maxBytes at most, by estimate.
func NewDenials(maxBytes int64) *Denials {
	return &Denials{max: maxBytes, zones: make(map[string]*denialZone)}
}

// Add keeps an NSEC, NSEC3 or SOA RRset of a zone, which is canonical, until expires.
func (d *Denials) Add(zone string, set validate.RRset, expires time.Time) {
	d.put(zone, set, expires, "")
}

// AddWildcard keeps an RRset that was synthesised from the wildcard star ("*.closest.encloser.").
func (d *Denials) AddWildcard(zone, star string, set validate.RRset, expires time.Time) {
	d.put(zone, set, expires, star)
}

func (d *Denials) put(zone string, set validate.RRset, expires time.Time, star string) {
	if len(set.RRs) == 0 {
		return
	}
	s := &Span{Set: set, Expires: expires, zone: zone, cost: 256 + int64(setSize(set))}
	d.mu.Lock()
	defer d.mu.Unlock()
	z := d.zones[zone]
	if z == nil {
		z = &denialZone{wild: make(map[string]*Span)}
	}
	var old *Span
	switch rr := set.RRs[0].(type) {
	case *dns.SOA:
		old, z.soa = z.soa, s
	case *dns.NSEC:
		if star == "" {
			s.key = orderKey(rr.Hdr.Name)
			z.nsec, old = place(z.nsec, s)
			break
		}
		return
	case *dns.NSEC3:
		if z.params != nil && (z.params.Iterations != rr.Iterations || z.params.Salt != rr.Salt) {
			for len(z.nsec3) > 0 { // the zone has another chain now (RFC 5155 section 10)
				d.drop(z.nsec3[0])
			}
		}
		z.params = rr
		label, _, _ := strings.Cut(rr.Hdr.Name, ".")
		s.key = strings.ToUpper(label)
		z.nsec3, old = place(z.nsec3, s)
	default:
		if star == "" {
			return
		}
		s.key = wildKey(star, rr.Header().Rrtype)
		old = z.wild[s.key]
		z.wild[s.key] = s
	}
	d.zones[zone] = z
	if old != nil {
		d.forget(old)
	}
	d.queue = append(d.queue, s)
	d.bytes += s.cost
	for d.bytes > d.max && len(d.queue) > 0 {
		d.drop(d.queue[0])
	}
}

func wildKey(star string, rrtype uint16) string { return star + " " + dns.Type(rrtype).String() }

// place puts s where it belongs, and returns what was there.
func place(list []*Span, s *Span) ([]*Span, *Span) {
	i := sort.Search(len(list), func(i int) bool { return list[i].key >= s.key })
	if i < len(list) && list[i].key == s.key {
		old := list[i]
		list[i] = s
		return list, old
	}
	list = append(list, nil)
	copy(list[i+1:], list[i:])
	list[i] = s
	return list, nil
}

// forget takes s out of the books alone.
func (d *Denials) forget(s *Span) {
	for i, have := range d.queue {
		if have == s {
			d.queue = append(d.queue[:i], d.queue[i+1:]...)
			d.bytes -= s.cost
			return
		}
	}
}

// drop takes s out.
func (d *Denials) drop(s *Span) {
	z := d.zones[s.zone]
	without := func(list []*Span) []*Span {
		for i, have := range list {
			if have == s {
				return append(list[:i], list[i+1:]...)
			}
		}
		return list
	}
	if z.soa == s {
		z.soa = nil
	}
	z.nsec, z.nsec3 = without(z.nsec), without(z.nsec3)
	if z.wild[s.key] == s {
		delete(z.wild, s.key)
	}
	if z.soa == nil && len(z.nsec)+len(z.nsec3)+len(z.wild) == 0 {
		delete(d.zones, s.zone)
	}
	d.forget(s)
}

// Zone is the deepest zone that has denials and that name is in, at or below the apex; "" for none.
func (d *Denials) Zone(name string) string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for off, end := 0, name == "."; !end; off, end = dns.NextLabel(name, off) {
		if d.zones[name[off:]] != nil {
			return name[off:]
		}
	}
	if d.zones["."] != nil {
		return "."
	}
	return ""
}

// SOA is the live SOA of the zone.
func (d *Denials) SOA(zone string, now time.Time) *Span {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if z := d.zones[zone]; z != nil && z.soa != nil && now.Before(z.soa.Expires) {
		return z.soa
	}
	return nil
}

// NSEC is the live NSEC RRset of the zone whose owner is name, or else the last before it; nil: none.
func (d *Denials) NSEC(zone, name string, now time.Time) *Span {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if z := d.zones[zone]; z != nil {
		return floor(z.nsec, orderKey(name), now, false)
	}
	return nil
}

// NSEC3 is the live NSEC3 RRset of the zone for name's hash: its own (match), or else the one before it in the ring.
func (d *Denials) NSEC3(zone, name string, now time.Time) (s *Span, match bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	z := d.zones[zone]
	if z == nil || z.params == nil || len(z.nsec3) == 0 {
		return nil, false
	}
	hash := dns.HashName(name, z.params.Hash, z.params.Iterations, z.params.Salt)
	if s = floor(z.nsec3, hash, now, true); s == nil {
		return nil, false
	}
	return s, s.key == hash
}

// HasNSEC3 says whether the zone denies by NSEC3.
func (d *Denials) HasNSEC3(zone string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	z := d.zones[zone]
	return z != nil && len(z.nsec3) > 0
}

// Wildcard is the live RRset of the wildcard.
func (d *Denials) Wildcard(zone, star string, rrtype uint16, now time.Time) *Span {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if z := d.zones[zone]; z != nil {
		if s := z.wild[wildKey(star, rrtype)]; s != nil && now.Before(s.Expires) {
			return s
		}
	}
	return nil
}

// floor is the last of the list at or before key; in a ring the last of all comes before the first. One that has expired
// is none: what is before it does not reach this far.
func floor(list []*Span, key string, now time.Time, ring bool) *Span {
	i := sort.Search(len(list), func(i int) bool { return list[i].key > key }) - 1
	if i < 0 && ring {
		i = len(list) - 1
	}
	if i < 0 || !now.Before(list[i].Expires) {
		return nil
	}
	return list[i]
}

// Flush drops what has this owner; with tree also what is below, and all that the zones at or below it deny. It tells how
// many RRsets that were.
func (d *Denials) Flush(name string, tree bool) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	var gone []*Span
	for _, s := range d.queue {
		owner := dns.CanonicalName(s.Set.RRs[0].Header().Name)
		if owner == name || tree && (dns.IsSubDomain(name, owner) || dns.IsSubDomain(name, s.zone)) {
			gone = append(gone, s)
		}
	}
	for _, s := range gone {
		d.drop(s)
	}
	return len(gone)
}

// Len is how many RRsets there are, expired ones among them.
func (d *Denials) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.queue)
}

// orderKey is a string that sorts as the name does in canonical order.
func orderKey(name string) string {
	var wire [256]byte
	end, err := dns.PackDomainName(dns.CanonicalName(name), wire[:], 0, nil, false)
	if err != nil {
		return ""
	}
	var starts []int
	for at := 0; at < end-1; at += 1 + int(wire[at]) {
		starts = append(starts, at)
	}
	var b strings.Builder
	for i := len(starts) - 1; i >= 0; i-- {
		at := starts[i]
		for _, c := range wire[at+1 : at+1+int(wire[at])] {
			if b.WriteByte(c); c == 0 {
				b.WriteByte(1)
			}
		}
		b.WriteString("\x00\x00")
	}
	return b.String()
}
