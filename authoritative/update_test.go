package authoritative

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// updateOf is an update of example.com. Prerequisites and updates are written as records, of class ANY or NONE where RFC
// 2136 sections 2.4 and 2.5 have those.
func updateOf(t testing.TB, prerequisites, updates []string) *dns.Msg {
	t.Helper()
	m := query("example.com.", dns.TypeSOA)
	m.Opcode, m.RecursionDesired = dns.OpcodeUpdate, false
	for _, text := range prerequisites {
		m.Answer = append(m.Answer, updateRR(t, text))
	}
	for _, text := range updates {
		m.Ns = append(m.Ns, updateRR(t, text))
	}
	return m
}

func updateRR(t testing.TB, text string) dns.RR {
	t.Helper()
	fields := strings.Fields(text) // name, TTL, class, type, data
	if len(fields) > 4 {
		r := rr(t, strings.Replace(strings.Replace(text, " NONE ", " IN ", 1), " ANY ", " IN ", 1))
		r.Header().Class = dns.StringToClass[fields[2]]
		return r
	}
	h := dns.RR_Header{Name: fields[0], Rrtype: dns.StringToType[fields[3]], Class: dns.StringToClass[fields[2]]}
	if fields[1] != "0" {
		h.Ttl = 60
	}
	return &dns.ANY{Hdr: h}
}

const updateZone = smallZone + `
both     60 IN A    10.0.2.70
both     60 IN A    10.0.2.71
both     60 IN TXT  "both"
a.b.ent  60 IN A    10.0.2.72
old      60 IN DNAME api
`

func updateServer(t testing.TB) (*lab, *Server) {
	l := newLab(t)
	return l, l.server(primaryAddr, Config{
		Keys: []TSIGKey{transferKey},
		Views: []View{{Zones: []Zone{{
			Origin: "example.com.", Data: parseZone(t, "example.com.", updateZone), AllowUpdate: match(t, "10.0.2.0/24"),
		}}}},
	})
}

// TestUpdatePrerequisites is RFC 2136 section 3.2.5, branch by branch.
func TestUpdatePrerequisites(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		want int
		rrs  []string
	}{
		{"none", dns.RcodeSuccess, nil},
		{"a TTL", dns.RcodeFormatError, []string{"api.example.com. 60 ANY ANY"}},
		{"outside of the zone", dns.RcodeNotZone, []string{"api.example.org. 0 ANY ANY"}},
		{"ANY with data", dns.RcodeFormatError, []string{"api.example.com. 0 ANY A 10.0.2.50"}},
		{"name in use", dns.RcodeSuccess, []string{"API.example.com. 0 ANY ANY"}},
		{"name in use: not", dns.RcodeNameError, []string{"nobody.example.com. 0 ANY ANY"}},
		{"name in use: an empty non-terminal is not", dns.RcodeNameError, []string{"b.ent.example.com. 0 ANY ANY"}},
		{"name in use: a wildcard does not make it so", dns.RcodeNameError, []string{"x.wild.example.com. 0 ANY ANY"}},
		{"RRset exists", dns.RcodeSuccess, []string{"api.example.com. 0 ANY A"}},
		{"RRset exists: not", dns.RcodeNXRrset, []string{"api.example.com. 0 ANY AAAA"}},
		{"NONE with data", dns.RcodeFormatError, []string{"x.example.com. 0 NONE A 10.0.2.50"}},
		{"name not in use", dns.RcodeSuccess, []string{"nobody.example.com. 0 NONE ANY"}},
		{"name not in use: is", dns.RcodeYXDomain, []string{"api.example.com. 0 NONE ANY"}},
		{"RRset does not exist", dns.RcodeSuccess, []string{"api.example.com. 0 NONE AAAA"}},
		{"RRset does not exist: does", dns.RcodeYXRrset, []string{"api.example.com. 0 NONE A"}},
		{"RRset as it is, in any order", dns.RcodeSuccess, []string{"both.example.com. 0 IN A 10.0.2.71", "both.example.com. 0 IN A 10.0.2.70"}},
		{"RRset as it is: less", dns.RcodeNXRrset, []string{"both.example.com. 0 IN A 10.0.2.71"}},
		{"RRset as it is: more", dns.RcodeNXRrset, []string{"api.example.com. 0 IN A 10.0.2.50", "api.example.com. 0 IN A 10.0.2.51"}},
		{"RRset as it is: another", dns.RcodeNXRrset, []string{"api.example.com. 0 IN A 10.0.2.51"}},
		{"another class", dns.RcodeFormatError, []string{"api.example.com. 0 CH A 10.0.2.50"}},
		{"the first that fails decides", dns.RcodeNXRrset, []string{"api.example.com. 0 ANY A", "api.example.com. 0 ANY AAAA", "api.example.com. 0 NONE ANY"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, s := updateServer(t)
			m := updateOf(t, c.rrs, []string{"new.example.com. 60 IN A 10.0.2.99"})
			r := ask1(t, s, m, from(clientAddr, "udp"))
			wantRcode(t, r, c.want)
			_, there := s.Zone("", "example.com.").RRset("new.example.com.", dns.TypeA)
			if there != (c.want == dns.RcodeSuccess) {
				t.Errorf("updated: %v", there)
			}
			if r.Opcode != dns.OpcodeUpdate || r.Id != m.Id {
				t.Errorf("the answer is none to an update:\n%s", r)
			}
		})
	}
}

