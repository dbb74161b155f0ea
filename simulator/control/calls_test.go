package control_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"faultzone/simulator"
	"faultzone/simulator/control"
)

func TestReads(t *testing.T) {
	t.Parallel()
	a := serve(t, "rrsig-expired", control.Config{ID: "mine"})
	a.server.Unready()
	a.refused(http.StatusServiceUnavailable, "not ready", "POST", "/v1/halt", "")
	if p := a.refused(http.StatusServiceUnavailable, "not ready", "GET", "/readyz", ""); !strings.HasSuffix(p.Type, ":busy") {
		t.Errorf("type %s", p.Type)
	}
	a.server.Ready()
	if got := get[control.Health](a, "GET", "/readyz", ""); got.Status != "ready" {
		t.Errorf("readyz: %+v", got)
	}
	if got := get[control.Health](a, "GET", "/healthz", ""); got.Status != "alive" {
		t.Errorf("healthz: %+v", got)
	}
	w := get[control.World](a, "GET", "/v1/world", "")
	if w.ID != "mine" || w.Scenario != "rrsig-expired" || w.Life != 1 || !w.Ready || w.Halted != nil || !w.Clock.Paused || w.Steps.Left != 15 {
		t.Errorf("the world: %+v", w)
	}
	nodes := get[control.Nodes](a, "GET", "/v1/nodes", "").Nodes
	at := slices.IndexFunc(nodes, func(n control.Node) bool { return n.Name == "resolver-a" })
	if at < 0 || nodes[at].Role != "resolver" || nodes[at].State != "up" || len(nodes[at].Doors) != 1 || nodes[at].Addresses[0].String() != "10.0.1.10" {
		t.Errorf("nodes: %+v", nodes)
	}
	if got := get[control.Node](a, "GET", "/v1/nodes/resolver-a", ""); got.Doors[0] != nodes[at].Doors[0] {
		t.Errorf("resolver-a: %+v", got)
	}
	zones := get[control.Zones](a, "GET", "/v1/zones/solvethenetwork.com", "").Zones
	if len(zones) != 4 || zones[0].Zone != "solvethenetwork.com." || zones[0].Serial == 0 || zones[0].SignaturesEnd.IsZero() {
		t.Errorf("zones: %+v", zones)
	}
	for _, z := range zones {
		if z.Primary == !z.Expires.IsZero() || !z.Loaded || !z.Fresh {
			t.Errorf("zone: %+v", z)
		}
	}
	if got := get[control.Zones](a, "GET", "/v1/zones/root", "").Zones; len(got) != 2 || got[0].Zone != "." {
		t.Errorf("the root: %+v", got)
	}
	if all := get[control.Zones](a, "GET", "/v1/zones", "").Zones; len(all) <= len(zones) {
		t.Errorf("%d zones", len(all))
	}
	var doc struct{ OpenAPI string }
	if r := a.call("GET", "/openapi.json", ""); json.Unmarshal(r.body, &doc) != nil || doc.OpenAPI != "3.1.0" {
		t.Errorf("the document: %.100s", r.body)
	}
	if r := a.send(a.request("HEAD", "/healthz", "")); r.status != 200 || len(r.body) > 0 {
		t.Errorf("HEAD: %d %s", r.status, r.body)
	}
}

// Whatever is a node of the world can be broken: the checks know each by its name.
func TestEveryNodeCanBeNamed(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	for _, n := range get[control.Nodes](a, "GET", "/v1/nodes", "").Nodes {
		if r := a.call("PUT", "/v1/faults/"+n.Name, `{"fault":"partition","params":{"between":"`+n.Name+`","and":"192.0.2.0/24"}}`); r.status != http.StatusCreated {
			t.Errorf("%s: %d %s", n.Name, r.status, r.body)
		}
	}
}

