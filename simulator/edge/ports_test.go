package edge_test

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
	"faultzone/simulator/network"
)

// Each node has a port of its own for UDP and TCP, and a client is seen as the vantage in the node's scope.
func TestPorts(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	l.add(t, "inside", echo{}, "10.0.1.20")
	l.add(t, "both", echo{}, "203.0.113.53", "10.0.1.21")
	l.add(t, "outside", echo{}, "198.51.100.53")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	want := []string{"10.0.2.100 10.0.1.20:53", "203.0.113.100 203.0.113.53:53", "203.0.113.100 198.51.100.53:53"}
	ports := map[netip.AddrPort]bool{}
	for i, d := range e.Doors() {
		if d.Node != l.nodes[i].Name || !d.Real.Addr().IsLoopback() || ports[d.Real] {
			t.Errorf("door %d: %+v", i, d)
		}
		ports[d.Real] = true
		for _, proto := range []string{"udp", "tcp"} {
			c := dial(t, proto, d.Real, "")
			for _, data := range []string{"now", "later"} {
				if got := exchange(t, c, data); got != proto+" "+want[i]+" "+data {
					t.Errorf("%s: %q", d.Node, got)
				}
			}
		}
	}
}

// As says for whom clients are taken.
func TestPortsAs(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	l.add(t, "both", echo{}, "203.0.113.53", "10.0.1.21")
	l.add(t, "six", echo{}, "fd00::53")
	config := l.config(t)
	config.As = []netip.Addr{netip.MustParseAddr("10.0.5.20"), netip.MustParseAddr("fd00::5")}
	e, err := edge.Ports(config)
	opened(t, e, err)
	for i, want := range []string{"udp 10.0.5.20 10.0.1.21:53 hello", "udp fd00::5 [fd00::53]:53 hello"} {
		if got := exchange(t, dial(t, "udp", e.Doors()[i].Real, ""), "hello"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A port that somebody has is told with what to do, and leaves nothing open.
func TestPortsInUse(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	l.add(t, "first", echo{}, "10.0.1.20")
	l.add(t, "second", echo{}, "10.0.1.21")
	for _, proto := range []string{"udp", "tcp"} {
		taken, port := occupied(t, proto)
		config := l.config(t)
		config.Nodes, config.Port = l.nodes[:1], port
		e, err := edge.Ports(config)
		if e != nil || !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "--port") || !strings.Contains(err.Error(), "first") {
			t.Errorf("%s taken: %v", proto, err)
		}
		taken()
	}
	config := l.config(t)
	config.Port = 65535
	if e, err := edge.Ports(config); e != nil || err == nil || !strings.Contains(err.Error(), "65535") {
		t.Errorf("ports beyond the last: %v", err)
	}
}

// occupied takes a port of one kind, whose other kind is free.
func occupied(t *testing.T, proto string) (free func(), port uint16) {
	t.Helper()
	if proto == "udp" {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		return func() { c.Close() }, c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	}
	c, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return func() { c.Close() }, c.Addr().(*net.TCPAddr).AddrPort().Port()
}

// A node that refuses has closed sockets, and gets its port back; one that is dark or hangs is silent.
func TestStatesShowOnSockets(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	s := l.add(t, "node", echo{}, "10.0.1.20")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	at := e.Doors()[0].Real
	for range 3 {
		tcp := dial(t, "tcp", at, "")
		exchange(t, tcp, "up")
		s.Stop(network.Refusing)
		if _, err := read(tcp); err == nil {
			t.Error("a connection outlived its server")
		}
		if c, err := net.DialTimeout("tcp", at.String(), patience); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("TCP of a node that refuses: %v, %v", c, err)
		}
		udp := dial(t, "udp", at, "")
		write(t, udp, "hello")
		if answer, err := read(udp); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("UDP of a node that refuses: %q, %v", answer, err)
		}
		for _, look := range []network.State{network.Silent, network.Hanging} {
			s.Stop(look)
			for _, proto := range []string{"udp", "tcp"} {
				if proto == "tcp" && look == network.Silent && runtime.GOOS == "linux" {
					c, err := net.DialTimeout(proto, at.String(), soon)
					if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
						t.Errorf("TCP of a node that is dark: %v, %v", c, err)
					}
					continue
				}
				c := dial(t, proto, at, "")
				write(t, c, "hello")
				silent(t, c)
			}
		}
		s.Start(echo{})
		if got := e.Doors()[0].Real; got != at {
			t.Fatalf("it came back at %v, not at %v", got, at)
		}
		exchange(t, dial(t, "udp", at, ""), "back")
	}
}

