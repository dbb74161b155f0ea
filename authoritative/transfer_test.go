package authoritative

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func largeZone(n int) string {
	var b strings.Builder
	b.WriteString(smallZone)
	for i := range n {
		fmt.Fprintf(&b, "host%05d 300 IN A 10.%d.%d.%d\n", i, 100+i>>16, i>>8&255, i&255)
	}
	return b.String()
}

// TestLargeTransfer: a zone of thousands of records goes out in several messages, each signed, and arrives whole.
func TestLargeTransfer(t *testing.T) {
	t.Parallel()
	const hosts = 5000
	l, primary, secondary := pair(t, largeZone(hosts))
	wire, session := signed(t, query("example.com.", dns.TypeAXFR), transferKey, start)
	messages, records := 0, 0
	err := primary.Serve(t.Context(), wire, from(secondaryAddr, "tcp"), func(b []byte) error {
		if err := session.verify(b, start); err != nil {
			return err
		}
		if len(b) > transferMessage+200 {
			return fmt.Errorf("a message of %d octets", len(b))
		}
		m := new(dns.Msg)
		if err := m.Unpack(b); err != nil {
			return err
		}
		if (len(m.Question) == 1) != (messages == 0) || !m.Authoritative || m.Id != 4711 {
			return fmt.Errorf("message %d:\n%s", messages, m)
		}
		messages++
		records += len(m.Answer)
		return nil
	})
	if err != nil || session.done() != nil {
		t.Fatal(err)
	}
	if messages < 5 || records != hosts+12 {
		t.Fatalf("%d records in %d messages", records, messages)
	}
	l.start(primary)
	l.start(secondary)
	l.advance(time.Second)
	a, b := primary.Zone("", "example.com."), secondary.Zone("", "example.com.")
	if b == nil || a.Len() != b.Len() {
		t.Fatalf("it did not arrive whole:\n%s", l.dump())
	}
}

func TestTransferAccess(t *testing.T) {
	t.Parallel()
	l, s := tsigServer(t)
	axfr := query("example.com.", dns.TypeAXFR)
	r := ask1(t, s, axfr, from(secondaryAddr, "tcp"))
	wantRcode(t, r, dns.RcodeRefused)
	if !l.heard(EventRefused) {
		t.Error("no event of the refusal")
	}
	wire, _ := signed(t, axfr, transferKey, start)
	if r := ask(t, s, wire, from(clientAddr, "tcp")); len(r) != 1 || len(r[0].Answer) < 3 {
		t.Errorf("under the key: %v", r)
	}
	wantRcode(t, ask1(t, s, query("api.example.com.", dns.TypeAXFR), from(secondaryAddr, "tcp")), dns.RcodeNotAuth)
	wantRcode(t, ask1(t, s, query("example.org.", dns.TypeAXFR), from(secondaryAddr, "tcp")), dns.RcodeNotAuth)
	badvers := withEDNS(query("example.com.", dns.TypeAXFR), 1232, false)
	badvers.IsEdns0().SetVersion(1)
	wantRcode(t, ask1(t, s, badvers, from(secondaryAddr, "tcp")), dns.RcodeBadVers)
}

// TestTransferBreaksOff: a receiver that goes away ends the transfer, and a half transfer is not taken.
func TestTransferBreaksOff(t *testing.T) {
	t.Parallel()
	l, primary, secondary := pair(t, largeZone(2000))
	gone := errors.New("gone")
	wire, _ := signed(t, query("example.com.", dns.TypeAXFR), transferKey, start)
	n := 0
	err := primary.Serve(t.Context(), wire, from(secondaryAddr, "tcp"), func([]byte) error { n++; return gone })
	if !errors.Is(err, gone) || n != 1 || !l.heard(EventTransferFailed) {
		t.Fatalf("%v after %d messages", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	err = primary.Serve(ctx, wire, from(secondaryAddr, "tcp"), func([]byte) error { n++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Fatalf("%v after %d messages", err, n)
	}
	large := 0
	l.alter = func(b []byte) []byte {
		if len(b) < 1000 {
			return b
		}
		if large++; large%3 == 0 { // always the third message of the transfer
			return b[:len(b)/2]
		}
		return b
	}
	l.start(primary)
	l.start(secondary)
	l.advance(time.Second)
	if status(t, secondary).Loaded || !l.heard(EventTransferFailed) {
		t.Fatalf("half a zone was taken:\n%s", l.dump())
	}
}

// TestIncoming: what a secondary does not take for a zone (RFC 5936 section 2.2).
func TestIncoming(t *testing.T) {
	t.Parallel()
	soa := "example.com. 60 IN SOA ns1.example.com. h.example.com. 1 3600 900 604800 300"
	other := strings.Replace(soa, " 1 3600", " 2 3600", 1)
	a := "a.example.com. 60 IN A 10.0.0.1"
	for _, c := range []struct {
		name string
		rrs  []string
		ok   bool
	}{
		{"whole", []string{soa, a, soa}, true},
		{"no SOA first", []string{a, soa}, false},
		{"SOA of something else", []string{"x.example.com. 60 IN SOA . . 1 2 3 4 5"}, false},
		{"serials differ", []string{soa, a, other}, false},
		{"a record after the end", []string{soa, a, soa, a}, false},
		{"another SOA at the end", []string{soa, a, strings.Replace(soa, "300", "301", 1)}, false},
		{"out of the zone", []string{soa, "example.org. 60 IN A 10.0.0.1", soa}, false},
		{"another class", []string{soa, "a.example.com. 60 CH A 10.0.0.1", soa}, false},
	} {
		in := &incoming{origin: "example.com."}
		var err error
		for _, text := range c.rrs {
			if err == nil {
				err = in.take(rr(t, text))
			}
		}
		if (err == nil && in.complete) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestPrimaryWithoutEDNS: a primary that rejects EDNS is asked again without it, for the SOA and for the zone.
func TestPrimaryWithoutEDNS(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	z := parseZone(t, "example.com.", smallZone)
	l.fakes[netip.MustParseAddr(primaryAddr)] = func(q *dns.Msg, _ string) []*dns.Msg {
		m := new(dns.Msg)
		switch {
		case q.IsEdns0() != nil:
			m.Rcode = dns.RcodeFormatError
		case q.Question[0].Qtype == dns.TypeSOA:
			m.Authoritative, m.Answer = true, []dns.RR{z.SOA()}
		default:
			m.Answer = slices.Collect(z.Transfer())
		}
		return []*dns.Msg{m}
	}
	s := l.server(secondaryAddr, Config{Views: []View{{Zones: []Zone{{Origin: "example.com.", Primaries: []Primary{{Addr: at53(primaryAddr)}}}}}}})
	l.start(s)
	l.advance(time.Second)
	if st := status(t, s); !st.Loaded {
		t.Fatalf("%+v\n%s", st, l.dump())
	}
}
