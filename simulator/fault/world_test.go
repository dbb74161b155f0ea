package fault_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"faultzone/authoritative/zone"
	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a world with one of everything that a fault can break: two views, a secondary by TSIG, a signed zone in a
// parent that the world makes, resolvers that do and do not validate, a client with a local stub.
const small = `
title = "small"

[key.inside-key]

[server.ns1]
addresses = ["10.9.1.1", "203.0.113.1"]
views     = ["inside", "outside"]
[server.ns1.view.inside]
match = ["key inside-key", "10.9.0.0/16"]
[server.ns1.view.inside.zone."example.org."]
file     = "inside.zone"
signed   = { denial = "DENIAL" }
transfer = ["key inside-key"]
notify   = [{ address = "10.9.1.2", key = "inside-key" }]
[server.ns1.view.outside]
match = ["any"]
[server.ns1.view.outside.zone."example.org."]
file   = "outside.zone"
signed = { denial = "DENIAL" }
[server.ns1.view.outside.zone."plain.test."]
data = '''
$TTL 300
@   IN SOA ns1 host 1 3600 900 604800 300
@   IN NS ns1
ns1 IN A 203.0.113.1
www IN A 203.0.113.99
'''

[server.ns2]
addresses = ["10.9.1.2"]
[server.ns2.zone."example.org."]
primaries = [{ address = "10.9.1.1", key = "inside-key" }]

[resolver.cache]
addresses = ["10.9.2.1"]
allow     = ["10.9.0.0/16", "10.0.2.0/24"]
[resolver.open]
addresses = ["10.9.2.2"]
validate  = false
[resolver.outer]
addresses = ["203.0.113.200"]

[client.laptop]
addresses  = ["10.9.3.1"]
local_stub = ["10.9.2.1"]
[client.desk]
addresses   = ["10.9.3.2"]
nameservers = ["10.9.2.1"]

[[step]]
query  = "www.example.org."
via    = "cache"
expect = { rcode = "NOERROR" }
`

const inside = `$TTL 300
@   IN SOA ns1 host 1 3600 900 604800 300
@   IN NS ns1
ns1 IN A 10.9.1.1
www IN A 10.9.5.5
a   IN A 10.9.5.6
`

// difference is the first line in which two texts differ.
func difference(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return left[i] + "\n" + right[i]
		}
	}
	return fmt.Sprintf("%d and %d lines", len(left), len(right))
}

// started is the small world, with or without NSEC3.
func started(t testing.TB, denial string) *simulator.World {
	t.Helper()
	fsys := fstest.MapFS{
		"small.toml":   {Data: []byte(strings.ReplaceAll(small, "DENIAL", denial))},
		"inside.zone":  {Data: []byte(inside)},
		"outside.zone": {Data: []byte(strings.NewReplacer("10.9.1.1", "203.0.113.1", "10.9.5.", "203.0.113.5").Replace(inside))},
	}
	s, _, err := scenarios.LoadFS(fsys, "small.toml", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	w, err := simulator.New(s, simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func inject(t testing.TB, w *simulator.World, name string, params fault.Params) *simulator.Injected {
	t.Helper()
	return injectAs(t, w, name, "", params)
}

func injectAs(t testing.TB, w *simulator.World, name, label string, params fault.Params) *simulator.Injected {
	t.Helper()
	in, err := w.Inject(name, label, params, 0)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func heal(t testing.TB, in *simulator.Injected) {
	t.Helper()
	if err := in.Heal(); err != nil {
		t.Fatal(err)
	}
}

func advance(t testing.TB, w *simulator.World, d time.Duration) {
	t.Helper()
	if err := w.Advance(d); err != nil {
		t.Fatal(err)
	}
}

// ask puts a question, whatever comes of it.
func ask(t testing.TB, w *simulator.World, q scenarios.QueryStep) simulator.Result {
	t.Helper()
	if q.Type == 0 {
		q.Type = dns.TypeA
	}
	r, err := w.Query(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outcome is what a question came to, in a word or two: "timeout", "REFUSED", "NOERROR ad 10.9.5.5".
func outcome(t testing.TB, w *simulator.World, q scenarios.QueryStep) string {
	t.Helper()
	r := ask(t, w, q)
	if r.Reply == nil {
		if r.Failure() == "" {
			return fmt.Sprint(r.Err)
		}
		return r.Failure()
	}
	words := []string{dns.RcodeToString[r.Reply.Rcode]}
	if r.Reply.AuthenticatedData {
		words = append(words, "ad")
	}
	for _, rr := range r.Reply.Answer {
		if rr.Header().Rrtype != dns.TypeRRSIG {
			words = append(words, simulator.Rdata(rr))
		}
	}
	return strings.Join(words, " ")
}

// settings are all that faults can change of the world, in a text that is the same when the world is the same. Serials
// are left out, and the signatures over them: they only ever go up.
func settings(t testing.TB, w *simulator.World) string {
	t.Helper()
	var b strings.Builder
	for _, name := range []string{"ns1", "ns2", "tld"} {
		s, err := w.Authoritative(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range s.Views() {
			fmt.Fprintln(&b, name, v, s.Match(v).Strings())
		}
		for _, id := range s.Zones() {
			transfer, err := s.Transfer(id.View, id.Origin)
			if err != nil {
				t.Fatal(err)
			}
			z := s.Zone(id.View, id.Origin)
			if z == nil {
				t.Fatalf("%s has no %s", name, id.Origin)
			}
			var text strings.Builder
			if err := zone.Write(&text, z); err != nil {
				t.Fatal(err)
			}
			lines := slices.DeleteFunc(strings.Split(text.String(), "\n"), func(l string) bool {
				return strings.Contains(l, "\tSOA\t") || strings.Contains(l, "\tSOA ")
			})
			fmt.Fprintln(&b, name, id, transfer.Strings(), strings.Join(lines, "\n"))
		}
	}
	for _, name := range []string{"cache", "open", "outer"} {
		r, err := w.Resolver(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, name, r.Allow() == nil, r.Allow())
	}
	return b.String()
}
