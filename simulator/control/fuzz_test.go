package control_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"faultzone/simulator/control"
)

// FuzzBodies: whatever is sent, the answer is one of the document's, and the world goes on.
func FuzzBodies(f *testing.F) {
	paths := []struct{ method, path string }{
		{"PUT", "/v1/faults/x"}, {"POST", "/v1/queries"}, {"POST", "/v1/zones/solvethenetwork.com/edit"}, {"POST", "/v1/caches/resolver-a/flush"},
		{"PUT", "/v1/clock/speed"}, {"POST", "/v1/zones/solvethenetwork.com/retransfer"}, {"POST", "/v1/halt"},
		{"POST", "/v1/zones/solvethenetwork.com/resign"},
	}
	for i, body := range []string{
		`{"fault":"server-down","params":{"node":"ns1","looks":"refused"},"for":"10m","replace":true}`,
		`{"name":"api.solvethenetwork.com","type":"A","via":"resolver-a","dnssec":true}`,
		`{"add":["new 300 IN TXT \"a,b\""],"delete":["api A"],"replace":["www 60 IN A 192.0.2.7"],"view":"internal"}`,
		`{"name":"com","tree":true}`, `{"speed":0}`, `{"server":"ns2","view":"internal"}`, `{"reason":"lunch"}`, `{"server":"ns1"}`,
		`{"fault":"partition","params":{"between":["ns1","10.0.0.0/8"],"and":"resolver-a"}}`, `{`, `null`, "\x00",
	} {
		f.Add(i%len(paths), body)
	}
	a := serve(f, "solvethenetwork", control.Config{})
	f.Fuzz(func(t *testing.T, which int, body string) {
		c := paths[uint(which)%uint(len(paths))]
		if c.path == "/v1/clock/speed" && !strings.Contains(body, `"speed":0}`) {
			return // a world at a million times the pace has no time for this
		}
		q, err := http.NewRequest(c.method, a.url+c.path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+a.token)
		q.Header.Set("Content-Type", "application/json")
		mine := *a
		mine.t = t
		r := mine.send(q)
		checkAnswer(t, c.method, c.path, r)
		if !json.Valid(r.body) || r.status >= 500 {
			t.Errorf("%s %s %q: %d %s", c.method, c.path, body, r.status, r.body)
		}
		if err := a.host.World().HealAll(); err != nil {
			t.Error(err)
		}
	})
}
