package zone

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// Op says what a [Change] does.
type Op uint8

const (
	Add          Op = iota // RRs are added
	Delete                 // exactly these RRs are taken away, whatever their TTL
	DeleteRRset            // all of Type at Name
	DeleteName             // everything at Name; the apex keeps its SOA and NS (RFC 2136 section 3.4.2.3)
	ReplaceRRset           // RRs stand in place of all of Type at Name; no RRs: DeleteRRset
)

// Change is one edit of a zone. Add and Delete take names and types from RRs.
type Change struct {
	Op   Op
	Name string
	Type uint16
	RRs  []dns.RR
}

// Apply gives the zone with the changes made in their order, as RFC 2136 section 3.4.2 makes them: an added record
// brings its TTL to the whole RRset, an added SOA, CNAME or DNAME takes the place of the one that is there, and what is
// to be deleted need not exist.
//
// When that changed anything and no change set the SOA, the serial is raised by 1. Signatures and denials are dropped
// (see [Zone.Unsigned]): they must be made anew. Where nothing changed at all, the zone without them is returned with
// its serial. Errors are those of [New]; of a change that names a record of nothing, *[CheckError].
func (z *Zone) Apply(changes ...Change) (*Zone, error) {
	base := z.Unsigned()
	e := &edit{sets: map[setKey]*[]dns.RR{}}
	for s := range base.RRsets() {
		*e.at(s.Name, s.Type) = slices.Clone(s.RRs)
	}
	for _, c := range changes {
		if err := e.apply(c, base.apex.wire); err != nil {
			return nil, err
		}
	}
	if !e.changed {
		return base, nil
	}
	if !e.soa {
		if err := e.raise(base); err != nil {
			return nil, err
		}
	}
	var rrs []dns.RR
	for _, key := range e.order {
		rrs = append(rrs, *e.sets[key]...)
	}
	return New(base.origin, rrs)
}

// edit is a zone taken apart.
type edit struct {
	sets         map[setKey]*[]dns.RR
	order        []setKey // as they were first met, so that the outcome does not hang on a map's order
	changed, soa bool
}

type setKey struct {
	wire   string
	rrtype uint16
}

// at finds or makes the place of an RRset.
func (e *edit) at(name string, rrtype uint16) *[]dns.RR {
	wire, _ := wireOf(name) // checked where it came from outside
	key := setKey{wire, rrtype}
	if e.sets[key] == nil {
		e.sets[key] = new([]dns.RR)
		e.order = append(e.order, key)
	}
	return e.sets[key]
}

func (e *edit) apply(c Change, apex string) error {
	for _, rr := range c.RRs {
		if rr == nil {
			return &CheckError{Name: c.Name, Type: c.Type, Msg: "a change has a nil record"}
		}
		if _, ok := wireOf(rr.Header().Name); !ok {
			return &CheckError{Name: rr.Header().Name, Type: rr.Header().Rrtype, Msg: "the owner is not a domain name"}
		}
	}
	wire, ok := wireOf(c.Name)
	if !ok && c.Op != Add && c.Op != Delete {
		return &CheckError{Name: c.Name, Type: c.Type, Msg: "a change names no domain name"}
	}
	switch c.Op {
	case Add:
		for _, rr := range c.RRs {
			e.add(rr)
		}
	case Delete:
		for _, rr := range c.RRs {
			set := e.at(rr.Header().Name, rr.Header().Rrtype)
			e.put(set, slices.DeleteFunc(slices.Clone(*set), func(old dns.RR) bool { return dns.IsDuplicate(old, rr) }))
		}
	case DeleteRRset:
		e.put(e.at(c.Name, c.Type), nil)
	case DeleteName:
		for _, key := range slices.Clone(e.order) {
			kept := wire == apex && (key.rrtype == dns.TypeSOA || key.rrtype == dns.TypeNS)
			if key.wire == wire && !kept {
				e.put(e.sets[key], nil)
			}
		}
	case ReplaceRRset:
		return e.replace(c, wire)
	default:
		return &CheckError{Name: c.Name, Type: c.Type, Msg: fmt.Sprintf("change %d is not known", c.Op)}
	}
	return nil
}

func (e *edit) add(rr dns.RR) {
	h := rr.Header()
	set := e.at(h.Name, h.Rrtype)
	switch h.Rrtype {
	case dns.TypeSOA, dns.TypeCNAME, dns.TypeDNAME:
		e.put(set, []dns.RR{rr})
		e.soa = e.soa || h.Rrtype == dns.TypeSOA
		return
	}
	next := make([]dns.RR, 0, len(*set)+1)
	for _, old := range *set {
		if dns.IsDuplicate(old, rr) {
			continue
		}
		if old.Header().Ttl != h.Ttl {
			old = dns.Copy(old)
			old.Header().Ttl = h.Ttl
		}
		next = append(next, old)
	}
	e.put(set, append(next, rr))
}

func (e *edit) replace(c Change, wire string) error {
	for _, rr := range c.RRs {
		if own, _ := wireOf(rr.Header().Name); own != wire || rr.Header().Rrtype != c.Type {
			return &CheckError{Name: c.Name, Type: c.Type, Msg: fmt.Sprintf("cannot be replaced by a record of %s %s",
				rr.Header().Name, dns.Type(rr.Header().Rrtype))}
		}
	}
	e.put(e.at(c.Name, c.Type), slices.Clone(c.RRs))
	e.soa = e.soa || c.Type == dns.TypeSOA
	return nil
}

// put sets an RRset's records, and notices whether that changes anything: order alone does not.
func (e *edit) put(set *[]dns.RR, rrs []dns.RR) {
	same := len(*set) == len(rrs)
	for _, rr := range rrs {
		same = same && slices.ContainsFunc(*set, func(old dns.RR) bool {
			return old.Header().Ttl == rr.Header().Ttl && dns.IsDuplicate(old, rr)
		})
	}
	if !same {
		*set, e.changed = rrs, true
	}
}

// raise moves the serial on.
func (e *edit) raise(base *Zone) error {
	set := e.at(base.origin, dns.TypeSOA)
	if len(*set) == 0 {
		return &CheckError{Name: base.origin, Type: dns.TypeSOA, Msg: "cannot be deleted: a zone has one"}
	}
	soa := dns.Copy((*set)[0]).(*dns.SOA)
	soa.Serial = nextSerial(soa.Serial)
	*set = []dns.RR{soa}
	return nil
}

// Unsigned gives the zone without what a signer makes: RRSIG, NSEC, NSEC3 and NSEC3PARAM and, where any of those were,
// the DNSKEYs. A zone that has none of them is returned as it is, with such DNSKEYs as its operator publishes by hand.
func (z *Zone) Unsigned() *Zone {
	signed := false
	var rrs []dns.RR
	for s := range z.RRsets() {
		switch s.Type {
		case dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM:
			signed = true
			continue
		}
		signed = signed || len(s.Sigs) > 0
		if s.Type != dns.TypeDNSKEY {
			rrs = append(rrs, s.RRs...)
		}
	}
	if !signed {
		return z
	}
	plain, err := New(z.origin, rrs)
	if err != nil { // a zone without some of what it may have is still one
		panic("zone: " + err.Error())
	}
	return plain
}
