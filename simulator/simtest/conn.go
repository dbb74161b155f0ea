package simtest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// answerer gives the reply to a packed query. deadline is the wall's, zero for none; server is what the connection was
// dialled for.
type answerer func(ctx context.Context, network, server string, query []byte, deadline time.Time) ([]byte, error)

// conn carries DNS messages between a program and the world. A message is on its way, there and back, while it is written,
// which takes the world's time; what came of it is there to be read then.
type conn struct {
	ctx             context.Context
	network, server string
	answer          answerer
	cancel          context.CancelFunc

	mu       sync.Mutex
	deadline time.Time
	written  []byte   // over TCP: what is no whole message yet
	replies  [][]byte // over UDP a datagram each, over TCP a piece of the stream
	err      error    // what the next read without a reply comes to
	closed   bool
}

// packetConn is a conn over UDP; that it is a net.PacketConn tells Go's resolver that each message is a datagram.
type packetConn struct{ *conn }

func newConn(ctx context.Context, network, server string, answer answerer) net.Conn {
	ctx, cancel := context.WithCancel(ctx)
	c := &conn{ctx: ctx, cancel: cancel, network: "udp", server: server, answer: answer}
	if strings.HasPrefix(network, "tcp") {
		c.network = "tcp"
		return c
	}
	return packetConn{c}
}

func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return 0, c.failed("write", net.ErrClosed)
	}
	messages := [][]byte{b}
	if c.network == "tcp" {
		messages = c.whole(b)
	}
	deadline := c.deadline
	c.mu.Unlock()
	for _, m := range messages {
		reply, err := c.answer(c.ctx, c.network, c.server, m, deadline)
		c.mu.Lock()
		if c.err = err; reply != nil {
			if c.network == "tcp" {
				reply = append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)
			}
			c.replies = append(c.replies, reply)
		}
		c.mu.Unlock()
	}
	return len(b), nil
}

// whole adds to what was written and takes the whole messages of it, each with two octets of length before it (RFC 1035
// section 4.2.2). The caller holds c.mu.
func (c *conn) whole(b []byte) (messages [][]byte) {
	c.written = append(c.written, b...)
	for len(c.written) >= 2 {
		end := 2 + int(binary.BigEndian.Uint16(c.written))
		if len(c.written) < end {
			break
		}
		messages = append(messages, append([]byte(nil), c.written[2:end]...))
		c.written = c.written[end:]
	}
	return messages
}

func (c *conn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, c.failed("read", net.ErrClosed)
	}
	if len(c.replies) > 0 {
		n := copy(b, c.replies[0])
		if rest := c.replies[0][n:]; len(rest) > 0 && c.network == "tcp" {
			c.replies[0] = rest
		} else { // of a datagram, what does not fit is lost
			c.replies = c.replies[1:]
		}
		return n, nil
	}
	switch {
	case c.err == io.ErrUnexpectedEOF: // the server hung up
		return 0, io.EOF
	case c.err != nil:
		return 0, c.failed("read", c.err)
	}
	return 0, c.failed("read", os.ErrDeadlineExceeded) // nothing more will come
}

func (c *conn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: c.network, Addr: c.RemoteAddr(), Err: err}
}

func (c *conn) Close() error {
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

func (c *conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error  { return c.SetDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return nil }

func (c *conn) LocalAddr() net.Addr  { return address{c.network, "the test"} }
func (c *conn) RemoteAddr() net.Addr { return address{c.network, c.server} }

func (c packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := c.Read(b)
	return n, c.RemoteAddr(), err
}

func (c packetConn) WriteTo(b []byte, _ net.Addr) (int, error) { return c.Write(b) }

// address is one that no socket has.
type address struct{ network, text string }

func (a address) Network() string { return a.network }
func (a address) String() string  { return a.text }
