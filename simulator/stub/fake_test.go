package stub

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/simulator/clock"
)

// behaviour is what a server of the fake network does with a query; nil bytes are silence.
type behaviour func(query *dns.Msg, network string) ([]byte, error)

// fakeNetwork has servers by address; nobody lives at the other addresses, so these refuse.
type fakeNetwork struct {
	clock   *clock.Virtual
	latency time.Duration
	servers map[string]behaviour
}

type fakeTimeout struct{}

func (fakeTimeout) Error() string   { return "no answer in time" }
func (fakeTimeout) Timeout() bool   { return true }
func (fakeTimeout) Temporary() bool { return true }

func (f *fakeNetwork) Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte,
	timeout time.Duration, accept func([]byte) bool) ([]byte, error) {
	if err := f.clock.Sleep(ctx, f.latency); err != nil {
		return nil, err
	}
	answer := f.servers[server.Addr().String()]
	if answer == nil {
		return nil, syscall.ECONNREFUSED
	}
	q := new(dns.Msg)
	if err := q.Unpack(query); err != nil {
		return nil, err
	}
	reply, err := answer(q, network)
	if err != nil {
		return nil, err
	}
	if reply == nil || !accept(reply) {
		if err := f.clock.Sleep(ctx, timeout-f.latency); err != nil {
			return nil, err
		}
		return nil, fakeTimeout{}
	}
	return reply, nil
}

func silent(*dns.Msg, string) ([]byte, error) { return nil, nil }

// says replies with an rcode and nothing else.
func says(rcode int) behaviour {
	return func(q *dns.Msg, _ string) ([]byte, error) {
		m := new(dns.Msg).SetRcode(q, rcode)
		m.RecursionAvailable = true
		return m.Pack()
	}
}

// knows replies with an address for the names given, NXDOMAIN for others, and no data for other types.
func knows(names ...string) behaviour {
	return func(q *dns.Msg, _ string) ([]byte, error) {
		m := new(dns.Msg).SetReply(q)
		m.RecursionAvailable, m.AuthenticatedData = true, true
		m.Rcode = dns.RcodeNameError
		for _, n := range names {
			if n == q.Question[0].Name {
				m.Rcode = dns.RcodeSuccess
				if q.Question[0].Qtype == dns.TypeA {
					m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: n, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: []byte{10, 0, 2, 50}})
				}
			}
		}
		return m.Pack()
	}
}

const (
	one   = "10.0.1.10"
	two   = "10.0.1.11"
	three = "10.0.1.12"
)

func addresses(ss ...string) []netip.Addr {
	var as []netip.Addr
	for _, s := range ss {
		as = append(as, netip.MustParseAddr(s))
	}
	return as
}

// host is a host with a stub in a world of its own.
type host struct {
	t     *testing.T
	clock *clock.Virtual
	net   *fakeNetwork
	stub  *Stub
}

func newHost(t *testing.T, servers map[string]behaviour, c Config) *host {
	t.Helper()
	v := clock.NewVirtual(time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC))
	t.Cleanup(func() { v.Close() })
	h := &host{t: t, clock: v, net: &fakeNetwork{clock: v, servers: servers}}
	c.Clock, c.Exchanger, c.Rand = v, h.net, rand.New(rand.NewPCG(1, 2))
	var err error
	if h.stub, err = New(c); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) query(name string, qtype uint16) (r Result) {
	h.t.Helper()
	if err := h.clock.Run(func() { r = h.stub.Query(context.Background(), name, qtype) }); err != nil {
		h.t.Fatal(err)
	}
	return r
}

// header16 reads a count of a packed message.
func header16(m []byte, at int) int { return int(binary.BigEndian.Uint16(m[at:])) }

// nobody is a network without a host.
type nobody struct{}

func (nobody) Exchange(context.Context, netip.AddrPort, string, []byte, time.Duration, func([]byte) bool) ([]byte, error) {
	return nil, syscall.ECONNREFUSED
}

// canned is a network where every server gives the same answer.
type canned []byte

func (c canned) Exchange(_ context.Context, _ netip.AddrPort, _ string, query []byte, _ time.Duration, accept func([]byte) bool) ([]byte, error) {
	reply := append([]byte(nil), c...)
	copy(reply, query[:2])
	if !accept(reply) {
		return nil, fakeTimeout{}
	}
	return reply, nil
}
