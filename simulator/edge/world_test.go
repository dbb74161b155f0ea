package edge_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
	"faultzone/simulator/network"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come; soon is how long it listens for what must not.
const (
	patience = 20 * time.Second
	soon     = 100 * time.Millisecond
)

// echo tells who asked whom, and over what; a message that begins with "later" is answered by an activity, one that
// begins with "never" not at all.
type echo struct{}

func text(m network.Message) []byte {
	return []byte(m.Network + " " + m.From.Addr().String() + " " + m.To.String() + " " + string(m.Data))
}

func (echo) AnswerNow(m network.Message) ([]byte, bool) {
	switch {
	case len(m.Data) >= 5 && string(m.Data[:5]) == "later":
		return nil, false
	case len(m.Data) >= 5 && string(m.Data[:5]) == "never":
		return nil, true
	case len(m.Data) > 60000:
		return m.Data, true
	}
	return text(m), true
}

func (echo) Serve(_ context.Context, m network.Message, send func([]byte) error) error {
	return send(text(m))
}

// little is a network with nodes on it, in live time.
type little struct {
	net   *network.Network
	clock *clock.Live
	nodes []edge.Node
}

func newLittle(t *testing.T) *little {
	t.Helper()
	c, err := clock.NewLive(time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return &little{clock: c, net: network.New(network.Config{Clock: c})}
}

// add puts a node on the network and starts a program on it.
func (l *little) add(t *testing.T, name string, h network.Handler, addresses ...string) *network.Service {
	t.Helper()
	var list []netip.Addr
	for _, a := range addresses {
		list = append(list, netip.MustParseAddr(a))
	}
	node, err := l.net.AddNode(name, list...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := node.Listen(list...)
	if err != nil {
		t.Fatal(err)
	}
	s.Start(h)
	l.nodes = append(l.nodes, edge.Node{Name: name, Addresses: list, Service: s})
	return s
}

// config puts the nodes onto sockets, with clients taken for 10.0.2.100, or 203.0.113.100 outside.
func (l *little) config(t *testing.T) edge.Config {
	return edge.Config{Network: l.net, Nodes: l.nodes, Report: func(err error) { t.Error(err) },
		As: []netip.Addr{netip.MustParseAddr("10.0.2.100"), netip.MustParseAddr("203.0.113.100")}}
}

func opened(t *testing.T, e *edge.Edge, err error) *edge.Edge {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// dial connects to a door, from an address of this machine if one is given.
func dial(t *testing.T, network string, to netip.AddrPort, from string) net.Conn {
	t.Helper()
	var local net.Addr
	if from != "" {
		local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))
		if network == "tcp" {
			local = net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))
		}
	}
	d := net.Dialer{LocalAddr: local, Deadline: clock.Wall{}.In(patience)}
	c, err := d.Dial(network, to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(clock.Wall{}.In(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// write sends one message, framed over TCP.
func write(t *testing.T, c net.Conn, data string) {
	t.Helper()
	if _, err := c.Write(framed(c, data)); err != nil {
		t.Fatal(err)
	}
}

func framed(c net.Conn, data string) []byte {
	if c.RemoteAddr().Network() == "udp" {
		return []byte(data)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...)
}

// read takes one message off.
func read(c net.Conn) (string, error) {
	buffer := make([]byte, 65535)
	if c.RemoteAddr().Network() == "udp" {
		n, err := c.Read(buffer)
		return string(buffer[:n]), err
	}
	if _, err := io.ReadFull(c, buffer[:2]); err != nil {
		return "", err
	}
	n, err := io.ReadFull(c, buffer[:binary.BigEndian.Uint16(buffer)])
	return string(buffer[:n]), err
}

// exchange asks and reads the answer.
func exchange(t *testing.T, c net.Conn, data string) string {
	t.Helper()
	write(t, c, data)
	answer, err := read(c)
	if err != nil {
		t.Fatalf("%.20q over %s: %v", data, c.RemoteAddr().Network(), err)
	}
	return answer
}

// silent makes sure that nothing comes.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(clock.Wall{}.In(soon)); err != nil {
		t.Fatal(err)
	}
	answer, err := read(c)
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		t.Fatalf("expected silence, got %.40q, %v", answer, err)
	}
	if err := c.SetReadDeadline(clock.Wall{}.In(patience)); err != nil {
		t.Fatal(err)
	}
}
