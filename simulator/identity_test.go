package simulator_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

// What a scenario says of a server's identity is what the server tells, and which of its addresses was asked decides
// between views.
func TestServersTellWhoTheyAre(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world.toml")
	err := os.WriteFile(file, []byte(`
[server.ns1]
addresses = ["192.0.2.53", "192.0.2.54"]
nsid      = "ns1.east"
version   = "none of your business"
cookies   = true
views     = ["second", "first"]
[server.ns1.view.second]
match        = ["any"]
destinations = ["192.0.2.54"]
[server.ns1.view.second.zone."example.org."]
data = "@ 300 IN SOA ns1 host 2 3600 900 604800 300\n@ 300 IN NS ns1\nns1 300 IN A 192.0.2.54\n"
[server.ns1.view.first]
match = ["any"]
[server.ns1.view.first.zone."example.org."]
data = "@ 300 IN SOA ns1 host 1 3600 900 604800 300\n@ 300 IN NS ns1\nns1 300 IN A 192.0.2.53\n"
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := scenarios.LoadWorld(file, fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, s, simulator.Options{})
	for address, serial := range map[string]uint32{"192.0.2.53": 1, "192.0.2.54": 2} {
		q := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 9}, Question: []dns.Question{{Name: "example.org.", Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}}
		q.SetEdns0(1232, false)
		q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_NSID{Code: dns.EDNS0NSID}, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"}}
		r := exchange(t, w, "10.0.2.1", address, q)
		if len(r.Answer) != 1 || r.Answer[0].(*dns.SOA).Serial != serial {
			t.Errorf("%s: %s, want serial %d", address, simulator.SummaryOf(r), serial)
		}
		nsid, cookie := "", ""
		for _, o := range r.IsEdns0().Option {
			switch o := o.(type) {
			case *dns.EDNS0_NSID:
				nsid = o.Nsid
			case *dns.EDNS0_COOKIE:
				cookie = o.Cookie
			}
		}
		if nsid != "6e73312e65617374" || len(cookie) != 48 {
			t.Errorf("%s: NSID %q, cookie %q", address, nsid, cookie)
		}
	}
	q := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 9}, Question: []dns.Question{{Name: "version.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}}}
	if r := exchange(t, w, "10.0.2.1", "192.0.2.53", q); len(r.Answer) != 1 || r.Answer[0].(*dns.TXT).Txt[0] != "none of your business" {
		t.Errorf("version.bind: %s", simulator.SummaryOf(r))
	}
}