// What is not there is told with what is, and with what was probably meant.
func TestUnknown(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	for _, c := range []struct {
		status              int
		method, path, words string
	}{
		{404, "GET", "/v1/nodes/resolver-x", `did you mean "resolver-a"?`},
		{404, "GET", "/v1/nodes/nobody", "there are a.root-servers.net"},
		{404, "GET", "/v1/zones/solvethenetwrok.com", `did you mean "solvethenetwork.com."?`},
		{404, "GET", "/v1/caches/ns1", "no resolver"},
		{404, "POST", "/v1/caches/resolver-z/flush", "resolver-a"},
		{404, "GET", "/v1/faults/any", "PUT /v1/faults/NAME"},
		{404, "DELETE", "/v1/faults/any", "no fault of this world"},
		{404, "GET", "/v1/queries/1", "no query"},
		{404, "GET", "/v1/wrold", `did you mean "/v1/world"?`},
		{404, "GET", "/metrics", "/openapi.json"},
		{404, "GET", "/", "/openapi.json"},
		{405, "POST", "/v1/world", "it takes GET"},
		{405, "PATCH", "/v1/faults/x", "DELETE, GET, HEAD, PUT"},
		{405, "GET", "/v1/halt", "it takes POST"},
		{400, "GET", "/v1/journal?from=x", "want a whole number"},
		{400, "GET", "/v1/journal?form=1", `did you mean "from"?`},
		{400, "GET", "/v1/world?verbose=1", "this call takes none"},
		{400, "GET", "/v1/journal?limit=0", "from 1 to 10000"},
		{404, "GET", "//v1/world", "nothing at"},
		{404, "GET", "/v1/nodes/../world", "nothing at"},
		{404, "GET", "/v1/world/.", "nothing at"},
		{400, "GET", "/v1/journal?kind=legs", `did you mean "leg"?`},
		{400, "GET", "/v1/caches/resolver-a?offset=-1", "want a whole number"},
		{400, "GET", "/v1/caches/resolver-a?name=a..b", "want a domain name"},
	} {
		a.refused(c.status, c.words, c.method, c.path, "")
	}
	if r := a.call("POST", "/v1/nodes", ""); r.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow: %s", r.header.Get("Allow"))
	}
	a.answersAsEver()
}

func TestInjectAndHeal(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	const path, body = "/v1/faults/dead", `{"fault":"server-down","params":{"node":"resolver-a","looks":"refused"},"for":"10m"}`
	r := a.call("PUT", path, body)
	if r.status != http.StatusCreated {
		t.Fatalf("%d %s", r.status, r.body)
	}
	first := get[control.Fault](a, "GET", path, "")
	if !first.Active || first.Fault != "server-down" || first.By != "tester" || first.Params["looks"] != "refused" || first.Until.Sub(first.Since) != 10*time.Minute {
		t.Errorf("%+v", first)
	}
	// The same again is the same fault, which goes on as it did.
	if r := a.call("PUT", path, body); r.status != http.StatusOK {
		t.Errorf("the same again: %d %s", r.status, r.body)
	}
	if n := len(get[control.Faults](a, "GET", "/v1/faults", "").Faults); n != 1 {
		t.Errorf("%d faults", n)
	}
	if got := get[control.Answer](a, "POST", "/v1/queries", `{"name":"api.solvethenetwork.com.","via":"resolver-a"}`); got.Failure != "refused" || got.Rcode != "" {
		t.Errorf("a resolver that is down says %+v", got)
	}
	if got := get[control.Fault](a, "GET", path, ""); got.Seen == 0 || got.Changed == 0 {
		t.Errorf("it saw %d and changed %d", got.Seen, got.Changed)
	}
	// Another under its name is a conflict, unless it is to take its place.
	other := `{"fault":"server-down","params":{"node":"ns1"}`
	a.refused(http.StatusConflict, "node=resolver-a", "PUT", path, other+"}")
	if r := a.call("PUT", path, other+`,"replace":true}`); r.status != http.StatusOK {
		t.Errorf("replaced: %d %s", r.status, r.body)
	}
	a.answersAsEver()
	for range 2 {
		if got := get[control.Fault](a, "DELETE", path, ""); got.Active || got.HealedAt.IsZero() {
			t.Errorf("healed: %+v", got)
		}
	}
	if got := get[control.World](a, "GET", "/v1/world", ""); got.ActiveFaults != 0 {
		t.Errorf("%d faults are active", got.ActiveFaults)
	}
	if r := a.call("PUT", "/v1/faults/server-down", `{"params":{"node":"ns2"}}`); r.status != http.StatusCreated { // its name is the fault's
		t.Errorf("%d %s", r.status, r.body)
	}
	for range 2 {
		for _, f := range get[control.Faults](a, "DELETE", "/v1/faults", "").Faults {
			if f.Active {
				t.Errorf("%s is active", f.Name)
			}
		}
	}
	want := []string{
		"inject by tester: server-down looks=refused node=resolver-a as dead for 10m",
		"inject by tester: server-down node=ns1 as dead",
		"heal by tester: dead",
		"inject by tester: server-down node=ns2",
		"heal by tester: every fault",
		"heal by tester: every fault",
	}
	if got := a.acts(); !slices.Equal(got, want) {
		t.Errorf("acts: %q", got)
	}
}

