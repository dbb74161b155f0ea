package metrics_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/edge"
	"faultzone/simulator/fault"
	"faultzone/simulator/live"
	"faultzone/simulator/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func builtin(t testing.TB, name string) *scenarios.Scenario {
	t.Helper()
	s, _, err := scenarios.Builtin(name, fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// measured is a world in virtual time with its metrics.
type measured struct {
	*simulator.World
	t       testing.TB
	metrics *metrics.Metrics
}

func measure(t testing.TB, name string) *measured {
	t.Helper()
	m := &measured{t: t, metrics: metrics.New()}
	w, err := simulator.New(builtin(t, name), simulator.Options{OnBuilt: m.metrics.Attach})
	if err != nil {
		t.Fatal(err)
	}
	m.World = w
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func (m *measured) ask(q scenarios.QueryStep) {
	m.t.Helper()
	if q.Type == 0 {
		q.Type = dns.TypeA
	}
	if _, err := m.Query(context.Background(), q); err != nil {
		m.t.Fatal(err)
	}
}

// scrape is what Prometheus gets, a series a line.
func scrape(t testing.TB, m *metrics.Metrics, world func() *simulator.World) map[string]string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(world).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("%d %v: %s", w.Code, err, text)
	}
	series := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			at := strings.LastIndexByte(line, ' ')
			series[line[:at]] = line[at+1:]
		}
	}
	return series
}

