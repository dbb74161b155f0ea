package stub

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// LocalConfig describes the forwarder of a host.
type LocalConfig struct {
	// Servers are the recursive resolvers, in order of preference.
	Servers []netip.Addr
	// Timeout is how long one server is waited for over UDP; 0 means 5 s, systemd-resolved's. Over TCP it is twice that.
	Timeout time.Duration

	Clock     Clock
	Exchanger Exchanger
	// Rand gives the message IDs towards the servers.
	Rand *rand.Rand
}

// Local is a forwarding stub as systemd-resolved runs at 127.0.0.53, without its cache.
//
// It holds to one server, whichever answered last, and goes on to the next only when that one is silent, unreachable
// or says REFUSED. Any other reply is relayed as it came, SERVFAIL too. Each server is asked twice at most; when none
// answers, the host gets SERVFAIL. (systemd-resolved tries for longer and then lets the application's query time out.)
// A query that is the same as one under way waits for that one's reply, so an application that asks again because the
// first server is silent still gets the second one's answer.
type Local struct {
	config LocalConfig

	mu      sync.Mutex // over what follows, and over config.Rand
	current int
	waiting map[string]*inFlight
}

// inFlight is a query under way. reply is set before fire is called.
type inFlight struct {
	done  <-chan struct{}
	fire  func()
	reply []byte // nil when no server answered
}

const (
	defaultLocalTimeout = 5 * time.Second
	localRounds         = 2
)

// NewLocal returns the forwarder that c describes.
func NewLocal(c LocalConfig) (*Local, error) {
	if c.Clock == nil || c.Exchanger == nil || c.Rand == nil {
		return nil, errors.New("a local stub needs a Clock, an Exchanger and a Rand")
	}
	if len(c.Servers) == 0 {
		return nil, errors.New("a local stub needs a server to forward to")
	}
	if c.Timeout == 0 {
		c.Timeout = defaultLocalTimeout
	}
	return &Local{config: c, waiting: map[string]*inFlight{}}, nil
}

// Current is the server that the next query goes to.
func (l *Local) Current() netip.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.config.Servers[l.current]
}

// Serve forwards one packed query over the network it came by, "udp" or "tcp", and sends the reply back. What is no
// query gets no reply; one without exactly one question gets FORMERR. The error is send's, or the context's.
func (l *Local) Serve(ctx context.Context, query []byte, network string, send func([]byte) error) error {
	if len(query) < headerSize || query[2]&0x80 != 0 {
		return nil
	}
	if binary.BigEndian.Uint16(query[4:]) != 1 {
		return send(header(query, dns.RcodeFormatError))
	}
	name, off, err := dns.UnpackDomainName(query, headerSize)
	if err != nil || len(query) < off+4 {
		return send(header(query, dns.RcodeFormatError))
	}
	question := dns.Question{Name: name, Qtype: binary.BigEndian.Uint16(query[off:]), Qclass: binary.BigEndian.Uint16(query[off+2:])}
	shared, err := l.once(ctx, query, network, question)
	if err != nil {
		return err
	}
	if shared == nil {
		reply := append(header(query, dns.RcodeServerFailure), query[headerSize:off+4]...)
		binary.BigEndian.PutUint16(reply[4:], 1)
		return send(reply)
	}
	reply := append([]byte(nil), shared...)
	copy(reply, query[:2])
	return send(reply)
}

// once forwards a query, or waits for the reply to the same one that is under way. What it returns is shared.
func (l *Local) once(ctx context.Context, query []byte, network string, question dns.Question) ([]byte, error) {
	key := network + string(query[2:]) // all but the ID
	l.mu.Lock()
	if f := l.waiting[key]; f != nil {
		l.mu.Unlock()
		if err := l.config.Clock.Await(ctx, f.done); err != nil {
			return nil, err
		}
		return f.reply, nil
	}
	f := &inFlight{}
	f.done, f.fire = l.config.Clock.Signal()
	l.waiting[key] = f
	l.mu.Unlock()

	reply, err := l.forward(ctx, query, network, question)

	l.mu.Lock()
	f.reply = reply
	delete(l.waiting, key)
	l.mu.Unlock()
	f.fire()
	return reply, err
}

// forward asks the servers, the current one first, and returns the reply; nil when none answered. The error is the
// context's.
func (l *Local) forward(ctx context.Context, query []byte, network string, question dns.Question) ([]byte, error) {
	l.mu.Lock()
	first, id := l.current, uint16(l.config.Rand.Uint32())
	l.mu.Unlock()
	forwarded := append([]byte(nil), query...)
	binary.BigEndian.PutUint16(forwarded, id)
	timeout := l.config.Timeout
	if network == "tcp" {
		timeout *= 2
	}
	accept := func(reply []byte) bool {
		return len(reply) >= headerSize && reply[2]&0x80 != 0 && matches(reply, forwarded, network, question)
	}
	var refused []byte
	for i := range localRounds * len(l.config.Servers) {
		n := (first + i) % len(l.config.Servers)
		server := netip.AddrPortFrom(l.config.Servers[n], port)
		raw, err := l.config.Exchanger.Exchange(ctx, server, network, forwarded, timeout, accept)
		if ended := ctx.Err(); ended != nil {
			return nil, ended
		}
		if err != nil {
			continue
		}
		if rcode(raw) == dns.RcodeRefused {
			refused = raw
			continue
		}
		l.stick(n)
		return raw, nil
	}
	return refused, nil
}

// stick makes a server that answered the one to go on with.
func (l *Local) stick(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = n
}

// header is the bare header of a reply to query: QR and RA set, ID, opcode and RD copied, no records.
func header(query []byte, rcode int) []byte {
	h := make([]byte, headerSize, headerSize+64)
	copy(h, query[:2])
	h[2] = 0x80 | query[2]&0x79
	h[3] = 0x80 | byte(rcode)
	return h
}