// A fault ends at its deadline in the world's time, whatever has become of whoever injected it.
func TestDeadline(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	get[control.Fault](a, "PUT", "/v1/faults/server-down", `{"params":{"node":"ns1"},"for":"10m"}`)
	get[control.Clock](a, "POST", "/v1/clock/advance", `{"by":"9m"}`)
	if !get[control.Fault](a, "GET", "/v1/faults/server-down", "").Active {
		t.Error("healed too early")
	}
	get[control.Clock](a, "POST", "/v1/clock/advance", `{"by":"2m"}`)
	if got := get[control.Fault](a, "GET", "/v1/faults/server-down", ""); got.Active || !got.HealedAt.Equal(got.Until) {
		t.Errorf("%+v", got)
	}
}

// The scenario's own faults are told with who injected them.
func TestFaultsOfTheScenario(t *testing.T) {
	t.Parallel()
	a := serve(t, "rrsig-expired", control.Config{})
	if _, err := a.host.World().Inject("resigning-stopped", "", map[string]any{"zone": "solvethenetwork.com."}, 0); err != nil {
		t.Fatal(err)
	}
	if got := get[control.Fault](a, "GET", "/v1/faults/resigning-stopped", ""); got.By != "scenario" {
		t.Errorf("by %s", got.By)
	}
	a.call("PUT", "/v1/faults/resigning-stopped", `{"params":{"zone":"solvethenetwork.com"}}`) // the same, written otherwise
	if got := get[control.Faults](a, "GET", "/v1/faults", "").Faults; len(got) != 1 || got[0].By != "scenario" {
		t.Errorf("%+v", got)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{Speed: 0.5})
	before := get[control.Clock](a, "GET", "/v1/clock", "")
	if !before.Paused || before.Speed != 0 || before.Elapsed != "0s" {
		t.Errorf("%+v", before)
	}
	after := get[control.Clock](a, "POST", "/v1/clock/advance", `{"by":"7d"}`)
	if after.Now.Sub(before.Now) != 7*24*time.Hour || after.Elapsed != "7d" || int(after.ElapsedSeconds) != 7*24*3600 {
		t.Errorf("%+v", after)
	}
	if got := get[control.Clock](a, "POST", "/v1/clock/resume", ""); got.Speed != 0.5 || got.Paused {
		t.Errorf("resumed: %+v", got)
	}
	if got := get[control.Clock](a, "PUT", "/v1/clock/speed", `{"speed":0.25}`); got.Speed != 0.25 {
		t.Errorf("speed: %+v", got)
	}
	for range 2 {
		if got := get[control.Clock](a, "POST", "/v1/clock/pause", ""); !got.Paused {
			t.Errorf("paused: %+v", got)
		}
	}
	for range 2 {
		if got := get[control.Clock](a, "POST", "/v1/clock/resume", "{}"); got.Speed != 0.25 {
			t.Errorf("resumed: %+v", got)
		}
	}
	if got := get[control.Clock](a, "PUT", "/v1/clock/speed", `{"speed":0}`); !got.Paused {
		t.Errorf("speed 0: %+v", got)
	}
}

