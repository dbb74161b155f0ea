package iterate

import (
	"net/netip"
	"time"
)

const (
	// firstTimeout is for a server that nothing is known about; Unbound's is 376 ms.
	firstTimeout = 400 * time.Millisecond
	minTimeout   = 200 * time.Millisecond
	maxTimeout   = 3200 * time.Millisecond
	// tcpTimeout covers the connection as well.
	tcpTimeout = 3 * time.Second
	// serverMemory is for how long a server's behaviour is remembered, as in Unbound.
	serverMemory = 15 * time.Minute
	// silences in a row put a server last in line.
	silences = 3
	// maxServers bounds the memory.
	maxServers = 10_000
	// band is how much slower than the fastest a server may be and still be chosen, so that the load and the risk of
	// being deceived are spread; Unbound's.
	band = 400 * time.Millisecond
)

// server is what is remembered about a name server's address. The Iterator's mu is over it.
type server struct {
	since        time.Time     // when the memory began
	srtt, rttvar time.Duration // RFC 6298 section 2; srtt 0: never heard
	timeout      time.Duration // for the next query
	silent       int           // timeouts in a row
	plain        bool          // does not understand EDNS
}

// at returns the memory of an address. The caller holds it.mu.
func (it *Iterator) at(addr netip.AddrPort, now time.Time) *server {
	s := it.servers[addr]
	if s == nil || now.Sub(s.since) > serverMemory || now.Before(s.since) {
		if s == nil && len(it.servers) >= maxServers {
			clear(it.servers)
		}
		s = &server{since: now, timeout: firstTimeout}
		it.servers[addr] = s
	}
	return s
}

// heard notes how long a reply took.
func (it *Iterator) heard(addr netip.AddrPort, rtt time.Duration, now time.Time) {
	it.mu.Lock()
	defer it.mu.Unlock()
	s := it.at(addr, now)
	rtt = max(rtt, time.Microsecond)
	if s.srtt == 0 {
		s.srtt, s.rttvar = rtt, rtt/2
	} else {
		s.rttvar += ((s.srtt - rtt).Abs() - s.rttvar) / 4
		s.srtt += (rtt - s.srtt) / 8
	}
	s.silent = 0
	s.timeout = min(max(s.srtt+4*s.rttvar, minTimeout), maxTimeout)
}

// unheard notes that no reply came in time.
func (it *Iterator) unheard(addr netip.AddrPort, now time.Time) {
	it.mu.Lock()
	defer it.mu.Unlock()
	s := it.at(addr, now)
	s.silent++
	s.timeout = min(2*s.timeout, maxTimeout)
}

// setPlain notes that the server does not understand EDNS.
func (it *Iterator) setPlain(addr netip.AddrPort, now time.Time) {
	it.mu.Lock()
	defer it.mu.Unlock()
	it.at(addr, now).plain = true
}

// next is what the next query to the server needs.
func (it *Iterator) next(addr netip.AddrPort, now time.Time) (id uint16, timeout time.Duration, edns bool) {
	it.mu.Lock()
	defer it.mu.Unlock()
	s := it.at(addr, now)
	return uint16(it.rand.Uint32()), s.timeout, !s.plain
}

// target is an address that may be asked in one walk's zone.
type target struct {
	addr  netip.AddrPort
	host  string
	tries int
	done  bool // has answered to no use: not to be asked again
}

// choose picks who is asked next: who was asked least, then who has not been silent for long, then by speed, at random
// within the band. nil: nobody is left.
func (it *Iterator) choose(targets []*target, now time.Time) *target {
	it.mu.Lock()
	defer it.mu.Unlock()
	const never = time.Duration(1<<63 - 1)
	expected := func(t *target) time.Duration {
		s := it.at(t.addr, now)
		dead := s.silent >= silences
		switch {
		case t.done, t.tries >= triesEach, dead && t.tries > 0 && !t.fresh(s):
			return never
		case dead:
			return never/2 + s.timeout
		case s.srtt == 0 || s.silent > 0:
			return time.Duration(t.tries)*time.Hour + s.timeout
		default:
			return time.Duration(t.tries)*time.Hour + s.srtt
		}
	}
	best := never
	for _, t := range targets {
		best = min(best, expected(t))
	}
	if best == never {
		return nil
	}
	var near []*target
	for _, t := range targets {
		if e := expected(t); e < never && e-best < band {
			near = append(near, t)
		}
	}
	return near[it.rand.IntN(len(near))]
}

// fresh says whether all the server's silences are of this walk: then it gets its tries.
func (t *target) fresh(s *server) bool { return s.silent <= t.tries }
