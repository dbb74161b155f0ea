package metrics

import (
	"strconv"
	"sync/atomic"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"faultzone/simulator/network"
)

type transport uint8

const (
	udp transport = iota
	tcp
	transports
)

func (t transport) String() string {
	if t == tcp {
		return "tcp"
	}
	return "udp"
}

// fates and rcodes are how many of each are counted without a look into a map.
const (
	fates  = int(network.Unreachable) + 1
	rcodes = 24
)

// node has the counters of one node at hand. A counter is made when it first counts.
type node struct {
	metrics     *Metrics
	name        string
	queries     [transports][fates]slot
	connections [fates]slot
	replies     [transports][rcodes]slot // those without an extended error
	lost        [transports]slot
	latency     atomic.Pointer[prometheus.Observer]
}

type slot struct {
	counter atomic.Pointer[prometheus.Counter]
}

func (s *slot) of(v *prometheus.CounterVec, labels ...string) prometheus.Counter {
	c := v.WithLabelValues(labels...)
	s.counter.Store(&c)
	return c
}

func (n *node) query(t transport, f network.Fate) prometheus.Counter {
	s := &n.queries[t][f]
	if c := s.counter.Load(); c != nil {
		return *c
	}
	return s.of(n.metrics.queries, n.name, t.String(), f.String())
}

func (n *node) connection(f network.Fate) prometheus.Counter {
	s := &n.connections[f]
	if c := s.counter.Load(); c != nil {
		return *c
	}
	return s.of(n.metrics.connections, n.name, f.String())
}

func (n *node) lostReply(t transport) prometheus.Counter {
	s := &n.lost[t]
	if c := s.counter.Load(); c != nil {
		return *c
	}
	return s.of(n.metrics.lost, n.name, t.String())
}

func (n *node) reply(t transport, message []byte) prometheus.Counter {
	rcode, ede := codes(message)
	if ede >= 0 || rcode < 0 || rcode >= rcodes {
		return n.metrics.replies.WithLabelValues(n.name, t.String(), rcodeName(rcode), edeName(ede))
	}
	s := &n.replies[t][rcode]
	if c := s.counter.Load(); c != nil {
		return *c
	}
	return s.of(n.metrics.replies, n.name, t.String(), rcodeName(rcode), edeName(ede))
}

func (n *node) took(seconds float64) {
	o := n.latency.Load()
	if o == nil {
		made := n.metrics.latency.WithLabelValues(n.name)
		o = &made
		n.latency.Store(o)
	}
	(*o).Observe(seconds)
}

// other is the label of all that has no name of its own, so that nobody can make up new ones.
const other = "other"

// rcodeName is the mnemonic of a response code; of a message that cannot be read it is "malformed".
func rcodeName(rcode int) string {
	if rcode < 0 {
		return "malformed"
	}
	if name, ok := dns.RcodeToString[rcode]; ok {
		return name
	}
	return other
}

// edeName is the number of an extended error that is registered.
func edeName(code int) string {
	if code < 0 {
		return ""
	}
	if _, ok := dns.ExtendedErrorCodeToString[uint16(code)]; ok {
		return strconv.Itoa(code)
	}
	return other
}
