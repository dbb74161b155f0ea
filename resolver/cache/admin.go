package cache

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Flush removes everything about name, failures too, and tells how many entries that were.
func (c *Cache) Flush(name string) int {
	name = canonical(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.removeAll(c.names[name])
}

// FlushTree removes everything about name and all names below it, and tells how many entries that were.
func (c *Cache) FlushTree(name string) int {
	name = canonical(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	removed := 0
	for have, n := range c.names { // in whatever order: all of them go
		if dns.IsSubDomain(name, have) {
			removed += c.removeAll(n)
		}
	}
	return removed
}

func (c *Cache) removeAll(n *node) int {
	if n == nil {
		return 0
	}
	count := len(n.entries)
	for range count {
		c.remove(n.entries[len(n.entries)-1])
	}
	return count
}

// Clear removes everything, and tells how many entries that were.
func (c *Cache) Clear() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	removed := len(c.store.byEnd)
	c.forgotten = c.changes.Add(1)
	for _, n := range c.names { // in whatever order: for a Ready that depends on them
		n.changed = c.forgotten
	}
	clear(c.names)
	c.store = store{count: c.store.count}
	return removed
}

// Dump returns the live entries, failures too, in canonical order of their names (RFC 4034 section 6.1), then by type,
// data before its failure.
func (c *Cache) Dump(now time.Time) []*Entry {
	c.mu.RLock()
	entries := make([]*Entry, 0, len(c.store.byEnd))
	for _, e := range c.store.byEnd {
		if e.live(now) {
			entries = append(entries, e)
		}
	}
	c.mu.RUnlock()
	slices.SortFunc(entries, func(a, b *Entry) int {
		return cmp.Or(compareNames(a.Name, b.Name), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Kind, b.Kind))
	})
	return entries
}

// compareNames orders canonical names by their labels from the right. Escaped octets are compared as they are written,
// which is order enough for a list.
func compareNames(a, b string) int {
	if a == b {
		return 0
	}
	x, y := dns.SplitDomainName(a), dns.SplitDomainName(b)
	slices.Reverse(x)
	slices.Reverse(y)
	return slices.CompareFunc(x, y, strings.Compare)
}

// Len is the number of live entries, failures too.
func (c *Cache) Len(now time.Time) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	count := 0
	for _, e := range c.store.byEnd {
		if e.live(now) {
			count++
		}
	}
	return count
}

// Bytes is the estimate that MaxBytes bounds, expired entries that are still kept included.
func (c *Cache) Bytes() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.store.bytes
}

// MaxBytes is the bound of Bytes, as it was configured or by default.
func (c *Cache) MaxBytes() int64 { return c.cfg.MaxBytes }
