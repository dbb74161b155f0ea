package simtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo answers each message with itself, and none that is empty.
func echo(_ context.Context, _, _ string, query []byte, _ time.Time) ([]byte, error) {
	if len(query) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return query, nil
}

// However a stream is cut into pieces, the messages in it come back whole and in order.
func FuzzConnFraming(f *testing.F) {
	f.Add([]byte("onetwothree"), uint8(1), uint8(3))
	f.Add(bytes.Repeat([]byte{0}, 700), uint8(255), uint8(7))
	f.Fuzz(func(t *testing.T, data []byte, size, piece uint8) {
		var stream []byte
		for rest := data; len(rest) > 0; {
			n := min(len(rest), int(size)+1)
			stream = append(binary.BigEndian.AppendUint16(stream, uint16(n)), rest[:n]...)
			rest = rest[n:]
		}
		c := newConn(t.Context(), "tcp", "192.0.2.1:53", echo)
		defer c.Close()
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			if wrote, err := c.Write(rest[:n]); wrote != n || err != nil {
				t.Fatal(wrote, err)
			}
			rest = rest[n:]
		}
		got := make([]byte, len(stream))
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, stream) {
			t.Errorf("%d octets came back as %d: %v", len(stream), len(got), err)
		}
	})
}

// What a connection says where there is nothing to read, in the words of a socket.
func TestConnErrors(t *testing.T) {
	t.Parallel()
	udp := newConn(t.Context(), "udp", "192.0.2.1:53", echo)
	var buf [8]byte
	if _, err := udp.Read(buf[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if _, err := udp.(net.PacketConn).WriteTo([]byte("0123456789"), nil); err != nil {
		t.Error(err)
	}
	n, from, err := udp.(net.PacketConn).ReadFrom(buf[:])
	if n != len(buf) || from.String() != "192.0.2.1:53" || from.Network() != "udp" || err != nil {
		t.Errorf("%d from %v, %v", n, from, err)
	}
	if _, err := udp.Read(buf[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the rest of a datagram is lost: %v", err)
	}
	tcp := newConn(t.Context(), "tcp4", "192.0.2.1:53", echo)
	if _, isPacket := tcp.(net.PacketConn); isPacket {
		t.Error("TCP looks like UDP")
	}
	if _, err := tcp.Write([]byte{0, 0}); err != nil {
		t.Error(err)
	}
	if _, err := tcp.Read(buf[:]); err != io.EOF {
		t.Errorf("where the server hangs up: %v", err)
	}
	for _, c := range []net.Conn{udp, tcp} {
		c.Close()
		_, readErr := c.Read(buf[:])
		_, writeErr := c.Write(buf[:])
		if !errors.Is(readErr, net.ErrClosed) || !errors.Is(writeErr, net.ErrClosed) {
			t.Errorf("%v, %v", readErr, writeErr)
		}
	}
}