// TestUpdateForms is RFC 2136 sections 3.4.1.3 and 3.4.2.7, branch by branch: what is there after it, beside the serial.
func TestUpdateForms(t *testing.T) {
	t.Parallel()
	soa := func(serial string) string {
		return "example.com. 60 IN SOA ns1.example.com. admin.example.com. " + serial + " 1 2 3 4"
	}
	many := func(name, rrtype string, data ...string) []string {
		var lines []string
		for _, d := range data {
			lines = append(lines, name+" "+rrtype+" "+d)
		}
		return lines
	}
	for _, c := range []struct {
		name    string
		rcode   int
		updates []string
		at      string   // name
		want    []string // type and data of all that is there, with the name
		serial  uint32   // how much it went up
	}{
		{"nothing", 0, nil, "", nil, 0},
		{"outside of the zone", dns.RcodeNotZone, []string{"x.example.org. 60 IN A 10.0.0.1"}, "", nil, 0},
		{"add type ANY", dns.RcodeFormatError, []string{"x.example.com. 60 IN ANY"}, "", nil, 0},
		{"add nothing", dns.RcodeFormatError, []string{"x.example.com. 60 IN A"}, "", nil, 0},
		{"add AXFR", dns.RcodeFormatError, []string{"x.example.com. 60 IN AXFR"}, "", nil, 0},
		{"delete a set with a TTL", dns.RcodeFormatError, []string{"api.example.com. 60 ANY A"}, "", nil, 0},
		{"delete a set with data", dns.RcodeFormatError, []string{"api.example.com. 0 ANY A 10.0.2.50"}, "", nil, 0},
		{"delete MAILB", dns.RcodeFormatError, []string{"api.example.com. 0 ANY MAILB"}, "", nil, 0},
		{"delete a record with a TTL", dns.RcodeFormatError, []string{"api.example.com. 60 NONE A 10.0.2.50"}, "", nil, 0},
		{"delete a record of type ANY", dns.RcodeFormatError, []string{"api.example.com. 0 NONE ANY"}, "", nil, 0},
		{"another class", dns.RcodeFormatError, []string{"api.example.com. 60 CH A 10.0.2.50"}, "", nil, 0},
		{"signatures", dns.RcodeRefused, []string{"api.example.com. 0 ANY RRSIG"}, "", nil, 0},
		{"nothing is done when a later one is refused", dns.RcodeNotZone,
			[]string{"api.example.com. 0 ANY A", "x.example.org. 60 IN A 10.0.0.1"}, "api.example.com.", many("api", "A", "10.0.2.50"), 0},

		{"add", 0, []string{"x.example.com. 60 IN A 10.0.0.1"}, "x.example.com.", many("x", "A", "10.0.0.1"), 1},
		{"add to a set", 0, []string{"api.example.com. 60 IN A 10.0.0.1"}, "api.example.com.", many("api", "A", "10.0.0.1", "10.0.2.50"), 1},
		{"add what is there", 0, []string{"api.example.com. 60 IN A 10.0.2.50"}, "api.example.com.", many("api", "A", "10.0.2.50"), 0},
		{"add what is there with another TTL", 0, []string{"api.example.com. 61 IN A 10.0.2.50"}, "api.example.com.", many("api", "A", "10.0.2.50"), 1},
		{"CNAME beside data is passed over", 0, []string{"api.example.com. 60 IN CNAME www.example.com."}, "api.example.com.", many("api", "A", "10.0.2.50"), 0},
		{"data beside CNAME is passed over", 0, []string{"www.example.com. 60 IN A 10.0.0.1"}, "www.example.com.", many("www", "CNAME", "api.example.com."), 0},
		{"CNAME takes the place of CNAME", 0, []string{"www.example.com. 60 IN CNAME ns1.example.com."}, "www.example.com.", many("www", "CNAME", "ns1.example.com."), 1},
		{"CNAME in place of data, in one update", 0, []string{"api.example.com. 0 ANY A", "api.example.com. 60 IN CNAME ns1.example.com."},
			"api.example.com.", many("api", "CNAME", "ns1.example.com."), 1},
		{"data in place of CNAME, in one update", 0, []string{"www.example.com. 0 ANY ANY", "www.example.com. 60 IN A 10.0.0.1"},
			"www.example.com.", many("www", "A", "10.0.0.1"), 1},
		{"DNAME takes the place of DNAME", 0, []string{"old.example.com. 60 IN DNAME ns1.example.com."}, "old.example.com.", many("old", "DNAME", "ns1.example.com."), 1},
		{"SOA: newer", 0, []string{soa("2024040209")}, "", nil, 8},
		{"SOA: newer, and data: no further step", 0, []string{soa("2024040209"), "x.example.com. 60 IN A 10.0.0.1"}, "x.example.com.", many("x", "A", "10.0.0.1"), 8},
		{"SOA: older is passed over", 0, []string{soa("2024040200")}, "", nil, 0},
		{"SOA: the same is passed over", 0, []string{soa("2024040201")}, "", nil, 0},
		{"SOA: elsewhere is passed over", 0, []string{"x." + soa("2024040209")}, "x.example.com.", nil, 0},

		{"delete a set", 0, []string{"both.example.com. 0 ANY A"}, "both.example.com.", many("both", "TXT", `"both"`), 1},
		{"delete a set that is not there", 0, []string{"api.example.com. 0 ANY AAAA"}, "api.example.com.", many("api", "A", "10.0.2.50"), 0},
		{"delete all sets of a name", 0, []string{"BOTH.example.com. 0 ANY ANY"}, "both.example.com.", nil, 1},
		{"delete a record", 0, []string{"both.example.com. 0 NONE A 10.0.2.70"}, "both.example.com.", append(many("both", "A", "10.0.2.71"), many("both", "TXT", `"both"`)...), 1},
		{"delete a record that is not there", 0, []string{"both.example.com. 0 NONE A 10.0.2.79"}, "both.example.com.",
			append(many("both", "A", "10.0.2.70", "10.0.2.71"), many("both", "TXT", `"both"`)...), 0},
		{"delete and add again", 0, []string{"api.example.com. 0 ANY A", "api.example.com. 60 IN A 10.0.2.50"}, "api.example.com.", many("api", "A", "10.0.2.50"), 0},
		{"the apex keeps SOA and NS: name", 0, []string{"example.com. 0 ANY ANY"}, "", nil, 0},
		{"the apex keeps SOA and NS: sets", 0, []string{"example.com. 0 ANY NS", "example.com. 0 ANY SOA"}, "", nil, 0},
		{"the apex keeps its SOA", 0, []string{"example.com. 0 NONE SOA ns1.example.com. hostmaster.example.com. 2024040201 3600 900 604800 300"}, "", nil, 0},
		{"the apex keeps its last NS", 0, []string{"example.com. 0 NONE NS ns1.example.com.", "example.com. 0 NONE NS ns2.example.com."},
			"example.com.", many("@", "NS", "ns2.example.com."), 1},
		{"a delegation does not", 0, []string{"sub.example.com. 0 NONE NS ns.sub.example.com.", "sub.example.com. 0 NONE NS ns.other.example."}, "sub.example.com.", nil, 1},
		{"what makes no zone is refused", dns.RcodeRefused, []string{"api.example.com. 60 IN DNAME ns1.example.com.", "x.api.example.com. 60 IN A 10.0.0.1"},
			"api.example.com.", many("api", "A", "10.0.2.50"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, s := updateServer(t)
			wantRcode(t, ask1(t, s, updateOf(t, nil, c.updates), from(clientAddr, "tcp")), c.rcode)
			z := s.Zone("", "example.com.")
			if got := z.Serial() - 2024040201; got != c.serial {
				t.Errorf("the serial went up by %d, want %d", got, c.serial)
			}
			if l.heard(EventUpdated) != (c.serial > 0) {
				t.Errorf("events:\n%s", l.dump())
			}
			if c.at == "" {
				return
			}
			var got []string
			for set := range z.RRsets() {
				if strings.EqualFold(set.Name, c.at) && set.Type != dns.TypeSOA {
					for _, r := range set.RRs {
						fields := strings.Fields(r.String())
						label := strings.TrimSuffix(strings.TrimSuffix(fields[0], "example.com."), ".")
						if label == "" {
							label = "@"
						}
						got = append(got, label+" "+fields[3]+" "+fields[4])
					}
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("there is now %q, want %q", got, c.want)
			}
		})
	}
}

// TestUpdateAccess: who may, RFC 2136 sections 3.1 and 3.3, and with TSIG as RFC 3007 wants it.
func TestUpdateAccess(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.server(primaryAddr, Config{
		Keys: []TSIGKey{transferKey},
		Views: []View{{Zones: []Zone{
			{Origin: "example.com.", Data: parseZone(t, "example.com.", updateZone), AllowUpdate: match(t, "key internal-transfer")},
			{Origin: "example.org.", Data: parseZone(t, "example.org.", smallZone)},
		}}},
	})
	add := []string{"x.example.com. 60 IN A 10.0.0.1"}
	wantRcode(t, ask1(t, s, updateOf(t, nil, add), from(clientAddr, "udp")), dns.RcodeRefused)
	// Nor is a stranger told whether a prerequisite holds.
	wantRcode(t, ask1(t, s, updateOf(t, []string{"api.example.com. 0 ANY AAAA"}, add), from(clientAddr, "udp")), dns.RcodeRefused)
	if !strings.Contains(l.event(EventUpdateRefused), "unsigned") {
		t.Errorf("no event says why:\n%s", l.dump())
	}
	wire, _ := signed(t, updateOf(t, nil, add), transferKey, start.Add(time.Hour))
	m := new(dns.Msg)
	if err := m.Unpack(serve1(t, s, wire, "udp")); err != nil || m.Rcode != dns.RcodeNotAuth || m.IsTsig() == nil || m.IsTsig().Error != dns.RcodeBadTime {
		t.Fatalf("with a wrong clock: %v\n%s", err, m)
	}
	if s.Zone("", "example.com.").Serial() != 2024040201 {
		t.Fatal("it was made nevertheless")
	}
	wire, session := signed(t, updateOf(t, nil, add), transferKey, start)
	reply := serve1(t, s, wire, "udp")
	if err := session.verify(reply, start); err != nil || wireRcode(reply) != 0 {
		t.Fatalf("with the key: %v, %x", err, reply)
	}
	if s.Zone("", "example.com.").Serial() != 2024040202 {
		t.Error("it was not made")
	}

	for name, c := range map[string]struct {
		change func(m *dns.Msg)
		rcode  int
	}{
		"no SOA in the zone section": {func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA }, dns.RcodeFormatError},
		"two zones":                  {func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, dns.RcodeFormatError},
		"no zone":                    {func(m *dns.Msg) { m.Question = nil }, dns.RcodeFormatError},
		"a zone of somebody else's":  {func(m *dns.Msg) { m.Question[0].Name = "example.net." }, dns.RcodeNotAuth},
		"not a zone's name":          {func(m *dns.Msg) { m.Question[0].Name = "api.example.com." }, dns.RcodeNotAuth},
		"another class":              {func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, dns.RcodeNotAuth},
		"nobody may":                 {func(m *dns.Msg) { m.Question[0].Name = "example.org." }, dns.RcodeRefused},
	} {
		m := updateOf(t, nil, nil)
		c.change(m)
		wire, _ := signed(t, m, transferKey, start)
		if got := wireRcode(serve1(t, s, wire, "udp")); got != c.rcode {
			t.Errorf("%s: %s, want %s", name, dns.RcodeToString[got], dns.RcodeToString[c.rcode])
		}
	}
}

