package metrics_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// HTTP counts as a connection, and as no query.
func TestHTTPIsNoQuery(t *testing.T) {
	t.Parallel()
	m := measure(t, "negative-cache")
	got, err := m.GetAt(context.Background(), time.Time{}, nil, scenarios.GetStep{Client: "db-01", Address: netip.MustParseAddr("10.0.2.50"), Port: 80, Path: "/"})
	if err != nil || got.Status != 200 {
		t.Fatalf("%v, %+v", err, got)
	}
	connected := false
	for series, value := range scrape(t, m.metrics, func() *simulator.World { return m.World }) {
		if !strings.Contains(series, `node="api"`) {
			continue
		}
		connected = connected || strings.Contains(series, "connections") && value == "1"
		if value != "0" && (strings.Contains(series, "queries") || strings.Contains(series, "replies")) {
			t.Errorf("%s %s", series, value)
		}
	}
	if !connected {
		t.Error("the connection is not counted")
	}
}
