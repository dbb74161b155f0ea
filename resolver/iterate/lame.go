package iterate

import (
	"net/netip"
	"time"
)

// lameAt is a server in its part as one of a zone.
type lameAt struct {
	addr netip.AddrPort
	zone string
}

// noteLame remembers that a server did not serve a zone it was said to.
func (it *Iterator) noteLame(addr netip.AddrPort, zone string, now time.Time) {
	if it.cfg.LameTTL < 0 {
		return
	}
	it.mu.Lock()
	defer it.mu.Unlock()
	if len(it.lame) >= maxServers {
		clear(it.lame)
	}
	it.lame[lameAt{addr, zone}] = now.Add(it.cfg.LameTTL)
}

// noteServes forgets that again.
func (it *Iterator) noteServes(addr netip.AddrPort, zone string) {
	it.mu.Lock()
	defer it.mu.Unlock()
	delete(it.lame, lameAt{addr, zone})
}

func (it *Iterator) isLame(addr netip.AddrPort, zone string, now time.Time) bool {
	it.mu.Lock()
	defer it.mu.Unlock()
	until, ok := it.lame[lameAt{addr, zone}]
	return ok && now.Before(until)
}
