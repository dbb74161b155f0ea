package authoritative

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// The three versions of the zone in RFC 1995 section 7.
var jainVersions = []string{`
@       IN SOA NS mohta 1 600 600 3600000 604800
        IN NS  NS
NS      IN A   133.69.136.1
NEZU    IN A   133.69.136.5
`, `
@       IN SOA ns mohta 2 600 600 3600000 604800
        IN NS  NS
NS      IN A   133.69.136.1
JAIN-BB IN A   133.69.136.4
        IN A   192.41.197.2
`, `
@       IN SOA ns mohta 3 600 600 3600000 604800
        IN NS  NS
NS      IN A   133.69.136.1
JAIN-BB IN A   133.69.136.3
        IN A   192.41.197.2
`}

func jainZones(t testing.TB) []*zone.Zone {
	var zones []*zone.Zone
	for _, text := range jainVersions {
		zones = append(zones, parseZone(t, "JAIN.AD.JP.", text))
	}
	return zones
}

// brief is a row of records in the shortest form that tells them apart.
func brief(rrs []dns.RR) string {
	var words []string
	for _, rr := range rrs {
		switch rr := rr.(type) {
		case *dns.SOA:
			words = append(words, fmt.Sprintf("SOA %d", rr.Serial))
		case *dns.A:
			words = append(words, strings.ToLower(strings.SplitN(rr.Hdr.Name, ".", 2)[0])+" "+rr.A.String())
		default:
			words = append(words, rr.String())
		}
	}
	return strings.Join(words, ", ")
}

// TestIXFRExample is RFC 1995 section 7: the incremental answer, the condensed one, and both read back.
func TestIXFRExample(t *testing.T) {
	t.Parallel()
	v := jainZones(t)
	var hs history
	hs = hs.grown(v[0], v[1], 100)
	hs = hs.grown(v[1], v[2], 100)
	whole := slices.Collect(hs.since(1).records())
	want := "SOA 3, SOA 1, nezu 133.69.136.5, SOA 2, jain-bb 133.69.136.4, jain-bb 192.41.197.2, " +
		"SOA 2, jain-bb 133.69.136.4, SOA 3, jain-bb 133.69.136.3, SOA 3"
	if got := brief(whole); got != want {
		t.Fatalf("incremental:\n%s, want\n%s", got, want)
	}
	net := slices.Collect(history{hs.since(1).condense()}.records())
	want = "SOA 3, SOA 1, nezu 133.69.136.5, SOA 3, jain-bb 192.41.197.2, jain-bb 133.69.136.3, SOA 3"
	if got := brief(net); got != want {
		t.Fatalf("condensed:\n%s, want\n%s", got, want)
	}
	for _, rrs := range [][]dns.RR{whole, net} {
		in := &incoming{origin: "jain.ad.jp.", here: v[0].SOA()}
		for _, rr := range rrs {
			if err := in.take(rr); err != nil {
				t.Fatal(err)
			}
		}
		got, err := in.result(v[0])
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, got.zone, v[2])
	}
}

// content is a zone's records, sorted.
func content(z *zone.Zone) []string {
	var lines []string
	for rr := range z.Transfer() {
		lines = append(lines, strings.ToLower(rr.String()))
	}
	slices.Sort(lines)
	return lines
}

