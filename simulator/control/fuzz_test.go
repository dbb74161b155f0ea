package control_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// FuzzGuard: without the token nobody gets in, whatever they say of themselves.
func FuzzGuard(f *testing.F) {
	f.Add("GET", "/v1/world", "127.0.0.1", "http://127.0.0.1", "Bearer x", "text/event-stream", "1-0")
	f.Add("PUT", "/v1/faults/x", "[::1]:53", "null", "Basic x", "", "")
	f.Add("OPTIONS", "/healthz/../v1/world", "localhost.", "", "", "*/*", "9999999999999999999-1")
	a := serve(f, "solvethenetwork", control.Config{Public: true})
	f.Fuzz(func(t *testing.T, method, path, host, origin, authorization, accept, last string) {
		q := &http.Request{Method: method, URL: &url.URL{Path: path}, Host: host, Header: http.Header{}, Body: http.NoBody, RemoteAddr: "127.0.0.1:1"}
		q = q.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}))
		for key, value := range map[string]string{"Origin": origin, "Authorization": authorization, "Accept": accept, "Last-Event-ID": last} {
			if value != "" {
				q.Header.Set(key, value)
			}
		}
		w := httptest.NewRecorder()
		a.server.Handler().ServeHTTP(w, q)
		if w.Code < 400 && path != "/healthz" && path != "/readyz" {
			t.Errorf("%s %q: %d %s", method, path, w.Code, w.Body)
		}
	})
}
