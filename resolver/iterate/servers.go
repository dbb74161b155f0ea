package iterate

import (
	"net/netip"
	"time"
)

// server is what is remembered of one address.
type server struct {
	srtt, rttvar time.Duration // RFC 6298 section 2, as Unbound keeps them
	rto          time.Duration
	noEDNS       bool
	seen         time.Time
}

const (
	unknownRTT = 376 * time.Millisecond // of a server never asked, as Unbound supposes
	minRTO     = 50 * time.Millisecond
	maxRTO     = 1600 * time.Millisecond
	// band: servers that are slower than the fastest by no more than this are as good, so all get their share.
	band = 400 * time.Millisecond
	// forget is how long what was learned of a server counts.
	forget = 15 * time.Minute
)

// lookup returns what is known of a server, anew when that is too old. The caller holds it.mu.
func (it *Iterator) lookup(at netip.AddrPort, now time.Time) *server {
	s := it.servers[at]
	if s == nil || now.Sub(s.seen) > forget {
		s = &server{rto: unknownRTT, seen: now}
		it.servers[at] = s
	}
	return s
}

// timeoutFor is how long to wait for a server's reply.
func (it *Iterator) timeoutFor(at netip.AddrPort, now time.Time) (timeout time.Duration, edns bool) {
	it.mu.Lock()
	defer it.mu.Unlock()
	s := it.lookup(at, now)
	return max(s.rto, minRTO), !s.noEDNS
}

// answered notes a reply after a round trip.
func (it *Iterator) answered(at netip.AddrPort, rtt time.Duration, now time.Time) {
	it.mu.Lock()
	defer it.mu.Unlock()
	s := it.lookup(at, now)
	if s.srtt == 0 {
		s.srtt, s.rttvar = rtt, rtt/2
	} else {
		s.rttvar += ((s.srtt - rtt).Abs() - s.rttvar) / 4
		s.srtt += (rtt - s.srtt) / 8
	}
	s.rto = min(max(s.srtt+4*s.rttvar, minRTO), maxRTO)
	s.seen = now
}

// silent notes that a server did not reply: it is waited for twice as long next time, and others come first.
func (it *Iterator) silent(at netip.AddrPort, now time.Time) {
	it.mu.Lock()
	defer it.mu.Unlock()
	s := it.lookup(at, now)
	s.rto = min(2*s.rto, maxRTO)
	s.seen = now
}

func (it *Iterator) withoutEDNS(at netip.AddrPort, now time.Time) {
	it.mu.Lock()
	defer it.mu.Unlock()
	it.lookup(at, now).noEDNS = true
}

// choose picks one of the addresses by chance among those about as fast as the fastest; those tried less often in this
// question come first.
func (it *Iterator) choose(addresses []netip.AddrPort, tried map[netip.AddrPort]int, now time.Time) (netip.AddrPort, bool) {
	it.mu.Lock()
	defer it.mu.Unlock()
	fewest := maxTries
	for _, a := range addresses {
		fewest = min(fewest, tried[a])
	}
	if fewest >= maxTries {
		return netip.AddrPort{}, false
	}
	var best time.Duration = -1
	for _, a := range addresses {
		if rto := it.lookup(a, now).rto; tried[a] == fewest && (best < 0 || rto < best) {
			best = rto
		}
	}
	var good []netip.AddrPort
	for _, a := range addresses {
		if tried[a] == fewest && it.lookup(a, now).rto <= best+band {
			good = append(good, a)
		}
	}
	if len(good) == 0 {
		return netip.AddrPort{}, false
	}
	return good[it.config.Rand.IntN(len(good))], true
}

func (it *Iterator) id() uint16 {
	it.mu.Lock()
	defer it.mu.Unlock()
	return uint16(it.config.Rand.Uint32())
}