// TestUpdateSpreads: an update of a signed zone is signed, and reaches the secondary by NOTIFY and IXFR; the secondary
// hands updates on with the client's own TSIG.
func TestUpdateSpreads(t *testing.T) {
	t.Parallel()
	l, primary, secondary := signedPair(t)
	for _, s := range []*Server{primary, secondary} {
		if err := s.SetAllowUpdate("", "example.com.", match(t, "key internal-transfer")); err != nil {
			t.Fatal(err)
		}
	}
	l.forget()
	wire, session := signed(t, updateOf(t, nil, []string{"x.example.com. 60 IN A 10.0.0.1"}), transferKey, l.clock.Now())
	var reply []byte
	if err := l.clock.Run(func() {
		_ = secondary.Serve(context.Background(), wire, from(clientAddr, "tcp"), func(b []byte) error { reply = b; return nil })
	}); err != nil {
		t.Fatal(err)
	}
	if len(reply) == 0 || wireRcode(reply) != dns.RcodeSuccess {
		t.Fatalf("the secondary answers %x\n%s", reply, l.dump())
	}
	if err := session.verify(reply, l.clock.Now()); err != nil {
		t.Errorf("the primary's answer through the secondary: %v", err)
	}
	l.advance(time.Second)
	r := ask1(t, secondary, withEDNS(query("x.example.com.", dns.TypeA), 1232, true), from(clientAddr, "udp"))
	if firstA(r) != "10.0.0.1" || len(r.Answer) != 2 {
		t.Fatalf("at the secondary:\n%s\n%s", r, l.dump())
	}
	if !strings.Contains(l.event(EventTransfer), "incrementally") {
		t.Errorf("%s", l.event(EventTransfer))
	}
	wire, _ = signed(t, updateOf(t, nil, []string{"example.com. 0 ANY DNSKEY", "x.example.com. 60 IN NSEC x.example.com. A"}), transferKey, l.clock.Now())
	if got := wireRcode(serve1(t, primary, wire, "tcp")); got != dns.RcodeRefused {
		t.Errorf("an update of NSEC: %s", dns.RcodeToString[got])
	}
	if err := secondary.SetAllowUpdate("", "example.com.", nil); err != nil {
		t.Fatal(err)
	}
	wire, _ = signed(t, updateOf(t, nil, nil), transferKey, l.clock.Now())
	if got := wireRcode(serve1(t, secondary, wire, "tcp")); got != dns.RcodeRefused {
		t.Errorf("a secondary where nobody may: %s", dns.RcodeToString[got])
	}
}