func wantSame(t rapid.TB, got, want *zone.Zone) {
	t.Helper()
	a, b := content(got), content(want)
	if !slices.Equal(a, b) {
		t.Fatalf("the zones differ:\n%s\n\nwant\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}

func ixfrQuery(t testing.TB, serial uint32) *dns.Msg {
	q := query("example.com.", dns.TypeIXFR)
	soa := rr(t, "example.com. 0 IN SOA . . 0 0 0 0 0").(*dns.SOA)
	soa.Serial = serial
	q.Ns = []dns.RR{soa}
	return q
}

func addHost(t testing.TB, s *Server, name, address string) {
	t.Helper()
	add := zone.Change{Op: zone.Add, RRs: []dns.RR{rr(t, name+".example.com. 60 IN A "+address)}}
	if err := s.Edit("", "example.com.", add); err != nil {
		t.Fatal(err)
	}
}

// TestIXFROut: RFC 1995 sections 2 to 5, as seen by a client.
func TestIXFROut(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.server(primaryAddr, Config{Views: []View{{Zones: []Zone{{
		Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Transfer: Everybody(),
	}}}}})
	addHost(t, s, "one", "10.0.9.1")
	addHost(t, s, "two", "10.0.9.2")
	get := func(serial uint32, network string) *dns.Msg {
		return ask1(t, s, ixfrQuery(t, serial), from(secondaryAddr, network))
	}
	const first = 2024040201
	for _, network := range []string{"tcp", "udp"} {
		want := "SOA 2024040203, SOA 2024040201, SOA 2024040203, one 10.0.9.1, two 10.0.9.2, SOA 2024040203"
		if got := brief(get(first, network).Answer); got != want {
			t.Errorf("%s: %s", network, got)
		}
		if got := brief(get(first+2, network).Answer); got != "SOA 2024040203" {
			t.Errorf("%s, up to date: %s", network, got)
		}
		if got := brief(get(first+5, network).Answer); got != "SOA 2024040203" {
			t.Errorf("%s, ahead: %s", network, got)
		}
	}
	if got := brief(get(first-1, "udp").Answer); got != "SOA 2024040203" {
		t.Errorf("over UDP, from before the history: %s", got)
	}
	if got := get(first-1, "tcp"); len(got.Answer) < 10 || got.Answer[1].Header().Rrtype == dns.TypeSOA {
		t.Errorf("over TCP, from before the history:\n%s", got)
	}
	bare := query("example.com.", dns.TypeIXFR)
	wantRcode(t, ask1(t, s, bare, from(secondaryAddr, "tcp")), dns.RcodeFormatError)

	// What does not fit a datagram is the SOA alone, and comes over TCP.
	var changes []zone.Change
	for i := range 20 {
		changes = append(changes, zone.Change{Op: zone.Add, RRs: []dns.RR{rr(t, fmt.Sprintf("bulk%02d.example.com. 60 IN A 10.0.8.%d", i, i))}})
	}
	if err := s.Edit("", "example.com.", changes...); err != nil {
		t.Fatal(err)
	}
	if got := brief(get(first+2, "udp").Answer); got != "SOA 2024040204" {
		t.Errorf("too large for UDP: %s", got)
	}
	big := withEDNS(ixfrQuery(t, first+2), 4096, false)
	if got := ask1(t, s, big, from(secondaryAddr, "udp")); len(got.Answer) != 24 {
		t.Errorf("with EDNS it fits:\n%s", got)
	}
	if got := get(first+2, "tcp"); len(got.Answer) != 24 {
		t.Errorf("over TCP:\n%s", got)
	}

	// A change as large as the zone is not worth it.
	changes = changes[:0]
	for rrset := range s.Zone("", "example.com.").RRsets() {
		if rrset.Type == dns.TypeA {
			changes = append(changes, zone.Change{Op: zone.ReplaceRRset, Name: rrset.Name, Type: dns.TypeA,
				RRs: []dns.RR{rr(t, rrset.Name+" 61 IN A 10.0.7.1")}})
		}
	}
	if err := s.Edit("", "example.com.", changes...); err != nil {
		t.Fatal(err)
	}
	if got := get(first+3, "tcp"); got.Answer[1].Header().Rrtype == dns.TypeSOA {
		t.Errorf("the changes are larger than the zone, and were sent:\n%s", got)
	}
}

// TestHistoryIsBounded: the oldest changes go first, one that is too large takes all along, and a serial that does not go
// up begins a new history.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	z := parseZone(t, "example.com.", smallZone)
	step := func(z *zone.Zone, n int) *zone.Zone {
		var rrs []dns.RR
		for i := range n {
			rrs = append(rrs, rr(t, fmt.Sprintf("n%d-%d.example.com. 60 IN A 10.0.0.1", z.Serial(), i)))
		}
		next, err := z.Apply(zone.Change{Op: zone.Add, RRs: rrs})
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	var hs history
	for range 10 {
		next := step(z, 1)
		hs = hs.grown(z, next, 10) // 3 records each
		z = next
	}
	if len(hs) != 3 || hs[2].to.Serial != z.Serial() || hs.since(z.Serial()-3) == nil || hs.since(z.Serial()-4) != nil {
		t.Fatalf("%d changes kept", len(hs))
	}
	next := step(z, 9)
	if got := hs.grown(z, next, 10); got != nil {
		t.Errorf("a change of 11 records was kept: %d", len(got))
	}
	if got := hs.grown(next, z, 10); got != nil {
		t.Errorf("a serial that went back was kept: %d", len(got))
	}
	if got := hs.grown(z, next, -1); got != nil {
		t.Error("kept without a journal")
	}
}

// TestIXFRIn: a secondary follows edits by IXFR, over signed zones too, under TSIG, and passes the changes on itself.
func TestIXFRIn(t *testing.T) {
	t.Parallel()
	for name, signs := range map[string]bool{"plain": false, "signed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l *lab
			var primary, secondary *Server
			if signs {
				l, primary, secondary = signedPair(t)
			} else {
				l, primary, secondary = pair(t, smallZone)
				l.start(primary)
				l.start(secondary)
				l.advance(time.Second)
			}
			if !strings.HasSuffix(l.event(EventTransfer), ", whole") {
				t.Fatalf("the first transfer: %s", l.event(EventTransfer))
			}
			for i := range 3 {
				l.forget()
				addHost(t, primary, fmt.Sprintf("h%d", i), "10.0.9.9")
				l.advance(time.Second)
				if got := l.event(EventTransfer); !strings.Contains(got, "incrementally") {
					t.Fatalf("the transfer after an edit: %q\n%s", got, l.dump())
				}
				wantSame(t, secondary.Zone("", "example.com."), primary.Zone("", "example.com."))
			}
			if err := secondary.SetTransfer("", "example.com.", Everybody()); err != nil {
				t.Fatal(err)
			}
			r := ask1(t, secondary, ixfrQuery(t, 2024040202), from(clientAddr, "tcp"))
			if len(r.Answer) < 4 || brief(r.Answer[:2]) != "SOA 2024040204, SOA 2024040202" {
				t.Errorf("the secondary has no history:\n%s", r)
			}
		})
	}
}

// TestIXFRFallsBack: whatever an incremental answer is like, the secondary ends up with the primary's zone.
func TestIXFRFallsBack(t *testing.T) {
	t.Parallel()
	soa := func(serial int) string {
		return fmt.Sprintf("example.com. 3600 IN SOA ns1.example.com. hostmaster.example.com. %d 3600 900 604800 300", serial)
	}
	const old, next = 2024040201, 2024040202
	const fresh = "new.example.com. 60 IN A 10.0.2.61"
	const api = "api.example.com. 60 IN A 10.0.2.50"
	for _, c := range []struct {
		name   string
		rcode  int
		rrs    []string
		falls  bool // asks for the whole zone after it
		reason string
	}{
		{"good", 0, []string{soa(next), soa(old), soa(next), fresh, soa(next)}, false, ""},
		{"the whole zone at once", 0, nil, false, ""},
		{"NOTIMP", dns.RcodeNotImplemented, nil, true, "NOTIMP"},
		{"REFUSED", dns.RcodeRefused, nil, true, "REFUSED"},
		{"FORMERR", dns.RcodeFormatError, nil, true, "FORMERR"},
		{"SERVFAIL", dns.RcodeServerFailure, nil, true, "SERVFAIL"},
		{"from another serial", 0, []string{soa(next), soa(old - 1), soa(next), fresh, soa(next)}, true, "serial"},
		{"a gap", 0, []string{soa(next + 2), soa(old), soa(next), fresh, soa(next + 1), soa(next + 2), soa(next + 2)}, true, "ended at"},
		{"not up", 0, []string{soa(next), soa(old), soa(old), fresh, soa(next)}, true, "does not go up"},
		{"deletes what is not there", 0, []string{soa(next), soa(old), fresh, soa(next), soa(next)}, true, "not there"},
		{"adds what is there", 0, []string{soa(next), soa(old), soa(next), api, soa(next)}, true, "there already"},
		{"out of the zone", 0, []string{soa(next), soa(old), soa(next), "a.example.org. 60 IN A 10.0.0.1", soa(next)}, true, "not the zone's"},
		{"cut off", 0, []string{soa(next), soa(old), soa(next), fresh}, true, "EOF"},
		{"another SOA at the end", 0, []string{soa(next), soa(old), soa(next), fresh,
			"example.com. 3600 IN SOA ns1.example.com. hostmaster.example.com. 2024040202 1 2 3 4"}, true, "at the end"},
		{"more after the end", 0, []string{soa(next), soa(old), soa(next), fresh, soa(next), api}, true, "follows"},
		{"a SOA inside the zone", 0, []string{soa(next), soa(old), soa(next), strings.Replace(soa(next), "example", "x.example", 1), soa(next)}, true, "SOA"},
		{"deletes the name servers", 0, []string{soa(next), soa(old), "example.com. 86400 IN NS ns1.example.com.",
			"example.com. 86400 IN NS ns2.example.com.", soa(next), soa(next)}, true, "NS"},
		{"nothing at all", 0, []string{}, true, "no records"},
		{"a newer SOA and no more", 0, []string{soa(next)}, true, "EOF"},
		{"an older SOA", 0, []string{soa(old - 1)}, true, "older"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			before := parseZone(t, "example.com.", smallZone)
			after, err := before.Apply(zone.Change{Op: zone.Add, RRs: []dns.RR{rr(t, fresh)}})
			if err != nil {
				t.Fatal(err)
			}
			asked := map[uint16]int{}
			l.fakes[netip.MustParseAddr(primaryAddr)] = func(q *dns.Msg, network string) []*dns.Msg {
				qtype := q.Question[0].Qtype
				asked[qtype]++
				m := new(dns.Msg)
				switch {
				case qtype == dns.TypeSOA:
					m.Authoritative = true
					m.Answer = []dns.RR{after.SOA()}
				case qtype == dns.TypeIXFR && c.rcode != 0:
					m.Rcode = c.rcode
				case qtype == dns.TypeIXFR && c.rrs != nil:
					for _, text := range c.rrs {
						m.Answer = append(m.Answer, rr(t, text))
					}
				default:
					m.Answer = slices.Collect(after.Transfer())
				}
				return []*dns.Msg{m}
			}
			s := l.server(secondaryAddr, Config{Views: []View{{Zones: []Zone{{
				Origin: "example.com.", Data: before, Primaries: []Primary{{Addr: at53(primaryAddr)}},
			}}}}})
			l.start(s)
			l.advance(time.Second)
			wantSame(t, s.Zone("", "example.com."), after)
			if asked[dns.TypeIXFR] != 1 || (asked[dns.TypeAXFR] == 1) != c.falls {
				t.Errorf("asked %v\n%s", asked, l.dump())
			}
			if e := l.event(EventIXFRFailed); c.falls && !strings.Contains(e, c.reason) {
				t.Errorf("the reason is told as %q", e)
			}
		})
	}
}

