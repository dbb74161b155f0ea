package control_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"faultzone/simulator/control"
)

// Many clients do all there is to do at once. Each is answered as the document says, nobody waits for ever, and the world
// is whole in the end.
func TestManyClients(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	calls := []struct{ method, path, body string }{
		{"PUT", "/v1/faults/x", `{"fault":"server-down","params":{"node":"ns1"},"for":"1s"}`},
		{"PUT", "/v1/faults/x", `{"fault":"server-down","params":{"node":"ns2"},"replace":true}`},
		{"PUT", "/v1/faults/y", `{"fault":"resigning-stopped","params":{"zone":"solvethenetwork.com"}}`},
		{"DELETE", "/v1/faults/x", ""}, {"DELETE", "/v1/faults", ""},
		{"POST", "/v1/queries", `{"name":"api.solvethenetwork.com"}`}, {"POST", "/v1/queries", `{"name":"www","client":"app-01"}`},
		{"POST", "/v1/clock/pause", ""}, {"POST", "/v1/clock/resume", ""}, {"PUT", "/v1/clock/speed", `{"speed":1000}`},
		{"POST", "/v1/clock/advance", `{"by":"1h"}`},
		{"POST", "/v1/zones/solvethenetwork.com/edit", `{"replace":["many 60 IN A 192.0.2.1"]}`},
		{"POST", "/v1/zones/solvethenetwork.com/resign", ""}, {"POST", "/v1/zones/solvethenetwork.com/retransfer", `{"server":"ns2"}`},
		{"POST", "/v1/caches/resolver-a/flush", ""}, {"POST", "/v1/halt", ""}, {"POST", "/v1/reset", ""},
		{"GET", "/v1/world", ""}, {"GET", "/v1/nodes", ""}, {"GET", "/v1/zones", ""}, {"GET", "/v1/caches/resolver-a", ""},
		{"GET", "/v1/faults", ""}, {"GET", "/v1/journal?limit=50", ""}, {"GET", "/v1/queries", ""},
	}
	follower := a.follow(t, "/v1/journal")
	read := make(chan struct{})
	go func() { defer close(read); io.Copy(io.Discard, follower.resp.Body) }()
	var wg sync.WaitGroup
	for client := range 6 {
		random := rand.New(rand.NewPCG(uint64(client), 0))
		wg.Go(func() {
			for range 60 {
				c := calls[random.IntN(len(calls))]
				q, err := http.NewRequest(c.method, a.url+c.path, strings.NewReader(c.body))
				if err != nil {
					t.Error(err)
					return
				}
				q.Header.Set("Authorization", "Bearer "+a.token)
				q.Header.Set("Content-Type", "application/json")
				resp, err := a.client.Do(q)
				if err != nil {
					t.Errorf("%s %s: %v", c.method, c.path, err)
					return
				}
				data, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				checkAnswer(t, c.method, c.path, reply{resp.StatusCode, resp.Header, data})
				if resp.StatusCode >= 500 {
					t.Errorf("%s %s: %d %s", c.method, c.path, resp.StatusCode, data)
				}
			}
		})
	}
	wg.Wait()
	follower.close()
	<-read
	get[control.Begun](a, "POST", "/v1/reset", "")
	a.answersAsEver()
}
