package control_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/control"
	"faultzone/simulator/edge"
	"faultzone/simulator/fault"
	"faultzone/simulator/live"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Who must not command the world does not, and is told why; the world is as it was.
func TestRefused(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	a.server.Ready()
	port := a.url[strings.LastIndexByte(a.url, ':')+1:]
	const pause = "/v1/clock/pause"
	for _, c := range []struct {
		what, header, value string
		status              int
		words               string
	}{
		{"no token", "Authorization", "", 401, "needs the world's token"},
		{"a wrong token", "Authorization", "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAA", 401, "not this world's"},
		{"another scheme", "Authorization", "Basic " + a.token, 401, "not this world's"},
		{"the token alone", "Authorization", a.token, 401, "Authorization: Bearer TOKEN"},
		{"a part of the token", "Authorization", "Bearer " + a.token[:20], 401, "not this world's"},
		{"a name that points here", "Host", "evil.example:" + port, 421, "not a name of this API"},
		{"another port", "Host", "127.0.0.1:1", 421, "not a name of this API"},
		{"no port", "Host", "127.0.0.1", 421, "not a name of this API"},
		{"another machine's address", "Host", "192.0.2.1:" + port, 421, "not a name of this API"},
		{"another site's page", "Origin", "https://evil.example", 403, "must not command"},
		{"a page without an origin", "Origin", "null", 403, "must not command"},
		{"another local server's page", "Origin", "http://127.0.0.1:1", 403, "must not command"},
		{"a page of another site, without Origin", "Sec-Fetch-Site", "cross-site", 403, "another site"},
		{"a page of a neighbour", "Sec-Fetch-Site", "same-site", 403, "another site"},
	} {
		p := isProblem(t, a.call("POST", pause, "", c.header, c.value), c.status, c.words, c.what)
		if strings.Contains(p.Error(), a.token) {
			t.Errorf("%s: the problem tells the token", c.what)
		}
		// Reading is not for them either.
		isProblem(t, a.call("GET", "/v1/world", "", c.header, c.value), c.status, c.words, c.what)
	}
	if r := a.call("GET", "/v1/world", "", "Authorization", ""); !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("WWW-Authenticate: %s", r.header.Get("WWW-Authenticate"))
	}
	for _, host := range []string{"localhost:" + port, "LOCALHOST.:" + port, "[::1]:" + port, "127.0.0.5:" + port} {
		if r := a.call("GET", "/v1/world", "", "Host", host); r.status != 200 {
			t.Errorf("%s: %d", host, r.status)
		}
	}
	if r := a.call("GET", "/v1/world", "", "Origin", a.url, "Sec-Fetch-Site", "same-origin", "Authorization", "bearer "+a.token); r.status != 200 {
		t.Errorf("our own page: %d", r.status)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if r := a.call("GET", path, "", "Authorization", ""); r.status != 200 {
			t.Errorf("%s without a token: %d", path, r.status)
		}
		isProblem(t, a.call("GET", path, "", "Host", "evil.example:"+port), 421, "not a name", path)
	}
	if acts := a.acts(); len(acts) != 0 {
		t.Errorf("acts: %q", acts)
	}
	a.answersAsEver()
}

// A public API is called by any address, and by the names that it was given; the token is needed all the more.
func TestPublic(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{Public: true, Names: []string{"dns-lab"}})
	for host, want := range map[string]int{"192.0.2.1:80": 200, "[2001:db8::1]": 200, "dns-lab:1": 200, "DNS-LAB": 200, "evil.example": 421, "localhost": 200} {
		if r := a.call("GET", "/v1/world", "", "Host", host); r.status != want {
			t.Errorf("%s: %d", host, r.status)
		}
	}
	a.refused(401, "token", "GET", "/v1/world", "", "Authorization", "")
}

func TestNoToken(t *testing.T) {
	t.Parallel()
	if _, err := control.New(control.Config{}); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("without a token: %v", err)
	}
	if a, b := control.NewToken(), control.NewToken(); a == b || len(a) < 26 {
		t.Errorf("tokens %s and %s", a, b)
	}
}