// TestIXFROneRecordAMessage: a primary may send the answer in messages as small as it likes.
func TestIXFROneRecordAMessage(t *testing.T) {
	t.Parallel()
	v := jainZones(t)
	var hs history
	hs = hs.grown(v[0], v[1], 100)
	hs = hs.grown(v[1], v[2], 100)
	in := &incoming{server: &Server{}, query: query("jain.ad.jp.", dns.TypeIXFR), origin: "jain.ad.jp.", here: v[0].SOA()}
	more := true
	for rr := range hs.records() {
		if !more {
			t.Fatal("ended early")
		}
		m := query("jain.ad.jp.", dns.TypeIXFR)
		m.Response, m.Answer = true, []dns.RR{rr}
		var err error
		if more, err = in.receive(pack(t, m)); err != nil {
			t.Fatal(err)
		}
	}
	if more {
		t.Fatal("goes on after the end")
	}
	got, err := in.result(v[0])
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got.zone, v[2])
}

// TestMaxTransfer: a transfer that does not end is cut off where Config.MaxTransfer says, and the old copy stays.
func TestMaxTransfer(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	before := parseZone(t, "example.com.", smallZone)
	after, err := raiseSerial(before)
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	l.fakes[netip.MustParseAddr(primaryAddr)] = func(q *dns.Msg, network string) []*dns.Msg {
		soa := &dns.Msg{Answer: []dns.RR{after.SOA()}}
		soa.Authoritative = true
		messages := []*dns.Msg{soa}
		for i := 0; q.Question[0].Qtype != dns.TypeSOA && i < 1000; i++ {
			messages = append(messages, &dns.Msg{Answer: []dns.RR{rr(t, fmt.Sprintf("x%d.example.com. 60 IN TXT %s", i, strings.Repeat("x", 200)))}})
			sent++
		}
		return messages
	}
	s := l.server(secondaryAddr, Config{MaxTransfer: 10_000, Views: []View{{Zones: []Zone{{
		Origin: "example.com.", Data: before, Primaries: []Primary{{Addr: at53(primaryAddr)}},
	}}}}})
	l.start(s)
	l.advance(time.Minute)
	if got := status(t, s); got.Serial != before.Serial() || !strings.Contains(got.LastResult, "MaxTransfer") {
		t.Fatalf("%+v after %d messages", got, sent)
	}
	wantSame(t, s.Zone("", "example.com."), before)
}