// A pause in the middle of a question comes when the question is over.
func TestPauseUnderAQuestion(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	get[control.Fault](a, "PUT", "/v1/faults/server-down", `{"params":{"node":"ns1"}}`)
	get[control.Clock](a, "PUT", "/v1/clock/speed", `{"speed":10}`)
	e := a.follow(t, "/v1/journal?kind=act")
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		// ns1 is silent, so this takes 15 s of the world's time.
		if r := a.call("POST", "/v1/queries", `{"name":"api.solvethenetwork.com","via":"ns1"}`); !strings.Contains(string(r.body), `"failure": "timeout"`) {
			t.Errorf("%d %s", r.status, r.body)
		}
	}()
	e.entry(simulator.KindAct)
	if got := get[control.Clock](a, "POST", "/v1/clock/pause", ""); !got.Paused || got.Speed != 0 {
		t.Errorf("paused: %+v", got)
	}
	get[control.Clock](a, "PUT", "/v1/clock/speed", `{"speed":1000}`)
	get[control.Clock](a, "POST", "/v1/clock/pause", "")
	<-asked
	if speed := a.host.World().Speed(); speed != 0 {
		t.Errorf("the world goes on at %v", speed)
	}
	if got := get[control.Clock](a, "POST", "/v1/clock/resume", ""); got.Speed != 1000 {
		t.Errorf("resumed: %+v", got)
	}
}

