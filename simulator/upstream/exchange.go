package upstream

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// largest is the largest message over either transport.
	largest = 65535
	// mostWaiting bounds the replies that wait for a caller who has yet to get its turn; what comes then is lost.
	mostWaiting = 16
)

// exchange is one query under way. Its reader waits for the socket, and its caller, as an activity, for the reader.
type exchange struct {
	network  string // "udp" or "tcp"
	server   netip.AddrPort
	dial     Dial
	query    []byte
	deadline time.Time
	ctx      context.Context // ends the exchange
	cancel   context.CancelFunc

	mu      sync.Mutex
	conn    net.Conn
	ended   bool
	replies [][]byte
	err     error  // why no more replies come
	fire    func() // wakes the caller; nil: it does not wait
}

// open connects the socket and sends the query. From the connecting on the exchange's end closes it, as a write may have to
// wait for a connection that is opening.
func (x *exchange) open() error {
	conn, err := x.dial(x.ctx, x.network, x.server, x.deadline)
	if err != nil {
		return err
	}
	x.mu.Lock()
	x.conn = conn
	ended := x.ended
	x.mu.Unlock()
	if ended {
		conn.Close()
		return net.ErrClosed
	}
	if err := conn.SetDeadline(x.deadline); err != nil {
		return err
	}
	message := x.query
	if x.network == "tcp" {
		message = append(binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(x.query)), uint16(len(x.query))), x.query...)
	}
	_, err = conn.Write(message)
	return err
}

// dialHere connects by this machine's own network.
func dialHere(ctx context.Context, network string, to netip.AddrPort, deadline time.Time) (net.Conn, error) {
	if network == "udp" {
		return net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	}
	d := net.Dialer{Deadline: deadline}
	return d.DialContext(ctx, network, to.String())
}

// end closes the socket, for which the reader ends.
func (x *exchange) end() {
	x.cancel()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
	if x.conn != nil {
		x.conn.Close()
	}
}

// read takes in replies until there are no more.
func (x *exchange) read(buffer *[largest]byte) {
	var err error
	if x.network == "tcp" {
		err = x.open()
	}
	for err == nil {
		var n int
		if n, err = receive(x.conn, x.network, buffer[:]); err == nil {
			x.put(bytes.Clone(buffer[:n]), nil)
		}
	}
	x.put(nil, err)
}

// receive reads one message.
func receive(conn net.Conn, network string, buffer []byte) (int, error) {
	if network == "udp" {
		return conn.Read(buffer)
	}
	if _, err := io.ReadFull(conn, buffer[:2]); err == io.EOF {
		return 0, io.ErrUnexpectedEOF
	} else if err != nil {
		return 0, err
	}
	return io.ReadFull(conn, buffer[:binary.BigEndian.Uint16(buffer)])
}

// put gives the caller a reply, or the reason why no more come.
func (x *exchange) put(reply []byte, err error) {
	x.mu.Lock()
	switch {
	case err != nil:
		x.err = err
	case len(x.replies) < mostWaiting:
		x.replies = append(x.replies, reply)
	}
	fire := x.fire
	x.fire = nil
	x.mu.Unlock() // the scheduler must not be called with it held
	if fire != nil {
		fire()
	}
}

// take gives the caller the next reply, or what to wait for, or the reason why no more come.
func (x *exchange) take(clock Clock) (reply []byte, arrival <-chan struct{}, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case len(x.replies) > 0:
		reply, x.replies = x.replies[0], x.replies[1:]
		return reply, nil, nil
	case x.err != nil:
		return nil, nil, x.err
	}
	arrival, x.fire = clock.Signal()
	return nil, arrival, nil
}
