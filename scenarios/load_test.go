package scenarios

import (
	"errors"
	"flag"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/miekg/dns"
)

// testVocabulary has a fault with a parameter of each kind, beside the two that the scenarios of the tests use.
func testVocabulary() Vocabulary {
	return Vocabulary{Faults: []FaultSpec{
		{Name: "resigning-stopped", Params: []ParamSpec{
			{Name: "zone", Kind: ZoneName, Required: true, Summary: "the signed zone"},
		}},
		{Name: "server-down", Params: []ParamSpec{
			{Name: "node", Kind: Node, Required: true, Summary: "the node"},
			{Name: "looks", Kind: String, Choices: []string{"silent", "refused", "hang"}},
		}},
		{Name: "everything", Params: []ParamSpec{
			{Name: "strings", Kind: Strings}, {Name: "int", Kind: Int}, {Name: "bool", Kind: Bool},
			{Name: "duration", Kind: Duration}, {Name: "time", Kind: Time}, {Name: "nodes", Kind: Nodes},
			{Name: "servers", Kind: ServerNodes}, {Name: "server", Kind: ServerNode}, {Name: "resolver", Kind: ResolverNode},
			{Name: "client", Kind: ClientNode}, {Name: "zone", Kind: ZoneName}, {Name: "view", Kind: ViewName},
			{Name: "prefix", Kind: Prefix}, {Name: "prefixes", Kind: Prefixes}, {Name: "places", Kind: Places},
		}},
		{Name: "query-eaten", Params: []ParamSpec{{Name: "query", Kind: String, Required: true, Choices: []string{"first", "all"}}}},
	}}
}

var update = flag.Bool("update", false, "write the expected messages anew")

func testBases() files { return tree{os.DirFS("testdata")} }

