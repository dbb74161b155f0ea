package control_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"faultzone/simulator"
	"faultzone/simulator/control"
)

// events is a stream as its client reads it.
type events struct {
	t      *testing.T
	cancel context.CancelFunc
	resp   *http.Response
	lines  *bufio.Scanner
}

// event is one event, or a comment.
type event struct{ id, name, data, comment string }

// follow opens the journal's stream.
func (a *api) follow(t *testing.T, path string, header ...string) *events {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	q := a.request("GET", path, "", append([]string{"Accept", "text/event-stream"}, header...)...).WithContext(ctx)
	resp, err := a.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	e := &events{t, cancel, resp, bufio.NewScanner(resp.Body)}
	t.Cleanup(e.close)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	if first, ok := e.next(); !ok || !strings.HasPrefix(first.comment, "the journal of") {
		t.Fatalf("the first: %+v", first)
	}
	return e
}

func (e *events) close() {
	e.cancel()
	e.resp.Body.Close()
}

// next is the next event; not ok: the stream has ended.
func (e *events) next() (v event, ok bool) {
	for e.lines.Scan() {
		field, value, _ := strings.Cut(e.lines.Text(), ": ")
		switch field {
		case "id":
			v.id = value
		case "event":
			v.name = value
		case "data":
			v.data = value
		case "":
			if value != "" {
				v.comment = value
				continue
			}
			return v, true
		}
	}
	return v, false
}

// entry is the next entry that is one of the kind, with its id; comments are passed over.
func (e *events) entry(kind simulator.Kind) (simulator.Numbered, string) {
	e.t.Helper()
	for {
		v, ok := e.next()
		if !ok {
			e.t.Fatalf("the stream has ended: %v", e.lines.Err())
		}
		if v.name != "entry" {
			continue
		}
		var n simulator.Numbered
		if err := json.Unmarshal([]byte(v.data), &n); err != nil {
			e.t.Fatal(err)
		}
		if err := document(e.t).validate("Entry", []byte(v.data)); err != nil {
			e.t.Error(err)
		}
		if n.Kind == kind {
			return n, v.id
		}
	}
}

// A stream tells what happens, and a client that lost it goes on where it was.
func TestStream(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	e := a.follow(t, "/v1/journal")
	get[control.Clock](a, "POST", "/v1/clock/pause", "")
	first, id := e.entry(simulator.KindAct)
	if first.What != "pause" || first.By != "tester" || id != "1-"+itoa(first.Number) {
		t.Errorf("%s %+v", id, first)
	}
	e.close()
	get[control.Clock](a, "POST", "/v1/clock/pause", "")
	get[control.Flushed](a, "POST", "/v1/caches/resolver-a/flush", "")
	e = a.follow(t, "/v1/journal?kind=act", "Last-Event-ID", id)
	second, _ := e.entry(simulator.KindAct)
	third, _ := e.entry(simulator.KindAct)
	if second.What != "pause" || second.Number != first.Number+1 || third.What != "flush" {
		t.Errorf("%+v %+v", second, third)
	}
	if n, _ := a.follow(t, "/v1/journal?from=0").entry(simulator.KindWorld); n.Number != 0 || n.What != "boot" {
		t.Errorf("from the start: %+v", n)
	}
	a.refused(400, "LIFE-NUMBER", "GET", "/v1/journal", "", "Accept", "text/event-stream", "Last-Event-ID", "x")
	a.refused(400, "whole number", "GET", "/v1/journal?from=x", "", "Accept", "text/event-stream")
}

// A reset is told in the stream, which goes on with the new world's journal from its start; and whoever comes back with an
// id of the life before is told too.
func TestStreamOverAReset(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	e := a.follow(t, "/v1/journal?kind=act,world")
	get[control.Clock](a, "POST", "/v1/clock/pause", "")
	_, id := e.entry(simulator.KindAct)
	get[control.Begun](a, "POST", "/v1/reset", "")
	for _, e := range []*events{e, a.follow(t, "/v1/journal?kind=act,world", "Last-Event-ID", id)} {
		var v event
		for v.name != "reset" {
			var ok bool
			if v, ok = e.next(); !ok {
				t.Fatal("the stream has ended")
			}
		}
		if v.data != `{"life":2}` || v.id != "2--1" {
			t.Errorf("%+v", v)
		}
		if n, _ := e.entry(simulator.KindWorld); n.Number != 0 || n.What != "boot" {
			t.Errorf("then: %+v", n)
		}
		if n, id := e.entry(simulator.KindAct); n.What != "reset" || id != "2-"+itoa(n.Number) {
			t.Errorf("then: %s %+v", id, n)
		}
	}
	// The reset event's own id leads to the start of its life.
	if n, _ := a.follow(t, "/v1/journal", "Last-Event-ID", "2--1").entry(simulator.KindWorld); n.Number != 0 {
		t.Errorf("%+v", n)
	}
}