// endless is a body of 100 MB, of which as much as is taken is given.
type endless struct {
	left  int
	given atomic.Int64
}

func (e *endless) Read(b []byte) (int, error) {
	n := min(len(b), e.left)
	if n == 0 {
		return 0, io.EOF
	}
	for i := range b[:n] {
		b[i] = ' '
	}
	e.left -= n
	e.given.Add(int64(n))
	return n, nil
}

// A body of 100 MB is refused, told its length or not, before much of it is read.
func TestLargeBody(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	const size, most = 100 << 20, 16 << 20
	for _, told := range []bool{true, false} {
		body := &endless{left: size}
		q := a.request("PUT", "/v1/faults/x", "{}")
		q.Body, q.ContentLength = io.NopCloser(body), -1
		if told {
			q.ContentLength = size
		}
		q.Header.Set("Expect", "100-continue")
		resp, err := (&http.Client{Transport: &http.Transport{ExpectContinueTimeout: patience, DisableKeepAlives: true}}).Do(q)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		isProblem(t, reply{resp.StatusCode, resp.Header, data}, 413, "1048576 octets", "100 MB")
		if given := body.given.Load(); given > most {
			t.Errorf("%d octets were taken", given)
		}
	}
	a.answersAsEver()
}

// A client that breaks off in the middle of its body does no harm.
func TestClientHangsUp(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	address := strings.TrimPrefix(a.url, "http://")
	for _, text := range []string{
		"PUT /v1/faults/x HTTP/1.1\r\nHost: " + address + "\r\nAuthorization: Bearer " + a.token + "\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"fault\":",
		"PUT /v1/faults/x HTTP/1.1\r\nHost: " + address,
		"GET / HTTP/9.9\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01",
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, text)
		c.Close()
	}
	// One that ends what it sends, and waits for the answer.
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "PUT /v1/faults/x HTTP/1.1\r\nHost: "+address+"\r\nAuthorization: Bearer "+a.token+"\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"fault\":")
	c.(*net.TCPConn).CloseWrite()
	c.SetReadDeadline(time.Now().Add(patience))
	if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 400 {
		t.Errorf("%v %v", resp, err)
	}
	if n := len(a.host.World().Faults()); n != 0 {
		t.Errorf("%d faults", n)
	}
	a.answersAsEver()
}

