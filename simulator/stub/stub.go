// Package stub is the resolver that sits in a host: glibc's, and a local forwarder at 127.0.0.53.
//
// [Stub] does what res_search of glibc 2.36 does with resolv.conf and /etc/hosts: the same servers in the same order,
// the same waits, the same choice of when to move on, the same error in the end. It is what turns a dead first server
// into a delay that a user feels, so its waits are glibc's to the second. [Local] is the other half of a host that runs
// systemd-resolved: a forwarder which takes the host's queries and sticks to one of its servers until that one fails.
//
// Neither caches, and neither validates. A lookup is of one type: getaddrinfo asks for A and AAAA side by side, which
// takes as long as the slower of two. The differences from glibc that remain are these: the rotation's counter belongs
// to the Stub, where glibc keeps one in each process; a UDP reply that comes after its server's wait is lost, where glibc
// may still take it when that server's turn comes again; a reply that never comes over TCP is given up after
// [TCPTimeout], where glibc's read waits for as long as the kernel keeps the connection; environment variables and host
// aliases are not read.
package stub

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Clock is what a stub needs of the world's time.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
	Signal() (done <-chan struct{}, fire func())
	Await(ctx context.Context, done <-chan struct{}) error
	WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	Go(f func())
}

// Exchanger is the host's way to its servers.
type Exchanger interface {
	// Exchange sends the packed query to server over "udp" or "tcp" and returns the first reply that accept takes; all
	// others are ignored until timeout of the Clock's time has passed. Errors: Timeout() of net.Error, and
	// syscall.ECONNREFUSED, EHOSTUNREACH and ECONNRESET by errors.Is.
	Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte,
		timeout time.Duration, accept func(reply []byte) bool) ([]byte, error)
}

// Config is what a host's files say.
type Config struct {
	// Nameservers are resolv.conf's, in order. The first three count; without any it is 127.0.0.1.
	Nameservers []netip.Addr
	// Search is resolv.conf's search list.
	Search []string
	// Options is resolv.conf's options line, as [ParseOptions] reads it: "timeout:2 attempts:3 rotate".
	Options string
	// Hosts is /etc/hosts, asked first for A and AAAA.
	Hosts []Host

	Clock     Clock
	Exchanger Exchanger
	// Rand gives message IDs and the server with which rotation starts.
	Rand *rand.Rand
}

// Host is one line of /etc/hosts.
type Host struct {
	Address netip.Addr
	Names   []string
}

// Stub is a host's stub resolver. It may be used by several activities at once.
type Stub struct {
	config  Config
	options Options

	mu     sync.Mutex // over what follows, and over config.Rand
	offset uint32     // the rotation's next first server
	seeded bool
}

// Result is what one lookup came to.
type Result struct {
	// Reply is the message that decided: the answer, or the negative answer or failure that Err is about. It is nil
	// when no server gave any. An answer from /etc/hosts is a message too, with an authority of its own: AA, TTL 0.
	Reply *dns.Msg
	// Err is nil when Reply answers the question. Otherwise it is an *[Error], or the error of a context that ended.
	Err error
	// Server sent Reply; zero when that is nil, or comes from /etc/hosts.
	Server netip.Addr
	// Asked has every exchange of the lookup, in order.
	Asked []Attempt
	// Elapsed is the world time from the call to the return.
	Elapsed time.Duration
}

// Attempt is one exchange with one server.
type Attempt struct {
	Server  netip.Addr
	Network string // "udp" or "tcp"
	Name    string // absolute: the search list shows here
	Timeout time.Duration
	Took    time.Duration
	// Rcode is that of the reply; Err is why there was none that could be read.
	Rcode int
	Err   error
}

// New returns the stub resolver that c describes. It fails when c lacks what a stub cannot do without. As in glibc,
// options that nobody knows are ignored; [ParseOptions] tells which those are.
func New(c Config) (*Stub, error) {
	if c.Clock == nil || c.Exchanger == nil || c.Rand == nil {
		return nil, errors.New("a stub resolver needs a Clock, an Exchanger and a Rand")
	}
	options, _ := ParseOptions(c.Options)
	if len(c.Nameservers) == 0 {
		c.Nameservers = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	c.Nameservers = c.Nameservers[:min(len(c.Nameservers), maxServers)]
	return &Stub{config: c, options: options}, nil
}

// maxServers is glibc's MAXNS.
const maxServers = 3

// Query looks a name up as an application of the host would: /etc/hosts, then the servers, with the search list for a
// name that does not end in a dot. It waits, so it is called from an activity.
func (s *Stub) Query(ctx context.Context, name string, qtype uint16) Result {
	start := s.config.Clock.Now()
	l := &lookup{stub: s, ctx: ctx, qtype: qtype}
	var o outcome
	if reply := s.fromHosts(name, qtype); reply != nil {
		o.reply = reply
	} else {
		o = l.search(name)
	}
	return Result{Reply: o.reply, Err: o.err, Server: o.server, Asked: l.asked, Elapsed: s.config.Clock.Now().Sub(start)}
}

// lookup is the state of one Query.
type lookup struct {
	stub  *Stub
	ctx   context.Context
	qtype uint16
	asked []Attempt
}

// outcome is how the question about one name ended.
type outcome struct {
	reply  *dns.Msg
	server netip.Addr
	err    error
}

// failure is the outcome's error as the kind that the search goes by.
func (o outcome) failure() *Error {
	var e *Error
	errors.As(o.err, &e)
	return e
}

// random returns 16 bits for a message's ID.
func (s *Stub) random() uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint16(s.config.Rand.Uint32())
}
