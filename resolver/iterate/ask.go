package iterate

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// ednsSize is the UDP size that servers are told (the DNS flag day of 2020).
const ednsSize = 1232

var errWork = errors.New("the question costs too many upstream queries")

// ask puts the question to one server: with EDNS and then without where it does not know EDNS, over TCP after a
// truncated reply. The error is the exchange's.
func (it *Iterator) ask(ctx context.Context, w *Work, at netip.AddrPort, zone, name string, rrtype uint16) (*dns.Msg, Kind, error) {
	network := "udp"
	_, edns := it.timeoutFor(at, it.config.Clock.Now())
	for {
		m, err := it.exchange(ctx, w, at, network, name, rrtype, edns)
		if err != nil {
			return nil, 0, err
		}
		if m == nil {
			return nil, Malformed, nil
		}
		kind := classify(m, zone, name, rrtype, edns)
		switch {
		case kind == NoEDNS:
			it.withoutEDNS(at, it.config.Clock.Now())
			edns = false
		case kind == Truncated && network == "udp":
			network = "tcp"
		default:
			return m, kind, nil
		}
	}
}

// exchange is one query and its reply; a reply that cannot be read is nil.
func (it *Iterator) exchange(ctx context.Context, w *Work, at netip.AddrPort, network, name string, rrtype uint16, edns bool) (*dns.Msg, error) {
	if w.Sent >= MaxSent {
		return nil, errWork
	}
	w.Sent++
	q := &dns.Msg{MsgHdr: dns.MsgHdr{Id: it.id()}, Question: []dns.Question{{Name: name, Qtype: rrtype, Qclass: dns.ClassINET}}}
	if edns {
		q.SetEdns0(ednsSize, true)
	}
	packed, err := q.Pack()
	if err != nil {
		return nil, err
	}
	start := it.config.Clock.Now()
	timeout, _ := it.timeoutFor(at, start)
	if network == "tcp" {
		timeout *= 2 // the connection is a round trip of its own
	}
	it.report(Event{Kind: "ask", Query: Question{name, rrtype}.String(), Server: at, Text: network})
	reply, err := it.config.Exchanger.Exchange(ctx, at, network, packed, timeout, func(b []byte) bool { return answers(b, q) })
	now := it.config.Clock.Now()
	if err != nil {
		if isTimeout(err) {
			it.silent(at, now)
		}
		return nil, err
	}
	if network == "udp" {
		it.answered(at, now.Sub(start), now)
	}
	m := new(dns.Msg)
	if m.Unpack(reply) != nil {
		return nil, nil
	}
	return m, nil
}

// answers tells whether a packed message is a reply to the query: ID, QR, opcode and question. A reply without a
// question counts when it is an error that could not echo it.
func answers(b []byte, q *dns.Msg) bool {
	if len(b) < 12 || uint16(b[0])<<8|uint16(b[1]) != q.Id || b[2]&0xf8 != 0x80 {
		return false
	}
	if b[4] == 0 && b[5] == 0 {
		return b[3]&0xf != dns.RcodeSuccess
	}
	name, off, err := dns.UnpackDomainName(b, 12)
	if err != nil || off+4 > len(b) {
		return false
	}
	want := q.Question[0]
	return strings.EqualFold(name, want.Name) && uint16(b[off])<<8|uint16(b[off+1]) == want.Qtype && uint16(b[off+2])<<8|uint16(b[off+3]) == want.Qclass
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