// A body that is wrong is refused with what was expected.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	const fault = "/v1/faults/x"
	for _, c := range []struct {
		status                    int
		method, path, body, words string
	}{
		{400, "PUT", fault, `{`, "not a JSON object"},
		{400, "PUT", fault, `[]`, "it is a JSON array"},
		{400, "PUT", fault, `null`, "it is null"},
		{400, "PUT", fault, `{} {}`, "not a JSON object"},
		{400, "PUT", fault, "\xff", "not a JSON object"},
		{400, "PUT", fault, strings.Repeat(`{"params":`, 20000), "not a JSON object"},
		{422, "PUT", fault, `{"falt":"server-down"}`, `unknown key "falt"; did you mean "fault"?`},
		{422, "PUT", fault, `{"Fault":"server-down"}`, `did you mean "fault"?`},
		{422, "PUT", fault, `{"colour":1}`, "it takes fault, params, for, replace"},
		{422, "PUT", fault, `{"fault":7}`, "fault: expected a string, found a JSON number"},
		{422, "PUT", fault, `{"fault":"server-down","params":[]}`, "params: expected an object, found a JSON array"},
		{422, "PUT", fault, `{}`, `there is no fault "x"`},
		{422, "PUT", fault, `{"fault":"server-dwon"}`, `did you mean "server-down"?`},
		{422, "PUT", fault, `{"fault":"server-down"}`, "needs the key node"},
		{422, "PUT", fault, `{"fault":"server-down","params":{"node":"ns9"}}`, `did you mean "ns1"?`},
		{422, "PUT", fault, `{"fault":"server-down","params":{"node":1}}`, "node: expected a string, found the integer 1"},
		{422, "PUT", fault, `{"fault":"server-down","params":{"node":null}}`, "node: expected a string, found nothing"},
		{422, "PUT", fault, `{"fault":"server-down","params":{"node":"ns1","look":"x"}}`, `did you mean "looks"?`},
		{422, "PUT", fault, `{"fault":"server-down","params":{"node":"ns1","at":"1h"}}`, `unknown key "at" in the parameters of server-down`},
		{422, "PUT", fault, `{"fault":"server-down","params":{"node":"ns1","looks":"x"}}`, `looks: unknown value "x"`},
		{422, "PUT", fault, `{"fault":"server-down","params":{"node":"ns1"},"for":"soon"}`, "for: expected a duration"},
		{422, "PUT", fault, `{"fault":"server-down","params":{"node":"ns1"},"for":"0s"}`, "longer than 0"},
		{422, "PUT", fault, `{"fault":"resigning-stopped","params":{"zone":"example.org"}}`, "no server of the world has the zone"},
		{422, "PUT", fault, `{"fault":"partition","params":{"between":[],"and":"ns1"}}`, "the list is empty"},
		{422, "PUT", fault, `{"fault":"partition","params":{"between":[1.5],"and":"ns1"}}`, "expected a string, found the float 1.5"},
		{422, "PUT", "/v1/faults/a%20b", `{"fault":"server-down","params":{"node":"ns1"}}`, "a name is made of letters"},
		{422, "PUT", fault, `{"fault":"server-down","fault":"partition"}`, `the key "fault" is there twice`},
		{422, "PUT", fault, `{"fault":"server-down","params":{"node":"ns1","looks":[{}],"node":"ns2"}}`, `the key "node" is there twice`},
		{422, "PUT", fault, `{"params":[{"a":1},{"a":[{"b":1,"\u0062":2}]}]}`, `the key "b" is there twice`},
		{422, "PUT", fault, `{"params":` + strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000) + `}`, "params: expected an object"},
		{422, "POST", "/v1/clock/advance", ``, "by: expected a duration"},
		{422, "POST", "/v1/clock/advance", `{"by":"-1h"}`, "negative"},
		{422, "POST", "/v1/clock/advance", `{"by":"0s"}`, "more than 0"},
		{422, "POST", "/v1/clock/advance", `{"by":"3661d"}`, "the longest jump"},
		{422, "POST", "/v1/clock/advance", `{"by":60}`, "by: expected a string"},
		{422, "PUT", "/v1/clock/speed", `{}`, "from 0 (stand still)"},
		{422, "PUT", "/v1/clock/speed", `{"speed":-1}`, "from 0 (stand still)"},
		{422, "PUT", "/v1/clock/speed", `{"speed":1e7}`, "from 0 (stand still)"},
		{422, "PUT", "/v1/clock/speed", `{"speed":1e999}`, "speed: expected a number"},
		{422, "PUT", "/v1/clock/speed", `{"speed":"fast"}`, "speed: expected a number, found a JSON string"},
		{422, "POST", "/v1/clock/pause", `{"for":"1h"}`, "this call takes no keys"},
		{422, "POST", "/v1/zones/solvethenetwork.com/edit", ``, "the edit changes nothing"},
		{422, "POST", "/v1/zones/solvethenetwork.com/edit", `{"add":["www"]}`, "expected a record"},
		{422, "POST", "/v1/zones/solvethenetwork.com/edit", `{"add":["www 300 IN A 192.0.2.1\nwww2 300 IN A 192.0.2.1"]}`, "expected one record"},
		{422, "POST", "/v1/zones/solvethenetwork.com/edit", `{"add":["$INCLUDE /etc/passwd"]}`, "found the directive"},
		{422, "POST", "/v1/zones/solvethenetwork.com/edit", `{"add":["a\n$INCLUDE /etc/passwd"]}`, "expected"},
		{422, "POST", "/v1/zones/solvethenetwork.com/edit", `{"add":["www.example.org. 1 IN A 192.0.2.1"]}`, "not in the zone"},
		{422, "POST", "/v1/zones/solvethenetwork.com/edit", `{"delete":["api"],"on":"ns2"}`, "no primary"},
		{422, "POST", "/v1/zones/solvethenetwork.com/retransfer", ``, "server: expected the secondary"},
		{422, "POST", "/v1/zones/solvethenetwork.com/retransfer", `{"server":"ns1"}`, "no secondary"},
		{422, "POST", "/v1/zones/solvethenetwork.com/resign", `{"server":"ns7"}`, `did you mean "ns1"?`},
		{422, "POST", "/v1/zones/solvethenetwork.com/resign", `{"server":"ns2"}`, "no such zone"},
		{422, "POST", "/v1/caches/resolver-a/flush", `{"name":"a..b"}`, "empty label"},
		{422, "POST", "/v1/caches/resolver-a/flush", `{"tree":true}`, "no name"},
		{422, "POST", "/v1/queries", ``, "name: expected a domain name"},
		{422, "POST", "/v1/queries", `{"name":"a b"}`, "one word each"},
		{422, "POST", "/v1/queries", `{"name":"a","type":"+cd"}`, "one word each"},
		{422, "POST", "/v1/queries", `{"name":"a","type":"AAAAA"}`, `did you mean "AAAA"?`},
		{422, "POST", "/v1/queries", `{"name":"a","via":"ns9"}`, `did you mean "ns1"?`},
		{422, "POST", "/v1/queries", `{"name":"a","via":"ns1","client":"app-01"}`, "a client asks its own name servers"},
		{422, "POST", "/v1/queries", `{"name":"a","client":"app-01","cd":true}`, "a client's stub asks as glibc does"},
		{422, "POST", "/v1/halt", `{"why":"x"}`, "it takes reason"},
		{422, "POST", "/v1/reset", `{"now":true}`, "this call takes no keys"},
	} {
		a.refused(c.status, c.words, c.method, c.path, c.body)
	}
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"} {
		a.refused(415, "curl --json", "PUT", fault, `{}`, "Content-Type", contentType)
	}
	if p := a.refused(422, "", "PUT", fault, `{"fault":"partition","params":{"between":"ns9","nad":"ns1"}}`); len(p.Errors) != 3 {
		t.Errorf("all at once: %q", p.Errors)
	}
	if r := a.call("PUT", fault, `{"fault":"server-down","params":{"node":"ns1"}}`, "Content-Type", "application/json; charset=utf-8"); r.status != 201 {
		t.Errorf("with a charset: %d", r.status)
	}
	if acts := a.acts(); len(acts) != 3 || !strings.Contains(acts[1], "it failed") { // the signing on ns2 was tried
		t.Errorf("acts: %q", acts)
	}
}

