package cache

import (
	"math"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// life is how long an entry may be kept from now on; 0 or less for not at all.
func (c *Cache) life(e *Entry, now time.Time) time.Duration {
	ttl, floor, ceiling := uint32(math.MaxUint32), c.cfg.MinTTL, c.cfg.MaxTTL
	switch e.Kind {
	case Positive:
		if len(e.Set.RRs) == 0 {
			return 0
		}
		ttl = shortest(ttl, e.Set, e.Status)
	case NODATA, NXDOMAIN:
		switch minimum, ok := soaMinimum(e.SOA); {
		case ok:
			ttl = shortest(minimum, e.SOA, e.Status)
		case e.Rank != Referral || len(e.Proof) == 0:
			ttl = 0
		}
		floor, ceiling = c.cfg.MinNegativeTTL, c.cfg.MaxNegativeTTL
	default:
		return 0
	}
	for _, set := range e.Proof {
		ttl = shortest(ttl, set, e.Status)
	}
	life := min(max(time.Duration(ttl)*time.Second, floor), ceiling)
	switch {
	case e.Status == validate.Bogus: // a failure too (RFC 9520 section 3.2), so that it is not validated for each who asks
		return min(max(life, c.cfg.FailureTTL), c.cfg.MaxBogusTTL)
	case e.Kind != Positive && ttl == 0 && len(e.SOA.RRs) == 0:
		return 0
	}
	if !e.Until.IsZero() {
		life = min(life, e.Until.Sub(now))
	}
	return life
}

// shortest is the least of ttl and the TTLs of the set (RFC 2181 section 5.2 wants one alone); of a Secure set also those
// of its signatures and the original one that they state (RFC 4035 section 5.3.3).
func shortest(ttl uint32, set validate.RRset, status validate.Status) uint32 {
	for _, rr := range set.RRs {
		ttl = min(ttl, rr.Header().Ttl)
	}
	if status == validate.Secure {
		for _, sig := range set.Sigs {
			ttl = min(ttl, sig.Hdr.Ttl, sig.OrigTtl)
		}
	}
	return ttl
}

func soaMinimum(set validate.RRset) (uint32, bool) {
	for _, rr := range set.RRs {
		if soa, ok := rr.(*dns.SOA); ok {
			return soa.Minttl, true
		}
	}
	return 0, false
}