// An id that this life has not come to is of another world, and the stream begins anew.
func TestStreamOfAnotherWorld(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	for _, id := range []string{"1-1000000", "1-9223372036854775807", "7-1", "0-0"} {
		e := a.follow(t, "/v1/journal?kind=world", "Last-Event-ID", id)
		if v, ok := e.next(); !ok || v.name != "reset" || v.data != `{"life":1}` {
			t.Errorf("%s: %+v", id, v)
		}
		if n, _ := e.entry(simulator.KindWorld); n.Number != 0 {
			t.Errorf("%s: then %+v", id, n)
		}
		e.close()
	}
}

// A stream without news shows that it is alive.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{Beat: time.Millisecond})
	e := a.follow(t, "/v1/journal")
	for {
		v, ok := e.next()
		if !ok {
			t.Fatal("the stream has ended")
		}
		if v.comment == "still here" {
			return
		}
	}
}

// There are so many streams and no more; one that ends makes room, however its client went.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{Beat: time.Millisecond})
	var open []*events
	for range control.MostStreams {
		open = append(open, a.follow(t, "/v1/journal"))
	}
	if r := a.call("GET", "/v1/journal", "", "Accept", "text/event-stream"); r.status != 503 || r.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	get[control.JournalPage](a, "GET", "/v1/journal?limit=1", "")
	open[0].close()
	limit := time.After(patience)
	for {
		r := a.send(a.request("GET", "/v1/world", ""))
		if r.status != 200 {
			t.Fatalf("%d", r.status)
		}
		resp, err := a.client.Do(a.request("GET", "/v1/journal", "", "Accept", "text/event-stream"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == 200 {
			return
		}
		select {
		case <-limit:
			t.Fatal("a stream that its client left makes no room")
		default:
		}
	}
}

// Close ends streams and questions under way.
func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{Speed: 1e-9})
	e := a.follow(t, "/v1/journal?kind=act")
	asked := make(chan reply, 1)
	go func() {
		resp, err := a.client.Do(a.request("POST", "/v1/queries", `{"name":"api.solvethenetwork.com"}`))
		if err != nil {
			asked <- reply{}
			return
		}
		resp.Body.Close()
		asked <- reply{status: resp.StatusCode}
	}()
	e.entry(simulator.KindAct) // the question is under way
	if err := a.server.Close(); err != nil {
		t.Error(err)
	}
	for {
		if _, ok := e.next(); !ok {
			break
		}
	}
	<-asked
}

// A jump is called off when its client hangs up.
func TestHangUpInAJump(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{})
	e := a.follow(t, "/v1/journal?kind=world")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := a.client.Do(a.request("POST", "/v1/clock/advance", `{"by":"3660d"}`).WithContext(ctx)); err == nil {
			resp.Body.Close()
		}
	}()
	e.entry(simulator.KindWorld)
	cancel()
	<-ended
	if err := a.server.Close(); err != nil { // it waits for the handler
		t.Error(err)
	}
	if elapsed := a.host.World().Elapsed(); elapsed >= 3660*24*time.Hour {
		t.Errorf("the world has gone on by %v", elapsed)
	}
}

// A question that a reset overtakes is told so, and that it can be asked again.
func TestResetUnderAQuestion(t *testing.T) {
	t.Parallel()
	a := serve(t, "solvethenetwork", control.Config{Speed: 1e-9})
	e := a.follow(t, "/v1/journal?kind=act")
	asked := make(chan *http.Response, 1)
	go func() {
		resp, err := a.client.Do(a.request("POST", "/v1/queries", `{"name":"api.solvethenetwork.com"}`))
		if err != nil {
			t.Error(err)
		}
		asked <- resp
	}()
	e.entry(simulator.KindAct)
	get[control.Begun](a, "POST", "/v1/reset", "")
	resp := <-asked
	if resp == nil {
		return
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	isProblem(t, reply{resp.StatusCode, resp.Header, data}, http.StatusConflict, "call again", "a question")
}
