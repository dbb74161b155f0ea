package authoritative

import (
	"fmt"
	"testing"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// TestTSIGTruncation: RFC 8945 section 5.2.2.1. A key may be configured for truncated MACs; both sides then send what it
// says, an answer never less than its request had, and less than it says is BADTRUNC.
func TestTSIGTruncation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		client, server int
		code           uint16
		answer         int // octets of the answer's MAC
	}{
		{0, 0, 0, 32}, {16, 16, 0, 16}, {20, 16, 0, 20}, {0, 16, 0, 32}, {16, 0, dns.RcodeBadTrunc, 32}, {16, 20, dns.RcodeBadTrunc, 20},
	} {
		client, server := transferKey, transferKey
		client.MAC, server.MAC = c.client, c.server
		l := newLab(t)
		s := l.server(primaryAddr, Config{Keys: []TSIGKey{server}, Views: []View{{Zones: []Zone{{
			Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Transfer: Everybody(),
		}}}}})
		if k, err := s.Key(server.Name); err != nil || k.MAC != c.server {
			t.Errorf("Key gives %d octets, want %d", k.MAC, c.server)
		}
		wire, session := signed(t, query("example.com.", dns.TypeAXFR), client, start)
		reply := serve1(t, s, wire, "tcp")
		m := new(dns.Msg)
		if err := m.Unpack(reply); err != nil {
			t.Fatal(err)
		}
		if got := m.IsTsig(); got.Error != c.code || int(got.MACSize) != c.answer {
			t.Errorf("%+v: error %d, MAC of %d octets", c, got.Error, got.MACSize)
		}
		if err := session.verify(reply, start); (err == nil) != (c.code == 0) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for octets, ok := range map[int]bool{-1: false, 1: false, 15: false, 16: true, 32: true, 33: false} {
		k := transferKey
		k.MAC = octets
		if _, err := newTSIGKey(k); (err == nil) != ok {
			t.Errorf("%d octets of hmac-sha256: %v", octets, err)
		}
	}
	sha1 := TSIGKey{Name: "a.", Algorithm: "hmac-sha1", Secret: transferKey.Secret, MAC: 9}
	if _, err := newTSIGKey(sha1); err == nil {
		t.Error("9 octets of hmac-sha1 are taken: 10 are the least")
	}
}

// TestTSIGTruncatedTransfer: a whole secondary's life under every algorithm, with MACs cut to the shortest allowed: SOA
// checks, transfers of many messages, NOTIFY.
func TestTSIGTruncatedTransfer(t *testing.T) {
	t.Parallel()
	for algorithm, octets := range map[string]int{"hmac-sha1": 10, "hmac-sha224": 14, "hmac-sha256": 16, "hmac-sha384": 24, "hmac-sha512": 32} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			k := transferKey
			k.Algorithm, k.MAC = algorithm, octets
			l, primary, secondary := pair(t, largeZone(2000))
			for _, s := range []*Server{primary, secondary} {
				if err := s.SetKey(k); err != nil {
					t.Fatal(err)
				}
			}
			l.start(primary)
			l.start(secondary)
			l.advance(time.Second)
			add := zone.Change{Op: zone.Add, RRs: []dns.RR{rr(t, "new.example.com. 60 IN A 10.0.2.61")}}
			if err := primary.Edit("", "example.com.", add); err != nil {
				t.Fatal(err)
			}
			l.advance(time.Second)
			if st := status(t, secondary); st.Serial != 2024040202 {
				t.Fatalf("%+v\n%s", st, l.dump())
			}
		})
	}
}

// TestBadTimeEverywhere: a clock that is off is told apart, with the server's time, on every kind of request (RFC 8945
// section 5.2.3).
func TestBadTimeEverywhere(t *testing.T) {
	t.Parallel()
	l, primary, secondary := pair(t, smallZone)
	notify := query("example.com.", dns.TypeSOA)
	notify.Opcode = dns.OpcodeNotify
	for name, c := range map[string]struct {
		s *Server
		m *dns.Msg
	}{
		"query": {primary, query("example.com.", dns.TypeSOA)}, "AXFR": {primary, query("example.com.", dns.TypeAXFR)},
		"IXFR": {primary, ixfrQuery(t, 1)}, "UPDATE": {primary, updateOf(t, nil, nil)}, "NOTIFY": {secondary, notify},
	} {
		for _, skew := range []time.Duration{-time.Hour, time.Hour} {
			wire, session := signed(t, c.m, transferKey, start.Add(skew))
			reply := serve1(t, c.s, wire, "tcp")
			err := session.verify(reply, start.Add(skew))
			want := fmt.Sprintf("TSIG BADTIME: the other side's clock reads %s, ours %s; set the wrong one right",
				start.Format(time.RFC3339), start.Add(skew).Format(time.RFC3339))
			if wireRcode(reply) != dns.RcodeNotAuth || err == nil || err.Error() != want {
				t.Errorf("%s, %s off: %v", name, skew, err)
			}
			if wireOpcode(reply) != c.m.Opcode {
				t.Errorf("%s: answered with opcode %d", name, wireOpcode(reply))
			}
		}
	}
	_ = l
}

// TestNotifyUnderBadSignature: NOTIFY and UPDATE under another secret, or an unknown key, are not heeded.
func TestNotifyUnderBadSignature(t *testing.T) {
	t.Parallel()
	l, primary, secondary := pair(t, smallZone)
	l.start(primary)
	l.start(secondary)
	l.advance(time.Second)
	l.forget()
	notify := query("example.com.", dns.TypeSOA)
	notify.Opcode = dns.OpcodeNotify
	other, unknown := transferKey, transferKey
	other.Secret = []byte("another secret of good length!!!")
	unknown.Name = "unknown."
	for _, c := range []struct {
		key  TSIGKey
		code uint16
	}{{other, dns.RcodeBadSig}, {unknown, dns.RcodeBadKey}} {
		for s, m := range map[*Server]*dns.Msg{secondary: notify, primary: updateOf(t, nil, nil)} {
			wire, _ := signed(t, m, c.key, l.clock.Now())
			r := new(dns.Msg)
			if err := r.Unpack(serve1(t, s, wire, "udp")); err != nil {
				t.Fatal(err)
			}
			if r.Rcode != dns.RcodeNotAuth || r.IsTsig() == nil || r.IsTsig().Error != c.code || r.IsTsig().MACSize != 0 {
				t.Errorf("opcode %d under %s:\n%s", m.Opcode, c.key.Name, r)
			}
		}
	}
	l.advance(time.Second)
	if l.heard(EventNotify) || l.heard(EventRefresh) || l.heard(EventUpdated) {
		t.Errorf("heeded:\n%s", l.dump())
	}
}
