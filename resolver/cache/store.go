package cache

import (
	"container/heap"
	"sync/atomic"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// kept is what the cache notes on an entry that it keeps. All but recent belong to the holder of Cache.mu.
type kept struct {
	gone       time.Time // when nothing needs the entry any more; Expires, or later
	cost       int64     // estimated bytes
	at         int       // in store.byEnd
	order      uint64    // of insertion, to settle equal times
	prev, next *Entry    // in store's ring
	recent     atomic.Bool
}

// store orders the entries by their end, and by use: a ring in which the oldest is looked at first, and has a second
// chance when it was used since. Callers hold Cache.mu.
type store struct {
	byEnd ends
	ring  Entry // its next is the newest, its prev the oldest
	bytes int64
	count uint64
}

// ends is a heap, the entry that is gone first on top.
type ends []*Entry

func (h ends) Len() int { return len(h) }

func (h ends) Less(i, j int) bool {
	if h[i].gone.Equal(h[j].gone) {
		return h[i].order < h[j].order
	}
	return h[i].gone.Before(h[j].gone)
}

func (h ends) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *ends) Push(x any) {
	e := x.(*Entry)
	e.at = len(*h)
	*h = append(*h, e)
}

func (h *ends) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}

func (s *store) link(e *Entry) {
	if s.ring.next == nil {
		s.ring.next, s.ring.prev = &s.ring, &s.ring
	}
	e.prev, e.next = &s.ring, s.ring.next
	e.prev.next, e.next.prev = e, e
}

func (s *store) unlink(e *Entry) {
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
}

// insert adds e and makes room for it. One that would not fit even alone is not kept. The caller holds c.mu, and has
// removed what e replaces.
func (c *Cache) insert(e *Entry, now time.Time) {
	if e.cost > c.cfg.MaxBytes {
		return
	}
	s := &c.store
	s.count++
	e.order = s.count
	s.bytes += e.cost
	c.shrink(now)
	n := c.names[e.Name]
	if n == nil {
		n = new(node)
		c.names[e.Name] = n
	}
	n.entries = append(n.entries, e)
	c.changedAt(n)
	heap.Push(&s.byEnd, e)
	s.link(e)
}

// victim chooses what has to go: something that has expired, or the oldest that was not used since its last chance.
func (c *Cache) victim(now time.Time) *Entry {
	s := &c.store
	if first := s.byEnd[0]; !first.live(now) {
		return first
	}
	for {
		oldest := s.ring.prev
		if !oldest.recent.Swap(false) {
			return oldest
		}
		s.unlink(oldest)
		s.link(oldest)
	}
}

// remove takes a kept entry out. Whoever has it may go on reading it. The caller holds c.mu.
func (c *Cache) remove(e *Entry) {
	n := c.names[e.Name]
	for i, have := range n.entries {
		if have == e {
			last := len(n.entries) - 1
			copy(n.entries[i:], n.entries[i+1:])
			n.entries[last] = nil
			n.entries = n.entries[:last]
			break
		}
	}
	c.changedAt(n)
	if len(n.entries) == 0 {
		delete(c.names, e.Name)
	}
	heap.Remove(&c.store.byEnd, e.at)
	c.store.unlink(e)
	c.store.bytes -= e.cost
}

// purge removes what is gone. The caller holds c.mu.
func (c *Cache) purge(now time.Time) {
	for len(c.store.byEnd) > 0 && !now.Before(c.store.byEnd[0].gone) {
		c.remove(c.store.byEnd[0])
	}
}

// estimate is about how many bytes an entry takes: itself with its place in the maps, and its records twice, since they
// may be there in aged copies too.
func estimate(e *Entry) int64 {
	size := 512 + 2*len(e.Name)
	for _, d := range e.EDE {
		size += 32 + len(d.ExtraText)
	}
	size += 2 * (setSize(e.Set) + setSize(e.SOA))
	for _, set := range e.Proof {
		size += 2 * setSize(set)
	}
	return int64(size)
}

// setSize counts a record's wire form and what Go adds to it: a header, the interface, strings' and slices' own words.
func setSize(set validate.RRset) int {
	size := 0
	for _, rr := range set.RRs {
		size += 96 + dns.Len(rr)
	}
	for _, sig := range set.Sigs {
		size += 160 + dns.Len(sig)
	}
	return size
}
