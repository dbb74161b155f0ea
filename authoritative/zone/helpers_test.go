package zone_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

func records(t testing.TB, origin, text string) []dns.RR {
	t.Helper()
	rrs, err := zone.Parse(strings.NewReader(text), origin, "test.zone")
	if err != nil {
		t.Fatal(err)
	}
	return rrs
}

func load(t testing.TB, origin, text string) *zone.Zone {
	t.Helper()
	z, err := zone.New(origin, records(t, origin, text))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func written(t testing.TB, z *zone.Zone) string {
	t.Helper()
	var b bytes.Buffer
	if err := zone.Write(&b, z); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// line is a record as one reads it: single spaces, no class.
func line(rr dns.RR) string {
	return strings.Replace(strings.Join(strings.Fields(rr.String()), " "), " IN ", " ", 1)
}

func lines(rrs []dns.RR) string {
	var b strings.Builder
	for _, rr := range rrs {
		b.WriteString(line(rr))
		b.WriteByte('\n')
	}
	return b.String()
}

// brief is a section as "NAME TYPE, NAME TYPE".
func brief(rrs []dns.RR) string {
	var all []string
	for _, rr := range rrs {
		all = append(all, rr.Header().Name+" "+dns.TypeToString[rr.Header().Rrtype])
	}
	return strings.Join(all, ", ")
}

func need(t testing.TB, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err == nil {
		return path
	}
	if os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is required: %v", tool, err)
	}
	t.Skipf("%s is not installed", tool)
	return ""
}
