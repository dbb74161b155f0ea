package simulator_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

// worldText draws a world as somebody might write it who tries things out: names and addresses that clash with those of
// the root and the TLDs that are added, timers at their ends, zones above and below each other, views for nobody.
type worldText struct {
	t     *rapid.T
	b     strings.Builder
	free  []string // addresses
	peers []string // of servers so far
}

func (w *worldText) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(w.t, label)
}

func (w *worldText) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// take is one or two addresses that nobody has.
func (w *worldText) take(label string) string {
	n := min(rapid.IntRange(1, 2).Draw(w.t, label+" addresses"), len(w.free))
	var list []string
	for range n {
		i := rapid.IntRange(0, len(w.free)-1).Draw(w.t, label+" address")
		list = append(list, w.free[i])
		w.free = append(w.free[:i:i], w.free[i+1:]...)
	}
	if len(list) == 0 {
		return "[]"
	}
	w.peers = append(w.peers, list[0])
	return `["` + strings.Join(list, `", "`) + `"]`
}

func (w *worldText) zoneData(label string) string {
	var b strings.Builder
	timer := func() string { return w.pick(label+" timer", "3600", "0", "1", "60", "604800", "2147483647") }
	fmt.Fprintf(&b, "$TTL %s\n@ IN SOA ns1 host %s %s %s %s %s\n", timer(), w.pick(label+" serial", "1", "4294967295", "0"), timer(), timer(), timer(), timer())
	fmt.Fprintf(&b, "@ IN NS %s\n@ IN A 10.0.0.1\nns1 IN A 10.0.0.1\n", w.pick(label+" ns", "ns1", "ns1", "@", "ns1.example.org.", "ns.hoster.test.", "localhost."))
	for _, record := range []string{"ns1 IN AAAA fd00::1", "www IN A 10.0.0.9", "* IN TXT any", "alias IN CNAME www",
		"loop IN CNAME loop", "old IN DNAME new", "sub IN NS ns1.sub\nns1.sub IN A 10.0.0.2", "a.b.c IN TXT deep", "_x._tcp IN SRV 0 0 53 ns1",
		"sub IN DS 1 13 2 " + strings.Repeat("ab", 32), "big IN TXT " + strings.Repeat(strings.Repeat("x", 250)+" ", 20)} {
		if rapid.Bool().Draw(w.t, label+" "+strings.Fields(record)[0]) {
			b.WriteString(record + "\n")
		}
	}
	return b.String()
}

func (w *worldText) zone(table, label string) {
	origin := w.pick(label+" origin", ".", "org.", "example.org.", "sub.example.org.", "10.in-addr.arpa.", "test.", "hoster.test.", `a.b.c.d.example.net.`, "root-servers.net.", "nic.org.")
	w.line("[%s.zone.%q]", table, origin)
	if rapid.IntRange(0, 3).Draw(w.t, label+" secondary") == 0 {
		w.line("primaries = [{ address = %q%s }]", w.pick(label+" primary", append([]string{"192.0.2.1"}, w.peers...)...), w.pick(label+" key", "", `, key = "k"`))
	} else {
		w.line("data = '''\n%s'''", w.zoneData(label))
		w.line("signed = %s", w.pick(label+" signed", "false", "true", "{ algorithm = 15 }", `{ algorithm = 14, denial = "nsec3" }`, `{ denial = "nsec3" }`))
	}
	w.line("ds = %s", w.pick(label+" ds", "true", "true", "false"))
	w.line("transfer = %s", w.pick(label+" transfer", `["any"]`, `["key k"]`, `["none"]`, "[]"))
	if rapid.Bool().Draw(w.t, label+" notifies") {
		w.line("notify = [%q]", w.pick(label+" notify", "192.0.2.1", w.peers[0]))
	}
}

