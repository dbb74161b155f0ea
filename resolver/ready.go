package resolver

import (
	"encoding/binary"
	"strconv"
	"sync/atomic"
	"time"

	"faultzone/resolver/cache"

	"github.com/miekg/dns"
)

// link is one entry that an answer is made of, and how many records of it stand in each section.
type link struct {
	entry *cache.Entry
	key   lookupKey // what it was looked up for

	answer, authority, additional int
}

// note goes with a packed answer that is kept: how to report that it is told.
type note struct {
	query         string
	before, after string // of the TTL of the first entry
	ede           uint16
	follow        []Event // reported first
	said          atomic.Pointer[said]
}

// said is the text for a TTL: of the many answers within a second each has the same.
type said struct {
	ttl  uint32
	text string
}

// answerReady answers from a packed answer that was kept, which costs one allocation; nil: there is none.
func (r *Resolver) answerReady(p *plain, query []byte, network string, now time.Time) []byte {
	if p.keyLen == 0 {
		return nil
	}
	kept := r.cache.Ready(p.key[:p.keyLen], p.variant(), now)
	if kept == nil || len(kept.Packed) > p.limit(network) || r.due(kept.Entries, now) {
		return nil
	}
	if r.cfg.Report != nil {
		r.reportReady(kept.Note.(*note), kept.Entries[0].TTL(now))
	}
	return p.tell(kept, query, now)
}

// tell makes the reply to the query of what was kept.
func (p *plain) tell(kept *cache.Ready, query []byte, now time.Time) []byte {
	reply := make([]byte, len(kept.Packed))
	copy(reply, kept.Packed)
	copy(reply, query[:2])
	reply[2] |= query[2] & flagRD
	copy(reply[headerLen:p.end], query[headerLen:p.end]) // in the client's own case
	kept.Age(reply, now)
	return reply
}

func (r *Resolver) reportReady(n *note, ttl uint32) {
	for _, e := range n.follow {
		r.cfg.Report(e)
	}
	r.cfg.Report(Event{Kind: EventCacheHit, Query: n.query, EDE: n.ede, Text: n.text(ttl)})
}

func (n *note) text(ttl uint32) string {
	last := n.said.Load()
	if last == nil || last.ttl != ttl {
		last = &said{ttl, n.before + strconv.FormatUint(uint64(ttl), 10) + n.after}
		n.said.Store(last)
	}
	return last.text
}

// keepReady keeps the packed form of an answer out of the cache for the next who asks the same, and returns it; nil: it is
// not one to be kept. since is the state of the cache before the answer was looked up.
func (r *Resolver) keepReady(q *question, a *reply, since uint64, now time.Time) *cache.Ready {
	if !a.keepable(now) {
		return nil
	}
	bare := *q
	bare.id, bare.rd, bare.asked = 0, false, bare.name
	packed, err := a.message(&bare).Pack()
	if err != nil {
		return nil
	}
	kept := &cache.Ready{Variant: q.variant(), Packed: packed, Entries: make([]*cache.Entry, len(a.links))}
	for i, l := range a.links {
		kept.Entries[i] = l.entry
	}
	if kept.TTLs = ttlPlaces(packed, a.links); kept.TTLs == nil {
		return nil
	}
	if r.cfg.Report != nil {
		n := &note{query: q.String(), ede: firstCode(a.ede), follow: a.follow}
		n.before, n.after = a.text()
		n.before = fromCache + n.before
		kept.Note = n
	}
	r.cache.KeepReady(kept, since, now)
	return kept
}

// keepable says whether the answer depends on nothing but the entries that it is made of, and their names: not on what
// is told of expired ones.
func (a *reply) keepable(now time.Time) bool {
	if a.passing || len(a.links) == 0 || a.links[0].answer+a.links[0].authority == 0 {
		return false
	}
	for _, l := range a.links {
		if l.entry.Name != l.key.name || !l.entry.Live(now) {
			return false
		}
	}
	return a.rcode == dns.RcodeSuccess || a.rcode == dns.RcodeNameError
}

// ttlPlaces finds the TTLs in a packed answer, which has the links' records in order. nil: it is not as expected.
func ttlPlaces(packed []byte, links []link) []cache.TTLPlace {
	counts := [3]int{}
	for s := range counts {
		counts[s] = int(binary.BigEndian.Uint16(packed[6+2*s:]))
	}
	places := make([]cache.TTLPlace, 0, counts[0]+counts[1]+counts[2])
	off := skipName(packed, headerLen) + 4
	for s := range counts {
		have := counts[s]
		for i, l := range links {
			for range [...]int{l.answer, l.authority, l.additional}[s] {
				at := skipName(packed, off) + 4
				if have--; have < 0 || at+6 > len(packed) {
					return nil
				}
				places = append(places, cache.TTLPlace{At: uint16(at), Entry: uint16(i)})
				off = at + 6 + int(binary.BigEndian.Uint16(packed[at+4:]))
			}
		}
		if have > 0 && s < 2 || have > 1 { // the OPT record comes last
			return nil
		}
	}
	return places
}

// skipName is where the name at off ends.
func skipName(packed []byte, off int) int {
	for off < len(packed) {
		switch length := int(packed[off]); {
		case length == 0:
			return off + 1
		case length >= 0xC0:
			return off + 2
		default:
			off += 1 + length
		}
	}
	return off
}
