package authoritative

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/miekg/dns"
)

// Server answers for its zones. Make one with [New].
type Server struct {
	name      string
	clock     Clock
	exchanger Exchanger
	tell      func(Event)
	views     []*view
	// maxTransfer bounds incoming transfers, in octets; not above 0: no bound.
	maxTransfer int64
	nsid        []byte
	cookies     *cookieJar // nil: none are given
	chaos       Chaos
	answers     answerPool
	keys        atomic.Pointer[map[string]*tsigKey] // by canonical name; replaced, never changed

	randMu sync.Mutex
	rand   *rand.Rand

	mu     sync.Mutex
	ctx    context.Context // nil while not started
	cancel context.CancelFunc
}

// view is a View being served.
type view struct {
	name  string
	match atomic.Pointer[Match]
	// destinations is nil where any will do.
	destinations Match
	zones        map[string]*hosted // by name in lower case on the wire
	order        []*hosted
}

// New checks the configuration, signs the zones that are to be signed, and returns a server that can answer. Timers
// begin with Start. Every mistake in the configuration is told, each with the view and zone it is in.
func New(c Config) (*Server, error) {
	s := &Server{name: c.Name, clock: c.Clock, exchanger: c.Exchanger, rand: c.Rand, tell: c.Report,
		chaos: c.Chaos}
	if len(c.NSID) > 0 {
		s.nsid = append([]byte(nil), c.NSID...)
	}
	if err := s.configure(c); err != nil {
		if c.Name != "" {
			return nil, fmt.Errorf("server %s: %w", c.Name, err)
		}
		return nil, err
	}
	return s, nil
}

// Start begins the server's own work as activities of its clock: the secondaries' timers, each with a check at once, the
// signers' renewals, and a NOTIFY to those who are to be told. They end with ctx, which stands for the process; the
// zones stay as they are. Start may then be called again.
func (s *Server) Start(ctx context.Context) {
	ctx, cancel := s.clock.WithTimeout(ctx, 0)
	s.mu.Lock()
	before := s.cancel
	s.ctx, s.cancel = ctx, cancel
	s.mu.Unlock()
	if before != nil {
		before()
	}
	for _, v := range s.views {
		for _, h := range v.order {
			h.start(ctx)
		}
	}
}

// running returns the context of the server's own work, or nil when there is none.
func (s *Server) running() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil || s.ctx.Err() != nil {
		return nil
	}
	return s.ctx
}

// viewFor returns the first view that takes a request of the peer's under that key, or nil.
func (s *Server) viewFor(from *Peer, key string) *view {
	for _, v := range s.views {
		if v.match.Load().Allows(from.Addr.Addr(), key) && (v.destinations == nil || v.destinations.Allows(from.Local.Addr(), key)) {
			return v
		}
	}
	return nil
}

// find returns the zone closest to the name (in lower case, on the wire) that the view serves. A question for DS at the
// top of a zone is the parent's, if that is served too (RFC 4035 section 3.1.4.1).
func (v *view) find(name []byte, qtype uint16) *hosted {
	if qtype == dns.TypeDS && len(name) > 1 {
		if h := v.closest(name[1+int(name[0]):]); h != nil {
			return h
		}
	}
	return v.closest(name)
}

func (v *view) closest(name []byte) *hosted {
	for {
		if h := v.zones[string(name)]; h != nil {
			return h
		}
		if len(name) <= 1 {
			return nil
		}
		name = name[1+int(name[0]):]
	}
}

// exact returns the zone of that very name, or nil.
func (v *view) exact(origin string) *hosted {
	name, err := wireName(origin)
	if err != nil {
		return nil
	}
	return v.zones[name]
}

// key returns the TSIG key of that canonical name, or nil.
func (s *Server) key(name string) *tsigKey { return (*s.keys.Load())[name] }

// id draws a message ID for a query of the server's own.
func (s *Server) id() uint16 {
	s.randMu.Lock()
	defer s.randMu.Unlock()
	return uint16(s.rand.Uint32())
}

// report tells of e. No lock may be held.
func (s *Server) report(e Event) {
	if s.tell != nil {
		s.tell(e)
	}
}
