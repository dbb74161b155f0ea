package authoritative

import (
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

func notifyOf(t testing.TB, serial uint32) *dns.Msg {
	t.Helper()
	m := query("example.com.", dns.TypeSOA)
	m.Opcode, m.Authoritative, m.RecursionDesired = dns.OpcodeNotify, true, false
	if serial > 0 {
		soa := rr(t, "example.com. 0 IN SOA . . 0 0 0 0 0").(*dns.SOA)
		soa.Serial = serial
		m.Answer = []dns.RR{soa}
	}
	return m
}

// TestNotifyBackOff: RFC 1996 section 3.6. Without an answer it comes again after 15, 30, 60 and 120 s, and then no more.
func TestNotifyBackOff(t *testing.T) {
	t.Parallel()
	l, primary, _ := pair(t, smallZone)
	var sent []time.Duration
	l.lost = func(q []byte) bool {
		if wireOpcode(q) != dns.OpcodeNotify {
			return false
		}
		sent = append(sent, l.clock.Now().Sub(start))
		return true
	}
	l.start(primary)
	l.advance(24 * time.Hour)
	want := []time.Duration{0, 15 * time.Second, 45 * time.Second, 105 * time.Second, 225 * time.Second}
	if len(sent) != len(want) {
		t.Fatalf("sent at %v", sent)
	}
	for i := range want {
		if sent[i] != want[i] {
			t.Errorf("sent at %v, want %v", sent, want)
		}
	}
	if !strings.Contains(l.event(EventNotifyFailed), "has not answered") {
		t.Errorf("given up without a word:\n%s", l.dump())
	}
}

// TestNotifyEnds: a closed port and any answer at all end it (RFC 1996 sections 3.6 and 3.8), and a newer change takes its
// place (section 4.4).
func TestNotifyEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		broken error
		rcode  int
		want   string
	}{
		"port closed": {broken: syscall.ECONNREFUSED, want: "has not answered"},
		"NOTIMP":      {rcode: dns.RcodeNotImplemented, want: "NOTIMP"},
		"REFUSED":     {rcode: dns.RcodeRefused, want: "REFUSED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			s := l.server(primaryAddr, Config{Views: []View{{Zones: []Zone{{
				Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Notify: []Primary{{Addr: at53(secondaryAddr)}},
			}}}}})
			asked := 0
			l.fakes[netip.MustParseAddr(secondaryAddr)] = func(q *dns.Msg, _ string) []*dns.Msg {
				asked++
				if q.Opcode != dns.OpcodeNotify || !q.Authoritative || len(q.Answer) != 1 || q.Question[0].Qtype != dns.TypeSOA {
					t.Errorf("not as RFC 1996 section 3.7 has it:\n%s", q)
				}
				return []*dns.Msg{{MsgHdr: dns.MsgHdr{Rcode: c.rcode}, Question: q.Question}}
			}
			if c.broken != nil {
				delete(l.fakes, netip.MustParseAddr(secondaryAddr))
				l.servers[netip.MustParseAddr(secondaryAddr)] = s // somewhere to be refused
				l.cut(secondaryAddr, c.broken)
			}
			l.start(s)
			l.advance(time.Hour)
			if e := l.event(EventNotifyFailed); !strings.Contains(e, c.want) || asked > 1 {
				t.Errorf("%q after %d", e, asked)
			}
		})
	}

	l, primary, secondary := pair(t, smallZone)
	l.start(primary)
	l.start(secondary)
	l.advance(time.Second)
	l.lost = func(q []byte) bool { return wireOpcode(q) == dns.OpcodeNotify }
	addHost(t, primary, "one", "10.0.9.1")
	l.advance(10 * time.Second)
	l.lost = nil
	l.forget()
	addHost(t, primary, "two", "10.0.9.2")
	l.advance(time.Minute)
	if n := strings.Count(l.dump(), " "+EventNotifySent+": "); n != 1 {
		t.Errorf("%d NOTIFYs arrived:\n%s", n, l.dump())
	}
}

