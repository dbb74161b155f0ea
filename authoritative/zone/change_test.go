package zone_test

import (
	"strings"
	"testing"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

const smallZone = `
$TTL 300
@    SOA ns h 4294967295 2 3 4 5
@    NS  ns
@    NS  ns2
ns   A   192.0.2.1
ns2  A   192.0.2.2
www  A   192.0.2.3
www  A   192.0.2.4
www  AAAA 2001:db8::3
web  CNAME www
`

func TestApply(t *testing.T) {
	t.Parallel()
	rr := func(text string) []dns.RR { return records(t, "example.", text+"\n") }
	for _, c := range []struct {
		name    string
		change  zone.Change
		want    string // the lines that differ, after
		serial  uint32
		without string
	}{
		{"Add", zone.Change{Op: zone.Add, RRs: rr("www 300 A 192.0.2.5")}, "www.example. 300 A 192.0.2.5", 1, ""},
		{"Add brings its TTL", zone.Change{Op: zone.Add, RRs: rr("www 60 A 192.0.2.5")}, "www.example. 60 A 192.0.2.3", 1, "www.example. 300 A "},
		{"Add what is there", zone.Change{Op: zone.Add, RRs: rr("www 300 A 192.0.2.4")}, "", 4294967295, ""},
		{"Add another CNAME", zone.Change{Op: zone.Add, RRs: rr("web 300 CNAME ns")}, "web.example. 300 CNAME ns.example.", 1, "CNAME www"},
		{"Add a SOA", zone.Change{Op: zone.Add, RRs: rr("@ 300 SOA ns h 7 2 3 4 5")}, "", 7, ""},
		{"Delete", zone.Change{Op: zone.Delete, RRs: rr("WWW 1 A 192.0.2.4")}, "www.example. 300 A 192.0.2.3", 1, "192.0.2.4"},
		{"Delete the last", zone.Change{Op: zone.Delete, RRs: rr("www 1 AAAA 2001:db8::3")}, "", 1, "AAAA"},
		{"Delete nothing", zone.Change{Op: zone.Delete, RRs: rr("www 1 A 192.0.2.9")}, "", 4294967295, ""},
		{"DeleteRRset", zone.Change{Op: zone.DeleteRRset, Name: "www.EXAMPLE.", Type: dns.TypeA}, "www.example. 300 AAAA", 1, "www.example. 300 A "},
		{"DeleteName", zone.Change{Op: zone.DeleteName, Name: "www.example."}, "", 1, "www.example. 300"},
		{"DeleteName of the apex", zone.Change{Op: zone.DeleteName, Name: "example."}, "example. 300 NS ns.example.", 4294967295, ""},
		{"ReplaceRRset", zone.Change{Op: zone.ReplaceRRset, Name: "www.example.", Type: dns.TypeA, RRs: rr("www 30 A 192.0.2.9")}, "www.example. 30 A 192.0.2.9", 1, "192.0.2.3"},
		{"ReplaceRRset by nothing", zone.Change{Op: zone.ReplaceRRset, Name: "www.example.", Type: dns.TypeA}, "", 1, "www.example. 300 A "},
		{"ReplaceRRset of nothing", zone.Change{Op: zone.ReplaceRRset, Name: "new.example.", Type: dns.TypeA, RRs: rr("new 30 A 192.0.2.9")}, "new.example. 30 A 192.0.2.9", 1, ""},
	} {
		z := load(t, "example.", smallZone)
		before := written(t, z)
		got, err := z.Apply(c.change)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var after strings.Builder
		for rr := range got.Transfer() {
			after.WriteString(line(rr) + "\n")
		}
		if !strings.Contains(after.String(), c.want) || c.without != "" && strings.Contains(after.String(), c.without) || got.Serial() != c.serial {
			t.Errorf("%s: serial %d\n%s", c.name, got.Serial(), after.String())
		}
		if written(t, z) != before {
			t.Errorf("%s: the zone itself was changed", c.name)
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	z := load(t, "example.", smallZone)
	rr := func(text string) []dns.RR { return records(t, "example.", text+"\n") }
	for name, changes := range map[string][]zone.Change{
		"a CNAME beside data":  {{Op: zone.Add, RRs: rr("www 300 CNAME ns")}},
		"no SOA":               {{Op: zone.DeleteRRset, Name: "example.", Type: dns.TypeSOA}},
		"no NS":                {{Op: zone.DeleteRRset, Name: "example.", Type: dns.TypeNS}},
		"out of zone":          {{Op: zone.Add, RRs: rr("a.example.net. 300 A 192.0.2.1")}},
		"no name":              {{Op: zone.DeleteName}},
		"nil":                  {{Op: zone.Add, RRs: []dns.RR{nil}}},
		"another name":         {{Op: zone.ReplaceRRset, Name: "www.example.", Type: dns.TypeA, RRs: rr("web 300 A 192.0.2.1")}},
		"another type":         {{Op: zone.ReplaceRRset, Name: "www.example.", Type: dns.TypeA, RRs: rr("www 300 AAAA ::1")}},
		"an unknown operation": {{Op: 99, Name: "www.example."}},
		"the second of two":    {{Op: zone.DeleteName, Name: "www.example."}, {Op: zone.Add, RRs: rr("web 300 A 192.0.2.1")}},
	} {
		if got, err := z.Apply(changes...); err == nil || got != nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// The edit that emptied an RRset on purpose must go through, dangling references and all.
func TestApplyKeepsNoIntegrity(t *testing.T) {
	t.Parallel()
	z, err := load(t, "example.", smallZone).Apply(zone.Change{Op: zone.DeleteName, Name: "ns.example."})
	if err != nil || len(z.Warnings()) == 0 {
		t.Fatalf("%v, %v", err, z.Warnings())
	}
}

func TestApplyOfNothing(t *testing.T) {
	t.Parallel()
	z := load(t, "example.", smallZone)
	if got, err := z.Apply(); got != z || err != nil {
		t.Errorf("%v", err)
	}
}
