package cache

import (
	"time"

	"github.com/miekg/dns"
)

// Above is a delegation by which another one was learned.
type Above struct {
	Zone  string
	Until time.Time // its end, as it was known then
	Above *Above    // by which it was learned itself
}

// Delegation returns the deepest NS RRset that is known for name, as Closest does, and that stands: the delegations by which it
// was learned are known still, or again, so that who was withdrawn a zone does not live on in zones below it ("phoenix
// domains"). A delegation that was flushed before its end still counts.
func (c *Cache) Delegation(name string, now time.Time) (*Entry, bool) {
	e, ok := c.Closest(name, dns.TypeNS, now)
	for ok && e.Name != "." && !c.stands(e, now) {
		above := "."
		if off, end := dns.NextLabel(e.Name, 0); !end {
			above = e.Name[off:]
		}
		e, ok = c.Closest(above, dns.TypeNS, now)
	}
	return e, ok
}

func (c *Cache) stands(e *Entry, now time.Time) bool {
	for a := e.Above; a != nil; {
		if now.Before(a.Until) {
			a = a.Above
			continue
		}
		again, ok := c.RRset(a.Zone, dns.TypeNS, now)
		if !ok {
			return false
		}
		a = again.Above
	}
	return true
}
