package control

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"faultzone/simulator/clock"
	"faultzone/simulator/live"
)

// What a client may take of this machine.
const (
	// mostBody is the largest body, in octets.
	mostBody = 1 << 20
	// mostConnections and mostStreams are at one time. Beyond crowd connections none is kept for another request.
	mostConnections, mostStreams, crowd = 512, 16, 128
	// idle is how long a connection may lie between two requests, and header how long the head of a request may take:
	// both are had without a token, and must not keep a halt waiting for long.
	idle, header = 30 * time.Second, 5 * time.Second
	// parting is how long requests under way have to end when the server closes.
	parting = 2 * time.Second
)

// Config says what is commanded, and by whom.
type Config struct {
	Host *live.Host
	// ID is what the world is called on this machine; empty: the scenario's name.
	ID string
	// Token is what calls must bring along. It must not be empty; see [NewToken].
	Token string
	// Public has the API answer to every address of this machine, and not to loopback's alone. Names are host names that it
	// is called by too.
	Public bool
	Names  []string
	Limits Limits
	// Speed is the pace at which the world goes on after a pause that it began in; 0: 1.
	Speed float64
	// Metrics, when not nil, serves /metrics under the same checks: whoever scrapes sends the token as any other.
	Metrics http.Handler
	// Patience is how long a client may take to send a request, or to take what it is sent; 0: 20 s.
	Patience time.Duration
	// Beat is how often a stream without news shows that it is alive; 0: every 15 s.
	Beat time.Duration
}

// Server is the API of one host.
type Server struct {
	config  Config
	token   [32]byte // its SHA-256
	handler http.Handler
	http    http.Server
	ready   atomic.Bool
	open    atomic.Int64 // connections
	streams chan struct{}
	closing chan struct{}
	once    sync.Once

	mu    sync.Mutex
	now   *session // of the present life
	lives int
}

// New checks the configuration and makes a server, which serves once it is given a listener.
func New(c Config) (*Server, error) {
	if c.Token == "" {
		return nil, errors.New("control: no token; make one with NewToken")
	}
	if c.ID == "" {
		c.ID = c.Host.World().Scenario().Name
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	if c.Patience == 0 {
		c.Patience = 20 * time.Second
	}
	if c.Beat == 0 {
		c.Beat = 15 * time.Second
	}
	if err := c.Limits.check(c.Host.World()); err != nil {
		return nil, err
	}
	s := &Server{config: c, token: digest(c.Token), streams: make(chan struct{}, mostStreams), closing: make(chan struct{})}
	s.handler = s.guard(s.mux())
	s.http = http.Server{Handler: s.handler, ReadHeaderTimeout: min(c.Patience, header), IdleTimeout: idle, MaxHeaderBytes: 16 << 10,
		ConnState: s.count,
		ErrorLog:  log.New(io.Discard, "", 0), // what broken clients do is no news
	}
	s.session()
	return s, nil
}

// Handler is the API without a server around it.
func (s *Server) Handler() http.Handler { return s.handler }

// Ready has /readyz say so from now on: everything listens, and time passes.
func (s *Server) Ready() { s.ready.Store(true) }

// Serve answers on a listener, which it closes, until [Server.Close]. It may be called for several.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(netutil.LimitListener(l, mostConnections))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// count keeps count of the connections that are open.
func (s *Server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.open.Add(-1)
	}
}

// Close ends the streams, waits a little for the requests under way, and returns when no more are. It may be called
// more than once.
func (s *Server) Close() error {
	s.once.Do(func() { close(s.closing) })
	ctx, cancel := clock.Wall{}.WithTimeout(context.Background(), parting)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}

// under is the request's context, which ends with the server too.
func (s *Server) under(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-s.closing:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() { cancel(); wg.Wait() }
}
