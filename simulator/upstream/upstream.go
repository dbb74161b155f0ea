// Package upstream reaches real name servers over real sockets: an Exchanger for a resolver that lives by the clock of a
// live world, or by a live clock alone.
//
// Each exchange has a socket of its own, connected to its server and closed with it, so the system chooses a port that
// nobody can guess, and only what comes from that server's address and port is a reply (RFC 5452 sections 4 and 9.2).
// Which of the replies is the answer is the caller's to say. Timeouts are the wall's, whatever the speed of the
// world: a real server does not answer sooner because the world is in a hurry.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"faultzone/simulator/clock"
)

// Clock is what an exchange needs to wait as an activity of its world.
type Clock interface {
	Signal() (done <-chan struct{}, fire func())
	Await(ctx context.Context, done <-chan struct{}) error
}

// Config says how to reach whom.
type Config struct {
	// Clock is that of the callers: a live one.
	Clock Clock
	// Route says where a server is asked, if not at its own address: at a door of a world's edge, say. ok false: it
	// cannot be reached. nil: servers on loopback are asked where they are, and no others, so that nothing is sent to
	// anybody whom nobody has named.
	Route func(server netip.AddrPort) (real netip.AddrPort, ok bool)
	// Dial connects over "udp" or "tcp" to where a server is asked; UDP without waiting. nil: by this machine's network.
	Dial Dial
}

// Dial connects to a real server, or begins to. It does not wait beyond the real time deadline, or ctx.
type Dial func(ctx context.Context, network string, to netip.AddrPort, deadline time.Time) (net.Conn, error)

// Exchanger sends queries from sockets of this machine. Activities of its clock call Exchange; any goroutine may Close it.
type Exchanger struct {
	config  Config
	buffers sync.Pool // of *[largest]byte

	mu       sync.Mutex
	closed   bool
	underWay map[*exchange]bool
	readers  sync.WaitGroup
}

// New makes an Exchanger. The caller closes it.
func New(c Config) *Exchanger {
	e := &Exchanger{config: c, underWay: map[*exchange]bool{}}
	e.buffers.New = func() any { return new([largest]byte) }
	if e.config.Route == nil {
		e.config.Route = func(server netip.AddrPort) (netip.AddrPort, bool) { return server, server.Addr().IsLoopback() }
	}
	if e.config.Dial == nil {
		e.config.Dial = dialHere
	}
	return e
}

// Close ends the exchanges under way, and returns when nothing of them runs any more.
func (e *Exchanger) Close() error {
	e.mu.Lock()
	e.closed = true
	for x := range e.underWay {
		x.end()
	}
	e.mu.Unlock()
	e.readers.Wait()
	return nil
}

// Exchange sends a packed query to server over "udp" or "tcp" and returns the first reply that accept takes; others are
// ignored until timeout has passed. Errors: one whose Timeout() is true; by errors.Is syscall.ECONNREFUSED,
// syscall.EHOSTUNREACH and what else the system says, io.ErrUnexpectedEOF for a TCP connection closed without a reply, and
// net.ErrClosed after Close; and ctx's own.
func (e *Exchanger) Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte,
	timeout time.Duration, accept func(reply []byte) bool) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	real, ok := e.config.Route(server)
	if !ok {
		return nil, fmt.Errorf("%s is not to be asked from here: %w", server, syscall.EHOSTUNREACH)
	}
	x := &exchange{network: network, server: real, dial: e.config.Dial, query: query, deadline: clock.Wall{}.In(timeout)}
	defer e.end(x)
	if err := e.begin(x); err != nil {
		return nil, failed(server, network, timeout, err)
	}
	for {
		reply, arrival, err := x.take(e.config.Clock)
		switch {
		case err != nil:
			return nil, failed(server, network, timeout, err)
		case arrival != nil:
			if err := e.config.Clock.Await(ctx, arrival); err != nil {
				return nil, err
			}
		case accept(reply):
			return reply, nil
		}
	}
}

// begin opens the exchange and has its replies read. What would wait, the opening of a TCP connection, is done beside.
func (e *Exchanger) begin(x *exchange) error {
	x.ctx, x.cancel = context.WithCancel(context.Background())
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return net.ErrClosed
	}
	e.underWay[x] = true
	e.readers.Add(1)
	e.mu.Unlock()
	if x.network == "udp" {
		if err := x.open(); err != nil {
			e.readers.Done()
			return err
		}
	}
	go func() {
		defer e.readers.Done()
		buffer := e.buffers.Get().(*[largest]byte)
		defer e.buffers.Put(buffer)
		x.read(buffer)
	}()
	return nil
}

func (e *Exchanger) end(x *exchange) {
	e.mu.Lock()
	delete(e.underWay, x)
	e.mu.Unlock()
	x.end()
}

// failed says what came of an exchange.
func failed(server netip.AddrPort, network string, timeout time.Duration, err error) error {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return &timeoutError{server, network, timeout}
	}
	return fmt.Errorf("asking %s over %s: %w", server, network, err)
}

// timeoutError is a wait that ended without a reply.
type timeoutError struct {
	server  netip.AddrPort
	network string
	after   time.Duration
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("no answer from %s over %s within %v", e.server, e.network, e.after)
}
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }
