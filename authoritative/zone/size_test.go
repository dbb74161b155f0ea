package zone_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// bigFile is the master file of a zone with n names: hosts, and among each ten of them a delegation and an alias.
func bigFile(n int) []byte {
	var b bytes.Buffer
	b.WriteString("$TTL 3600\n@ SOA ns1 hostmaster 1 3600 900 604800 300\n@ NS ns1\nns1 A 10.0.0.1\n")
	for i := range n - 2 {
		switch i % 10 {
		case 8:
			fmt.Fprintf(&b, "host%d NS ns1.provider.net.\nhost%d NS ns2.provider.net.\n", i, i)
		case 9:
			fmt.Fprintf(&b, "host%d CNAME host%d\n", i, i-1)
		default:
			fmt.Fprintf(&b, "host%d A 10.%d.%d.%d\n", i, i>>16&255, i>>8&255, i&255)
		}
	}
	return b.Bytes()
}

// BenchmarkLoad reads zones from master files. FAULTZONE_BIG=1000000 adds one of so many names. heap-MB is what the
// loaded zone keeps alive, sys-MB the most that the runtime ever had from the system.
func BenchmarkLoad(b *testing.B) {
	sizes := []int{10_000}
	if big, err := strconv.Atoi(os.Getenv("FAULTZONE_BIG")); err == nil {
		sizes = append(sizes, big)
	}
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			file := bigFile(n)
			b.ReportAllocs()
			b.SetBytes(int64(len(file)))
			var z *zone.Zone
			for b.Loop() {
				z = nil
				var err error
				if z, err = zone.Load(bytes.NewReader(file), "example.", "big"); err != nil {
					b.Fatal(err)
				}
			}
			var with, without runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&with)
			if r := z.Lookup("host7.example.", dns.TypeA, false); len(r.Answer) != 1 {
				b.Fatal(r)
			}
			z = nil
			runtime.GC()
			runtime.ReadMemStats(&without)
			b.ReportMetric(float64(with.HeapAlloc-without.HeapAlloc)/1e6, "heap-MB")
			b.ReportMetric(float64(with.HeapSys)/1e6, "sys-MB")
		})
	}
}
