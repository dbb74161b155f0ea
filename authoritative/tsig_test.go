package authoritative

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// signed packs m under a key, at a time, as a client would.
func signed(t testing.TB, m *dns.Msg, k TSIGKey, at time.Time) ([]byte, *tsigSession) {
	t.Helper()
	key, err := newTSIGKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return signRequest(key, pack(t, m), at)
}

func tsigServer(t testing.TB) (*lab, *Server) {
	l := newLab(t)
	return l, l.server(primaryAddr, Config{
		Keys: []TSIGKey{transferKey},
		Views: []View{{Zones: []Zone{{
			Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Transfer: match(t, "key internal-transfer"),
		}}}},
	})
}

// serve1 returns the packed answer to wire.
func serve1(t testing.TB, s *Server, wire []byte, network string) []byte {
	t.Helper()
	var reply []byte
	n := 0
	if err := s.Serve(t.Context(), wire, from(secondaryAddr, network), func(b []byte) error { reply = b; n++; return nil }); err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Fatalf("%d answers, want 1", n)
	}
	return reply
}

// TestTSIGErrors goes through RFC 8945 sections 5.2.1 to 5.2.4.
func TestTSIGErrors(t *testing.T) {
	t.Parallel()
	wrongSecret, unknown, otherAlgorithm := transferKey, transferKey, transferKey
	wrongSecret.Secret = []byte("another secret of good length!!!")
	unknown.Name = "unknown."
	otherAlgorithm.Algorithm = "hmac-sha512"
	for _, c := range []struct {
		name   string
		key    TSIGKey
		skew   time.Duration
		code   uint16
		signed bool
	}{
		{"good", transferKey, 0, 0, true},
		{"good at the edge of the fudge", transferKey, -300 * time.Second, 0, true},
		{"BADKEY: unknown name", unknown, 0, dns.RcodeBadKey, false},
		{"BADKEY: other algorithm", otherAlgorithm, 0, dns.RcodeBadKey, false},
		{"BADSIG", wrongSecret, 0, dns.RcodeBadSig, false},
		{"BADTIME: late", transferKey, -301 * time.Second, dns.RcodeBadTime, true},
		{"BADTIME: early", transferKey, 301 * time.Second, dns.RcodeBadTime, true},
		{"BADSIG before BADTIME", wrongSecret, time.Hour, dns.RcodeBadSig, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, s := tsigServer(t)
			wire, session := signed(t, query("api.example.com.", dns.TypeA), c.key, start.Add(c.skew))
			reply := serve1(t, s, wire, "udp")
			m := new(dns.Msg)
			if err := m.Unpack(reply); err != nil {
				t.Fatal(err)
			}
			record := m.IsTsig()
			if record == nil || record.Error != c.code {
				t.Fatalf("TSIG %v, want error %d", record, c.code)
			}
			if (record.MACSize > 0) != c.signed {
				t.Fatalf("signed: %v, want %v", record.MACSize > 0, c.signed)
			}
			err := session.verify(reply, start.Add(c.skew))
			if c.code == 0 {
				if err != nil || firstA(m) != "10.0.2.50" {
					t.Fatalf("verify: %v\n%s", err, m)
				}
				return
			}
			wantRcode(t, m, dns.RcodeNotAuth)
			refusal := (*tsigRefusal)(nil)
			if !errors.As(err, &refusal) || refusal.code != c.code {
				t.Fatalf("verify: %v", err)
			}
			if c.code == dns.RcodeBadTime && !refusal.theirs.Equal(start) {
				t.Errorf("the server's time is told as %s, want %s", refusal.theirs, start)
			}
			if !l.heard(EventTSIG) {
				t.Error("no event")
			}
		})
	}
}

// TestTSIGTruncatedMAC: RFC 8945 sections 5.2.2.1 and 5.2.4.
func TestTSIGTruncatedMAC(t *testing.T) {
	t.Parallel()
	key, _ := newTSIGKey(transferKey)
	for _, c := range []struct {
		keep  int
		rcode int
		code  uint16
	}{{32, dns.RcodeSuccess, 0}, {16, dns.RcodeNotAuth, dns.RcodeBadTrunc}, {15, dns.RcodeFormatError, 0}, {0, dns.RcodeFormatError, 0}, {33, dns.RcodeFormatError, 0}} {
		_, s := tsigServer(t)
		msg := pack(t, query("api.example.com.", dns.TypeA))
		r := key.record(msg, start)
		mac := append(key.mac(msg, appendVariables(nil, r)), 0)
		r.mac = mac[:c.keep]
		m := new(dns.Msg)
		if err := m.Unpack(serve1(t, s, appendTSIG(msg, r), "udp")); err != nil {
			t.Fatal(err)
		}
		wantRcode(t, m, c.rcode)
		if c.code != 0 && m.IsTsig().Error != c.code {
			t.Errorf("%d octets: TSIG error %d, want %d", c.keep, m.IsTsig().Error, c.code)
		}
	}
}