// TestUpdateOfPresigned: signatures that were made elsewhere are not thrown away.
func TestUpdateOfPresigned(t *testing.T) {
	t.Parallel()
	l, primary, _ := signedPair(t)
	s := l.server("10.0.1.99", Config{Views: []View{{Zones: []Zone{{
		Origin: "example.com.", Data: primary.Zone("", "example.com."), AllowUpdate: Everybody(),
	}}}}})
	wantRcode(t, ask1(t, s, updateOf(t, nil, []string{"x.example.com. 60 IN A 10.0.0.1"}), from(clientAddr, "udp")), dns.RcodeRefused)
}

// TestUpdateEqualsEdit: a series of updates leaves the zone that a plain model of it has.
func TestUpdateEqualsEdit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := newLab(t)
		s := l.server(primaryAddr, Config{Views: []View{{Zones: []Zone{{
			Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), AllowUpdate: Everybody(),
		}}}}})
		model := s.Zone("", "example.com.")
		for range rapid.IntRange(1, 6).Draw(rt, "updates") {
			change := drawChange(rt)
			r := change.RRs[0]
			m := updateOf(t, nil, nil)
			h := dns.RR_Header{Name: change.Name, Rrtype: change.Type, Class: dns.ClassANY}
			switch change.Op {
			case zone.Add:
				m.Ns = []dns.RR{r}
			case zone.Delete:
				gone := dns.Copy(r)
				gone.Header().Class, gone.Header().Ttl = dns.ClassNONE, 0
				m.Ns = []dns.RR{gone}
			case zone.DeleteRRset:
				m.Ns = []dns.RR{&dns.ANY{Hdr: h}}
			case zone.DeleteName:
				h.Rrtype = dns.TypeANY
				m.Ns = []dns.RR{&dns.ANY{Hdr: h}}
			case zone.ReplaceRRset:
				m.Ns = []dns.RR{&dns.ANY{Hdr: h}, r}
			}
			got := ask1(t, s, m, from(clientAddr, "tcp"))
			next, err := model.Apply(change)
			switch {
			case err == nil && got.Rcode == dns.RcodeSuccess && s.Zone("", "example.com.").Serial() == next.Serial():
				model = next
			case err == nil && got.Rcode == dns.RcodeSuccess: // CNAME and other data: passed over by an update
			case err != nil: // refused both ways, or passed over
			default:
				rt.Fatalf("%s, but the model takes it:\n%s", dns.RcodeToString[got.Rcode], m)
			}
			a, b := content(s.Zone("", "example.com.")), content(model)
			if err == nil && s.Zone("", "example.com.").Serial() == model.Serial() && !slices.Equal(a, b) {
				rt.Fatalf("after\n%s\nthe zone is\n%s\nwant\n%s", m, strings.Join(a, "\n"), strings.Join(b, "\n"))
			}
			model = s.Zone("", "example.com.")
		}
	})
}

