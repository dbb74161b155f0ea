package control_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/control"
	"faultzone/simulator/edge"
	"faultzone/simulator/fault"
	"faultzone/simulator/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds whatever a test waits for.
const patience = 30 * time.Second

// api is a running world's API as a client sees it. Its world stands still until somebody moves it.
type api struct {
	t      testing.TB
	host   *live.Host
	server *control.Server
	url    string
	token  string
	client *http.Client
}

// serve puts a world, built in by name, under control.
func serve(t testing.TB, name string, c control.Config) *api {
	t.Helper()
	var s *scenarios.Scenario
	var err error
	if name == "solvethenetwork" {
		s, _, err = scenarios.BuiltinWorld(name, fault.Vocabulary())
	} else {
		s, _, err = scenarios.Builtin(name, fault.Vocabulary())
	}
	if err != nil {
		t.Fatal(err)
	}
	h, err := live.New(live.Config{Scenario: s, Options: simulator.Options{Speed: 1, Trace: true}, Open: edge.Ports})
	if err != nil {
		t.Fatal(err)
	}
	a := &api{t: t, host: h, token: control.NewToken(), client: &http.Client{Transport: &http.Transport{}, Timeout: patience}}
	c.Host, c.Token = h, a.token
	if a.server, err = control.New(c); err != nil {
		t.Fatal(err)
	}
	a.server.Ready()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.url = "http://" + l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(l) }()
	t.Cleanup(func() {
		a.client.CloseIdleConnections()
		for range 2 {
			if err := a.server.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// request makes a call with the token; header are pairs of name and value, which may take the token away ("").
func (a *api) request(method, path, body string, header ...string) *http.Request {
	a.t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, content)
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+a.token)
	r.Header.Set("X-Faultzone-By", "tester")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		switch {
		case header[i] == "Host":
			r.Host = header[i+1]
		case header[i+1] == "":
			r.Header.Del(header[i])
		default:
			r.Header.Set(header[i], header[i+1])
		}
	}
	return r
}

// call makes a call and checks the answer against the document.
func (a *api) call(method, path, body string, header ...string) reply {
	a.t.Helper()
	r := a.send(a.request(method, path, body, header...))
	checkAnswer(a.t, method, path, r)
	return r
}

func (a *api) send(q *http.Request) reply {
	a.t.Helper()
	resp, err := a.client.Do(q)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, data}
}

// get makes a call that must succeed and decodes its answer.
func get[T any](a *api, method, path, body string) T {
	a.t.Helper()
	r := a.call(method, path, body)
	var v T
	if r.status >= 300 {
		a.t.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
	if err := json.Unmarshal(r.body, &v); err != nil {
		a.t.Fatalf("%s %s: %v in %s", method, path, err, r.body)
	}
	return v
}

// refused makes a call that must fail, and checks the status and words of the problem.
func (a *api) refused(status int, words, method, path, body string, header ...string) control.Problem {
	a.t.Helper()
	return isProblem(a.t, a.call(method, path, body, header...), status, words, method+" "+path+" "+body)
}

func isProblem(t testing.TB, r reply, status int, words, what string) (p control.Problem) {
	t.Helper()
	if err := json.Unmarshal(r.body, &p); err != nil {
		t.Fatalf("%s: %d, no problem: %s", what, r.status, r.body)
	}
	if r.status != status || p.Status != status || p.Title == "" || p.Type == "" || r.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: status %d, want %d: %s", what, r.status, status, r.body)
	}
	if !strings.Contains(p.Error(), words) {
		t.Errorf("%s: %q has nothing of %q", what, p.Error(), words)
	}
	return p
}

// acts are the acts in the present world's journal, questions left out.
func (a *api) acts() (list []string) {
	for _, e := range a.host.World().Journal().Since(0) {
		if e.Kind == simulator.KindAct && e.What != "query" {
			list = append(list, e.String())
		}
	}
	return list
}

// answersAsEver makes sure that the world took no harm.
func (a *api) answersAsEver() {
	a.t.Helper()
	if got := get[control.Answer](a, "POST", "/v1/queries", `{"name":"api.solvethenetwork.com"}`); got.Rcode != "NOERROR" {
		a.t.Errorf("the world says %s %s", got.Rcode, got.Error)
	}
}