// TestExpireOption: RFC 7314. A copy of a copy lasts as long as the first, and a primary tells its SOA's expire.
func TestExpireOption(t *testing.T) {
	t.Parallel()
	l, primary, middle := pair(t, smallZone)
	if err := middle.SetTransfer("", "example.com.", Everybody()); err != nil {
		t.Fatal(err)
	}
	last := l.server("10.0.4.20", Config{Views: []View{{Zones: []Zone{{
		Origin: "example.com.", Primaries: []Primary{{Addr: at53(secondaryAddr)}},
	}}}}})
	told := func(s *Server, qtype uint16) uint32 {
		t.Helper()
		q := query("example.com.", qtype)
		askExpire(q)
		r := ask1(t, s, q, from(clientAddr, "tcp"))
		o := expireOption(r)
		if o == nil || o.Empty {
			t.Fatalf("no option:\n%s", r)
		}
		return o.Expire
	}
	l.start(primary)
	l.start(middle)
	l.advance(time.Second)
	l.cut(primaryAddr, errTimeout)
	l.advance(100 * time.Hour)
	l.start(last)
	l.advance(time.Second)
	if got := told(primary, dns.TypeSOA); got != 604800 {
		t.Errorf("the primary tells %d", got)
	}
	for _, qtype := range []uint16{dns.TypeSOA, dns.TypeAXFR} {
		if got, want := told(middle, qtype), uint32(604800-100*3600-1); got < want-1 || got > want+1 {
			t.Errorf("the secondary tells %d, want about %d", got, want)
		}
	}
	a, b := status(t, middle).Expires, status(t, last).Expires
	if d := b.Sub(a); d < -2*time.Second || d > 2*time.Second {
		t.Fatalf("the copy expires at %s, its copy at %s", a, b)
	}
	l.advance(2 * time.Hour) // checks that confirm it do not prolong it
	if c := status(t, last).Expires; c.Sub(b) > 2*time.Second {
		t.Errorf("a check prolonged it from %s to %s\n%s", b, c, l.dump())
	}
	r := ask1(t, primary, withEDNS(query("example.com.", dns.TypeSOA), 1232, false), from(clientAddr, "udp"))
	if expireOption(r) != nil {
		t.Error("told without being asked")
	}
	q := query("api.example.com.", dns.TypeA)
	askExpire(q)
	if r := ask1(t, primary, q, from(clientAddr, "udp")); expireOption(r) != nil {
		t.Error("told for a question that is not for the SOA")
	}
}

