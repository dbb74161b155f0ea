package iterate

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

const (
	// firstTimeout is for a server that nothing is known about; Unbound's is 376 ms.
	firstTimeout = 400 * time.Millisecond
	minTimeout   = 200 * time.Millisecond
	maxTimeout   = 3200 * time.Millisecond
	// forwardTimeout is the least for a forwarder, which has to ask others itself.
	forwardTimeout = time.Second
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
	// plainUntil is until when the server is taken not to understand EDNS; spoke: it has answered a query that had it.
	plainUntil time.Time
	spoke      bool
	// The two parts of a DNS cookie (RFC 7873).
	clientCookie, serverCookie []byte
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
	s.serverCookie = nil // maybe it stopped sending cookies, so that its replies were not heard
	s.timeout = min(2*s.timeout, maxTimeout)
}

// setPlain notes that the server does not understand EDNS: for as long as anything is remembered when it said so, and for
// a minute when it was merely silent, which may have had other reasons.
func (it *Iterator) setPlain(addr netip.AddrPort, said bool, now time.Time) {
	it.mu.Lock()
	defer it.mu.Unlock()
	s := it.at(addr, now)
	if s.plainUntil = now.Add(time.Minute); said {
		s.plainUntil = s.since.Add(serverMemory)
	}
}

// setSpoke notes that the server answered a query with EDNS.
func (it *Iterator) setSpoke(addr netip.AddrPort, now time.Time) {
	it.mu.Lock()
	defer it.mu.Unlock()
	it.at(addr, now).spoke = true
}

// next is how the target is asked next, and for how long its reply is waited for.
func (w *walk) next(t *target, network string, now time.Time) (manner, time.Duration) {
	it := w.it
	it.mu.Lock()
	defer it.mu.Unlock()
	s := it.at(t.addr, now)
	m := manner{network: network, id: uint16(it.rand.Uint32()), udpSize: it.cfg.UDPSize}
	m.edns = !t.plain && !now.Before(s.plainUntil)
	if !s.spoke && t.silences > 0 && t.silences == it.cfg.Limits.Tries-1 && !w.needsEDNS() {
		m.edns, m.probe = false, m.edns // the last try: something on the way may drop what has EDNS
	}
	timeout := s.timeout
	if !w.zone.route.iterative() {
		m.rd, m.cd = true, len(it.signed) > 0 && !w.zone.route.around
		timeout = max(timeout, forwardTimeout)
	}
	if network == "tcp" {
		timeout = tcpTimeout
	}
	if it.cfg.RandomCase && network == "udp" {
		m.mix = &[4]uint64{it.rand.Uint64(), it.rand.Uint64(), it.rand.Uint64(), it.rand.Uint64()}
	}
	if it.cfg.Cookies && m.edns {
		m.cookie = it.cookie(s)
	}
	return m, timeout
}

// needsEDNS says whether an answer without signatures would be none: the zone is signed, and somebody will check.
func (w *walk) needsEDNS() bool {
	if len(w.it.signed) == 0 || w.it.cfg.Checked != nil && !w.it.cfg.Checked(w.zone.zone) {
		return false
	}
	if w.it.signed[w.zone.zone] {
		return true
	}
	_, ok := w.it.cfg.Cache.RRset(w.zone.zone, dns.TypeDS, w.it.cfg.Clock.Now())
	return ok
}

// target is an address that may be asked in one walk's zone.
type target struct {
	addr  netip.AddrPort
	host  string
	tries int
	// silences are those of the tries without a reply.
	silences int
	done     bool // has answered to no use: not to be asked again
	plain    bool // is asked without EDNS
	lame     bool // did not serve the zone lately: asked when nobody else is left
}

// choose picks who is asked next: who was asked least, then who has not been silent for long, then by speed, at random
// within the band; who is lame comes last. nil: nobody is left.
func (it *Iterator) choose(targets []*target, now time.Time) *target {
	it.mu.Lock()
	defer it.mu.Unlock()
	const never = time.Duration(1<<63 - 1)
	expected := func(t *target) time.Duration {
		s := it.at(t.addr, now)
		dead := s.silent >= silences
		switch {
		case t.done, t.tries >= it.cfg.Limits.Tries, dead && t.tries > 0 && !t.fresh(s):
			return never
		case t.lame:
			return never/4*3 + s.timeout
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
