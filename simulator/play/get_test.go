package play_test

import (
	"bytes"
	"strings"
	"testing"

	"faultzone/simulator"
)

// A program's view: by name and by address, with the service and the resolvers failing in turn. The same scenario gives
// the same journal, and the requests are in it.
func TestGet(t *testing.T) {
	t.Parallel()
	s := file(t, "testdata/get.toml")
	r, journal := run(t, s, simulator.Options{})
	if !r.Passed || len(r.Problems) > 0 {
		t.Errorf("%s\n%v", explain(r), r.Problems)
	}
	if _, again := run(t, s, simulator.Options{}); !bytes.Equal(journal, again) {
		t.Errorf("the journals differ: %s", difference(journal, again))
	}
	for _, want := range []string{`"text":"GET /healthz HTTP/1.1"`, `"text":"HTTP/1.1 200 OK"`, `"kind":"web"`, `"text":"GET /gone?for=good 410 for 10.0.3.90:8080"`} {
		if !strings.Contains(string(journal), want) {
			t.Errorf("the journal lacks %s", want)
		}
	}
}

// What does not hold is told with what came, and its way through the world.
func TestGetThatDoesNotHold(t *testing.T) {
	t.Parallel()
	s := *file(t, "testdata/get.toml")
	s.Steps = append(s.Steps[:0:0], s.Steps[0], s.Steps[5])
	first, second := *s.Steps[0].Expect, *s.Steps[1].Expect
	first.Status, second.Error, second.Elapsed = 503, "timeout", s.Steps[0].Expect.Elapsed
	s.Steps[0].Expect, s.Steps[1].Expect = &first, &second
	r, _ := run(t, &s, simulator.Options{})
	text := explain(r)
	for _, want := range []string{"expected the status 503, got 200 from 10.0.2.50:80", "expected no answer but the error timeout, got refused after"} {
		if r.Passed || !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if len(r.Steps[0].Path) == 0 {
		t.Error("no path is told")
	}
}