func drawWorld(t *rapid.T) string {
	w := &worldText{t: t, free: []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "203.0.113.1", "fd00::1", "fd00::2", "2001:db8::1",
		"198.41.0.4", "192.5.6.30", "192.5.6.31", "2001:503:ba3e::2:30", "10.0.2.100"}}
	w.line("title = \"any\"\nstart = %s\nseed = %d", w.pick("start", "2026-04-02T09:00:00Z", "1970-01-01T00:00:00Z", "2105-12-31T23:59:59Z"), rapid.IntRange(0, 3).Draw(t, "seed"))
	w.line("[calendar]\nepoch = %s\n%s", w.pick("epoch", "2026-03-26T12:00:00Z", "1970-01-01T00:00:00Z", "2105-01-01T00:00:00Z"),
		w.pick("validity", "", "validity = \"2m\"\nrefresh = \"1m\"", "validity = \"7000d\"", "refresh = \"1ns\""))
	w.line("[key.k]")
	names := []string{"ns1", "tld", "a.root-servers.net", "x"}
	for i := range rapid.IntRange(1, 3).Draw(t, "servers") {
		name := names[i]
		w.line("[server.%q]\naddresses = %s", name, w.take(name))
		if rapid.IntRange(0, 2).Draw(t, name+" views") == 0 {
			w.line("views = [\"one\", \"two\"]")
			for _, v := range []string{"one", "two"} {
				table := fmt.Sprintf("server.%q.view.%s", name, v)
				w.line("[%s]\nmatch = %s", table, w.pick(name+v, `["any"]`, `["key k", "10.0.0.0/8"]`, `["!10.0.0.2", "fd00::/8"]`, `[]`, `["none"]`))
				w.zone(table, name+v)
			}
		} else {
			for range rapid.IntRange(0, 2).Draw(t, name+" zones") {
				w.zone(fmt.Sprintf("server.%q", name), name)
			}
		}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "resolvers") {
		w.line("[resolver.r%d]\naddresses = %s\nvalidate = %s\nipv6 = %s", i, w.take("r"), w.pick("validate", "true", "false"), w.pick("ipv6", "true", "false"))
		w.line("%s", w.pick("bounds", "", `min_ttl = "1d"`, `max_ttl = "0s"`, `max_negative_ttl = "1s"`, `allow = []`, `allow = ["fd00::/8"]`))
	}
	if rapid.Bool().Draw(t, "client") {
		w.line("[client.c]\naddresses = %s\n%s", w.take("c"), w.pick("stub", `nameservers = ["10.0.0.1"]`, `local_stub = ["10.0.0.2", "fd00::1"]`, "nameservers = [\"10.0.0.9\"]\n"+`options = "ndots:15 timeout:30 attempts:5 rotate"`))
	}
	if rapid.Bool().Draw(t, "link") {
		w.line("[[link]]\nbetween = [\"0.0.0.0/0\", \"10.0.0.0/8\"]\nlatency = %q", w.pick("latency", "0s", "1ns", "3s", "10s"))
	}
	w.line("[[step]]\nquery = \"www.example.org.\"\nvia = \"10.0.0.1\"\nexpect = { rcode = \"NOERROR\" }")
	return w.b.String()
}

// anyWorld builds the world if the loader takes it, asks around in it, breaks it and closes it. Nothing of that panics,
// hangs or leaks, whatever is answered.
func anyWorld(t *rapid.T) {
	text := drawWorld(t)
	s, _, err := scenarios.LoadFS(fstest.MapFS{"w.toml": {Data: []byte(text)}}, "w.toml", fault.Vocabulary())
	if err != nil {
		return // the loader has its own tests
	}
	w, err := simulator.New(s, simulator.Options{})
	if err != nil {
		return // one error, and nothing is left of it
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}()
	ask := func() {
		for _, n := range w.EdgeNodes() {
			for _, name := range []string{"www.example.org.", "no.sub.example.org.", "."} {
				q := scenarios.QueryStep{Name: name, Type: dns.TypeA, Via: n.Name, DO: true}
				if _, err := w.Query(context.Background(), q); err != nil && !strings.Contains(err.Error(), "no address of a family") {
					t.Fatalf("%s at %s: %v\n%s", name, n.Name, err, text)
				}
			}
		}
	}
	ask()
	for _, f := range []string{"resigning-stopped", "denial-broken", "ds-missing", "key-roll-unannounced"} {
		_, _ = w.Inject(f, "", fault.Params{"zone": "example.org."}, 5*time.Minute) // perhaps there is none, or it is not signed
	}
	if err := w.Advance(10 * time.Minute); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	ask()
}

func TestAnyWorldThatLoads(t *testing.T) { rapid.Check(t, anyWorld) }

func FuzzWorld(f *testing.F) { f.Fuzz(rapid.MakeFuzz(anyWorld)) }
