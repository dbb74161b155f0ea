package upstream_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"faultzone/simulator/clock"
	"faultzone/simulator/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come; brief is the timeout of exchanges to which nothing comes.
const (
	patience = 20 * time.Second
	brief    = 50 * time.Millisecond
)

func newClock(t testing.TB, speed float64) *clock.Live {
	t.Helper()
	c, err := clock.NewLive(time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC), speed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func newExchanger(t testing.TB, c upstream.Config) *upstream.Exchanger {
	t.Helper()
	e := upstream.New(c)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// server is on loopback, over UDP and TCP at one port. It answers each query with what replies gives.
type server struct {
	udp *net.UDPConn
	tcp *net.TCPListener
	at  netip.AddrPort
}

func newServer(t testing.TB, replies func(network, query string) []string) *server {
	t.Helper()
	tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{tcp: tcp, at: tcp.Addr().(*net.TCPAddr).AddrPort()}
	if s.udp, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(s.at)); err != nil {
		t.Skipf("the port over TCP is not free over UDP: %v", err)
	}
	done := make(chan struct{}, 2)
	go func() { s.serveUDP(replies); done <- struct{}{} }()
	go func() { s.serveTCP(replies); done <- struct{}{} }()
	t.Cleanup(func() { s.close(); <-done; <-done })
	return s
}

func (s *server) close() { s.udp.Close(); s.tcp.Close() }

func (s *server) serveUDP(replies func(network, query string) []string) {
	buffer := make([]byte, 65535)
	for {
		n, client, err := s.udp.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		for _, reply := range replies("udp", string(buffer[:n])) {
			s.udp.WriteToUDPAddrPort([]byte(reply), client)
		}
	}
}

// serveTCP serves one connection after another. It writes in small pieces, and closes when it has said all.
func (s *server) serveTCP(replies func(network, query string) []string) {
	for {
		c, err := s.tcp.Accept()
		if err != nil {
			return
		}
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err == nil {
			query := make([]byte, binary.BigEndian.Uint16(length[:]))
			io.ReadFull(c, query)
			for _, reply := range replies("tcp", string(query)) {
				framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)
				c.Write(framed[:1])
				c.Write(framed[1:])
			}
		}
		c.Close()
	}
}

// exchange asks as an activity, and takes what does not begin with "not".
func exchange(t testing.TB, c *clock.Live, e *upstream.Exchanger, ctx context.Context, to netip.AddrPort, network, query string, timeout time.Duration) (reply string, err error) {
	t.Helper()
	if runErr := c.Run(func() {
		var b []byte
		b, err = e.Exchange(ctx, to, network, []byte(query), timeout, func(r []byte) bool { return !strings.HasPrefix(string(r), "not") })
		reply = string(b)
	}); runErr != nil {
		t.Fatal(runErr)
	}
	return reply, err
}

var networks = []string{"udp", "tcp"}

// The first reply that is accepted is the answer, over both transports and at every speed of the world, 0 too.
func TestAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(network, query string) []string {
		return []string{"not this", "not that", network + " " + query, "late"}
	})
	for _, speed := range []float64{1, 0, 1e6} {
		c := newClock(t, speed)
		e := newExchanger(t, upstream.Config{Clock: c})
		for _, network := range networks {
			got, err := exchange(t, c, e, context.Background(), s.at, network, "question", patience)
			if got != network+" question" || err != nil {
				t.Errorf("speed %v, %s: %q, %v", speed, network, got, err)
			}
		}
	}
}

// A large message comes whole.
func TestLargeAnswer(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 60000)
	s := newServer(t, func(_, query string) []string { return []string{query + large} })
	c := newClock(t, 1)
	e := newExchanger(t, upstream.Config{Clock: c})
	for _, network := range networks {
		if got, err := exchange(t, c, e, context.Background(), s.at, network, "q", patience); got != "q"+large || err != nil {
			t.Errorf("%s: %d octets, %v", network, len(got), err)
		}
	}
}

// Only the server's own socket answers: what somebody else sends to the port that asks is not even seen.
func TestReplyFromElsewhere(t *testing.T) {
	t.Parallel()
	other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	asked, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, client, err := asked.ReadFromUDPAddrPort(make([]byte, 100))
		if err == nil {
			other.WriteToUDPAddrPort([]byte("forged"), client)
			asked.WriteToUDPAddrPort([]byte("true"), client)
		}
	}()
	c := newClock(t, 1)
	e := newExchanger(t, upstream.Config{Clock: c})
	got, err := exchange(t, c, e, context.Background(), asked.LocalAddr().(*net.UDPAddr).AddrPort(), "udp", "q", patience)
	if got != "true" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	asked.Close()
	<-done
}