// TestIXFREqualsAXFR: any series of edits, fetched by IXFR from any earlier version, gives the zone that AXFR gives.
func TestIXFREqualsAXFR(t *testing.T) {
	t.Parallel()
	memo := signing(t, "example.com.")
	rapid.Check(t, func(rt *rapid.T) {
		l := newLab(t)
		z := Zone{Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Transfer: Everybody()}
		if rapid.IntRange(0, 3).Draw(rt, "signed") == 0 {
			z.Signing = memo
		}
		s := l.server(primaryAddr, Config{Views: []View{{Zones: []Zone{z}}}})
		versions := []*zone.Zone{s.Zone("", "example.com.")}
		for range rapid.IntRange(1, 8).Draw(rt, "edits") {
			changes := rapid.SliceOfN(rapid.Custom(drawChange), 1, 4).Draw(rt, "changes")
			if s.Edit("", "example.com.", changes...) != nil {
				continue // a CNAME beside other data, say
			}
			versions = append(versions, s.Zone("", "example.com."))
		}
		now := s.Zone("", "example.com.")
		have := rapid.SampledFrom(versions).Draw(rt, "have")
		fetch := func(q *dns.Msg, here *zone.Zone) *transferred {
			in := &incoming{server: s, query: q, origin: "example.com."}
			if here != nil {
				in.here = here.SOA()
			}
			err := s.Serve(context.Background(), pack(t, q), from(secondaryAddr, "tcp"), func(b []byte) error {
				_, err := in.receive(b)
				return err
			})
			if err != nil {
				rt.Fatal(err)
			}
			got, err := in.result(here)
			if err != nil {
				rt.Fatal(err)
			}
			return got
		}
		wantSame(rt, fetch(query("example.com.", dns.TypeAXFR), nil).zone, now)
		wantSame(rt, fetch(ixfrQuery(t, have.Serial()), have).zone, now)
		if hs := s.views[0].order[0].served.Load().history.since(have.Serial()); hs != nil {
			for _, way := range []history{hs, {hs.condense()}} {
				got, err := patch(have, way)
				if err != nil {
					rt.Fatal(err)
				}
				wantSame(rt, got, now)
			}
		}
	})
}

