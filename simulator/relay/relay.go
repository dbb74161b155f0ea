// Package relay is the way out of a live world: a node's program that passes questions on to real servers, and their
// replies back.
//
// A question and its reply pass as they are, but for the message ID: on the way out it is one that nobody can guess, and
// what comes back has the question's again. Over UDP a question goes out over UDP, over TCP over TCP, so a truncated
// reply has its asker come back as everywhere. What is no ordinary question is not passed on, and nothing is sent to
// anybody but the servers that were named. The servers are tried in order; who has had no answer from any of them gets
// SERVFAIL with the extended error 23 (Network Error, RFC 8914 section 4.24) and a text that says what became of each.
//
// Waiting for a real server is an activity's Await, which holds up nobody. The time that it takes is the wall's: in a world
// at N times the wall's pace it is N times as long, and a resolver's patience may end before.
package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"faultzone/simulator/clock"
	"faultzone/simulator/network"
	"faultzone/simulator/upstream"
)

// The bounds of a relay.
const (
	// mostUnderWay is how many questions may wait for real servers; those beyond are answered SERVFAIL at once.
	mostUnderWay = 256
	// patience is the wall's time for one server: by then the resolver that asks has asked again, and its client is
	// about to give up.
	patience = 2 * time.Second
)

// Dial connects to a real server.
type Dial = upstream.Dial

// Config says whom to ask.
type Config struct {
	Servers []netip.AddrPort // real ones, in the order in which they are tried
	Clock   clock.Clock      // the world's, which is live
	Dial    Dial             // how they are reached; nil: by this machine's network
	// Closed, when not empty, is why nobody is asked: every question is answered SERVFAIL at once, with this for a reason.
	// Servers, Clock and Report are not used then.
	Closed string
	// Report is told of each question that no server answered, as a line of text. nil: nobody is.
	Report func(question, text string)
}

// Relay is a [network.Handler]. The caller closes it when the world's clock is closed.
type Relay struct {
	config   Config
	out      *upstream.Exchanger
	underWay atomic.Int32
}

// New makes a relay. Nothing is opened before something is asked.
func New(c Config) *Relay {
	named := make(map[netip.AddrPort]bool, len(c.Servers))
	for _, s := range c.Servers {
		named[s] = true
	}
	return &Relay{config: c, out: upstream.New(upstream.Config{Clock: c.Clock, Dial: c.Dial,
		Route: func(server netip.AddrPort) (netip.AddrPort, bool) { return server, named[server] }})}
}

// Close ends what is under way and returns when nothing of it runs any more.
func (r *Relay) Close() error { return r.out.Close() }

// AnswerNow answers what goes nowhere: messages that are no question, and everything while the relay is closed.
func (r *Relay) AnswerNow(m network.Message) (reply []byte, ok bool) {
	query := new(dns.Msg)
	switch err := query.Unpack(m.Data); {
	case len(m.Data) < 12 || query.Response:
		return nil, true
	case err != nil || query.Opcode == dns.OpcodeQuery && len(query.Question) != 1:
		return packed(query, dns.RcodeFormatError, "")
	case query.Opcode != dns.OpcodeQuery:
		return packed(query, dns.RcodeNotImplemented, "")
	case query.Question[0].Qtype == dns.TypeAXFR || query.Question[0].Qtype == dns.TypeIXFR:
		return packed(query, dns.RcodeRefused, "")
	case r.config.Closed != "":
		return packed(query, dns.RcodeServerFailure, r.config.Closed)
	}
	return nil, false
}

// Serve passes a question on.
func (r *Relay) Serve(ctx context.Context, m network.Message, send func([]byte) error) error {
	defer r.underWay.Add(-1)
	var tried []string
	if r.underWay.Add(1) > mostUnderWay {
		tried = append(tried, fmt.Sprintf("%d questions wait for the upstream already", mostUnderWay))
	} else {
		for _, server := range r.config.Servers {
			reply, err := r.ask(ctx, server, m)
			if err == nil {
				return send(reply)
			}
			if ctx.Err() != nil || errors.Is(err, clock.ErrClosed) {
				return err
			}
			tried = append(tried, server.String()+" "+reason(err))
		}
	}
	query := new(dns.Msg)
	if err := query.Unpack(m.Data); err != nil {
		return err // AnswerNow has unpacked it
	}
	text := strings.Join(tried, ", ")
	if r.config.Report != nil {
		q := query.Question[0]
		r.config.Report(q.Name+" "+dns.Type(q.Qtype).String(), text)
	}
	reply, _ := packed(query, dns.RcodeServerFailure, text)
	return send(reply)
}

// ask asks one server.
func (r *Relay) ask(ctx context.Context, server netip.AddrPort, m network.Message) ([]byte, error) {
	query := append([]byte(nil), m.Data...)
	binary.BigEndian.PutUint16(query, uint16(rand.Uint32())) // the world's own IDs follow from its seed
	reply, err := r.out.Exchange(ctx, server, m.Network, query, patience, func(reply []byte) bool { return answers(reply, query) })
	if err != nil {
		return nil, err
	}
	reply = append([]byte(nil), reply...)
	copy(reply, m.Data[:2])
	return reply, nil
}

// answers tells whether a message is a reply to a query: by its ID, QR, opcode and question (RFC 5452 section 9.1). A
// server that could not read the question may leave it out.
func answers(reply, query []byte) bool {
	const header, qr, opcode = 12, 0x80, 0x78
	if len(reply) < header || reply[0] != query[0] || reply[1] != query[1] || reply[2]&qr == 0 || reply[2]&opcode != query[2]&opcode {
		return false
	}
	switch binary.BigEndian.Uint16(reply[4:]) {
	case 0:
		return reply[3]&0x0f == dns.RcodeFormatError || reply[3]&0x0f == dns.RcodeNotImplemented
	case 1:
	default:
		return false
	}
	asked, off, err := question(query)
	if err != nil {
		return false
	}
	said, off2, err := question(reply)
	if err != nil {
		return false
	}
	return strings.EqualFold(asked, said) && string(query[off:off+4]) == string(reply[off2:off2+4])
}

// question is a message's first question's name, and where its type and class are.
func question(m []byte) (name string, off int, err error) {
	name, off, err = dns.UnpackDomainName(m, 12)
	if err == nil && off+4 > len(m) {
		err = dns.ErrBuf
	}
	return name, off, err
}

// packed is a reply of the relay's own. Its why, if it has one, goes into an extended error.
func packed(query *dns.Msg, rcode int, why string) ([]byte, bool) {
	reply := new(dns.Msg)
	reply.Id, reply.Response, reply.Opcode, reply.Rcode = query.Id, true, query.Opcode, rcode
	reply.RecursionDesired, reply.RecursionAvailable = query.RecursionDesired, true
	if len(query.Question) == 1 {
		reply.Question = query.Question
	}
	if opt := query.IsEdns0(); opt != nil {
		reply.SetEdns0(1232, opt.Do())
		if own := reply.IsEdns0(); why != "" {
			own.Option = append(own.Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNetworkError, ExtraText: why})
		}
	}
	data, err := reply.Pack()
	if err != nil {
		return nil, true
	}
	return data, true
}

// reason says in a few words why there was no answer.
func reason(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "cannot be reached"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "did not answer within " + patience.String()
	}
	return "failed: " + err.Error()
}
