package zone

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// builder gathers records into a zone, and what is wrong with them.
type builder struct {
	zone   *Zone
	origin string // wire
	seen   map[recordKey]struct{}
	sigs   []signature // until the sets that they cover are all there
	wire   []byte      // scratch
	errs   []error
}

// recordKey is what makes two records duplicates: all but the TTL (RFC 2181 section 5).
type recordKey struct {
	owner  *node
	rrtype uint16
	rdata  string
}

type signature struct {
	wire, rdata string
	*dns.RRSIG
}

// New makes a zone of the records, which must not be changed from then on. Duplicates are dropped.
//
// It refuses what cannot be served at all, and tells everything that it finds at once, as [errors.Join] of
// *[CheckError]: not exactly one SOA, or no NS, at the apex; records outside of the zone, of another class, of a type
// that no zone holds, or with data that cannot be put on the wire; a CNAME beside other data (RFC 2181 section 10.1; its
// RRSIG and NSEC may stand there); several CNAMEs or DNAMEs at one name; a DNAME at a delegation point, or with names
// below it (RFC 6672 sections 2.3 and 2.4).
//
// What can be served and is most likely a mistake, or was brought about on purpose, is for [Zone.Warnings]. A secondary
// serves that too. Records of one RRset with different TTLs all get the lowest (RFC 2181 section 5.2).
func New(origin string, rrs []dns.RR) (*Zone, error) {
	wire, ok := wireOf(origin)
	if !ok {
		return nil, &CheckError{Name: origin, Msg: "the zone's name is not a domain name"}
	}
	z := &Zone{origin: presentation(wire), nodes: make(map[string]*node, len(rrs)), hashed: map[string]*node{}}
	z.apex = &node{name: z.origin, wire: wire, order: orderOf(wire)}
	z.nodes[wire] = z.apex
	b := &builder{zone: z, origin: wire, seen: make(map[recordKey]struct{}, len(rrs))}
	for _, rr := range rrs {
		b.add(rr)
	}
	b.settle()
	b.check()
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	z.place()
	z.chainDenial()
	z.prepare()
	z.inspect()
	return z, nil
}

func (b *builder) fail(name string, rrtype uint16, format string, args ...any) {
	b.errs = append(b.errs, &CheckError{Name: name, Type: rrtype, Msg: fmt.Sprintf(format, args...)})
}

// add takes one record in, if it can be one of the zone's.
func (b *builder) add(rr dns.RR) {
	if rr == nil {
		b.fail(b.zone.origin, 0, "a record is nil")
		return
	}
	h := rr.Header()
	wire, ok := wireOf(h.Name)
	switch {
	case !ok:
		b.fail(h.Name, h.Rrtype, "the owner is not a domain name")
		return
	case !isWithin(wire, b.origin):
		b.fail(h.Name, h.Rrtype, "is outside of the zone %s", b.zone.origin)
		return
	case h.Class != dns.ClassINET:
		b.fail(h.Name, h.Rrtype, "is of class %s; only IN is served", dns.Class(h.Class))
		return
	case isMeta(h.Rrtype):
		b.fail(h.Name, h.Rrtype, "is no type for a zone's data")
		return
	case h.Ttl > math.MaxInt32:
		b.fail(h.Name, h.Rrtype, "has TTL %d; the highest is %d (RFC 2181 section 8)", h.Ttl, math.MaxInt32)
		return
	}
	if fn, known := dns.TypeToRR[h.Rrtype]; known && reflect.TypeOf(fn()) != reflect.TypeOf(rr) {
		b.fail(h.Name, h.Rrtype, "is a %T by its data", rr)
		return
	}
	packed, rdata, err := AppendCanonical(b.wire[:0], rr, 0)
	if err != nil {
		b.fail(h.Name, h.Rrtype, "cannot be put on the wire: %v", errors.Unwrap(err))
		return
	}
	b.wire = packed
	if sig, ok := rr.(*dns.RRSIG); ok {
		b.sigs = append(b.sigs, signature{wire, string(packed[rdata:]), sig})
		return
	}
	n := b.node(wire, h.Name, h.Rrtype == dns.TypeNSEC3)
	key := recordKey{n, h.Rrtype, string(packed[rdata:])}
	if _, twice := b.seen[key]; twice {
		return
	}
	b.seen[key] = struct{}{}
	s := n.find(h.Rrtype)
	if s == nil {
		s = &set{RRset: RRset{Name: h.Name, Type: h.Rrtype}}
		n.sets = append(n.sets, s)
	}
	s.RRs = append(s.RRs, rr)
}

