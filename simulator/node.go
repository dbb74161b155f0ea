package simulator

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"faultzone/authoritative"
	"faultzone/resolver"
	"faultzone/scenarios"
	"faultzone/simulator/network"
	"faultzone/simulator/relay"
	"faultzone/simulator/stub"
)

// node is a host of the world with what runs on it. Of server, resolver, client, web and wayOut one is set.
type node struct {
	name    string
	host    *network.Node
	socket  *network.Socket
	service *network.Service // nil for a client without a local stub

	server *authoritative.Server
	// A resolver lives as long as its process; its restart makes another, with an empty cache.
	resolver    atomic.Pointer[resolver.Resolver]
	newResolver func(known []resolver.Anchor) (*resolver.Resolver, error)
	anchored    func(func())       // starts an activity; nil: its trust anchors stay as they are
	traces      *tracers           // of a resolver
	unstarted   *resolver.Resolver // made to check the configuration; the first life
	client      *stub.Stub
	local       *stub.Local
	web         *site
	replacement network.Handler // a real program in the place of the node's own; nil: there is none
	wayOut      *relay.Relay
}

// start begins the node's program.
func (n *node) start() {
	switch {
	case n.replacement != nil:
		n.service.Start(n.replacement)
	case n.server != nil:
		n.server.Start(n.service.Start(authoritativeProgram{n.server}))
	case n.newResolver != nil:
		r, before := n.unstarted, n.resolver.Load()
		if n.unstarted = nil; r == nil {
			var known []resolver.Anchor
			if before != nil {
				known = before.Anchors() // these are kept on disk
			}
			var err error
			if r, err = n.newResolver(known); err != nil {
				return // the same configuration was taken when the world was built
			}
		}
		if before != nil {
			r.SetAllow(before.Allow()) // who may ask is configuration, which outlives the process
		}
		n.resolver.Store(r)
		n.keepAnchors(n.service.Start(resolverProgram{r, n.traces}), r)
	case n.local != nil:
		n.service.Start(localProgram{n.local})
	case n.wayOut != nil:
		n.service.Start(n.wayOut)
	case n.web != nil:
		n.service.Start(n.web)
	}
}

// process is the node's program as faults know it.
type process struct{ n *node }

func (p process) Stop(look network.State) {
	p.n.service.Stop(look)
	if r := p.n.resolver.Load(); r != nil {
		r.Close()
	}
}
func (p process) Start()                     { p.n.start() }
func (p process) Counts() (seen, lost int64) { return p.n.service.Counts() }

func (w *World) node(name string) (*node, error) {
	if n := w.nodes[name]; n != nil {
		return n, nil
	}
	var names []string
	for _, n := range w.order {
		names = append(names, n.name)
	}
	return nil, fmt.Errorf("the world has no node %q%s; it has %s", name, scenarios.DidYouMean(name, names), strings.Join(names, ", "))
}

// The programs make the servers' ways of serving those of the network.

type authoritativeProgram struct{ s *authoritative.Server }

func (p authoritativeProgram) AnswerNow(m network.Message) ([]byte, bool) {
	return p.s.AnswerNow(m.Data, authoritative.Peer{Addr: m.From, Local: m.To, Network: m.Network})
}

func (p authoritativeProgram) Serve(ctx context.Context, m network.Message, send func([]byte) error) error {
	return p.s.Serve(ctx, m.Data, authoritative.Peer{Addr: m.From, Local: m.To, Network: m.Network}, send)
}

type resolverProgram struct {
	r      *resolver.Resolver
	traces *tracers
}

func (p resolverProgram) AnswerNow(m network.Message) ([]byte, bool) {
	if p.traces.wants(m.From.Addr()) {
		return nil, false
	}
	return p.r.AnswerNow(m.Data, resolver.Peer{Addr: m.From, Local: m.To, Network: m.Network})
}

func (p resolverProgram) Serve(ctx context.Context, m network.Message, send func([]byte) error) error {
	if p.traces.wants(m.From.Addr()) {
		return p.r.ServeTraced(ctx, m.Data, resolver.Peer{Addr: m.From, Local: m.To, Network: m.Network}, p.traces.tell, send)
	}
	return p.r.Serve(ctx, m.Data, resolver.Peer{Addr: m.From, Local: m.To, Network: m.Network}, send)
}

type localProgram struct{ l *stub.Local }

func (p localProgram) AnswerNow(network.Message) ([]byte, bool) { return nil, false }

func (p localProgram) Serve(ctx context.Context, m network.Message, send func([]byte) error) error {
	return p.l.Serve(ctx, m.Data, m.Network, send)
}
