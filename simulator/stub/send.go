package stub

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// TCPTimeout is how long a server is waited for over TCP: until Linux gives up a connection whose SYN nobody answers,
// with its default of six retries after four linear ones (tcp_syn_retries and tcp_syn_linear_timeouts in the kernel's
// ip-sysctl). The resolver's own timeout option does not apply to TCP.
const TCPTimeout = 131 * time.Second

const (
	port       = 53
	headerSize = 12
)

// errUnreadable is a reply to our question that is not a DNS message after its header.
var errUnreadable = errors.New("the reply cannot be parsed")

// errShort is a reply that has not even a header.
var errShort = errors.New("the reply is shorter than a header")

// send asks the servers in turn, attempts times over, until one gives a reply that counts, as res_send does.
//
// Over UDP, silence, an ICMP error, a reply without a header, SERVFAIL, REFUSED, NOTIMP and a referral's empty NOERROR
// move on to the next server; a truncated reply has the same server asked again over TCP. Over TCP every server is
// asked once, and whatever one replies is the answer.
//
// answered is false when no reply counted: then outcome has the last error reply, if there was one, and err is the
// reason, its Cause as [Error] describes it.
func (l *lookup) send(query []byte, question dns.Question) (o outcome, answered bool) {
	s := l.stub
	servers := s.config.Nameservers
	offset := s.rotation()
	tcp := s.options.UseVC
	somewhere := false // whether anybody was waited for in vain, or replied
	cause := error(syscall.ETIMEDOUT)
	for attempt := 0; attempt < s.options.Attempts; attempt++ {
		for shift := range servers {
			index := (shift + offset) % len(servers)
			server := servers[index]
			if !tcp {
				raw, err := l.exchange(server, "udp", query, question, s.options.wait(index, len(servers)))
				if ended := l.ctx.Err(); ended != nil {
					return outcome{err: ended}, false
				}
				somewhere = somewhere || err == nil || isTimeout(err)
				if err != nil || len(raw) < headerSize {
					continue
				}
				if movesOn(raw) {
					o.reply, o.server = l.parse(raw), server
					continue
				}
				if !truncated(raw) {
					return outcome{reply: l.parse(raw), server: server}, true
				}
				tcp = true
			}
			// From here on it stays with TCP, and this is the last time round.
			attempt = s.options.Attempts
			raw, err := l.exchange(server, "tcp", query, question, TCPTimeout)
			if errors.Is(err, syscall.ECONNRESET) {
				raw, err = l.exchange(server, "tcp", query, question, TCPTimeout)
			}
			if ended := l.ctx.Err(); ended != nil {
				return outcome{err: ended}, false
			}
			if err == nil && len(raw) >= headerSize {
				return outcome{reply: l.parse(raw), server: server}, true
			}
			cause = tcpCause(err)
		}
	}
	if !tcp && !somewhere {
		cause = syscall.ECONNREFUSED
	}
	o.err = &Error{Kind: TryAgain, Cause: cause}
	return o, false
}

// rotation is the place in the list to begin with: 0, or with the rotate option one further each time.
func (s *Stub) rotation() int {
	n := uint32(len(s.config.Nameservers))
	if n <= 1 || !s.options.Rotate {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.seeded {
		s.offset, s.seeded = s.config.Rand.Uint32(), true
	}
	first := s.offset % n
	s.offset++
	return int(first)
}

// exchange asks one server once and notes the attempt.
func (l *lookup) exchange(server netip.Addr, network string, query []byte, question dns.Question,
	timeout time.Duration) ([]byte, error) {
	clock := l.stub.config.Clock
	start := clock.Now()
	accept := func(reply []byte) bool { return matches(reply, query, network, question) }
	raw, err := l.stub.config.Exchanger.Exchange(l.ctx, netip.AddrPortFrom(server, port), network, query, timeout, accept)
	a := Attempt{Server: server, Network: network, Name: question.Name, Timeout: timeout, Took: clock.Now().Sub(start), Err: err}
	switch {
	case err != nil:
	case len(raw) < headerSize:
		a.Err = errShort
	default:
		a.Rcode = rcode(raw)
	}
	l.asked = append(l.asked, a)
	return raw, err
}

// matches says whether a message is the reply that is waited for. Over TCP only the ID is looked at. Over UDP the
// question must be there again, but some servers send an error as a bare header, and what is too short to have an ID
// ends the wait.
func matches(reply, query []byte, network string, question dns.Question) bool {
	if len(reply) < headerSize {
		return true
	}
	if reply[0] != query[0] || reply[1] != query[1] {
		return false
	}
	if network == "tcp" {
		return true
	}
	if len(reply) == headerSize && binary.BigEndian.Uint16(reply[4:]) == 0 && isErrorRcode(rcode(reply)) {
		return true
	}
	if binary.BigEndian.Uint16(reply[4:]) != 1 {
		return false
	}
	name, off, err := dns.UnpackDomainName(reply, headerSize)
	return err == nil && len(reply) >= off+4 && strings.EqualFold(name, question.Name) &&
		binary.BigEndian.Uint16(reply[off:]) == question.Qtype && binary.BigEndian.Uint16(reply[off+2:]) == question.Qclass
}

func rcode(message []byte) int      { return int(message[3] & 0x0f) }
func truncated(message []byte) bool { return message[2]&0x02 != 0 }

func isErrorRcode(rcode int) bool {
	return rcode == dns.RcodeServerFailure || rcode == dns.RcodeNotImplemented || rcode == dns.RcodeRefused
}

// movesOn says whether a UDP reply sends the stub to its next server: an error, or the empty NOERROR of a server that
// neither has the zone nor recurses.
func movesOn(message []byte) bool {
	const aa, ra = 0x04, 0x80
	lame := rcode(message) == dns.RcodeSuccess && message[2]&aa == 0 && message[3]&ra == 0 &&
		binary.BigEndian.Uint16(message[6:]) == 0 && binary.BigEndian.Uint16(message[10:]) == 0
	return isErrorRcode(rcode(message)) || lame
}

// parse reads a reply, without the AD bit unless the option trust-ad says that the way to the server is trusted. It
// returns nil for what cannot be read.
func (l *lookup) parse(raw []byte) *dns.Msg {
	m := new(dns.Msg)
	if m.Unpack(raw) != nil {
		return nil
	}
	m.AuthenticatedData = m.AuthenticatedData && l.stub.options.TrustAD
	return m
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// tcpCause is the errno that a failed TCP exchange leaves behind.
func tcpCause(err error) error {
	for _, errno := range []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ECONNRESET} {
		if errors.Is(err, errno) {
			return errno
		}
	}
	if err != nil && !isTimeout(err) {
		return err
	}
	return syscall.ETIMEDOUT
}