// FuzzUpdate: whatever an update says, it is answered, and the zone stays a zone with its SOA and name servers.
func FuzzUpdate(f *testing.F) {
	for _, m := range []*dns.Msg{
		updateOf(f, []string{"api.example.com. 0 ANY ANY", "both.example.com. 0 IN A 10.0.2.70"}, []string{"x.example.com. 60 IN A 10.0.0.1"}),
		updateOf(f, nil, []string{"example.com. 0 ANY ANY", "api.example.com. 0 ANY A", "both.example.com. 0 NONE A 10.0.2.70"}),
		updateOf(f, []string{"x.example.com. 0 NONE ANY"}, []string{"www.example.com. 60 IN CNAME x.example.com.", "example.com. 60 IN SOA . . 2024040209 1 2 3 4"}),
	} {
		f.Add(pack(f, m))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		_, s := updateServer(t)
		answers := 0
		if err := s.Serve(context.Background(), wire, from(clientAddr, "tcp"), func([]byte) error { answers++; return nil }); err != nil {
			t.Fatal(err)
		}
		z := s.Zone("", "example.com.")
		if ns, ok := z.RRset("example.com.", dns.TypeNS); !ok || len(ns.RRs) == 0 || z.SOA() == nil {
			t.Fatal("the zone has lost its apex")
		}
		if answers > 1 {
			t.Fatalf("%d answers", answers)
		}
	})
}
