package control_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"faultzone/simulator/control"
)

// raw opens a connection and sends text, in which a line ends with \n.
func (a *api) raw(t *testing.T, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
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

// A body that does not come holds no connection for ever, whoever sends it: neither where the call is refused before it is
// read, nor where nobody wants one.
func TestSlowBodyWithoutToken(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{Patience: 50 * time.Millisecond})
	head := " HTTP/1.1\nHost: " + strings.TrimPrefix(a.url, "http://") + "\n"
	for _, c := range []struct {
		text   string
		status int
	}{
		{"POST /v1/halt" + head + "Content-Length: 50\n\n{", 401},
		{"POST /v1/halt" + head + "Transfer-Encoding: chunked\n\n5\n{", 401},
		{"POST /v1/halt" + head + "Origin: http://example.org\nContent-Length: 50\n\n{", 403},
		{"GET /healthz" + head + "Content-Length: 50\n\n{", 200},
		{"DELETE /v1/faults" + head + "Authorization: Bearer " + a.token + "\nContent-Length: 50\n\n{", 200},
	} {
		r := bufio.NewReader(a.raw(t, c.text))
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if resp.StatusCode != c.status {
			t.Errorf("%q: %d", c.text, resp.StatusCode)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("%q: the connection goes on: %v", c.text, err)
		}
	}
	a.answersAsEver()
}

// Where very many connections are open each is good for one request more, so that those who only hold them keep nobody out.
func TestCrowd(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	ask := "GET /healthz HTTP/1.1\nHost: " + strings.TrimPrefix(a.url, "http://") + "\n\n"
	ended := 0
	for range control.Crowd + 20 {
		r := bufio.NewReader(a.raw(t, ask))
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
		if !resp.Close {
			continue
		}
		if ended++; ended > 20 {
			t.Error("a connection that is one of few was ended")
		}
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("the connection goes on: %v", err)
		}
	}
	if ended == 0 {
		t.Error("none was ended")
	}
	a.answersAsEver()
}