// node finds or makes the node of a name and, for what is not a hash, of all names between it and the apex.
func (b *builder) node(wire, name string, hashed bool) *node {
	names := b.zone.nodes
	if hashed {
		names = b.zone.hashed
	}
	if n := names[wire]; n != nil {
		if len(n.sets) == 0 {
			n.name = name // so far it was known from longer names only
		}
		return n
	}
	n := &node{name: name, wire: wire, order: orderOf(wire)}
	names[wire] = n
	if !hashed {
		up := parentOf(wire)
		n.parent = b.zone.nodes[up]
		if n.parent == nil {
			n.parent = b.node(up, parentName(name), false)
		}
	}
	return n
}

// parentName strips the first label of a name in text.
func parentName(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

// isMeta tells the types that exist in questions and messages only (RFC 6895 section 3.1).
func isMeta(rrtype uint16) bool {
	return rrtype == dns.TypeNone || rrtype == dns.TypeOPT || 128 <= rrtype && rrtype <= 255
}

// settle brings nodes and sets into order, gives each signature to the set that it covers, and evens out TTLs.
func (b *builder) settle() {
	z := b.zone
	z.order = make([]*node, 0, len(z.nodes)+len(z.hashed))
	for _, n := range z.nodes {
		z.order = append(z.order, n)
	}
	for _, n := range z.hashed {
		z.order = append(z.order, n)
	}
	slices.SortFunc(z.order, func(x, y *node) int {
		if c := strings.Compare(x.order, y.order); c != 0 || x == y {
			return c
		}
		if z.hashed[x.wire] == x { // a name that looks like a hash: the true name comes first
			return 1
		}
		return -1
	})
	b.attachSignatures()
	for _, n := range z.order {
		slices.SortFunc(n.sets, func(x, y *set) int { return int(x.Type) - int(y.Type) })
		for _, s := range n.sets {
			b.evenTTLs(s)
			s.finish()
		}
		z.sets += len(n.sets)
	}
}

// attachSignatures gives each RRSIG to the set that it covers. One that covers nothing says nothing, and makes no name
// exist.
func (b *builder) attachSignatures() {
	for _, sig := range b.sigs {
		names := b.zone.nodes
		if sig.TypeCovered == dns.TypeNSEC3 {
			names = b.zone.hashed
		}
		var s *set
		n := names[sig.wire]
		if n != nil {
			s = n.find(sig.TypeCovered)
		}
		if s == nil {
			b.zone.warn(sig.Hdr.Name, dns.TypeRRSIG, "covers %s, which is not there: dropped", dns.Type(sig.TypeCovered))
			continue
		}
		key := recordKey{n, dns.TypeRRSIG, sig.rdata}
		if _, twice := b.seen[key]; !twice {
			b.seen[key] = struct{}{}
			s.Sigs = append(s.Sigs, sig.RRSIG)
		}
	}
}

func (b *builder) evenTTLs(s *set) {
	lowest, uneven := s.RRs[0].Header().Ttl, false
	for _, rr := range s.RRs {
		uneven = uneven || rr.Header().Ttl != lowest
		lowest = min(lowest, rr.Header().Ttl)
	}
	if !uneven {
		return
	}
	b.zone.warn(s.Name, s.Type, "its records have different TTLs (RFC 2181 section 5.2): all get the lowest, %d", lowest)
	for i, rr := range s.RRs {
		if rr.Header().Ttl != lowest {
			s.RRs[i] = dns.Copy(rr)
			s.RRs[i].Header().Ttl = lowest
		}
	}
}

// finish makes the slices that are handed out, without spare capacity.
func (s *set) finish() {
	s.RRs = slices.Clip(s.RRs)
	s.Sigs = slices.Clip(s.Sigs)
	s.signed = s.RRs
	if len(s.Sigs) > 0 {
		s.signed = make([]dns.RR, 0, len(s.RRs)+len(s.Sigs))
		s.signed = append(s.signed, s.RRs...)
		for _, sig := range s.Sigs {
			s.signed = append(s.signed, sig)
		}
	}
}