// drawChange draws an edit of a few names, so that edits meet.
func drawChange(t *rapid.T) zone.Change {
	name := rapid.SampledFrom([]string{"a", "A", "b.a", "*.wild", "api", "www", "sub", "ns.sub"}).Draw(t, "name") + ".example.com."
	ttl := rapid.SampledFrom([]string{"60", "300"}).Draw(t, "ttl")
	data := rapid.SampledFrom([]string{"A 10.0.0.1", "A 10.0.0.2", "AAAA 2001:db8::1", "TXT one", "TXT One", "CNAME target", "CNAME Target",
		"NS ns.elsewhere.", "MX 10 mail.example.com.", "DS 1 13 2 0011223344556677889900112233445566778899001122334455667788990011"}).Draw(t, "data")
	r, err := dns.NewRR(name + " " + ttl + " IN " + data)
	if err != nil {
		t.Fatal(err)
	}
	return zone.Change{Op: zone.Op(rapid.IntRange(0, 4).Draw(t, "op")), Name: name, Type: r.Header().Rrtype, RRs: []dns.RR{r}}
}

// FuzzIncoming: whatever a primary sends for an IXFR, the secondary neither panics nor takes a zone that is not sound.
func FuzzIncoming(f *testing.F) {
	v := jainZones(f)
	var hs history
	hs = hs.grown(v[0], v[1], 100)
	hs = hs.grown(v[1], v[2], 100)
	for _, rrs := range [][]dns.RR{slices.Collect(hs.records()), slices.Collect(history{hs.condense()}.records()), slices.Collect(v[2].Transfer())} {
		m := query("jain.ad.jp.", dns.TypeIXFR)
		m.Response, m.Answer = true, rrs
		f.Add(pack(f, m), 4)
	}
	f.Fuzz(func(t *testing.T, wire []byte, cut int) {
		in := &incoming{server: &Server{}, query: query("jain.ad.jp.", dns.TypeIXFR), origin: "jain.ad.jp.", here: v[0].SOA(), limit: 1 << 20}
		more, err := in.receive(bytes.Clone(wire))
		if err != nil {
			return
		}
		if more {
			_, _ = in.receive(bytes.Clone(wire))
		}
		got, err := in.result(v[0])
		if err == nil && got.zone == nil || errors.Is(err, context.Canceled) {
			t.Fatalf("%v, %v", got, err)
		}
	})
}
