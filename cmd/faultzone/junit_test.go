package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator/play"
)

// A report is read back as it was written, with all that XML cannot hold as text.
func TestJUnitReadsBack(t *testing.T) {
	t.Parallel()
	nasty := "a\x00b\x1b[31m]]> <&>\"' \xff ￾ é 🦀\nsecond line"
	at := scenarios.Position{File: "bad\x07.toml", Line: 12}
	s := &scenarios.Scenario{Name: "bad", Seed: 7, Steps: []scenarios.Step{{Pos: at}}}
	var j junit
	j.played(&play.Report{Name: "bad", Title: nasty, Checked: 2, Wall: 1500 * time.Millisecond, Virtual: time.Hour,
		Steps:    []play.Step{{Step: s.Steps[0], What: "ask", Got: nasty, Failures: []string{nasty, "and this"}, Path: []string{nasty}}},
		Problems: []string{"a fault changed nothing"}}, s, nil)
	j.played(&play.Report{Name: "good", Passed: true, Wall: 250 * time.Millisecond}, &scenarios.Scenario{Name: "good"}, nil)
	j.broken(&scenarios.Scenario{Name: "ended"}, errors.New("context canceled\nand more"))

	var b bytes.Buffer
	if err := j.write(&b); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if got.Tests != 3 || got.Failures != 1 || got.Errors != 1 || got.Time != "1.750" || len(got.Suites) != 1 || len(got.Suites[0].Cases) != 3 {
		t.Fatalf("%+v", got)
	}
	if s := got.Suites[0]; s.junitCounts != got.junitCounts {
		t.Errorf("the suite has %+v, the whole %+v", s.junitCounts, got.junitCounts)
	}
	bad, good, ended := got.Suites[0].Cases[0], got.Suites[0].Cases[1], got.Suites[0].Cases[2]
	plain := `a\x00b\x1b[31m]]> <&>"' \xff \ufffe é 🦀`
	if bad.Failure == nil || !strings.Contains(bad.Failure.Text, "    "+plain+"\nsecond line") || !strings.Contains(bad.Failure.Message, plain) ||
		bad.Failure.Type != "expectation" || bad.File != `bad\a.toml` || bad.Line != 12 || bad.Time != "1.500" {
		t.Errorf("%+v\n%+v", bad, bad.Failure)
	}
	if !strings.Contains(bad.Failure.Message, "(and 1 more)") || !strings.Contains(bad.Failure.Text, "a fault changed nothing") {
		t.Errorf("the problem of the whole scenario is lost: %+v", bad.Failure)
	}
	if good.Failure != nil || good.Error != nil {
		t.Errorf("%+v", good)
	}
	if ended.Error == nil || ended.Error.Message != "context canceled" || !strings.Contains(ended.Error.Text, "and more") {
		t.Errorf("%+v", ended.Error)
	}
}

// The elements stand where the schemas in use (Jenkins' junit-10, Ant's) have them, with attributes that their readers know.
func TestJUnitStructure(t *testing.T) {
	t.Parallel()
	var j junit
	s := &scenarios.Scenario{Name: "x", Steps: []scenarios.Step{{Pos: scenarios.Position{File: "x.toml", Line: 1}}}}
	j.played(&play.Report{Name: "x", Steps: []play.Step{{Step: s.Steps[0], Failures: []string{"no"}}}}, s, nil)
	j.broken(s, errors.New("no"))
	var b bytes.Buffer
	if err := j.write(&b); err != nil {
		t.Fatal(err)
	}
	known := map[string]struct{ parent, attributes string }{
		"testsuites": {"", "name tests failures errors time"},
		"testsuite":  {"testsuites", "name tests failures errors time skipped"},
		"testcase":   {"testsuite", "name classname file line time"},
		"failure":    {"testcase", "message type"}, "error": {"testcase", "message type"}, "system-out": {"testcase", ""},
	}
	var open []string
	for d := xml.NewDecoder(&b); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			k, ok := known[e.Name.Local]
			if !ok || len(open) == 0 != (k.parent == "") || len(open) > 0 && open[len(open)-1] != k.parent {
				t.Errorf("%s inside of %v", e.Name.Local, open)
			}
			for _, a := range e.Attr {
				if !slices.Contains(strings.Fields(k.attributes), a.Name.Local) {
					t.Errorf("%s has the attribute %s", e.Name.Local, a.Name.Local)
				}
			}
			open = append(open, e.Name.Local)
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
}

// Whatever a text holds, its document can be read.
func FuzzPrintable(f *testing.F) {
	f.Add("a\x00b\xff\ufffe￿\u0085")
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		j := junit{cases: []junitCase{{Name: "x", Error: &junitProblem{Message: printable(text), Text: printable(text)}}}}
		if err := j.write(&b); err != nil {
			t.Fatal(err)
		}
		var got junitSuites
		if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%q: %v\n%s", text, err, b.String())
		}
		if p := got.Suites[0].Cases[0].Error; p.Text != printable(text) {
			t.Errorf("%q came back as %q", text, p.Text)
		}
	})
}