func (m *measured) want(want map[string]string) {
	m.t.Helper()
	got := scrape(m.t, m.metrics, func() *simulator.World { return m.World })
	for name, value := range want {
		if got[name] != value {
			m.t.Errorf("%s is %q, want %q", name, got[name], value)
			base, _, _ := strings.Cut(name, "{")
			for other, value := range got {
				if strings.HasPrefix(other, base+"{") {
					m.t.Logf("\t%s %s", other, value)
				}
			}
		}
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	m := measure(t, "negative-cache")
	for range 3 {
		m.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", Via: "resolver-a"})
	}
	m.ask(scenarios.QueryStep{Name: "no-such.solvethenetwork.com.", Via: "resolver-a"})
	m.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", Via: "resolver-b", TCP: true})
	m.ask(scenarios.QueryStep{Name: "example.net.", Via: "ns1"})
	m.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", Via: "10.0.1.99"})
	m.want(map[string]string{
		`faultzone_queries_total{fate="delivered",node="resolver-a",transport="udp"}`:             "4",
		`faultzone_replies_total{ede="",node="resolver-a",rcode="NOERROR",transport="udp"}`:       "3",
		`faultzone_replies_total{ede="",node="resolver-a",rcode="NXDOMAIN",transport="udp"}`:      "1",
		`faultzone_queries_total{fate="delivered",node="resolver-b",transport="tcp"}`:             "1",
		`faultzone_connections_total{fate="delivered",node="resolver-b"}`:                         "1",
		`faultzone_queries_total{fate="unreachable",node="none",transport="udp"}`:                 "3",
		`faultzone_replies_total{ede="20",node="ns1",rcode="REFUSED",transport="udp"}`:            "1",
		`faultzone_reply_latency_seconds_count{node="resolver-a"}`:                                "4",
		`faultzone_cache_hits_total{node="resolver-a"}`:                                           "2",
		`faultzone_cache_misses_total{node="resolver-a"}`:                                         "2",
		`faultzone_cache_misses_total{node="resolver-b"}`:                                         "1",
		`faultzone_cache_limit_bytes{node="resolver-a"}`:                                          "6.7108864e+07",
		`faultzone_node_up{node="resolver-a",role="resolver"}`:                                    "1",
		`faultzone_world_speed_ratio`:                                                             "0",
		`faultzone_worlds_total`:                                                                  "1",
		`faultzone_zone_loaded{server="ns2",view="internal",zone="solvethenetwork.com."}`:         "1",
		`faultzone_zone_expiry_seconds{server="ns1",view="internal",zone="solvethenetwork.com."}`: "",
	})
}

// A question with its answer out of the cache takes the time of one link, one that the servers are asked for more, and
// one that nobody answers is no latency.
func TestLatency(t *testing.T) {
	t.Parallel()
	m := measure(t, "negative-cache")
	m.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", Via: "resolver-a"})
	m.want(map[string]string{
		`faultzone_reply_latency_seconds_bucket{node="resolver-a",le="0.01"}`: "0",
		`faultzone_reply_latency_seconds_bucket{node="resolver-a",le="1"}`:    "1",
	})
	m.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", Via: "resolver-a"})
	m.want(map[string]string{`faultzone_reply_latency_seconds_bucket{node="resolver-a",le="0.01"}`: "1"})
	if _, err := m.Inject("server-down", "", map[string]any{"node": "resolver-a", "looks": "silent"}, 0); err != nil {
		t.Fatal(err)
	}
	m.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", Via: "resolver-a"})
	m.want(map[string]string{
		`faultzone_reply_latency_seconds_count{node="resolver-a"}`:                  "2",
		`faultzone_queries_total{fate="dropped",node="resolver-a",transport="udp"}`: "3",
		`faultzone_node_up{node="resolver-a",role="resolver"}`:                      "0",
		`faultzone_fault_active{fault="server-down",label="server-down"}`:           "1",
		`faultzone_fault_seen_total{fault="server-down",label="server-down"}`:       "3",
		`faultzone_fault_changed_total{fault="server-down",label="server-down"}`:    "3",
	})
	if err := m.HealAll(); err != nil {
		t.Fatal(err)
	}
	m.want(map[string]string{
		`faultzone_node_up{node="resolver-a",role="resolver"}`:                   "1",
		`faultzone_fault_active{fault="server-down",label="server-down"}`:        "0",
		`faultzone_fault_changed_total{fault="server-down",label="server-down"}`: "3",
		`faultzone_cache_hits_total{node="resolver-a"}`:                          "0", // it was started anew
	})
}

// Signatures that nobody renews come to their end, on the secondary too, and say how long ago; so do a secondary's copies.
func TestZoneClocks(t *testing.T) {
	t.Parallel()
	m := measure(t, "rrsig-expired")
	internal := func(server string) string {
		return fmt.Sprintf(`{server="%s",view="internal",zone="solvethenetwork.com."}`, server)
	}
	if _, err := m.Inject("resigning-stopped", "", map[string]any{"zone": "solvethenetwork.com."}, 0); err != nil {
		t.Fatal(err)
	}
	if err := m.Advance(10 * time.Second); err != nil { // until the secondary has them
		t.Fatal(err)
	}
	m.want(map[string]string{
		"faultzone_zone_signature_expiry_seconds" + internal("ns1"): "3590",
		"faultzone_zone_signature_expiry_seconds" + internal("ns2"): "3590",
	})
	if err := m.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	m.want(map[string]string{
		"faultzone_zone_signature_expiry_seconds" + internal("ns1"): "-3610",
		"faultzone_zone_signature_expiry_seconds" + internal("ns2"): "-3610",
		"faultzone_zone_loaded" + internal("ns2"):                   "1",
	})
	if _, err := m.Inject("server-down", "", map[string]any{"node": "ns1"}, 0); err != nil {
		t.Fatal(err)
	}
	if err := m.Advance(8 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	m.want(map[string]string{
		"faultzone_zone_loaded" + internal("ns2"):                   "0",
		"faultzone_zone_signature_expiry_seconds" + internal("ns2"): "", // nothing is served any more
		"faultzone_zone_loaded" + internal("ns1"):                   "1",
	})
	got := scrape(t, m.metrics, func() *simulator.World { return m.World })
	if left := got["faultzone_zone_expiry_seconds"+internal("ns2")]; !strings.HasPrefix(left, "-") {
		t.Errorf("an expired zone has %q seconds left", left)
	}
	if got["faultzone_zone_serial"+internal("ns1")] != got["faultzone_zone_serial"+internal("ns2")] {
		t.Errorf("the serials differ")
	}
}

// Names and units follow Prometheus' rules.
func TestLint(t *testing.T) {
	t.Parallel()
	m := measure(t, "rrsig-expired")
	m.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", Via: "resolver-a", TCP: true})
	if _, err := m.Inject("server-down", "", map[string]any{"node": "ns1"}, 0); err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(m.metrics.Registry(func() *simulator.World { return m.World }))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Ten thousand names, a thousand clients and two hundred labels of faults make no more series than a few do.
func TestSeriesAreBounded(t *testing.T) {
	t.Parallel()
	m := measure(t, "negative-cache")
	series := func() int { return len(scrape(t, m.metrics, func() *simulator.World { return m.World })) }
	ask := func(n int) {
		m.ask(scenarios.QueryStep{Name: fmt.Sprintf("name-%d.solvethenetwork.com.", n), Via: "resolver-a", From: fmt.Sprintf("10.0.2.%d", n%250)})
	}
	for n := range 50 { // until both servers of the zone have been asked
		ask(n)
	}
	before := series()
	for n := range 10_000 {
		ask(n)
	}
	if after := series(); after != before {
		t.Errorf("%d series after 50 names, %d after 10,000", before, after)
	}
	for n := range 250 {
		f, err := m.Inject("server-down", fmt.Sprintf("label-%d", n), map[string]any{"node": "ns1"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Heal(); err != nil {
			t.Fatal(err)
		}
	}
	if after := series(); after > before+4*101 {
		t.Errorf("%d series before, %d after 250 faults with labels of their own", before, after)
	}
	m.want(map[string]string{`faultzone_fault_active{fault="server-down",label="other"}`: "0"})
}

// A label that is no text spoils nothing.
func TestOddLabels(t *testing.T) {
	t.Parallel()
	m := measure(t, "negative-cache")
	for _, label := range []string{"\xff", "\xfe", "a \"quoted\"\nlabel"} {
		if _, err := m.Inject("server-down", label, map[string]any{"node": "ns1"}, 0); err != nil {
			t.Fatal(err)
		}
	}
	m.want(map[string]string{
		"faultzone_fault_active{fault=\"server-down\",label=\"\ufffd\"}":          "1",
		`faultzone_fault_active{fault="server-down",label="a \"quoted\"\nlabel"}`: "1",
	})
}

// When a host begins anew its queries go on being counted, and what is read of the world is the new one's.
func TestResetGoesOn(t *testing.T) {
	t.Parallel()
	m := metrics.New(recordings{{"pcap", 70, 0}, {"dnstap", 60, 10}}.list()...)
	h, err := live.New(live.Config{Scenario: builtin(t, "negative-cache"), Open: edge.Ports,
		Options: simulator.Options{Speed: 1000, OnBuilt: m.Attach}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Go(); err != nil {
		t.Fatal(err)
	}
	ask := func() {
		t.Helper()
		for _, d := range h.Doors() {
			if d.Node != "resolver-a" {
				continue
			}
			q := new(dns.Msg)
			q.SetQuestion("api.solvethenetwork.com.", dns.TypeA)
			if _, _, err := (&dns.Client{Timeout: 20 * time.Second}).Exchange(q, d.Real.String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(want map[string]string) {
		t.Helper()
		got := scrape(t, m, h.World)
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s is %q, want %q", name, got[name], value)
			}
		}
	}
	ask()
	ask()
	const queries = `faultzone_queries_total{fate="delivered",node="resolver-a",transport="udp"}`
	want(map[string]string{queries: "2", "faultzone_worlds_total": "1", `faultzone_cache_hits_total{node="resolver-a"}`: "1",
		"faultzone_world_speed_ratio":                                "1000",
		`faultzone_recording_legs_total{recording="pcap"}`:           "70",
		`faultzone_recording_dropped_legs_total{recording="dnstap"}`: "10"})
	if err := h.Reset("a test"); err != nil {
		t.Fatal(err)
	}
	ask()
	want(map[string]string{queries: "3", "faultzone_worlds_total": "2", `faultzone_cache_hits_total{node="resolver-a"}`: "0",
		`faultzone_reply_latency_seconds_count{node="resolver-a"}`: "3"})
}

type fake struct {
	name             string
	written, dropped uint64
}

func (f fake) Name() string             { return f.name }
func (f fake) Counts() (uint64, uint64) { return f.written, f.dropped }

type recordings []fake

func (r recordings) list() (list []metrics.Recording) {
	for _, f := range r {
		list = append(list, f)
	}
	return list
}

// Without a world there is something to tell all the same.
func TestNoWorld(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	got := scrape(t, m, func() *simulator.World { return nil })
	if got["faultzone_worlds_total"] != "0" {
		t.Errorf("%v", got)
	}
}

// Prometheus may come at any time: while the world is asked, broken, edited and begun anew.
func TestScrapesAtAnyTime(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	h, err := live.New(live.Config{Scenario: builtin(t, "negative-cache"), Open: edge.Ports,
		Options: simulator.Options{Speed: 1000, OnBuilt: m.Attach}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Go(); err != nil {
		t.Fatal(err)
	}
	handler, done := m.Handler(h.World), make(chan struct{})
	var scraping sync.WaitGroup
	defer scraping.Wait()
	defer close(done)
	for range 2 {
		scraping.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
				if w.Code != 200 {
					t.Errorf("%d: %s", w.Code, w.Body)
					return
				}
			}
		})
	}
	for range 3 {
		w := h.World()
		f, err := w.Inject("server-down", "", map[string]any{"node": "ns2"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Query(t.Context(), scenarios.QueryStep{Name: "api.solvethenetwork.com.", Type: dns.TypeA, Via: "resolver-a"}); err != nil {
			t.Fatal(err)
		}
		if err := w.Edit(scenarios.EditStep{Zone: "solvethenetwork.com.", Add: []string{"new 300 IN A 192.0.2.1"}}); err != nil {
			t.Fatal(err)
		}
		if err := f.Heal(); err != nil {
			t.Fatal(err)
		}
		if err := h.Reset("a test"); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkScrape(b *testing.B) {
	m := measure(b, "negative-cache")
	handler := m.metrics.Handler(func() *simulator.World { return m.World })
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil))
	}
}