// TestTSIGAgreesWithMiekg has the other implementation at hand sign what we check and check what we sign.
func TestTSIGAgreesWithMiekg(t *testing.T) {
	t.Parallel()
	secret := base64.StdEncoding.EncodeToString(transferKey.Secret)
	for _, algorithm := range []string{dns.HmacSHA1, dns.HmacSHA224, dns.HmacSHA256, dns.HmacSHA384, dns.HmacSHA512} {
		k := transferKey
		k.Algorithm, k.Name = algorithm, "Internal-Transfer"
		l := newLab(t)
		s := l.server(primaryAddr, Config{Keys: []TSIGKey{k}, Views: []View{{Zones: []Zone{{
			Origin: "example.com", Data: parseZone(t, "example.com.", smallZone),
		}}}}})
		m := query("api.example.com.", dns.TypeA)
		m.Extra = append(m.Extra, &dns.TSIG{
			Hdr:       dns.RR_Header{Name: "internal-transfer.", Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
			Algorithm: algorithm, TimeSigned: uint64(start.Unix()), Fudge: 300, OrigId: m.Id,
		})
		wire, mac, err := dns.TsigGenerate(m, secret, "", false)
		if err != nil {
			t.Fatal(err)
		}
		reply := serve1(t, s, wire, "udp")
		got := new(dns.Msg)
		if err := got.Unpack(reply); err != nil {
			t.Fatal(err)
		}
		if firstA(got) != "10.0.2.50" {
			t.Fatalf("%s: our server does not take it:\n%s", algorithm, got)
		}
		// ErrTime says that the MAC was right: that library looks at the wall after it.
		if err := dns.TsigVerify(reply, secret, mac, false); err != nil && !errors.Is(err, dns.ErrTime) {
			t.Fatalf("%s: it does not take our answer: %v", algorithm, err)
		}
	}
}

// TestTSIGMisplaced: a TSIG record anywhere but last is FORMERR (RFC 8945 section 5.1).
func TestTSIGMisplaced(t *testing.T) {
	t.Parallel()
	_, s := tsigServer(t)
	wire, _ := signed(t, query("api.example.com.", dns.TypeA), transferKey, start)
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		t.Fatal(err)
	}
	m.Extra = append(m.Extra, &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}})
	wantRcode(t, ask1(t, s, m, from(clientAddr, "udp")), dns.RcodeFormatError)
}

// TestUnsignedMiddleMessages: a primary may leave messages of a transfer unsigned between signed ones, whose MAC then
// covers them (RFC 8945 section 5.3.1), but not the last.
func TestUnsignedMiddleMessages(t *testing.T) {
	t.Parallel()
	key, _ := newTSIGKey(transferKey)
	request, client := signRequest(key, pack(t, query("example.com.", dns.TypeAXFR)), start)
	l, err := measure(request)
	if err != nil {
		t.Fatal(err)
	}
	r, _, _ := splitTSIG(request, l)
	server := &tsigSession{key: key, prior: r.mac}
	body := func(i int) []byte {
		m := query("example.com.", dns.TypeAXFR)
		m.Response = true
		m.Answer = []dns.RR{rr(t, "example.com. 60 IN TXT "+strings.Repeat("x", i))}
		return pack(t, m)
	}
	first, middle := server.sign(body(1), start), body(2)
	server.unsigned = middle // what a server that leaves it unsigned has to hash
	last := server.sign(body(3), start)
	for i, msg := range [][]byte{first, middle} {
		if err := client.verify(msg, start); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if client.done() == nil {
		t.Error("an unsigned message may not be the last")
	}
	if err := client.verify(last, start); err != nil {
		t.Fatal(err)
	}
	if err := client.done(); err != nil {
		t.Error(err)
	}
}

// TestClientRejects: what a secondary must not take from its primary.
func TestClientRejects(t *testing.T) {
	t.Parallel()
	for name, alter := range map[string]func([]byte) []byte{
		"changed on its way": func(b []byte) []byte { b = append([]byte(nil), b...); b[headerLen+1] ^= 0x20; return b },
		"unsigned": func(b []byte) []byte {
			l, err := measure(b)
			if err != nil {
				return b
			}
			_, body, _ := splitTSIG(b, l)
			return body
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, primary, secondary := pair(t, smallZone)
			l.alter = alter
			l.start(primary)
			l.start(secondary)
			l.advance(time.Minute)
			if st := status(t, secondary); st.Loaded || !strings.Contains(st.LastResult, "TSIG") && !strings.Contains(st.LastResult, "not signed") {
				t.Fatalf("status %+v", st)
			}
		})
	}
}

