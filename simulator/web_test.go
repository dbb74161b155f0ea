package simulator_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/edge"
	"faultzone/simulator/network"
)

// The base world's API answers HTTP, and the journal tells of it; what a fault does to it shows.
func TestWebNode(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{Live: true})
	e, err := edge.Web(edge.WebConfig{Network: w.Network(), Nodes: w.WebNodes(), As: w.VantageAddresses()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	door := e.Doors()[0]
	if door.Node != "api" || door.World != netip.MustParseAddr("10.0.2.50") {
		t.Fatalf("the door is %+v", door)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string) (int, string, error) {
		r, err := client.Get("http://" + door.Real.String() + path)
		if err != nil {
			return 0, "", err
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		return r.StatusCode, string(body), err
	}
	for _, c := range []struct {
		path   string
		status int
		body   string
	}{
		{"/healthz", 200, "ok\n"}, {"/healthz?verbose=1", 200, "ok\n"}, {"/", 200, "solvethenetwork API\n"}, {"/none", 404, "api has no such path\n"},
	} {
		if status, body, err := get(c.path); status != c.status || body != c.body || err != nil {
			t.Errorf("%s: %d %q %v, want %d %q", c.path, status, body, err, c.status, c.body)
		}
	}
	var lines []string
	for _, e := range w.Journal().Since(0) {
		if e.Kind == simulator.KindWeb {
			lines = append(lines, e.Node+" "+e.From[:len("10.0.2.100")]+" "+e.Text)
		}
	}
	want := "api 10.0.2.100 GET /healthz 200 for " + door.Real.String()
	if len(lines) != 4 || lines[0] != want {
		t.Errorf("the journal says %q, want 4 lines, the first %q", lines, want)
	}
	counts, err := w.WebRequests("api")
	if err != nil || counts["/healthz"] != 2 || counts["/"] != 1 || counts[""] != 1 {
		t.Errorf("asked: %v, %v", counts, err)
	}
	if _, err := w.WebRequests("ns1"); err == nil {
		t.Error("ns1 is a web host")
	}

	in, err := w.Inject("server-down", "", map[string]any{"node": "api", "looks": "refused"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := get("/healthz"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("refused: %v", err)
	}
	if err := in.Heal(); err != nil {
		t.Fatal(err)
	}
	in, err = w.Inject("partition", "", map[string]any{"between": []string{"10.0.2.0/24"}, "and": []string{"api"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", "http://"+door.Real.String()+"/healthz", nil)
	if _, err := client.Do(r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("behind a partition: %v", err)
	}
	if err := in.Heal(); err != nil {
		t.Fatal(err)
	}
	if c := in.Counts(); c.Changed == 0 {
		t.Errorf("the partition changed nothing: %+v", c)
	}
	if status, _, err := get("/healthz"); status != 200 || err != nil {
		t.Errorf("healed: %d, %v", status, err)
	}
}

// A web host has nobody who listens for DNS, and is silent about that too when it is dark.
func TestWebNodeAnswersNoDNS(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{})
	for _, n := range w.EdgeNodes() {
		if n.Name == "api" {
			t.Error("the web host is among the nodes that answer DNS")
		}
	}
	query := func() simulator.Result {
		r, err := w.Query(context.Background(), scenarios.QueryStep{Name: "api.solvethenetwork.com.", Type: dns.TypeA, Via: "10.0.2.50"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := query(); !errors.Is(r.Err, syscall.ECONNREFUSED) {
		t.Errorf("up: %v", r.Err)
	}
	if _, err := w.Inject("server-down", "", map[string]any{"node": "api"}, 0); err != nil {
		t.Fatal(err)
	}
	if r := query(); r.Err == nil || errors.Is(r.Err, syscall.ECONNREFUSED) || !strings.Contains(r.Err.Error(), "no answer") {
		t.Errorf("dark: %v", r.Err)
	}
	if s := w.WebNodes()[0].Service.State(); s != network.Silent {
		t.Errorf("its service is %v", s)
	}
}
