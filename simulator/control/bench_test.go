package control_test

import (
	"testing"

	"faultzone/simulator/control"
)

// bench makes calls one after another over a real connection; each must succeed.
func bench(b *testing.B, a *api, calls ...[3]string) {
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range calls {
			if r := a.send(a.request(c[0], c[1], c[2])); r.status >= 300 {
				b.Fatalf("%s %s: %d %s", c[0], c[1], r.status, r.body)
			}
		}
	}
}

func benchWorld(b *testing.B) *api {
	a := serve(b, "solvethenetwork", control.Config{})
	if err := a.host.Go(); err != nil {
		b.Fatal(err)
	}
	return a
}

func BenchmarkWorld(b *testing.B) { bench(b, benchWorld(b), [3]string{"GET", "/v1/world", ""}) }

// BenchmarkStatus is all that faultzone status asks for.
func BenchmarkStatus(b *testing.B) {
	bench(b, benchWorld(b), [3]string{"GET", "/v1/world", ""}, [3]string{"GET", "/v1/nodes", ""}, [3]string{"GET", "/v1/faults", ""},
		[3]string{"GET", "/v1/zones", ""}, [3]string{"GET", "/v1/caches", ""})
}

// BenchmarkInjectAndHeal heals what it injects; the faults before stay on the world's list, as in life.
func BenchmarkInjectAndHeal(b *testing.B) {
	bench(b, benchWorld(b), [3]string{"PUT", "/v1/faults/server-down", `{"params":{"node":"ns1"}}`}, [3]string{"DELETE", "/v1/faults/server-down", ""})
}

// BenchmarkQuery is a cached answer, with 0.6 ms of latency in a world at the wall's pace.
func BenchmarkQuery(b *testing.B) {
	a := benchWorld(b)
	bench(b, a, [3]string{"POST", "/v1/queries", `{"name":"api.solvethenetwork.com"}`})
}