// TestWrongKeyAtSecondary: a secondary with another secret says so, and SetKey heals it.
func TestWrongKeyAtSecondary(t *testing.T) {
	t.Parallel()
	l, primary, secondary := pair(t, smallZone)
	wrong := transferKey
	wrong.Secret = []byte("another secret of good length!!!")
	if err := secondary.SetKey(wrong); err != nil {
		t.Fatal(err)
	}
	l.start(primary)
	l.start(secondary)
	l.advance(time.Second)
	if st := status(t, secondary); st.Loaded || !strings.Contains(st.LastResult, "BADSIG") {
		t.Fatalf("status %+v", st)
	}
	if err := secondary.SetKey(transferKey); err != nil {
		t.Fatal(err)
	}
	if err := secondary.Refresh("", "example.com."); err != nil {
		t.Fatal(err)
	}
	l.advance(time.Second)
	if !status(t, secondary).Loaded {
		t.Fatalf("not loaded:\n%s", l.dump())
	}
}

// TestNotifyNeedsTheKey: where a primary is spoken to under a key, its NOTIFY has to carry it.
func TestNotifyNeedsTheKey(t *testing.T) {
	t.Parallel()
	l, primary, secondary := pair(t, smallZone)
	l.start(primary)
	l.start(secondary)
	l.advance(time.Second)
	m := query("example.com.", dns.TypeSOA)
	m.Opcode = dns.OpcodeNotify
	for _, c := range []struct {
		name, addr string
		key        bool
		rcode      int
	}{
		{"unsigned from the primary", primaryAddr, false, dns.RcodeRefused},
		{"signed from somebody else", clientAddr, true, dns.RcodeRefused},
		{"signed from the primary", primaryAddr, true, dns.RcodeSuccess},
	} {
		wire := pack(t, m)
		if c.key {
			wire, _ = signed(t, m, transferKey, l.clock.Now())
		}
		replies := ask(t, secondary, wire, from(c.addr, "udp"))
		if len(replies) != 1 || replies[0].Opcode != dns.OpcodeNotify {
			t.Fatalf("%s: %v", c.name, replies)
		}
		if replies[0].Rcode != c.rcode {
			t.Errorf("%s: %s", c.name, dns.RcodeToString[replies[0].Rcode])
		}
	}
	m.Question[0].Name = "elsewhere.example."
	wantRcode(t, ask1(t, secondary, m, from(primaryAddr, "udp")), dns.RcodeNotAuth)
}

// TestNotifyIsRepeated: NOTIFY goes over UDP and is sent again until it is answered (RFC 1996 section 3.6).
func TestNotifyIsRepeated(t *testing.T) {
	t.Parallel()
	l, primary, secondary := pair(t, smallZone)
	l.start(primary)
	l.start(secondary)
	l.advance(time.Second)
	l.forget()
	lost := 0
	l.lost = func(q []byte) bool {
		if wireOpcode(q) == dns.OpcodeNotify && lost < 2 {
			lost++
			return true
		}
		return false
	}
	if err := primary.Edit("", "example.com.", zone.Change{Op: zone.Add, RRs: []dns.RR{rr(t, "new.example.com. 60 IN A 10.0.2.61")}}); err != nil {
		t.Fatal(err)
	}
	l.advance(44 * time.Second)
	if l.heard(EventNotify) {
		t.Fatal("arrived too early")
	}
	l.advance(2 * time.Second) // 15 + 30 s
	if !l.heard(EventNotify) || status(t, secondary).Serial != 2024040202 {
		t.Fatalf("not repeated:\n%s", l.dump())
	}
}
