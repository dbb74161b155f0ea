package cache

import (
	"time"

	"github.com/miekg/dns"
)

// NXDOMAINAbove returns the live NXDOMAIN entry of the nearest name above name that has one which fits (RFC 8020 section
// 2). fits must not call the cache.
func (c *Cache) NXDOMAINAbove(name string, now time.Time, fits func(*Entry) bool) (*Entry, bool) {
	name = canonical(name)
	c.mu.RLock()
	defer c.mu.RUnlock()
	if name == "." {
		return nil, false
	}
	for off, end := dns.NextLabel(name, 0); !end; off, end = dns.NextLabel(name, off) {
		e := c.names[name[off:]].find(dns.TypeNone, false)
		if e != nil && e.Kind == NXDOMAIN && e.live(now) && fits(e) {
			return e.used()
		}
	}
	return nil, false
}