// A question to a world that stands still moves its time for as long as it takes, and no further.
func TestQuery(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	got := get[control.Answer](a, "POST", "/v1/queries", `{"name":"api.solvethenetwork.com","type":"a","via":"resolver-a","dnssec":true}`)
	if got.Rcode != "NOERROR" || !slices.Contains(got.Flags, "ad") || len(got.Answer) != 2 || got.Answer[0] != "api.solvethenetwork.com. 300 IN A 10.0.2.50" {
		t.Errorf("%+v", got)
	}
	if got.Question != "api.solvethenetwork.com A +dnssec" || got.Server != "10.0.1.10" || got.ElapsedSeconds <= 0 || len(got.Path) < 5 || len(got.Traces) != 1 {
		t.Errorf("%+v", got)
	}
	if !get[control.Clock](a, "GET", "/v1/clock", "").Paused {
		t.Error("the world goes on after the question")
	}
	if again := get[control.Answer](a, "GET", "/v1/queries/1", ""); len(again.Path) != len(got.Path) || again.Summary != got.Summary {
		t.Errorf("remembered: %+v", again)
	}
	client := get[control.Answer](a, "POST", "/v1/queries", `{"name":"api","client":"app-01"}`)
	if client.Rcode != "NOERROR" || client.Client != "app-01" {
		t.Errorf("a client: %+v", client)
	}
	outside := get[control.Answer](a, "POST", "/v1/queries", `{"name":"api.solvethenetwork.com","via":"ns1","from":"203.0.113.9"}`)
	if len(outside.Answer) != 1 || !strings.HasSuffix(outside.Answer[0], "203.0.113.80") || !slices.Contains(outside.Flags, "aa") {
		t.Errorf("from outside: %+v", outside)
	}
	if list := get[control.Answers](a, "GET", "/v1/queries", "").Queries; len(list) != 3 || list[2].ID != 3 || len(list[0].Path) != 0 {
		t.Errorf("all: %+v", list)
	}
	cache := get[control.Cache](a, "GET", "/v1/caches/resolver-a?name=api.solvethenetwork.com", "")
	if cache.Total != 1 || cache.Entries[0].Type != "A" || cache.Entries[0].Status != "secure" || cache.Entries[0].TTL < 299 || cache.Next != nil {
		t.Errorf("the cache: %+v", cache)
	}
	page := get[control.Cache](a, "GET", "/v1/caches/resolver-a?limit=2", "")
	if len(page.Entries) != 2 || page.Next == nil || *page.Next != 2 || page.Total <= 2 {
		t.Errorf("a page: %+v", page)
	}
	if got := get[control.Caches](a, "GET", "/v1/caches", "").Caches; got[0].Resolver != "resolver-a" || got[0].Entries != page.Total {
		t.Errorf("caches: %+v", got)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	before := get[control.Zones](a, "GET", "/v1/zones/solvethenetwork.com", "").Zones
	after := get[control.Zones](a, "POST", "/v1/zones/solvethenetwork.com/edit",
		`{"add":["new 300 IN TXT \"a,b\""],"delete":["api A"],"replace":["www 60 IN A 192.0.2.7"],"view":"internal"}`).Zones
	if after[0].Serial != before[0].Serial+1 {
		t.Errorf("serial %d after %d", after[0].Serial, before[0].Serial)
	}
	for q, want := range map[string]string{`"new.solvethenetwork.com","type":"TXT"`: `"a,b"`, `"www.solvethenetwork.com"`: "192.0.2.7"} {
		got := get[control.Answer](a, "POST", "/v1/queries", `{"via":"ns1","name":`+q+`}`)
		if len(got.Answer) != 1 || !strings.HasSuffix(got.Answer[0], want) {
			t.Errorf("%s: %+v", q, got.Answer)
		}
	}
	get[control.Answer](a, "POST", "/v1/queries", `{"name":"www.solvethenetwork.com"}`)
	flushed := get[control.Flushed](a, "POST", "/v1/caches/resolver-a/flush", `{"name":"www.solvethenetwork.com"}`)
	if flushed.Before != flushed.After+1 {
		t.Errorf("flushed: %+v", flushed)
	}
	if flushed = get[control.Flushed](a, "POST", "/v1/caches/resolver-a/flush", `{"name":"com","tree":true}`); flushed.After >= flushed.Before {
		t.Errorf("flushed: %+v", flushed)
	}
	if flushed = get[control.Flushed](a, "POST", "/v1/caches/resolver-a/flush", ""); flushed.After != 0 {
		t.Errorf("flushed: %+v", flushed)
	}
	signed := get[control.Zones](a, "POST", "/v1/zones/solvethenetwork.com/resign", "").Zones
	if signed[0].Serial != after[0].Serial+1 {
		t.Errorf("signed: serial %d after %d", signed[0].Serial, after[0].Serial)
	}
	get[control.Zones](a, "POST", "/v1/zones/solvethenetwork.com/retransfer", `{"server":"ns2","view":"internal"}`)
	get[control.Clock](a, "POST", "/v1/clock/advance", `{"by":"10s"}`)
	for _, z := range get[control.Zones](a, "GET", "/v1/zones/solvethenetwork.com", "").Zones {
		if z.View == "internal" && z.Serial != signed[0].Serial {
			t.Errorf("%s has serial %d", z.Server, z.Serial)
		}
	}
	want := []string{"edit by tester: solvethenetwork.com. delete api A; replace www 60 IN A 192.0.2.7; add new 300 IN TXT \"a,b\"",
		"flush by tester: resolver-a www.solvethenetwork.com", "flush by tester: resolver-a com and below", "flush by tester: resolver-a",
		"resign by tester: solvethenetwork.com.", "retransfer by tester: solvethenetwork.com. on ns2", "advance by tester: 10s"}
	if got := a.acts(); !slices.Equal(got, want) {
		t.Errorf("acts: %q", got)
	}
}

// Signing by hand gives good signatures, and the signer that renews nothing goes on renewing nothing.
func TestResignUnderAFault(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	get[control.Fault](a, "PUT", "/v1/faults/resigning-stopped", `{"params":{"zone":"solvethenetwork.com"}}`)
	get[control.Clock](a, "POST", "/v1/clock/advance", `{"by":"20d"}`)
	old := get[control.Zones](a, "GET", "/v1/zones/solvethenetwork.com", "").Zones[0]
	now := get[control.Zones](a, "POST", "/v1/zones/solvethenetwork.com/resign", "").Zones[0]
	if !now.SignaturesEnd.After(old.SignaturesEnd) || !now.NextSigning.IsZero() {
		t.Errorf("before %+v, after %+v", old, now)
	}
	get[control.Fault](a, "DELETE", "/v1/faults/resigning-stopped", "")
	if healed := get[control.Zones](a, "GET", "/v1/zones/solvethenetwork.com", "").Zones[0]; healed.NextSigning.IsZero() {
		t.Errorf("healed: %+v", healed)
	}
}

func TestHaltAndReset(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	before := get[control.Zones](a, "GET", "/v1/zones/solvethenetwork.com", "").Zones[0].Serial
	get[control.Fault](a, "PUT", "/v1/faults/server-down", `{"params":{"node":"ns1"}}`)
	if got := get[control.Halted](a, "POST", "/v1/halt", `{"reason":"\u001b[2Jlunch"}`); got.Reason != "[2Jlunch" || got.Healed != 1 {
		t.Errorf("%+v", got)
	}
	if got := get[control.Halted](a, "POST", "/v1/halt", ""); got.Reason != "[2Jlunch" || got.Healed != 0 {
		t.Errorf("again: %+v", got)
	}
	if got := get[control.World](a, "GET", "/v1/world", ""); got.Halted == nil || *got.Halted != "[2Jlunch" || got.ActiveFaults != 0 {
		t.Errorf("%+v", got)
	}
	get[control.Answer](a, "POST", "/v1/queries", `{"name":"api.solvethenetwork.com"}`)
	get[control.Zones](a, "POST", "/v1/zones/solvethenetwork.com/edit", `{"delete":["api"]}`)
	get[control.Clock](a, "PUT", "/v1/clock/speed", `{"speed":60}`)
	get[control.Clock](a, "POST", "/v1/clock/pause", "")
	if got := get[control.Begun](a, "POST", "/v1/reset", ""); got.Life != 2 {
		t.Errorf("%+v", got)
	}
	if got := get[control.Clock](a, "GET", "/v1/clock", ""); got.Paused || got.Speed != 1 {
		t.Errorf("%+v", got)
	}
	get[control.Clock](a, "POST", "/v1/clock/pause", "")
	if got := get[control.Caches](a, "GET", "/v1/caches", ""); slices.ContainsFunc(got.Caches, func(c control.CacheSize) bool { return c.Entries > 0 }) {
		t.Errorf("%+v", got)
	}
	if got := get[control.Zones](a, "GET", "/v1/zones/solvethenetwork.com", "").Zones; len(got) == 0 || got[0].Serial != before {
		t.Errorf("%+v", got)
	}
	w := get[control.World](a, "GET", "/v1/world", "")
	if w.Halted != nil || w.Life != 2 || w.Clock.ElapsedSeconds > 3600 {
		t.Errorf("%+v", w)
	}
	if n := len(get[control.Faults](a, "GET", "/v1/faults", "").Faults); n != 0 {
		t.Errorf("%d faults", n)
	}
	if n := len(get[control.Answers](a, "GET", "/v1/queries", "").Queries); n != 0 {
		t.Errorf("%d queries", n)
	}
	if got := a.acts(); !slices.Equal(got, []string{"reset by tester: everything as at the start", "pause by tester: the world stands still"}) {
		t.Errorf("acts: %q", got)
	}
	a.answersAsEver()
}

func TestJournalPages(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	get[control.Answer](a, "POST", "/v1/queries", `{"name":"api.solvethenetwork.com"}`)
	whole := get[control.JournalPage](a, "GET", "/v1/journal?limit=10000", "")
	if whole.Life != 1 || whole.Next != whole.Length || len(whole.Entries) != whole.Length {
		t.Fatalf("%d entries of %d, next %d", len(whole.Entries), whole.Length, whole.Next)
	}
	for from, n := 0, 0; n < whole.Length; {
		page := get[control.JournalPage](a, "GET", "/v1/journal?limit=7&from="+itoa(from), "")
		for _, e := range page.Entries {
			if e.Number != n || e != whole.Entries[n] {
				t.Fatalf("entry %d: %+v", n, e)
			}
			n++
		}
		from = page.Next
	}
	for _, e := range get[control.JournalPage](a, "GET", "/v1/journal?kind=world,act", "").Entries {
		if e.Kind != "world" && e.Kind != "act" {
			t.Errorf("kind %s", e.Kind)
		}
	}
	if got := get[control.JournalPage](a, "GET", "/v1/journal?from=1000000", ""); len(got.Entries) != 0 {
		t.Errorf("beyond the end: %+v", got)
	}
}

// Every act says who did it: by the header, cleaned of what a terminal would obey, or by the address.
func TestWho(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	for _, by := range []string{"ann@desk", "\u009b31m\tann", "", strings.Repeat("x", 300)} {
		a.call("POST", "/v1/clock/pause", "", "X-Faultzone-By", by)
	}
	got := a.acts()
	for i, want := range []string{"pause by ann@desk:", "pause by 31mann:", "pause by 127.0.0.1:", "pause by " + strings.Repeat("x", 100) + "…:"} {
		if !strings.HasPrefix(got[i], want) {
			t.Errorf("%q, want %q", got[i], want)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write([]byte("up 1\n"))
	})})
	if r := a.call("GET", "/metrics", ""); string(r.body) != "up 1\n" {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.refused(http.StatusUnauthorized, "token", "GET", "/metrics", "", "Authorization", "")
}

