package edge_test

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"faultzone/simulator/edge"
)

// freePort is one that nobody has on any of 127.0.0.0/8, as far as can be told.
func freePort(t *testing.T) uint16 {
	t.Helper()
	c, err := net.ListenTCP("tcp4", &net.TCPAddr{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.Addr().(*net.TCPAddr).AddrPort().Port()
}

// 10.a.b.c is also 127.a.b.c on one port, and a client bound to 127.a.b.c is 10.a.b.c; others keep ports of their own.
func TestLoopback(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	l := newLittle(t)
	l.add(t, "ns1", echo{}, "10.0.1.20", "203.0.113.53")
	l.add(t, "two", echo{}, "10.0.3.20", "10.0.3.21")
	l.add(t, "outside", echo{}, "198.51.100.8")
	config := l.config(t)
	config.Port = freePort(t)
	e, err := edge.Loopback(config)
	opened(t, e, err)
	doors := e.Doors()
	at := func(a string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(a), config.Port) }
	if len(doors) != 4 || doors[0].Real != at("127.0.1.20") || doors[1].Real != at("127.0.3.20") || doors[2].Real != at("127.0.3.21") ||
		doors[3].Real.Addr() != netip.MustParseAddr("127.0.0.1") {
		t.Fatalf("doors %+v", doors)
	}
	for _, c := range []struct {
		door int
		from string
		want string
	}{
		{0, "127.0.5.9", "10.0.5.9 10.0.1.20:53"},
		{2, "127.0.5.9", "10.0.5.9 10.0.3.21:53"},
		{0, "127.0.0.1", "10.0.2.100 10.0.1.20:53"},
		{3, "127.0.0.1", "203.0.113.100 198.51.100.8:53"},
	} {
		for _, proto := range []string{"udp", "tcp"} {
			conn := dial(t, proto, doors[c.door].Real, c.from)
			for _, data := range []string{"now", "later"} {
				if got := exchange(t, conn, data); got != proto+" "+c.want+" "+data {
					t.Errorf("from %s to %s: %q", c.from, doors[c.door].Real, got)
				}
			}
		}
	}
}

func TestLoopbackPortInUse(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	l := newLittle(t)
	l.add(t, "first", echo{}, "10.77.1.20")
	l.add(t, "second", echo{}, "10.77.1.21")
	config := l.config(t)
	config.Port = freePort(t)
	taken, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr("127.77.1.21"), config.Port)))
	if err != nil {
		t.Fatal(err)
	}
	e, err := edge.Loopback(config)
	if e != nil || !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "second") {
		t.Errorf("got %v", err)
	}
	taken.Close()
	e, err = edge.Loopback(config) // the failed one has left nothing open
	opened(t, e, err)
}
