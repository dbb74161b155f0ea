package simtest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"time"

	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
	"faultzone/simulator/network"
	"faultzone/simulator/stub"
)

// visit takes the opening of a connection through the world's network to an address, where faults act on it. It tells what
// the connection meets there, and the address that it comes from.
func (w *World) visit(ctx context.Context, from string, at netip.AddrPort) (fate network.Fate, source netip.AddrPort, err error) {
	addresses, err := w.addresses(from)
	if err != nil {
		return 0, source, err
	}
	a, ok := network.Source(addresses, at.Addr())
	if !ok {
		return network.Unreachable, source, nil
	}
	if err := w.steps.catchUp(); err != nil {
		return 0, source, err
	}
	const firstPort, ports = 32768, 28232 // Linux's
	source = netip.AddrPortFrom(a, uint16(firstPort+w.visits.Add(1)%ports))
	runErr := w.world.Run(func() {
		ctx, cancel := w.world.Clock().WithTimeout(w.inside(ctx), 0)
		defer cancel()
		met, fire := w.world.Clock().Signal()
		w.world.Network().Visit(source, at, func(f network.Fate) { fate = f; fire() })
		err = w.world.Clock().Await(ctx, met)
	})
	return fate, source, errors.Join(err, runErr)
}

// expire waits, in the world's time, for a connection that nothing answers: as long as Linux does, or until ctx's deadline.
func (w *World) expire(ctx context.Context) error {
	wait := stub.TCPTimeout
	if deadline, ok := ctx.Deadline(); ok {
		const grain = 50 * time.Millisecond // for what the machine took to get here
		left := (deadline.Sub(clock.Wall{}.Now()) + grain - 1) / grain * grain
		wait = min(wait, max(left, 0))
	}
	var err error
	runErr := w.world.Run(func() {
		ctx, cancel := w.world.Clock().WithTimeout(w.inside(ctx), 0)
		defer cancel()
		err = w.world.Clock().Sleep(ctx, wait)
	})
	if err := errors.Join(err, runErr); err != nil {
		return err
	}
	return os.ErrDeadlineExceeded
}

// site is the web host of the world at an address and port.
func (w *World) site(at netip.AddrPort) (edge.WebNode, bool) {
	for _, n := range w.world.WebNodes() {
		if n.Port == at.Port() && slices.Contains(n.Addresses, at.Addr()) {
			return n, true
		}
	}
	return edge.WebNode{}, false
}

// reach connects to a listener of this machine for a caller in the world.
func (w *World) reach(ctx context.Context, listener string, source netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", listener)
	if err == nil {
		w.callers.Store(c.LocalAddr().String(), source)
	}
	return c, err
}

// host has a web host of the world answer those who dial it, and returns its listener's address. A request over a
// connection that is open already goes through the network too: where it meets nothing good, the connection breaks.
func (w *World) host(n edge.WebNode, at netip.AddrPort) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sites[at] == "" {
		w.sites[at] = w.serve(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			source, _ := w.callers.Load(r.RemoteAddr)
			from, ok := source.(netip.AddrPort)
			if !ok {
				panic(http.ErrAbortHandler)
			}
			met := network.Dropped
			w.world.Network().Visit(from, at, func(f network.Fate) { met = f })
			if met != network.Delivered {
				panic(http.ErrAbortHandler)
			}
			r.RemoteAddr = from.String()
			n.Handler.ServeHTTP(out, r)
		}))
	}
	return w.sites[at]
}
