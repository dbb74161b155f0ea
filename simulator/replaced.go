package simulator

import (
	"context"
	"fmt"
	"net/netip"

	"faultzone/simulator/network"
)

// RealProgram takes a packed query from an address of the world to a real program at an address of it, over "udp" or "tcp", and
// returns the reply, which the world's time does not wait for. Any goroutine may be in it.
type RealProgram func(network string, from, to netip.AddrPort, query []byte) (reply []byte, err error)

// Replace has a program that is outside of the world answer at a node's addresses, in place of the node's own. The rules of
// the network act on the way to it as ever; what stops the node's program has the network keep messages from the real one,
// and the node's own caches and zones are nobody's any more. The error is of a node that has no program.
func (w *World) Replace(node string, ask RealProgram) error {
	n, err := w.node(node)
	if err != nil {
		return err
	}
	if n.service == nil || n.client != nil || n.web != nil {
		return fmt.Errorf("%s runs no server or resolver that could be replaced", node)
	}
	n.replacement = &replacedProgram{w, ask}
	n.start()
	return nil
}

// replacedProgram asks the real one.
type replacedProgram struct {
	w   *World
	ask RealProgram
}

func (p *replacedProgram) AnswerNow(network.Message) ([]byte, bool) { return nil, false }

func (p *replacedProgram) Serve(ctx context.Context, m network.Message, send func([]byte) error) error {
	done, fire := p.w.driver.Signal()
	var reply []byte
	var failed error
	go func() {
		defer fire()
		reply, failed = p.ask(m.Network, m.From, m.To, m.Data)
	}()
	if err := p.w.driver.Await(ctx, done); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	return send(reply)
}
