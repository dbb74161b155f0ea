package cache

import "time"

// Ready is a packed message that was put together from entries, ready to be told again as long as all of them live and
// nothing new is known about their names. Fill in the exported fields and give it to KeepReady; nobody writes to it then.
type Ready struct {
	// Variant tells apart the answers of one name: whatever else the message depends on.
	Variant uint32
	// Packed is the message. Who tells it copies it and writes into the copy what Age says.
	Packed []byte
	// TTLs are the places of the TTLs in Packed.
	TTLs []TTLPlace
	// Entries are what it was made from; the first is of the name that was asked for.
	Entries []*Entry
	// Note is the maker's own.
	Note any

	until time.Time // the first of the entries' ends
	made  uint64    // Cache.changes before it was made
	after []change  // what its names looked like, the first's left out
	cost  int64
}

// TTLPlace is where in a packed message a TTL stands, and which of the entries' lives it tells.
type TTLPlace struct{ At, Entry uint16 }

// change is a state of what is known about a name.
type change struct {
	n  *node
	at uint64
}

const (
	maxAnswer  = 4096 // octets of a message worth keeping
	maxAnswers = 8    // variants of one name
)

// Age writes into packed, a copy of a.Packed, the TTLs that are left.
func (a *Ready) Age(packed []byte, now time.Time) {
	last, ttl := -1, uint32(0)
	for _, p := range a.TTLs {
		if int(p.Entry) != last {
			last = int(p.Entry)
			ttl = a.Entries[last].TTL(now)
		}
		b := packed[p.At : p.At+4 : p.At+4]
		b[0], b[1], b[2], b[3] = byte(ttl>>24), byte(ttl>>16), byte(ttl>>8), byte(ttl)
	}
}

// Changes counts what has happened to the cache. Read it before the entries of a Ready are looked up.
func (c *Cache) Changes() uint64 { return c.changes.Load() }

// KeepReady keeps a where its first entry is, until something changes there. since is what Changes said before the entries
// were looked up: if something has happened to one of them since, a is not kept. Its size counts towards MaxBytes.
func (c *Cache) KeepReady(a *Ready, since uint64, now time.Time) {
	if len(a.Packed) > maxAnswer || len(a.Entries) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.names[a.Entries[0].Name]
	a.made, a.until = since, a.Entries[0].Expires
	for i, e := range a.Entries {
		n := c.names[e.Name]
		if e.next == nil || n == nil || n.changed > since || !e.live(now) {
			return
		}
		if e.Expires.Before(a.until) {
			a.until = e.Expires
		}
		if i > 0 {
			a.after = append(a.after, change{n, n.changed})
		}
	}
	a.cost = int64(256 + len(a.Packed) + 4*len(a.TTLs) + 24*len(a.Entries))
	for i, have := range first.answers {
		if have.Variant == a.Variant {
			c.store.bytes += a.cost - have.cost
			first.answers[i] = a
			c.shrink(now)
			return
		}
	}
	if len(first.answers) == maxAnswers {
		c.dropReady(first)
	}
	first.answers = append(first.answers, a)
	c.store.bytes += a.cost
	c.shrink(now)
}

// Ready returns what was kept for name, which is canonical, if it may still be told as it is.
func (c *Cache) Ready(name []byte, variant uint32, now time.Time) *Ready {
	c.mu.RLock()
	defer c.mu.RUnlock()
	n := c.names[string(name)]
	if n == nil {
		return nil
	}
	for _, a := range n.answers {
		if a.Variant == variant {
			return a.usable(c.forgotten, now)
		}
	}
	return nil
}

func (a *Ready) usable(forgotten uint64, now time.Time) *Ready {
	if !now.Before(a.until) || a.made < forgotten {
		return nil
	}
	for _, dep := range a.after {
		if dep.n.changed != dep.at {
			return nil
		}
	}
	for _, e := range a.Entries {
		e.used()
	}
	return a
}

// ForgetReady has no Ready of before told any more; the entries stay. It is for changes of what may be told to whom.
func (c *Cache) ForgetReady() {
	c.mu.Lock()
	c.forgotten = c.changes.Add(1)
	c.mu.Unlock()
}

// changedAt notes that something is different about a name. The caller holds c.mu.
func (c *Cache) changedAt(n *node) {
	n.changed = c.changes.Add(1)
	c.dropReady(n)
}

func (c *Cache) dropReady(n *node) {
	for _, a := range n.answers {
		c.store.bytes -= a.cost
	}
	n.answers = nil
}

// shrink makes the cache fit its bound. The caller holds c.mu.
func (c *Cache) shrink(now time.Time) {
	for c.store.bytes > c.cfg.MaxBytes {
		c.remove(c.victim(now))
	}
}