// What the limits keep safe is not touched, however it is named.
func TestLimits(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{Limits: control.Limits{
		Faults:    []string{"server-down", "partition", "resigning-stopped", "view-subnet-missing", "resolver-acl"},
		Protected: []string{"ns1", "resolver-public", "com"}, MostFaults: 2, LongestFault: time.Hour}})
	down := func(node, lasts string) string {
		return `{"fault":"server-down","params":{"node":"` + node + `"},"for":"` + lasts + `"}`
	}
	for _, c := range []struct{ method, path, body, words string }{
		{"PUT", "/v1/faults/x", `{"fault":"key-roll-unannounced","params":{"zone":"solvethenetwork.com"}}`, "--allow-faults"},
		{"PUT", "/v1/faults/x", down("ns1", "1m"), "ns1 is protected in this world (--protect)"},
		{"PUT", "/v1/faults/x", down("ns2", "2h"), "(--longest-fault)"},
		{"PUT", "/v1/faults/x", `{"fault":"server-down","params":{"node":"ns2"}}`, "give it a deadline of 1h or less"},
		{"PUT", "/v1/faults/x", `{"fault":"partition","params":{"between":"ns2","and":["app-01","10.0.1.20"]},"for":"1m"}`, "ns1 is protected"},
		{"PUT", "/v1/faults/x", `{"fault":"partition","params":{"between":"10.0.0.0/8","and":"10.0.5.0/24"},"for":"1m"}`, "ns1 is protected"},
		{"PUT", "/v1/faults/x", `{"fault":"resigning-stopped","params":{"zone":"solvethenetwork.com"},"for":"1m"}`, "ns1 is protected"},
		{"PUT", "/v1/faults/x", `{"fault":"resigning-stopped","params":{"zone":"com"},"for":"1m"}`, "com. is protected"},
		{"POST", "/v1/zones/solvethenetwork.com/edit", `{"delete":["api"]}`, "ns1 is protected"},
		{"POST", "/v1/zones/solvethenetwork.com/resign", ``, "ns1 is protected"},
		{"POST", "/v1/zones/com/resign", ``, "com. is protected"},
		{"POST", "/v1/caches/resolver-public/flush", ``, "resolver-public is protected"},
	} {
		if p := a.refused(403, c.words, c.method, c.path, c.body); !strings.HasSuffix(p.Type, ":limit") {
			t.Errorf("type %s", p.Type)
		}
	}
	for i, body := range []string{down("ns2", "1h"), `{"fault":"partition","params":{"between":"10.0.2.0/24","and":"203.0.113.0/28"},"for":"1m"}`} {
		if r := a.call("PUT", "/v1/faults/f"+itoa(i), body); r.status != 201 {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	a.refused(403, "(--most-faults)", "PUT", "/v1/faults/f2", down("resolver-a", "1m"))
	if r := a.call("PUT", "/v1/faults/f0", down("ns2", "1h")); r.status != 200 {
		t.Errorf("the same again: %d", r.status)
	}
	get[control.Flushed](a, "POST", "/v1/caches/resolver-a/flush", "")
	get[control.Zones](a, "POST", "/v1/zones/solvethenetwork.com/retransfer", `{"server":"ns2"}`)
	if got := get[control.World](a, "GET", "/v1/world", "").Limits; got.LongestFault != "1h" || got.MostFaults != 2 || len(got.Protected) != 3 {
		t.Errorf("%+v", got)
	}
	if got := get[control.Node](a, "GET", "/v1/nodes/ns1", ""); !got.Protected {
		t.Errorf("%+v", got)
	}
}

// Limits that name what there is not are refused, so that no protection fails for a letter.
func TestLimitsAreChecked(t *testing.T) {
	t.Parallel()
	s, _, err := scenarios.BuiltinWorld("solvethenetwork", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	h, err := live.New(live.Config{Scenario: s, Options: simulator.Options{}, Open: edge.Ports})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for words, l := range map[string]control.Limits{
		`no fault "server-up" to allow`:                            {Faults: []string{"server-up"}},
		`no node and no zone "ns9" to protect; did you mean "ns1"`: {Protected: []string{"ns9"}},
	} {
		if _, err := control.New(control.Config{Host: h, Token: "t", Limits: l}); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %s", err, words)
		}
	}
}

// A body that does not come, and a client that does not read, are given up.
func TestPatience(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{Patience: 50 * time.Millisecond})
	address := strings.TrimPrefix(a.url, "http://")
	dial := func(text string) net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(c, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
			t.Fatal(err)
		}
		return c
	}
	head := "Host: " + address + "\nAuthorization: Bearer " + a.token + "\n"
	c := dial("POST /v1/halt HTTP/1.1\n" + head + "Content-Type: application/json\nContent-Length: 9\n\n{")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := io.ReadAll(resp.Body)
	isProblem(t, reply{resp.StatusCode, resp.Header, data}, 408, "did not arrive within 50ms", "a slow body")
	if _, err := io.ReadAll(dial("GET /v1/wor")); err != nil { // half a request line is cut off
		t.Error(err)
	}
	for range 2000 {
		a.host.World().Note("note", strings.Repeat("x", 10000))
	}
	dial("GET /v1/journal?from=0 HTTP/1.1\nAccept: text/event-stream\n" + head + "\n")
	limit := time.After(patience)
	for opened := false; !opened || a.server.Streams() > 0; {
		opened = opened || a.server.Streams() > 0
		select {
		case <-limit:
			t.Fatal("the stream that nobody reads is still open, or never was")
		default:
			a.call("GET", "/healthz", "")
		}
	}
	a.answersAsEver()
}
