package simtest

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
)

// Backend has a server that listens on loopback stand for an address of the world, in the place of what stood for it
// before:
//
//	w.Backend("10.0.2.50:443", httptestServer.Listener.Addr().String())
func (w *World) Backend(worldAddress, listener string) {
	w.t.Helper()
	at, err := netip.ParseAddrPort(worldAddress)
	real, listenerErr := netip.ParseAddrPort(listener)
	if err = errors.Join(err, listenerErr); err == nil && !real.Addr().IsLoopback() {
		err = fmt.Errorf("%s is not on loopback, and a world never dials out", listener)
	}
	if err != nil {
		w.t.Fatalf("a backend at %q for %q: %v; %v", listener, worldAddress, err, errBackend)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.backends[at] = listener
}

// NoBackend takes away what stands for an address of the world: the host is there and refuses, or the scenario's own web
// host answers again. Connections that are open stay.
func (w *World) NoBackend(worldAddress string) {
	w.t.Helper()
	at, err := netip.ParseAddrPort(worldAddress)
	if err != nil {
		w.t.Fatalf("no backend for %q: %v", worldAddress, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.backends[at]; ok {
		delete(w.backends, at)
		w.backends[netip.AddrPortFrom(at.Addr(), 0)] = "" // its host is known still
	}
}

// Listen has the test itself stand for an address of the world: what is dialled there comes to the listener, which is
// closed with the test. A gRPC server serves it as it is.
func (w *World) Listen(worldAddress string) net.Listener {
	w.t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		w.t.Fatalf("listen for %s: %v", worldAddress, err)
	}
	w.closeWith(func() error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	w.Backend(worldAddress, l.Addr().String())
	return l
}

// Serve has a handler answer HTTP, without TLS, at an address of the world until the test ends.
func (w *World) Serve(worldAddress string, handler http.Handler) {
	w.t.Helper()
	w.mu.Lock()
	listener := w.serve(handler)
	w.mu.Unlock()
	w.Backend(worldAddress, listener)
}

// serve has a handler answer HTTP on a free port of loopback, and returns its address. The caller holds w.mu.
func (w *World) serve(handler http.Handler) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		w.t.Errorf("serve HTTP: %v", err)
		return ""
	}
	s := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	w.closers = append(w.closers, func() error {
		err := s.Close()
		if serveErr := <-done; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
		return err
	})
	return l.Addr().String()
}
