package relay

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"faultzone/simulator/clock"
	"faultzone/simulator/network"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func pack(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	data, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func ask(name string, rrtype uint16) *dns.Msg {
	m := new(dns.Msg).SetQuestion(name, rrtype)
	m.Id = 7
	m.SetEdns0(1232, false)
	return m
}

// What is no ordinary question goes nowhere, and is answered as a resolver would.
func TestWhatIsNotPassedOn(t *testing.T) {
	t.Parallel()
	two := ask("a.example.", dns.TypeA)
	two.Question = append(two.Question, two.Question[0])
	update := new(dns.Msg).SetUpdate("example.")
	reply := ask("a.example.", dns.TypeA)
	reply.Response = true
	notify := new(dns.Msg).SetNotify("example.")
	r := New(Config{})
	defer r.Close()
	for _, c := range []struct {
		name  string
		data  []byte
		rcode int // -1: nothing; -2: it is passed on
	}{
		{"nothing", nil, -1}, {"a few octets", []byte("\x00\x01\x02"), -1}, {"a reply", pack(t, reply), -1},
		{"half a question", pack(t, ask("a.example.", dns.TypeA))[:20], dns.RcodeFormatError},
		{"two questions", pack(t, two), dns.RcodeFormatError},
		{"an update", pack(t, update), dns.RcodeNotImplemented}, {"a notify", pack(t, notify), dns.RcodeNotImplemented},
		{"a transfer", pack(t, ask("example.", dns.TypeAXFR)), dns.RcodeRefused},
		{"a question", pack(t, ask("a.example.", dns.TypeA)), -2},
	} {
		got, ok := r.AnswerNow(network.Message{Network: "udp", Data: c.data})
		switch m := new(dns.Msg); {
		case c.rcode == -2:
			if ok {
				t.Errorf("%s is not passed on", c.name)
			}
		case c.rcode == -1:
			if !ok || got != nil {
				t.Errorf("%s: %v %x, want no reply", c.name, ok, got)
			}
		case !ok || m.Unpack(got) != nil || !m.Response || m.Rcode != c.rcode || m.Id != binary.BigEndian.Uint16(c.data):
			t.Errorf("%s: %v %v, want %s", c.name, ok, m, dns.RcodeToString[c.rcode])
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	query := pack(t, ask("www.Example.org.", dns.TypeA))
	reply := func(change func(*dns.Msg)) []byte {
		m := new(dns.Msg).SetReply(ask("www.example.ORG.", dns.TypeA))
		change(m)
		return pack(t, m)
	}
	for _, c := range []struct {
		name  string
		reply []byte
		want  bool
	}{
		{"the reply", reply(func(*dns.Msg) {}), true},
		{"another ID", reply(func(m *dns.Msg) { m.Id++ }), false},
		{"a question", reply(func(m *dns.Msg) { m.Response = false }), false},
		{"another opcode", reply(func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }), false},
		{"another name", reply(func(m *dns.Msg) { m.Question[0].Name = "www.example.net." }), false},
		{"another type", reply(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeMX }), false},
		{"another class", reply(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }), false},
		{"no question", reply(func(m *dns.Msg) { m.Question = nil }), false},
		{"no question, and an error that explains it", reply(func(m *dns.Msg) { m.Question, m.Rcode = nil, dns.RcodeFormatError }), true},
		{"two questions", reply(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }), false},
		{"a head alone", reply(func(*dns.Msg) {})[:12], false},
		{"half a name", reply(func(*dns.Msg) {})[:20], false},
		{"nothing", nil, false},
	} {
		if got := answers(c.reply, query); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// FuzzAnswers takes any message for a reply: it neither panics nor takes one with another ID.
func FuzzAnswers(f *testing.F) {
	query := pack(f, ask("www.example.org.", dns.TypeA))
	f.Add(pack(f, new(dns.Msg).SetReply(ask("www.example.org.", dns.TypeA))))
	f.Add([]byte("\x00\x07\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, reply []byte) {
		if answers(reply, query) && (len(reply) < 12 || reply[0] != query[0] || reply[1] != query[1]) {
			t.Errorf("%x is taken for a reply", reply)
		}
		r := New(Config{})
		defer r.Close()
		if got, ok := r.AnswerNow(network.Message{Network: "udp", Data: reply}); ok && got != nil && len(got) < 12 {
			t.Errorf("%x is answered by %x", reply, got)
		}
	})
}

// More questions than a relay has room for are answered SERVFAIL at once; Close leaves nothing of the others.
func TestTooManyUnderWay(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	live, err := clock.NewLive(time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC), 1)
	if err != nil {
		t.Fatal(err)
	}
	r := New(Config{Clock: live, Servers: []netip.AddrPort{netip.MustParseAddrPort(silent.LocalAddr().String())}})
	const more = 3
	replies := make(chan []byte, mostUnderWay+more)
	for range mostUnderWay + more {
		m := network.Message{Network: "udp", Data: pack(t, ask("a.example.", dns.TypeA))}
		live.Go(func() {
			_ = r.Serve(context.Background(), m, func(reply []byte) error { replies <- reply; return nil })
		})
	}
	for range more {
		m := new(dns.Msg)
		if err := m.Unpack(<-replies); err != nil || m.Rcode != dns.RcodeServerFailure {
			t.Errorf("%v, %v", err, m)
		} else if ede, ok := m.IsEdns0().Option[0].(*dns.EDNS0_EDE); !ok || ede.InfoCode != dns.ExtendedErrorCodeNetworkError || !strings.Contains(ede.ExtraText, "256 questions wait") {
			t.Errorf("%v", m)
		}
	}
	if err := live.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if n := len(replies); n > 0 {
		t.Errorf("%d more replies", n)
	}
}
