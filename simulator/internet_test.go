package simulator_test

import (
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

// loaded is a world without steps of its own.
func loaded(t *testing.T, text string) *scenarios.Scenario {
	t.Helper()
	text += "\n[[step]]\nquery = \"www.example.org.\"\nvia = \"r\"\nexpect = { rcode = \"NOERROR\" }\n"
	s, _, err := scenarios.LoadFS(fstest.MapFS{"w.toml": {Data: []byte(text)}}, "w.toml", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newcomer is a world of one zone, one server and one resolver; NAME, ADDRESS and RECORDS are its variations.
const newcomer = `
title = "newcomer"
[server.NAME]
addresses = ["ADDRESS"]
[server.NAME.zone."example.org."]
signed = true
data = '''
$TTL 300
@   IN SOA a host 1 3600 900 604800 300
www IN A 10.0.0.80
RECORDS
'''
[resolver.r]
addresses = ["10.0.0.53", "fd00::53"]
ipv6      = true
`

// The root and the TLDs that a world lacks are made around whatever is there.
func TestInternetIsMadeAroundAWorld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ what, name, address, records string }{
		{"name servers in the zone", "ns", "10.0.0.1", "@ IN NS a\na IN A 10.0.0.1"},
		{"an apex that is its own name server", "ns", "10.0.0.1", "@ IN NS @\n@ IN A 10.0.0.1"},
		{"over IPv6 only", "ns", "fd00::1", "@ IN NS a\na IN AAAA fd00::1"},
		{"name servers of a hoster, in another TLD", "ns", "10.0.0.1", "@ IN NS ns1.hoster.test.\n@ IN NS ns2.hoster.test."},
		{"name servers of a hoster, in the same TLD", "ns", "10.0.0.1", "@ IN NS ns1.hoster.org."},
		{"a hoster's over IPv6", "ns", "2001:db8::1", "@ IN NS ns1.hoster.test."},
		{"a server named as the TLDs' would be", "tld", "10.0.0.1", "@ IN NS a\na IN A 10.0.0.1"},
		{"a server named as the root's would be", `"a.root-servers.net"`, "10.0.0.1", "@ IN NS a\na IN A 10.0.0.1"},
		{"a server at the root's address", "ns", "198.41.0.4", "@ IN NS a\na IN A 198.41.0.4"},
		{"a server at the TLDs' address", "ns", "192.5.6.30", "@ IN NS a\na IN A 192.5.6.30"},
	} {
		w := start(t, loaded(t, strings.NewReplacer("NAME", c.name, "ADDRESS", c.address, "RECORDS", c.records).Replace(newcomer)), simulator.Options{})
		r := ask(t, w, "r", "www.example.org.", dns.TypeA)
		if !r.Reply.AuthenticatedData || len(r.Reply.Answer) != 1 {
			t.Errorf("%s: %s\n%s", c.what, simulator.SummaryOf(r.Reply), strings.Join(w.Path(r), "\n"))
		}
		if r := ask(t, w, "r", "nothing.example.org.", dns.TypeA); !r.Reply.AuthenticatedData || r.Reply.Rcode != dns.RcodeNameError {
			t.Errorf("%s: %s", c.what, simulator.SummaryOf(r.Reply))
		}
	}
}

// A world without any IPv4 works as it is written: a resolver that has no other address asks over IPv6.
func TestIPv6Only(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("NAME", "ns", "ADDRESS", "2001:db8::1", "RECORDS", "@ IN NS a\na IN AAAA 2001:db8::1",
		`"10.0.0.53", "fd00::53"`, `"2001:db8:1::53"`, "ipv6      = true\n", "").Replace(newcomer)
	if strings.Contains(text, "ipv6") || strings.Contains(text, "10.0.0.53") {
		t.Fatal(text)
	}
	w := start(t, loaded(t, text), simulator.Options{})
	r := ask(t, w, "r", "www.example.org.", dns.TypeA)
	if !r.Reply.AuthenticatedData || len(r.Reply.Answer) != 1 {
		t.Errorf("%s\n%s", simulator.SummaryOf(r.Reply), strings.Join(w.Path(r), "\n"))
	}
}

// A zone that is only copied in this world has nobody whose NS records would tell its delegation.
func TestInternetNeedsAPrimary(t *testing.T) {
	t.Parallel()
	const text = `
title = "a copy of nothing"
[server.ns]
addresses = ["10.0.0.1"]
[server.ns.zone."example.org."]
primaries = ["192.0.2.1"]
[resolver.r]
addresses = ["10.0.0.53"]
`
	w, err := simulator.New(loaded(t, text), simulator.Options{})
	if err == nil {
		w.Close()
		t.Fatal("built")
	}
	if !strings.Contains(err.Error(), "example.org. has secondaries but no primary") || !strings.Contains(err.Error(), "; give") {
		t.Error(err)
	}
}

// A view with an empty match list is for nobody.
func TestViewForNobody(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("NAME.zone", "NAME.view.all.zone", "NAME]\naddresses", "NAME]\nviews = [\"none\", \"all\"]\nview.none.match = []\nview.all.match = [\"any\"]\naddresses").Replace(newcomer)
	w := start(t, loaded(t, strings.NewReplacer("NAME", "ns", "ADDRESS", "10.0.0.1", "RECORDS", "@ IN NS a\na IN A 10.0.0.1").Replace(text)), simulator.Options{})
	if r := ask(t, w, "ns", "www.example.org.", dns.TypeA); r.Reply.Rcode != dns.RcodeSuccess {
		t.Errorf("the view of nobody took the question: %s", simulator.SummaryOf(r.Reply))
	}
}

// One scenario makes any number of worlds, at the same time too, and is not changed by that.
func TestScenarioIsNotChanged(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("NAME", "ns", "ADDRESS", "10.0.0.1", "RECORDS", "@ IN NS a\na IN A 10.0.0.1").Replace(newcomer)
	s, untouched := loaded(t, text), loaded(t, text)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			w, err := simulator.New(s, simulator.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			ask(t, w, "r", "www.example.org.", dns.TypeA)
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if !reflect.DeepEqual(s, untouched) {
		t.Errorf("the scenario has changed: %d servers, first %d", len(s.World.Servers), len(untouched.World.Servers))
	}
}