// A node that comes back when somebody has its port is reported, and harms no other.
func TestPortLostMeanwhile(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	s := l.add(t, "unlucky", echo{}, "10.0.1.20")
	l.add(t, "other", echo{}, "10.0.1.21")
	config := l.config(t)
	var reported []error
	config.Report = func(err error) { reported = append(reported, err) }
	e, err := edge.Ports(config)
	opened(t, e, err)
	s.Stop(network.Refusing)
	thief, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(e.Doors()[0].Real))
	if err != nil {
		t.Fatal(err)
	}
	s.Start(echo{})
	if len(reported) != 1 || !errors.Is(reported[0], syscall.EADDRINUSE) || !strings.Contains(reported[0].Error(), "unlucky") {
		t.Errorf("reported %v", reported)
	}
	exchange(t, dial(t, "udp", e.Doors()[1].Real, ""), "hello")
	thief.Close()
	s.Start(echo{}) // the next start finds it free
	exchange(t, dial(t, "udp", e.Doors()[0].Real, ""), "hello")
}

// A node that is down when the doors open has no sockets until it comes up.
func TestDownFromTheBeginning(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	s := l.add(t, "node", echo{}, "10.0.1.20")
	s.Stop(network.Refusing)
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	at := e.Doors()[0].Real
	if c, err := net.DialTimeout("tcp", at.String(), patience); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v, %v", c, err)
	}
	s.Start(echo{})
	exchange(t, dial(t, "tcp", at, ""), "hello")
}

// After Close the sockets are closed and stay so, whatever becomes of the nodes.
func TestClosedEdgeStaysClosed(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	s := l.add(t, "node", echo{}, "10.0.1.20")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	at := e.Doors()[0].Real
	conn := dial(t, "tcp", at, "")
	exchange(t, conn, "hello")
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s.Stop(network.Refusing)
	s.Start(echo{})
	if _, err := read(conn); err == nil {
		t.Error("a connection outlived the edge")
	}
	d := net.Dialer{Deadline: clock.Wall{}.In(patience)}
	if c, err := d.Dial("tcp", at.String()); err == nil {
		c.Close()
		t.Error("somebody listens still")
	}
}

// Faults on the network act on what comes through sockets too: a drop is silence, a refusal over TCP hangs up.
func TestRulesActOnSockets(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	l.add(t, "node", echo{}, "10.0.1.20")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	at := e.Doors()[0].Real
	drop := &network.Rule{Name: "drop", Act: func(f *network.Flight) bool { f.Drop = true; return true }}
	l.net.AddRule(drop)
	for _, proto := range []string{"udp", "tcp"} {
		c := dial(t, proto, at, "")
		write(t, c, "hello")
		silent(t, c)
		l.net.RemoveRule(drop)
		exchange(t, c, "again")
		l.net.AddRule(drop)
	}
	l.net.RemoveRule(drop)
	if _, _, changed := drop.Counts(); changed != 2 {
		t.Errorf("it dropped %d", changed)
	}
	refuse := &network.Rule{Name: "refuse", Act: func(f *network.Flight) bool { f.Refuse = true; return true }}
	l.net.AddRule(refuse)
	c := dial(t, "tcp", at, "")
	write(t, c, "hello")
	if answer, err := read(c); err == nil {
		t.Errorf("refused, and yet %q", answer)
	}
}
