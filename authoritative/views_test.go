package authoritative

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

// TestViewsByDestination: the first view whose lists take both the client (by key before address, negation too) and the address that
// it asked.
func TestViewsByDestination(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	zoneOf := func(a string) []Zone {
		return []Zone{{Origin: "example.com.", Data: parseZone(t, "example.com.", soaText+"@ IN NS ns1\nns1 IN A 10.0.1.20\napi 60 IN A "+a+"\n")}}
	}
	s := l.server(primaryAddr, Config{Keys: []TSIGKey{transferKey}, Views: []View{
		{Name: "keyed", Match: match(t, "key internal-transfer"), Zones: zoneOf("10.0.0.1")},
		{Name: "management", Match: match(t, "any"), Destinations: match(t, "!10.9.0.1", "10.9.0.0/16", "2001:db8:9::/48"), Zones: zoneOf("10.0.0.2")},
		{Name: "inside", Match: match(t, "!10.0.2.66", "10.0.0.0/8"), Zones: zoneOf("10.0.0.3")},
		{Name: "nobody", Match: Match{}, Zones: zoneOf("10.0.0.4")},
		{Name: "outside", Match: match(t, "!10.0.0.0/8", "any"), Zones: zoneOf("10.0.0.5")},
	}})
	for _, c := range []struct {
		from, to, key string
		view, a       string
	}{
		{"10.0.2.100", primaryAddr, "", "inside", "10.0.0.3"},
		{"10.0.2.66", primaryAddr, "", "", ""},
		{"203.0.113.9", primaryAddr, "", "outside", "10.0.0.5"},
		{"203.0.113.9", primaryAddr, "Internal-Transfer", "keyed", "10.0.0.1"},
		{"203.0.113.9", "10.9.7.1", "", "management", "10.0.0.2"},
		{"10.0.2.66", "10.9.7.1", "", "management", "10.0.0.2"},
		{"203.0.113.9", "10.9.0.1", "", "outside", "10.0.0.5"},
		{"2001:db8::9", "2001:db8:9::53", "", "management", "10.0.0.2"},
		{"2001:db8::9", "2001:db8:8::53", "", "outside", "10.0.0.5"},
	} {
		peer := Peer{Addr: netip.AddrPortFrom(netip.MustParseAddr(c.from), 40000), Local: at53(c.to), Network: "udp"}
		id, ok := s.WhoAnswers(peer, c.key, "API.example.com", dns.TypeA)
		if id.View != c.view || ok != (c.view != "") || ok && id.Origin != "example.com." {
			t.Errorf("%+v: WhoAnswers says %v, %v", c, id, ok)
		}
		if id, _ := s.WhoAnswers(peer, c.key, "example.org.", dns.TypeA); id.Origin != "" || id.View != c.view {
			t.Errorf("%+v: WhoAnswers of another zone says %v", c, id)
		}
		for range 2 {
			q := query("api.example.com.", dns.TypeA)
			wire := pack(t, q)
			if c.key != "" {
				wire, _ = signed(t, q, transferKey, start)
			}
			r := ask(t, s, wire, peer)[0]
			if firstA(r) != c.a || c.a == "" && r.Rcode != dns.RcodeRefused {
				t.Errorf("%+v: answered %s\n%s", c, firstA(r), r)
			}
		}
	}
	if _, err := New(Config{Clock: l.clock, Views: []View{{Destinations: match(t, "key nobody")}}}); err == nil {
		t.Error("an unknown key in Destinations was taken")
	}
}
