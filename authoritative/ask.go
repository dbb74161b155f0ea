package authoritative

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// newQuery is a message to another server.
func (s *Server) newQuery(opcode int, origin string, qtype uint16) *dns.Msg {
	m := &dns.Msg{Question: []dns.Question{{Name: origin, Qtype: qtype, Qclass: dns.ClassINET}}}
	m.Id, m.Opcode = s.id(), opcode
	return m
}

// pack packs m, signed where p asks for it.
func (s *Server) pack(m *dns.Msg, p Primary) ([]byte, *tsigSession, error) {
	wire, err := m.Pack()
	if err != nil || p.Key == "" {
		return wire, nil, err
	}
	key := s.key(p.Key)
	if key == nil {
		return nil, nil, fmt.Errorf("the TSIG key %s is unknown here", p.Key)
	}
	wire, session := signRequest(key, wire, s.clock.Now())
	return wire, session, nil
}

// ask sends m to p and returns the reply. Replies to something else, and those that TSIG shows to be wrong, are passed
// over until timeout; if nothing better comes, the error says so.
func (s *Server) ask(ctx context.Context, m *dns.Msg, p Primary, network string, timeout time.Duration) (*dns.Msg, error) {
	wire, session, err := s.pack(m, p)
	if err != nil {
		return nil, err
	}
	var reply *dns.Msg
	var doubt error
	_, err = s.exchanger.Exchange(ctx, p.Addr, network, wire, timeout, func(b []byte) bool {
		r, err := s.readReply(m, session, b)
		switch {
		case err == nil:
			reply, doubt = r, nil
			return true
		case errors.Is(err, errOtherReply):
			return false
		}
		doubt = err
		refusal := (*tsigRefusal)(nil)
		return errors.As(err, &refusal)
	})
	switch {
	case doubt != nil:
		return nil, doubt
	case err != nil:
		return nil, err
	case reply == nil:
		return nil, errOtherReply
	}
	return reply, nil
}

// errOtherReply is for messages that do not answer the query.
var errOtherReply = errors.New("not a reply to this query")

// readReply unpacks and checks b as a reply to m.
func (s *Server) readReply(m *dns.Msg, session *tsigSession, b []byte) (*dns.Msg, error) {
	if len(b) < headerLen || wireID(b) != m.Id || b[2]&flagQR == 0 || wireOpcode(b) != m.Opcode {
		return nil, errOtherReply
	}
	r := new(dns.Msg)
	if err := r.Unpack(b); err != nil {
		return nil, errOtherReply
	}
	if len(r.Question) > 1 || len(r.Question) == 1 && !sameQuestion(r.Question[0], m.Question[0]) {
		return nil, errOtherReply
	}
	if session != nil {
		if err := session.verify(b, s.clock.Now()); err != nil {
			if r.Rcode != dns.RcodeSuccess {
				return nil, fmt.Errorf("%s; %w", rcodeText(r), err)
			}
			return nil, err
		}
	}
	return r, nil
}

func sameQuestion(a, b dns.Question) bool {
	return a.Qtype == b.Qtype && a.Qclass == b.Qclass && strings.EqualFold(a.Name, b.Name)
}

// rcodeText is the reply's code, with the Extended DNS Error that explains it.
func rcodeText(r *dns.Msg) string {
	text, ok := dns.RcodeToString[r.Rcode]
	if !ok {
		text = fmt.Sprintf("rcode %d", r.Rcode)
	}
	opt := r.IsEdns0()
	if opt == nil {
		return text
	}
	for _, o := range opt.Option {
		if e, ok := o.(*dns.EDNS0_EDE); ok {
			text += fmt.Sprintf(", EDE %d (%s)", e.InfoCode, dns.ExtendedErrorCodeToString[e.InfoCode])
			if e.ExtraText != "" {
				text += ": " + e.ExtraText
			}
		}
	}
	return text
}
