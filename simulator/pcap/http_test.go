package pcap_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// An HTTP request and its answer are on the wire as they are, without the length that DNS has over TCP.
func TestHTTP(t *testing.T) {
	t.Parallel()
	l := capture(t, "x", builtin(t, "negative-cache"), simulator.Options{})
	got, err := l.GetAt(context.Background(), time.Time{}, nil, scenarios.GetStep{Client: "db-01", Address: netip.MustParseAddr("10.0.2.50"), Port: 80, Path: "/healthz"})
	if err != nil || got.Status != 200 {
		t.Fatalf("%v, %+v", err, got)
	}
	var said []string
	for _, p := range l.end(t) {
		if app := p.TransportLayer(); app != nil && (strings.HasPrefix(string(app.LayerPayload()), "GET /healthz HTTP/1.1\r\n") ||
			strings.HasPrefix(string(app.LayerPayload()), "HTTP/1.1 200 OK\r\n")) {
			said = append(said, p.NetworkLayer().NetworkFlow().String())
		}
	}
	if got := strings.Join(said, " "); got != "10.0.2.30->10.0.2.50 10.0.2.50->10.0.2.30" {
		t.Errorf("HTTP goes %q", got)
	}
}