// TestMessages plays bad files: testdata/bad/NAME.toml must be told of as NAME.txt says.
func TestMessages(t *testing.T) {
	t.Parallel()
	scenarios, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(scenarios) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, path := range scenarios {
		name := strings.TrimSuffix(filepath.Base(path), ".toml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, warnings, err := load(tree{os.DirFS("testdata/bad")}, name+".toml", testVocabulary(), testBases())
			if (s == nil) != (err != nil) {
				t.Errorf("scenario %v with error %v", s, err)
			}
			var b strings.Builder
			if err != nil {
				b.WriteString(err.Error() + "\n")
			}
			for _, w := range warnings {
				b.WriteString(w.String() + "\n")
			}
			golden := strings.TrimSuffix(path, ".toml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}

func loadGood(t *testing.T, path string) *Scenario {
	t.Helper()
	s, warnings, err := load(disk{}, path, testVocabulary(), testBases())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Errorf("unexpected warning: %v", w)
	}
	return s
}

func TestOwnWorld(t *testing.T) {
	t.Parallel()
	s := loadGood(t, "testdata/good/own.toml")
	if s.Name != "own" || s.Title != "A world of its own" || !strings.HasPrefix(s.Text, "Two zones") || s.Base != "" || s.Seed != 42 {
		t.Errorf("the head is %q, %q, %q, %q, %d", s.Name, s.Title, s.Text, s.Base, s.Seed)
	}
	if want := time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC); s.Start != want {
		t.Errorf("start is %v, want %v", s.Start, want)
	}
	w := s.World
	if want := (Calendar{time.Date(2026, 5, 25, 0, 0, 0, 0, time.UTC), 14 * day, 84 * time.Hour, time.Hour}); w.Calendar != want {
		t.Errorf("calendar is %v, want %v", w.Calendar, want)
	}
	equal(t, "vantage", w.Vantage, addresses("10.7.9.9", "fd00:7:9::9"))
	equal(t, "key names", []string{w.Keys[0].Name, w.Keys[1].Name}, []string{"xfer.", "derived.key."})
	equal(t, "key algorithms", []string{w.Keys[0].Algorithm, w.Keys[1].Algorithm}, []string{dns.HmacSHA256, dns.HmacSHA512})
	equal(t, "key secrets", []string{string(w.Keys[0].Secret), string(w.Keys[1].Secret)}, []string{"0123456789abcdef0123456789abcdef", ""})

	ns1 := w.Servers[0]
	equal(t, "ns1's addresses", ns1.Addresses, addresses("10.7.1.1", "fd00:7:1::1"))
	equal(t, "ns1's views", []string{ns1.Views[0].Name, ns1.Views[1].Name}, []string{"staff", "all"})
	equal(t, "ns1's match", ns1.Views[0].Match, []string{"!10.7.66.0/24", "key xfer", "10.7.0.0/16", "fd00:7::/32", "none"})
	shop := ns1.Views[0].Zones[0]
	equal(t, "origin", shop.Origin, "shop.example.")
	equal(t, "dnssec", *shop.DNSSEC, DNSSEC{Algorithm: dns.ED25519, Denial: "nsec3"})
	equal(t, "ds", shop.NoDS, true)
	equal(t, "transfer", shop.Transfer, []string{"key xfer", "10.7.1.2"})
	equal(t, "notify", shop.Notify, []Primary{{netip.MustParseAddrPort("10.7.1.2:5353"), ""}, {netip.MustParseAddrPort("[fd00:7:1::2]:53"), "xfer."}})
	equal(t, "file", shop.File, filepath.Join("testdata", "good", "zones", "shop.zone"))
	if strings.Contains(shop.Data, "$INCLUDE") || !strings.Contains(shop.Data, "mail.shop.example.") {
		t.Errorf("what is included is not part of the data:\n%s", shop.Data)
	}

	ns2 := w.Servers[1]
	equal(t, "ns2's view", ns2.Views[0].Match, []string{"any"})
	equal(t, "ns2's primaries", ns2.Views[0].Zones[0].Primaries,
		[]Primary{{netip.MustParseAddrPort("10.7.1.1:53"), "xfer."}, {netip.MustParseAddrPort("[fd00:7:1::1]:53"), ""}})
	equal(t, "inline file", ns2.Views[0].Zones[1].File, filepath.Join("testdata", "good", "own.toml"))

	cache := w.Resolvers[0]
	cache.Pos = Position{}
	equal(t, "resolver", cache, Resolver{
		Name: "cache", Addresses: addresses("10.7.3.1"), IPv6: true,
		Allow:  []netip.Prefix{netip.MustParsePrefix("10.7.0.0/16"), netip.MustParsePrefix("fd00:7:9::9/128")},
		MinTTL: 5 * time.Second, MaxTTL: day, MaxNegativeTTL: 15 * time.Minute,
	})
	if second := w.Resolvers[1]; !second.Validate || second.Allow != nil || second.MaxTTL != 0 {
		t.Errorf("a resolver's defaults are %+v", second)
	} else if !second.ServeStale || second.MaxStale != 3*day || !second.Prefetch || !second.AggressiveNSEC {
		t.Errorf("a resolver's policies are %+v", second)
	} else {
		equal(t, "qname_minimisation", second.QNAMEMinimisation, "relaxed")
		equal(t, "domain_insecure", second.DomainInsecure, []string{"corp.example.", "10.in-addr.arpa."})
		equal(t, "forward", second.Forward, []Route{{Zone: ".", Servers: []netip.AddrPort{netip.MustParseAddrPort("10.7.3.1:53")}}})
		equal(t, "stub", second.Stub, []Route{{Zone: "shop.example.", Servers: []netip.AddrPort{netip.MustParseAddrPort("10.7.1.1:53")}}})
	}
	third := w.Resolvers[2]
	equal(t, "strict", third.QNAMEMinimisation, "strict")
	equal(t, "forward with first", third.Forward, []Route{
		{Zone: ".", Servers: []netip.AddrPort{netip.MustParseAddrPort("10.7.3.1:53"), netip.MustParseAddrPort("10.7.3.2:5353")}, First: true},
		{Zone: "corp.example."}})
	if first := w.Resolvers[0]; first.QNAMEMinimisation != "" || first.Forward != nil || first.Stub != nil || first.DomainInsecure != nil {
		t.Errorf("a resolver's routes are %+v", first)
	}
	if first := w.Resolvers[0]; !reflect.DeepEqual(first.Policies, Policies{}) {
		t.Errorf("the policies of a resolver that says nothing are %+v", first.Policies)
	}
	equal(t, "policies", w.Resolvers[3].Policies, Policies{
		Access: []AccessRule{{netip.MustParsePrefix("10.7.66.0/24"), "drop"}, {netip.MustParsePrefix("10.7.67.1/32"), "refuse"},
			{netip.MustParsePrefix("10.7.0.0/16"), "allow"}},
		NonRecursive: "refuse", Local: []string{"printer.example. 300 IN A 10.7.9.1"},
		LocalZones:   []LocalZone{{Name: "ads.example.", Type: "nxdomain"}, {"bad.example.", "refuse", 15, "a list says so"}},
		SpecialNames: "all", Version: "9", ID: "one", MaxUDPSize: 512, FullResponses: true, MaxWaiting: 10, DropWaiting: true,
		MinNegativeTTL: 5 * time.Second, FailureTTL: time.Second, MaxFailureTTL: time.Minute, CacheBytes: 1 << 20,
		PrefetchTrigger: 2 * time.Second, PrefetchLife: 9 * time.Second,
		Stale: Stale{Answer: "after-failure", ClientTimer: time.Second, TTL: 10 * time.Second, Recheck: 20 * time.Second,
			Reset: true, NotForBogus: true},
		NoIPv4: true, NoPriming: true, MinimisationType: dns.TypeNS, BelowNXDOMAIN: "never", Cookies: true, RandomCase: true,
		UpstreamUDPSize: 4096, ForgetLame: true, Skew: time.Hour, TrustAnchors: []string{"shop.example."},
		AllANY: true, ClientCookies: true, NoKeySentinel: true, AuthorityNS: true, SHA1: true, MaxNSEC3Iterations: 50,
		AnchorUpdates: true, AnchorAddHoldDown: 10 * day, AnchorKeepRevoked: 20 * day,
		Limits: Limits{10 * time.Second, 50, 8, 20, 5, 32, 4, 16, 2, 32},
	})
	till, laptop := w.Clients[0], w.Clients[1]
	till.Pos, laptop.Pos = Position{}, Position{}
	equal(t, "till", till, Client{
		Name: "till", Addresses: addresses("10.7.2.10"), Nameservers: addresses("10.7.3.1", "10.7.3.2"),
		Search: []string{"shop.example", "example"}, Options: "timeout:2 attempts:3 rotate ndots:2",
		Hosts: []HostsLine{
			{netip.MustParseAddr("10.0.9.9"), []string{"api.example.org", "api"}},
			{netip.MustParseAddr("fd00::9"), []string{"six.example.org"}},
		},
	})
	equal(t, "laptop", laptop, Client{
		Name: "laptop", Addresses: addresses("10.7.2.11"), Nameservers: addresses("127.0.0.53"), LocalStub: addresses("10.7.3.1"),
	})
	w.Upstream.Pos = Position{}
	equal(t, "upstream", *w.Upstream, Upstream{
		Servers: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:5353"), netip.MustParseAddrPort("[::1]:53"), netip.MustParseAddrPort("192.0.2.1:53")},
		Keep:    []string{"corp."}, Addresses: addresses("100.64.0.53", "2001:db8:64::53"),
	})
	shopWeb, plain := w.Web[0], w.Web[1]
	shopWeb.Pos, plain.Pos = Position{}, Position{}
	equal(t, "shop", shopWeb, Web{Name: "shop", Addresses: addresses("10.7.2.1", "fd00:7:2::1"), Port: 8080, Responses: []Response{
		{Path: "/healthz", Status: 200, Type: "text/plain; charset=utf-8"},
		{Path: "/gone", Status: 410, Body: `{"gone":true}`, Type: "application/json"},
	}})
	equal(t, "plain", plain, Web{Name: "plain", Addresses: addresses("10.7.2.2"), Port: 80})
	equal(t, "link", w.Links[0], Link{
		[2]netip.Prefix{netip.MustParsePrefix("10.7.1.0/24"), netip.MustParsePrefix("10.7.3.0/24")}, 1500 * time.Microsecond})
}

func TestSteps(t *testing.T) {
	t.Parallel()
	s := loadGood(t, "testdata/good/own.toml")
	yes, no := true, false
	want := []Step{
		{Kind: Query, Note: "warm the cache",
			Query: QueryStep{Name: "www.shop.example.", Type: dns.TypeA, Via: "cache", From: "till", DO: true, CD: true, TCP: true, NoRD: true, NoAD: true, NoEDNS: true},
			Expect: &Expect{Rcode: "NOERROR", AA: &no, AD: &yes, RRSIG: &yes, Answer: []string{"10.7.2.1"}, EDE: []uint16{0},
				TTL: &Range[uint32]{30, 60}, Elapsed: &Range[time.Duration]{0, 2 * time.Second}}},
		{At: time.Minute, Kind: Inject, Inject: InjectStep{Fault: "server-down", Label: "first", For: 10 * time.Minute,
			Params: map[string]any{"node": "ns1", "looks": "refused"}}},
		{At: time.Minute, Kind: Inject, Inject: InjectStep{Fault: "everything", Label: "everything", Params: map[string]any{
			"strings": []string{"a", "b"}, "int": int64(3), "bool": true, "duration": week,
			"time": time.Date(2026, 6, 1, 7, 0, 0, 0, time.UTC), "nodes": []string{"ns1"}, "servers": []string{"ns1"}, "server": "ns1",
			"resolver": "cache", "client": "till", "zone": "shop.example.", "view": "staff", "prefix": "10.7.66.6/32",
			"prefixes": []string{"10.7.66.0/24", "fd00:7:9::/48"}, "places": []string{"ns2", "10.7.66.0/24"}}}},
		{At: 2 * time.Minute, Kind: Query, Query: QueryStep{Name: "www", Type: dns.TypeA, Client: "till"},
			Expect: &Expect{Error: "timeout", Elapsed: &Range[time.Duration]{5 * time.Second, maxDuration}}},
		{At: 2 * time.Minute, Kind: Query, Query: QueryStep{Name: "www", Type: dns.TypeAAAA, Client: "laptop"},
			Expect: &Expect{Answer: []string{"fd00:7:2::1"}, Server: "127.0.0.53"}},
		{At: 3 * time.Minute, Kind: Heal, Heal: "everything"},
		{At: 3 * time.Minute, Kind: Edit, Edit: EditStep{Zone: "shop.example.", On: "ns1", View: "staff",
			Add:     []string{"new 60 IN A 10.7.2.3", `@ IN TXT "hello world"`},
			Delete:  []string{"www AAAA", "mail.shop.example. A 10.7.2.2", "old"},
			Replace: []string{"www 60 IN A 10.7.2.9"}}},
		{At: time.Hour, Kind: Advance, Advance: day},
		{At: 25 * time.Hour, Kind: Flush, Flush: FlushStep{Resolver: "cache"}},
		{At: 25 * time.Hour, Kind: Flush, Flush: FlushStep{Resolver: "cache", Name: "shop.example.", Tree: true}},
		{At: 25 * time.Hour, Kind: Retransfer, Zone: ZoneStep{Server: "ns2", Zone: "shop.example."}},
		{At: 25 * time.Hour, Kind: Inspect, Inspect: "ns2", Zone: ZoneStep{Server: "ns2", Zone: "shop.example."},
			Expect: &Expect{Serial: &Range[uint32]{2026040202, 1<<32 - 1}, Expired: &no, Fresh: &yes}},
		{At: 25 * time.Hour, Kind: Inspect, Inspect: "cache",
			Expect: &Expect{Cached: []string{"www.shop.example. AAAA"}, NotCached: []string{"old.shop.example. A"}}},
		{At: 26 * time.Hour, Kind: Query, Query: QueryStep{Name: "old.shop.example.", Type: dns.TypeMX, Via: "10.7.1.1", From: "192.0.2.1"},
			Expect: &Expect{Rcode: "NXDOMAIN", NoAnswer: true, EDE: []uint16{22, 23}, TTL: &Range[uint32]{300, 300}}},
		{At: 26 * time.Hour, Kind: Get, Get: GetStep{URL: "http://www:8080/a?b=c", Client: "till", Name: "www", Port: 8080, Path: "/a?b=c"},
			Expect: &Expect{Status: 200, Elapsed: &Range[time.Duration]{0, time.Second}}},
		{At: 26 * time.Hour, Kind: Get, Get: GetStep{URL: "http://[fd00:7:2::1]", Client: "laptop", Address: netip.MustParseAddr("fd00:7:2::1"), Port: 80, Path: "/"},
			Expect: &Expect{Error: "name"}},
	}
	if len(s.Steps) != len(want) {
		t.Fatalf("there are %d steps, want %d", len(s.Steps), len(want))
	}
	for i, got := range s.Steps {
		if got.Pos.Line == 0 || got.Pos.File == "" {
			t.Errorf("step %d stands nowhere", i)
		}
		got.Pos = Position{}
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("step %d is\n%+v\nwant\n%+v\nexpect %+v\nwant   %+v", i, got, want[i], got.Expect, want[i].Expect)
		}
	}
}

// A scenario changes single keys of its base; what it gives anew takes the place of what was there.
func TestBase(t *testing.T) {
	t.Parallel()
	const text = `
base = "office"
[resolver.resolver-a]
validate = false
[server.ns2.zone."office.example."]
data = """
$TTL 60
@ IN SOA ns2 hostmaster 1 3600 900 604800 300
@ IN NS ns2
ns2 IN A 10.0.3.20
"""
[server.ns1.view.inside]
match = ["10.0.2.0/24"]
[client.mobile]
addresses = ["10.0.5.9"]
nameservers = ["10.0.1.10"]
[[step]]
inject = "server-down"
node   = "ns1"
[[step]]
query  = "api.office.example."
via    = "resolver-a"
expect = { rcode = "SERVFAIL" }
`
	s, warnings, err := load(tree{fstest.MapFS{"x.toml": {Data: []byte(text)}}}, "x.toml", testVocabulary(), testBases())
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	equal(t, "title", s.Title+s.Text, "")
	equal(t, "base", s.Base, "office")
	equal(t, "start", s.Start, time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC))
	equal(t, "seed", s.Seed, uint64(1))
	equal(t, "vantage", len(s.World.Vantage), 4)
	w := s.World
	equal(t, "resolver", w.Resolvers[0].Validate, false)
	equal(t, "resolver's address", w.Resolvers[0].Addresses, addresses("10.0.1.10"))
	equal(t, "match", w.Servers[0].Views[0].Match, []string{"10.0.2.0/24"})
	equal(t, "primaries", w.Servers[1].Views[0].Zones[0].Primaries, []Primary(nil))
	equal(t, "clients", []string{w.Clients[0].Name, w.Clients[1].Name}, []string{"web", "mobile"})
	equal(t, "zone", w.Servers[0].Views[0].Zones[0].File, "worlds/office/inside.zone")
	equal(t, "place in the base", w.Clients[0].Pos, Position{"worlds/office/world.toml", 42, 9})
}

func TestLoadTellsWhyAFileCannotBeRead(t *testing.T) {
	t.Parallel()
	_, _, err := Load(filepath.Join(t.TempDir(), "none.toml"), Vocabulary{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	huge := fstest.MapFS{"huge.toml": {Data: []byte(strings.Repeat("# nothing\n", maxScenario/10+1))}}
	_, _, err = LoadFS(huge, "huge.toml", Vocabulary{})
	if err == nil || !strings.Contains(err.Error(), "huge.toml: cannot read the scenario: the file is larger than 4 MiB") {
		t.Errorf("got %v", err)
	}
	_, _, err = Load(t.TempDir(), Vocabulary{})
	if err == nil {
		t.Error("a folder was read")
	}
	var all Errors
	if !errors.As(err, &all) || len(all) != 1 {
		t.Errorf("%T is not Errors", err)
	}
}

func addresses(list ...string) []netip.Addr {
	var a []netip.Addr
	for _, s := range list {
		a = append(a, netip.MustParseAddr(s))
	}
	return a
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}
