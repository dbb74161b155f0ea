// Package metrics tells Prometheus how a world is: what its nodes are asked and answer, how its caches and zones stand, and
// what its faults do.
//
// What crosses the network is counted as it happens, over all worlds that a [Metrics] is attached to: when a host begins
// anew, these counts go on. All else is read from the present world when somebody asks; its counters begin at 0 with each
// world, and a cache's with each start of its resolver, as those of any program that was restarted. Times are the world's;
// what is left of something is told in seconds rather than as a timestamp, because the world's clock is not Prometheus'.
//
// Nothing is labelled by a query's name or a client's address: how many series there are depends on the scenario alone.
package metrics

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"faultzone/simulator"
	"faultzone/simulator/network"
	"faultzone/simulator/recording"
)

// Recording is something that records the world and may drop what it cannot write in time, such as a
// [recording.Recorder].
type Recording interface {
	Name() string
	Counts() (written, dropped uint64)
}

// Metrics counts. Its methods may be called from any goroutine.
type Metrics struct {
	queries     *prometheus.CounterVec
	connections *prometheus.CounterVec
	replies     *prometheus.CounterVec
	lost        *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	worlds      prometheus.Counter
	recordings  []Recording

	asked [shards]shard

	mu    sync.Mutex
	nodes map[string]*node // by name, for all worlds
}

// shard remembers a part of the questions under way.
type shard struct {
	mu    sync.Mutex
	asked *recording.Asked
}

// Questions under way are remembered in shards, each so many. Latencies of questions beyond are not told.
const (
	shards       = 16
	askedInShard = 1 << 10
)

// New makes metrics in which the recordings are told too.
func New(recordings ...Recording) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	m := &Metrics{
		queries: counter("queries_total",
			"Queries sent to a node, by what became of them on the way; node \"none\" is an address where there is no node.",
			"node", "transport", "fate"),
		connections: counter("connections_total",
			"TCP connections that nodes of the world tried to open to a node; those of real clients are not told.", "node", "fate"),
		replies: counter("replies_total",
			"Messages that a node answered with, by response code and first extended error (RFC 8914), empty for none; a transfer has several.",
			"node", "transport", "rcode", "ede"),
		lost: counter("replies_lost_total", "Messages that a node answered with and that never arrived.", "node", "transport"),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "reply_latency_seconds",
			Help:    "World time from when a query left its asker until the node's first reply to it left the node.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"node"}),
		worlds: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "worlds_total",
			Help: "Worlds that were begun: one, and one for each reset."}),
		recordings: recordings,
		nodes:      map[string]*node{},
	}
	for i := range m.asked {
		m.asked[i].asked = recording.NewAsked(askedInShard)
	}
	return m
}

// Attach counts what crosses the world's network from now on: from its beginning, when it is called in
// [simulator.Options.OnBuilt].
func (m *Metrics) Attach(w *simulator.World) {
	m.worlds.Inc()
	byAddress := map[netip.Addr]*node{}
	for _, n := range w.Nodes() {
		for _, a := range n.Addresses {
			byAddress[a] = m.node(n.Name)
		}
	}
	none := m.node("none")
	w.Observe(func(e network.Event) {
		answerer := e.To.Addr()
		if e.Reply {
			answerer = e.From.Addr()
		}
		n := byAddress[answerer]
		if n == nil {
			n = none
		}
		m.see(n, &e)
	})
}

// node is the counters of a node, the same for each world that has one of this name.
func (m *Metrics) node(name string) *node {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.nodes[name]
	if n == nil {
		n = &node{metrics: m, name: name}
		m.nodes[name] = n
	}
	return n
}

// see counts a leg at the node that is asked, or answers.
func (m *Metrics) see(n *node, e *network.Event) {
	if e.Elsewhere() && e.Data != nil {
		return // HTTP: of that only the connections are counted
	}
	transport := udp
	if e.Network == "tcp" {
		transport = tcp
	}
	switch {
	case e.Reply:
		n.reply(transport, e.Data).Inc()
		if e.Fate != network.Delivered {
			n.lostReply(transport).Inc()
		}
		m.answered(n, e)
	case e.Data == nil:
		n.connection(e.Fate).Inc()
	default:
		n.query(transport, e.Fate).Inc()
		if e.Fate == network.Delivered {
			s := m.shard(e.From.Port(), e.Data)
			s.mu.Lock()
			s.asked.Ask(e, recording.Times{Left: e.At})
			s.mu.Unlock()
		}
	}
}

// shard is where the question with this source port and ID is remembered.
func (m *Metrics) shard(port uint16, data []byte) *shard {
	if len(data) > 1 {
		port ^= uint16(data[1])
	}
	return &m.asked[port%shards]
}

// answered tells how long a reply took, if it is the first.
func (m *Metrics) answered(n *node, e *network.Event) {
	s := m.shard(e.To.Port(), e.Data)
	s.mu.Lock()
	t, ok := s.asked.When(e)
	if ok {
		s.asked.Forget(e)
	}
	s.mu.Unlock()
	if ok {
		n.took(max(e.At.Sub(t.Left), time.Duration(0)).Seconds())
	}
}

// Registry has all metrics, of the world that world returns when they are gathered; nil: there is none just now.
func (m *Metrics) Registry(world func() *simulator.World) *prometheus.Registry {
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(m.queries, m.connections, m.replies, m.lost, m.latency, m.worlds, newState(world, m.recordings))
	return r
}

// Handler serves them to Prometheus.
func (m *Metrics) Handler(world func() *simulator.World) http.Handler {
	return promhttp.HandlerFor(m.Registry(world), promhttp.HandlerOpts{})
}
