package simulator

import (
	"testing"

	"github.com/miekg/dns"

	"faultzone/authoritative/zone"
	"faultzone/scenarios"
)

func TestChangesReadsTheLinesOfAnEdit(t *testing.T) {
	list, err := changes(scenarios.EditStep{Zone: "example.org.",
		Add:     []string{"www 60 IN A 192.0.2.1"},
		Delete:  []string{"old", "mail MX", "@ TXT \"a b\"", "x.example.org. TYPE65280"},
		Replace: []string{"api A 192.0.2.2", "api A 192.0.2.3"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		op     zone.Op
		name   string
		rrtype uint16
		rrs    int
	}{
		{zone.DeleteName, "old.example.org.", 0, 0},
		{zone.DeleteRRset, "mail.example.org.", dns.TypeMX, 0},
		{zone.Delete, "example.org.", dns.TypeTXT, 1},
		{zone.DeleteRRset, "x.example.org.", 65280, 0},
		{zone.ReplaceRRset, "api.example.org.", dns.TypeA, 2},
		{zone.Add, "www.example.org.", dns.TypeA, 1},
	}
	if len(list) != len(want) {
		t.Fatalf("got %d changes, want %d", len(list), len(want))
	}
	for i, c := range list {
		if c.Op != want[i].op || c.Name != want[i].name || c.Type != want[i].rrtype || len(c.RRs) != want[i].rrs {
			t.Errorf("change %d: got %+v, want %+v", i, c, want[i])
		}
	}
}

// Whatever stands in an edit, it is read or refused.
func FuzzChanges(f *testing.F) {
	for _, line := range []string{"www 60 IN A 192.0.2.1", "@ TXT \"a", "old", "mail MX 10", "", "$INCLUDE /etc/passwd", "x 1 IN \\# 4 00000000", "* TYPE65535 \\# 0"} {
		f.Add(line, "example.org.")
	}
	f.Fuzz(func(t *testing.T, line, origin string) {
		for _, e := range []scenarios.EditStep{{Add: []string{line}}, {Delete: []string{line}}, {Replace: []string{line}}} {
			e.Zone = origin
			list, err := changes(e)
			if err == nil && len(list) == 0 {
				t.Errorf("%q: neither read nor refused", line)
			}
		}
	})
}

// What dig's hand-packed query says is what the library reads.
func TestPackQueryIsWhatDigSends(t *testing.T) {
	for _, q := range []scenarios.QueryStep{
		{Name: "api.example.org.", Type: dns.TypeA},
		{Name: ".", Type: dns.TypeSOA, DO: true, CD: true},
		{Name: "x", Type: dns.TypeTXT, NoRD: true, NoAD: true, NoEDNS: true},
	} {
		b, err := packQuery(0x1234, q)
		if err != nil {
			t.Fatal(err)
		}
		m := new(dns.Msg)
		if err := m.Unpack(b); err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		opt := m.IsEdns0()
		if m.Id != 0x1234 || m.Question[0] != (dns.Question{Name: dns.Fqdn(q.Name), Qtype: q.Type, Qclass: dns.ClassINET}) ||
			m.RecursionDesired == q.NoRD || m.AuthenticatedData == q.NoAD || m.CheckingDisabled != q.CD ||
			(opt == nil) != q.NoEDNS || opt != nil && (opt.Do() != q.DO || opt.UDPSize() != digSize) {
			t.Errorf("%+v became %v", q, m)
		}
		if !sameQuestion(append([]byte{b[0], b[1], b[2] | 0x80}, b[3:]...), b) {
			t.Errorf("%+v: its own reply is not recognised", q)
		}
	}
	if _, err := packQuery(1, scenarios.QueryStep{Name: "a..b", Type: 1}); err == nil {
		t.Error("an empty label was packed")
	}
}
