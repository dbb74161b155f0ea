package dnstap_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// What is no DNS is not logged; the lookup before it is.
func TestHTTPIsLeftOut(t *testing.T) {
	t.Parallel()
	r := record(t, builtin(t, "negative-cache"), simulator.Options{})
	for _, g := range []scenarios.GetStep{{Client: "db-01", Address: netip.MustParseAddr("10.0.2.50"), Port: 80, Path: "/"},
		{Client: "db-01", Name: "api.solvethenetwork.com", Port: 80, Path: "/"}} {
		if got, err := r.GetAt(context.Background(), time.Time{}, nil, g); err != nil || got.Status != 200 {
			t.Fatalf("%v, %+v", err, got)
		}
	}
	list := r.end()
	stub := 0
	for _, d := range list {
		m := d.Message
		for _, data := range [][]byte{m.QueryMessage, m.ResponseMessage} {
			if strings.Contains(string(data), "HTTP/1.1") {
				t.Errorf("%s is logged", line(d))
			}
		}
		if strings.HasPrefix(m.Type.String(), "STUB_") {
			stub++
		}
	}
	if stub != 2 {
		t.Errorf("%d messages of the client's stub, want its question and the answer", stub)
	}
}
