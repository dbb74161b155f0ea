package zone

import (
	"bytes"
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
	// seen has the RDATA of large RRsets; small ones are searched.
	seen  map[setKey]map[string]struct{}
	sigs  []signature // until the sets that they cover are all there
	wire  []byte      // scratch
	old   []byte      // scratch
	errs  []error
	where func(spot) position // nil: the records are from no file
}

type signature struct {
	wire, rdata string
	at          spot
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
	b, err := newBuilder(origin, len(rrs))
	if err != nil {
		return nil, err
	}
	for _, rr := range rrs {
		b.add(rr, spot{})
	}
	return b.finish()
}

func newBuilder(origin string, size int) (*builder, error) {
	wire, ok := wireOf(origin)
	if !ok {
		return nil, &CheckError{Name: origin, Msg: "the zone's name is not a domain name"}
	}
	z := &Zone{origin: presentation(wire), nodes: make(map[string]*node, size), hashed: map[string]*node{}}
	z.apex = &node{name: z.origin, wire: wire}
	z.nodes[wire] = z.apex
	return &builder{zone: z, origin: wire, seen: map[setKey]map[string]struct{}{}}, nil
}

// finish makes the zone of the records that were added.
func (b *builder) finish() (*Zone, error) {
	b.settle()
	b.check()
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	z := b.zone
	z.place()
	z.chainDenial()
	z.prepare()
	b.inspect()
	z.where = b.where
	return z, nil
}

// problem makes an error of what is found about a record or RRset that stands at a spot.
func (b *builder) problem(at spot, name string, rrtype uint16, format string, args ...any) *CheckError {
	e := &CheckError{Name: name, Type: rrtype, Msg: fmt.Sprintf(format, args...)}
	if b.where != nil {
		p := b.where(at)
		e.File, e.Line = p.file, p.line
	}
	return e
}

func (b *builder) fail(at spot, name string, rrtype uint16, format string, args ...any) {
	b.errs = append(b.errs, b.problem(at, name, rrtype, format, args...))
}

func (b *builder) warn(at spot, name string, rrtype uint16, format string, args ...any) {
	b.zone.warnings = append(b.zone.warnings, b.problem(at, name, rrtype, format, args...).Error())
}

// add takes one record in, if it can be one of the zone's.
func (b *builder) add(rr dns.RR, at spot) {
	if rr == nil {
		b.fail(at, b.zone.origin, 0, "a record is nil")
		return
	}
	h := rr.Header()
	wire, ok := wireOf(h.Name)
	switch {
	case !ok:
		b.fail(at, h.Name, h.Rrtype, "the owner is not a domain name")
		return
	case !isWithin(wire, b.origin):
		b.fail(at, h.Name, h.Rrtype, "is outside of the zone %s", b.zone.origin)
		return
	case h.Class != dns.ClassINET:
		b.fail(at, h.Name, h.Rrtype, "is of class %s; only IN is served", dns.Class(h.Class))
		return
	case isMeta(h.Rrtype):
		b.fail(at, h.Name, h.Rrtype, "is no type for a zone's data")
		return
	case h.Ttl > math.MaxInt32:
		b.fail(at, h.Name, h.Rrtype, "has TTL %d; the highest is %d (RFC 2181 section 8)", h.Ttl, math.MaxInt32)
		return
	}
	if fn, known := dns.TypeToRR[h.Rrtype]; known && reflect.TypeOf(fn()) != reflect.TypeOf(rr) {
		b.fail(at, h.Name, h.Rrtype, "is a %T by its data", rr)
		return
	}
	packed, rdata, err := AppendCanonical(b.wire[:0], rr, 0)
	if err != nil {
		b.fail(at, h.Name, h.Rrtype, "cannot be put on the wire: %v", errors.Unwrap(err))
		return
	}
	b.wire = packed
	if sig, ok := rr.(*dns.RRSIG); ok {
		b.sigs = append(b.sigs, signature{wire, string(packed[rdata:]), at, sig})
		return
	}
	n := b.node(wire, h.Name, h.Rrtype == dns.TypeNSEC3)
	s := n.find(h.Rrtype)
	if s == nil {
		n.sets = append(n.sets, set{Type: h.Rrtype, at: at, RRs: []dns.RR{rr}})
		return
	}
	if !b.has(s, n, packed[rdata:]) {
		s.RRs = append(s.RRs, rr)
	}
}

