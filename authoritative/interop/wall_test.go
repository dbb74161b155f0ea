package interop_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"faultzone/authoritative"
)

// wall is the real clock: here the servers are used as a library on real sockets, without any simulation.
type wall struct{ activities *sync.WaitGroup }

func (wall) Now() time.Time { return time.Now() }

func (wall) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (wall) Signal() (<-chan struct{}, func()) {
	done := make(chan struct{})
	return done, sync.OnceFunc(func() { close(done) })
}

func (wall) Await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (wall) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

func (w wall) Go(f func()) { w.activities.Go(f) }

// wires is the server's way out.
type wires struct{}

func (wires) Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte,
	timeout time.Duration, accept func([]byte) bool) ([]byte, error) {
	conn, err := dial(ctx, network, server, timeout)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if network == "tcp" {
		query = framed(query)
	}
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	for {
		reply, err := receive(conn, network)
		if err != nil {
			return nil, err
		}
		if accept(reply) {
			return reply, nil
		}
	}
}

func (wires) Transfer(ctx context.Context, server netip.AddrPort, query []byte, timeout time.Duration,
	take func([]byte) (bool, error)) error {
	conn, err := dial(ctx, "tcp", server, timeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write(framed(query)); err != nil {
		return err
	}
	for {
		message, err := receive(conn, "tcp")
		if err != nil {
			return err
		}
		if more, err := take(message); !more || err != nil {
			return err
		}
		_ = conn.SetDeadline(time.Now().Add(timeout))
	}
}

func dial(ctx context.Context, network string, to netip.AddrPort, timeout time.Duration) (net.Conn, error) {
	d := net.Dialer{Timeout: timeout}
	conn, err := d.DialContext(ctx, network, to.String())
	if err == nil {
		_ = conn.SetDeadline(time.Now().Add(timeout))
	}
	return conn, err
}

// framed puts the two octets of length in front (RFC 1035 4.2.2).
func framed(m []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)
}

func receive(conn net.Conn, network string) ([]byte, error) {
	if network != "tcp" {
		b := make([]byte, 65535)
		n, err := conn.Read(b)
		return b[:n], err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, b)
	return b, err
}

// listen puts a server onto UDP and TCP of an address until the test ends.
func listen(t testing.TB, s *authoritative.Server, at netip.AddrPort) {
	t.Helper()
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
	if err != nil {
		udp.Close()
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); udp.Close(); tcp.Close(); wg.Wait() })
	wg.Go(func() {
		b := make([]byte, 65535)
		for {
			n, from, err := udp.ReadFromUDPAddrPort(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			query := bytes.Clone(b[:n])
			wg.Go(func() {
				_ = s.Serve(ctx, query, authoritative.Peer{Addr: from, Local: at, Network: "udp"}, func(m []byte) error {
					_, err := udp.WriteToUDPAddrPort(m, from)
					return err
				})
			})
		}
	})
	wg.Go(func() {
		for {
			conn, err := tcp.AcceptTCP()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { conn.Close() })()
				from := authoritative.Peer{Addr: conn.RemoteAddr().(*net.TCPAddr).AddrPort(), Local: at, Network: "tcp"}
				for {
					query, err := receive(conn, "tcp")
					if err != nil || s.Serve(ctx, query, from, func(m []byte) error {
						_, err := conn.Write(framed(m))
						return err
					}) != nil {
						return
					}
				}
			})
		}
	})
}
