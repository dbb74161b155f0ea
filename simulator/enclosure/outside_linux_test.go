package enclosure

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Sockets come over the pair and reach what the giver's network has; nothing waits, and the end is told.
func TestOutside(t *testing.T) {
	t.Parallel()
	inner, outer, err := wayOut()
	if err != nil {
		t.Fatal(err)
	}
	given := make(chan struct{})
	go func() { defer close(given); giveSockets(outer) }()
	out := OutsideOf(map[string]*os.File{outsideName: inner})

	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	go func() {
		var buffer [100]byte
		for {
			n, from, err := udp.ReadFromUDPAddrPort(buffer[:])
			if err != nil {
				return
			}
			udp.WriteToUDPAddrPort(buffer[:n], from)
		}
	}()
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); io.Copy(c, c) }()
		}
	}()

	var all sync.WaitGroup
	for range 20 {
		for network, at := range map[string]netip.AddrPort{"udp": udp.LocalAddr().(*net.UDPAddr).AddrPort(), "tcp": tcp.Addr().(*net.TCPAddr).AddrPort()} {
			all.Go(func() {
				c, err := out.Dial(t.Context(), network, at, time.Time{})
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				var buffer [5]byte
				if _, err := c.Write([]byte("hello")); err != nil {
					t.Errorf("%s: %v", network, err)
				} else if _, err := io.ReadFull(c, buffer[:]); err != nil || string(buffer[:]) != "hello" {
					t.Errorf("%s: %q, %v", network, buffer, err)
				}
			})
		}
	}
	all.Wait()

	at := tcp.Addr().(*net.TCPAddr).AddrPort()
	tcp.Close()
	if c, err := out.Dial(t.Context(), "tcp", at, time.Time{}); err == nil {
		if _, err := c.Write([]byte("hello")); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("nobody listens: %v", err)
		}
		c.Close()
	} else if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", err)
	}
	outer.Close()
	<-given
	if _, err := out.Dial(t.Context(), "udp", at, time.Time{}); err == nil {
		t.Error("a socket from nobody")
	}
	inner.Close()
}

// Whoever closes the inner end ends the giver.
func TestOutsideEnds(t *testing.T) {
	t.Parallel()
	inner, outer, err := wayOut()
	if err != nil {
		t.Fatal(err)
	}
	defer outer.Close()
	inner.Close()
	giveSockets(outer)
	if OutsideOf(nil) != nil {
		t.Error("a way out from nothing")
	}
}