// Faults come in pages, the latest first of all, and by whether they are at work.
func TestFaultPages(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	for i := range 5 {
		name := "/v1/faults/f" + strconv.Itoa(i)
		get[control.Fault](a, "PUT", name, `{"fault":"server-down","params":{"node":"ns2"}}`)
		if i < 3 {
			get[control.Fault](a, "DELETE", name, "")
		}
	}
	for _, c := range []struct {
		query       string
		names       string
		total, from int
		next        int // 0: there is none
	}{
		{"", "f0 f1 f2 f3 f4", 5, 0, 0},
		{"?limit=2", "f3 f4", 5, 3, 0},
		{"?offset=0&limit=2", "f0 f1", 5, 0, 2},
		{"?offset=4", "f4", 5, 4, 0},
		{"?offset=5", "", 5, 5, 0},
		{"?offset=4611686018427387904", "", 5, 1 << 62, 0},
		{"?active=true", "f3 f4", 2, 0, 0},
		{"?active=false&limit=1", "f2", 3, 2, 0},
	} {
		got := get[control.Faults](a, "GET", "/v1/faults"+c.query, "")
		var names []string
		for _, f := range got.Faults {
			names = append(names, f.Name)
		}
		next := 0
		if got.Next != nil {
			next = *got.Next
		}
		if strings.Join(names, " ") != c.names || got.Total != c.total || got.Offset != c.from || next != c.next {
			t.Errorf("%s: %q of %d from %d, next %d", c.query, names, got.Total, got.Offset, next)
		}
	}
	a.refused(400, "true or false", "GET", "/v1/faults?active=1", "")
}