// smallSet is how many records are compared with another one by one.
const smallSet = 8

// has tells whether a set has a record of that RDATA already: all but the TTL counts (RFC 2181 section 5).
func (b *builder) has(s *set, n *node, rdata []byte) bool {
	key := setKey{n.wire, s.Type}
	known := b.seen[key]
	if known == nil {
		large := len(s.RRs) >= smallSet
		if large {
			known = make(map[string]struct{}, 4*smallSet)
			b.seen[key] = known
		}
		for _, rr := range s.RRs {
			old, at, err := AppendCanonical(b.old[:0], rr, 0)
			if err != nil {
				continue // unreachable: it was packed before
			}
			b.old = old
			if large {
				known[string(old[at:])] = struct{}{}
			} else if bytes.Equal(old[at:], rdata) {
				return true
			}
		}
		if !large {
			return false
		}
	}
	if _, twice := known[string(rdata)]; twice {
		return true
	}
	known[string(rdata)] = struct{}{}
	return false
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
	n := &node{name: name, wire: wire}
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
	z.order = b.ordered()
	b.attachSignatures()
	for _, n := range z.order {
		slices.SortFunc(n.sets, func(x, y set) int { return int(x.Type) - int(y.Type) })
		for i := range n.sets {
			b.evenTTLs(&n.sets[i])
			n.sets[i].finish()
		}
		z.sets += len(n.sets)
	}
}

// ordered gives all nodes in canonical order.
func (b *builder) ordered() []*node {
	z := b.zone
	type keyed struct {
		order string
		*node
		hashed bool
	}
	all := make([]keyed, 0, len(z.nodes)+len(z.hashed))
	keys := make([]byte, 0, 24*cap(all)) // all in one piece, so that they are soon gone
	ends := make([]int, 0, cap(all))
	for _, names := range []map[string]*node{z.nodes, z.hashed} {
		for _, n := range names {
			keys = appendOrder(keys, []byte(n.wire))
			ends = append(ends, len(keys))
			all = append(all, keyed{node: n, hashed: len(all) >= len(z.nodes)})
		}
	}
	text, start := string(keys), 0
	for i, end := range ends {
		all[i].order = text[start:end]
		start = end
	}
	slices.SortFunc(all, func(x, y keyed) int {
		c := strings.Compare(x.order, y.order)
		if c == 0 && x.hashed != y.hashed { // a name that looks like a hash: the true name comes first
			if x.hashed {
				return 1
			}
			return -1
		}
		return c
	})
	order := make([]*node, len(all))
	for i := range all {
		order[i] = all[i].node
	}
	return order
}

// attachSignatures gives each RRSIG to the set that it covers. One that covers nothing says nothing, and makes no name
// exist.
func (b *builder) attachSignatures() {
	type key struct {
		owner *node
		rdata string
	}
	seen := map[key]struct{}{}
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
			b.warn(sig.at, sig.Hdr.Name, dns.TypeRRSIG, "covers %s, which is not there: dropped", dns.Type(sig.TypeCovered))
			continue
		}
		k := key{n, sig.rdata}
		if _, twice := seen[k]; !twice {
			seen[k] = struct{}{}
			s.addition().sigs = append(s.more.sigs, sig.RRSIG)
		}
	}
	b.sigs = nil
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
	b.warn(s.at, s.name(), s.Type, "its records have different TTLs (RFC 2181 section 5.2): all get the lowest, %d", lowest)
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
	if s.more == nil {
		return
	}
	m := s.more
	m.sigs = slices.Clip(m.sigs)
	m.signed = make([]dns.RR, 0, len(s.RRs)+len(m.sigs))
	m.signed = append(m.signed, s.RRs...)
	for _, sig := range m.sigs {
		m.signed = append(m.signed, sig)
	}
}