// TestHearNotify: RFC 1996 sections 3.7 to 3.12.
func TestHearNotify(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.server(secondaryAddr, Config{
		Keys: []TSIGKey{transferKey},
		Views: []View{{Zones: []Zone{
			{Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Primaries: []Primary{{Addr: at53(primaryAddr)}},
				NotifyFrom: match(t, "!10.0.6.66", "10.0.6.0/24", "key internal-transfer")},
			{Origin: "ours.example.", Data: parseZone(t, "ours.example.", smallZone)},
		}}},
	})
	for _, c := range []struct {
		name   string
		from   string
		change func(m *dns.Msg)
		rcode  int
		heard  string
	}{
		{"its primary", primaryAddr, nil, dns.RcodeSuccess, "checking"},
		{"on the allow list", "10.0.6.1", nil, dns.RcodeSuccess, "checking"},
		{"excluded there", "10.0.6.66", nil, dns.RcodeRefused, ""},
		{"somebody else", clientAddr, nil, dns.RcodeRefused, ""},
		{"an old serial as a hint", primaryAddr, func(m *dns.Msg) { m.Answer[0].(*dns.SOA).Serial = 2024040201 }, dns.RcodeSuccess, "nothing new"},
		{"without a hint", primaryAddr, func(m *dns.Msg) { m.Answer = nil }, dns.RcodeSuccess, "checking"},
		{"of another type", primaryAddr, func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA }, dns.RcodeNotImplemented, ""},
		{"of no zone here", primaryAddr, func(m *dns.Msg) { m.Question[0].Name = "example.org." }, dns.RcodeNotAuth, ""},
		{"of a zone whose primary this is", primaryAddr, func(m *dns.Msg) { m.Question[0].Name = "ours.example." }, dns.RcodeSuccess, ""},
		{"two questions", primaryAddr, func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, dns.RcodeFormatError, ""},
	} {
		l.forget()
		m := notifyOf(t, 2024040202)
		if c.change != nil {
			c.change(m)
		}
		r := ask1(t, s, m, from(c.from, "udp"))
		if r.Rcode != c.rcode || r.Opcode != dns.OpcodeNotify || !r.Response || len(r.Answer) > 0 {
			t.Errorf("%s: answered\n%s", c.name, r)
		}
		if e := l.event(EventNotify); (e != "") != (c.heard != "") || !strings.Contains(e, c.heard) {
			t.Errorf("%s: event %q, want %q", c.name, e, c.heard)
		}
	}
	wire, _ := signed(t, notifyOf(t, 2024040202), transferKey, start)
	if r := ask(t, s, wire, from(clientAddr, "udp")); r[0].Rcode != dns.RcodeSuccess {
		t.Errorf("by key:\n%s", r[0])
	}
}

// TestNotifyWhileRefreshing: RFC 1996 section 4.4. What is told while a transfer is under way is checked after it.
func TestNotifyWhileRefreshing(t *testing.T) {
	t.Parallel()
	l, primary, secondary := pair(t, largeZone(3000))
	l.start(primary)
	l.start(secondary)
	l.advance(latency * 5) // in the middle of the first transfer
	if status(t, secondary).Loaded {
		t.Fatal("too late")
	}
	addHost(t, primary, "meanwhile", "10.0.9.1")
	l.advance(time.Second)
	if st := status(t, secondary); st.Serial != 2024040202 {
		t.Fatalf("%+v\n%s", st, l.dump())
	}
}

// TestNotifierIsAskedFirst: with several primaries, one that has not heard the news yet does not hide it.
func TestNotifierIsAskedFirst(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	const other = "10.0.1.21"
	z := Zone{Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Transfer: Everybody()}
	stale := l.server(primaryAddr, Config{Views: []View{{Zones: []Zone{z}}}})
	z.Notify = []Primary{{Addr: at53(secondaryAddr)}}
	fresh := l.server(other, Config{Views: []View{{Zones: []Zone{z}}}})
	s := l.server(secondaryAddr, Config{Views: []View{{Zones: []Zone{{
		Origin: "example.com.", Primaries: []Primary{{Addr: at53(primaryAddr)}, {Addr: at53(other)}},
	}}}}})
	for _, server := range []*Server{stale, fresh, s} {
		l.start(server)
	}
	l.advance(time.Second)
	if err := fresh.Edit("", "example.com.", zone.Change{Op: zone.Add, RRs: []dns.RR{rr(t, "new.example.com. 60 IN A 10.0.2.61")}}); err != nil {
		t.Fatal(err)
	}
	l.advance(time.Second)
	if st := status(t, s); st.Serial != 2024040202 {
		t.Fatalf("%+v\n%s", st, l.dump())
	}
	// And the stale one's older serial is told at the next refresh, and is no reason to go back.
	l.advance(time.Hour)
	if st := status(t, s); st.Serial != 2024040202 || st.LastResult != "successful" {
		t.Fatalf("%+v\n%s", st, l.dump())
	}
}