// A rollover begins, and the zone tells how far it is.
func TestRoll(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{Limits: control.Limits{Protected: []string{"com."}}})
	const path = "/v1/zones/solvethenetwork.com/roll"
	for body, words := range map[string]string{
		``:                               "which key",
		`{"key":"csk"}`:                  `expected "zsk" or "ksk"`,
		`{"key":"ksk","parent":"blind"}`: `expected "follows" or "deaf"`,
	} {
		a.refused(422, words, "POST", path, body)
	}
	a.refused(404, "no server", "POST", "/v1/zones/example.org/roll", `{"key":"zsk"}`)
	a.refused(403, "com. is protected", "POST", "/v1/zones/com/roll", `{"key":"zsk"}`)
	for _, z := range get[control.Zones](a, "POST", path, `{"key":"zsk"}`).Zones {
		if z.Primary && z.Rollover != "published" {
			t.Errorf("%+v", z)
		}
	}
	if got := a.acts(); !slices.Equal(got, []string{"roll by tester: solvethenetwork.com. zsk"}) {
		t.Errorf("acts: %q", got)
	}
}

// Who says in a header who it is writes no more than a short name into the journal.
func TestWhoSaysMuch(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	for said, want := range map[string]string{
		"ann\u202etset":            "anntset",
		"\u009b31mann\u2066":       "31mann",
		strings.Repeat("aé", 60):   strings.Repeat("aé", 33) + "a…",
		"\xff":                     "127.0.0.1",
		strings.Repeat("x", 10000): strings.Repeat("x", 100) + "…",
	} {
		a.call("POST", "/v1/clock/pause", "", "X-Faultzone-By", said)
		acts := a.acts()
		if got := acts[len(acts)-1]; got != "pause by "+want+": the world stands still" {
			t.Errorf("%q: %s", said, got)
		}
	}
}