// Each way of not answering is told apart.
func TestFailures(t *testing.T) {
	t.Parallel()
	silent := newServer(t, func(string, string) []string { return nil })
	wrong := newServer(t, func(string, string) []string { return []string{"not that", "not this"} })
	gone := newServer(t, nil)
	gone.close()
	c := newClock(t, 1)
	e := newExchanger(t, upstream.Config{Clock: c})
	timeout := func(err error) bool {
		var n net.Error
		return errors.As(err, &n) && n.Timeout()
	}
	refused := func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
	for _, f := range []struct {
		name, network string
		to            netip.AddrPort
		is            func(error) bool
	}{
		{"silence", "udp", silent.at, timeout},
		{"wrong replies", "udp", wrong.at, timeout},
		{"wrong replies", "tcp", wrong.at, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		{"nobody there", "udp", gone.at, refused},
		{"nobody there", "tcp", gone.at, refused},
		{"outside", "udp", netip.MustParseAddrPort("192.0.2.1:53"), func(err error) bool { return errors.Is(err, syscall.EHOSTUNREACH) }},
	} {
		_, err := exchange(t, c, e, context.Background(), f.to, f.network, "q", brief)
		if !f.is(err) {
			t.Errorf("%s, %s: %v", f.name, f.network, err)
		}
	}
}

// A server that takes a connection and says nothing costs the timeout.
func TestSilentConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := newClock(t, 1)
	e := newExchanger(t, upstream.Config{Clock: c})
	_, err = exchange(t, c, e, context.Background(), l.Addr().(*net.TCPAddr).AddrPort(), "tcp", "q", brief)
	if n := net.Error(nil); !errors.As(err, &n) || !n.Timeout() {
		t.Errorf("%v, want a timeout", err)
	}
}

// Whoever is no longer interested stops waiting, and so does everybody when the exchanger is closed; the world goes on
// meanwhile.
func TestEnds(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	at := silent.LocalAddr().(*net.UDPAddr).AddrPort()
	c := newClock(t, 1)
	e := newExchanger(t, upstream.Config{Clock: c})
	var cancelled, closed error
	ctx, cancel := c.WithTimeout(context.Background(), 0)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, closed = exchange(t, c, e, context.Background(), at, "udp", "q", patience)
	}()
	first := make(chan struct{})
	go func() { defer close(first); _, cancelled = exchange(t, c, e, ctx, at, "udp", "q", patience) }()
	buffer := make([]byte, 10)
	for range 2 { // both are under way
		silent.SetReadDeadline(clock.Wall{}.In(patience))
		if _, err := silent.Read(buffer); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	<-first
	e.Close()
	<-ended
	if !errors.Is(cancelled, context.Canceled) || !errors.Is(closed, net.ErrClosed) {
		t.Errorf("cancelled: %v; closed: %v", cancelled, closed)
	}
	if _, err := exchange(t, c, e, context.Background(), at, "udp", "q", patience); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := exchange(t, c, e, ctx, at, "udp", "q", patience); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// Route leads elsewhere, and decides alone who may be asked.
func TestRoute(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(_, query string) []string { return []string{"re: " + query} })
	c := newClock(t, 1)
	far := netip.MustParseAddrPort("198.41.0.4:53")
	e := newExchanger(t, upstream.Config{Clock: c, Route: func(server netip.AddrPort) (netip.AddrPort, bool) { return s.at, server == far }})
	if got, err := exchange(t, c, e, context.Background(), far, "udp", "q", patience); got != "re: q" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := exchange(t, c, e, context.Background(), s.at, "udp", "q", patience); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Errorf("who is not on the route: %v", err)
	}
}

// A flood of wrong replies neither hides the right one for good nor takes memory without bound.
func TestMany(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(_, query string) []string { return []string{"not yet", "re: " + query} })
	c := newClock(t, 1)
	e := newExchanger(t, upstream.Config{Clock: c})
	const n = 200
	done := make(chan error, n)
	for range n {
		c.Go(func() {
			got, err := e.Exchange(context.Background(), s.at, "udp", []byte("q"), patience, func(r []byte) bool { return r[0] == 'r' })
			if err == nil && string(got) != "re: q" {
				err = errors.New(string(got))
			}
			done <- err
		})
	}
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkExchange(b *testing.B) {
	for _, network := range networks {
		b.Run(network, func(b *testing.B) {
			s := newServer(b, func(_, query string) []string { return []string{query} })
			c := newClock(b, 1)
			e := newExchanger(b, upstream.Config{Clock: c})
			b.ReportAllocs()
			if err := c.Run(func() {
				for b.Loop() {
					if _, err := e.Exchange(context.Background(), s.at, network, []byte("question"), patience, func([]byte) bool { return true }); err != nil {
						b.Error(err)
						return
					}
				}
			}); err != nil {
				b.Fatal(err)
			}
		})
	}
}
