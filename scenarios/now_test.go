package scenarios_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/scenarios"
)

func checkerVocabulary() scenarios.Vocabulary {
	return scenarios.Vocabulary{Faults: []scenarios.FaultSpec{{Name: "every-kind", Params: []scenarios.ParamSpec{
		{Name: "node", Kind: scenarios.Node, Required: true}, {Name: "zone", Kind: scenarios.ZoneName}, {Name: "places", Kind: scenarios.Places},
		{Name: "count", Kind: scenarios.Int}, {Name: "on", Kind: scenarios.Bool}, {Name: "lasts", Kind: scenarios.Duration},
		{Name: "when", Kind: scenarios.Time}, {Name: "colour", Kind: scenarios.String, Choices: []string{"red", "green"}},
	}}}}
}

func checker(t testing.TB) *scenarios.Checker {
	t.Helper()
	s, _, err := scenarios.BuiltinWorld("solvethenetwork", scenarios.Vocabulary{})
	if err != nil {
		t.Fatal(err)
	}
	return scenarios.NewChecker(&s.World, checkerVocabulary())
}

// plainJSON is what an API decodes.
func plainJSON(t testing.TB, text string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// A fault's parameters out of JSON are what they are out of TOML.
func TestCheckerTakesPlainValues(t *testing.T) {
	t.Parallel()
	in, err := checker(t).Fault("every-kind", "mine", "1d", plainJSON(t, `{"node":"ns1","zone":"SolveTheNetwork.com","places":["ns2","10.0.0.0/8"],
		"count":7,"on":true,"lasts":"90s","when":"2026-04-10T12:00:00Z","colour":"red"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := scenarios.InjectStep{Fault: "every-kind", Label: "mine", For: 24 * time.Hour, Params: map[string]any{
		"node": "ns1", "zone": "solvethenetwork.com.", "places": []string{"ns2", "10.0.0.0/8"}, "count": int64(7), "on": true,
		"lasts": 90 * time.Second, "when": time.Date(2026, 4, 10, 12, 0, 0, 0, time.UTC), "colour": "red"}}
	if !reflect.DeepEqual(in, want) {
		t.Errorf("%+v", in)
	}
	if in, err := checker(t).Fault("every-kind", "", "", map[string]any{"node": "ns1"}); err != nil || in.Label != "every-kind" || in.For != 0 {
		t.Errorf("%+v %v", in, err)
	}
}

// What is wrong is told in the words of a scenario's errors, all at once, and without a position.
func TestCheckerRefuses(t *testing.T) {
	t.Parallel()
	c := checker(t)
	for _, one := range []struct{ name, label, deadline, params, words string }{
		{"every-knd", "", "", `{}`, `there is no fault "every-knd"; did you mean "every-kind"?`},
		{"every-kind", "a b", "", `{"node":"ns1"}`, `the name "a b": a name is made of letters`},
		{"every-kind", "", "0s", `{"node":"ns1"}`, "a fault lasts longer than 0"},
		{"every-kind", "", "-1s", `{"node":"ns1"}`, "negative"},
		{"every-kind", "", "", `{}`, "needs the key node"},
		{"every-kind", "", "", `{"node":"10.0.1.20"}`, `it is the address of "ns1"`},
		{"every-kind", "", "", `{"node":["ns1"]}`, "node: expected a string, found an array"},
		{"every-kind", "", "", `{"node":{"a":null}}`, "node: expected a string, found a table"},
		{"every-kind", "", "", `{"node":"ns1","count":1.5}`, "count: expected an integer, found the float 1.5"},
		{"every-kind", "", "", `{"node":"ns1","count":1e400}`, "count: expected an integer"},
		{"every-kind", "", "", `{"node":"ns1","on":"true"}`, "on: expected true or false"},
		{"every-kind", "", "", `{"node":"ns1","lasts":90}`, `write "90s" for seconds`},
		{"every-kind", "", "", `{"node":"ns1","when":"tomorrow"}`, "when: expected a date-time such as"},
		{"every-kind", "", "", `{"node":"ns1","when":"1066-01-01T00:00:00Z"}`, "not between 1970 and 2105"},
		{"every-kind", "", "", `{"node":"ns1","colour":"rde"}`, `did you mean "red"?`},
		{"every-kind", "", "", `{"node":"ns1","as":"x"}`, `unknown key "as" in the parameters of every-kind`},
	} {
		_, err := c.Fault(one.name, one.label, one.deadline, plainJSON(t, one.params))
		if err == nil || !strings.Contains(err.Error(), one.words) || strings.Contains(err.Error(), ":1:") {
			t.Errorf("%+v: %v", one, err)
		}
	}
	_, err := c.Fault("every-kind", "", "", plainJSON(t, `{"nod":"ns1","count":true}`))
	if list, ok := err.(scenarios.Errors); !ok || len(list) != 3 {
		t.Errorf("all at once: %v", err)
	}
}

func TestCheckerReadsSteps(t *testing.T) {
	t.Parallel()
	c := checker(t)
	for _, one := range []struct {
		text string
		kind scenarios.Kind
		of   func(scenarios.Step) any
		want any
	}{
		{`{"query":"www.example.org. AAAA +cd","via":"resolver-a"}`, scenarios.Query, func(s scenarios.Step) any { return s.Query },
			scenarios.QueryStep{Name: "www.example.org.", Type: 28, Via: "resolver-a", CD: true}},
		{`{"flush":"resolver-a","name":"com","tree":true}`, scenarios.Flush, func(s scenarios.Step) any { return s.Flush },
			scenarios.FlushStep{Resolver: "resolver-a", Name: "com.", Tree: true}},
		{`{"retransfer":"ns2","zone":"solvethenetwork.com"}`, scenarios.Retransfer, func(s scenarios.Step) any { return s.Zone },
			scenarios.ZoneStep{Server: "ns2", Zone: "solvethenetwork.com."}},
		{`{"edit":"solvethenetwork.com","delete":["api A"]}`, scenarios.Edit, func(s scenarios.Step) any { return s.Edit },
			scenarios.EditStep{Zone: "solvethenetwork.com.", Delete: []string{"api A"}}},
	} {
		s, err := c.Step(plainJSON(t, one.text))
		if err != nil || s.Kind != one.kind || !reflect.DeepEqual(one.of(s), one.want) {
			t.Errorf("%s: %+v %v", one.text, one.of(s), err)
		}
	}
	for text, words := range map[string]string{
		`{}`:                                 "the step does nothing",
		`{"inject":"every-kind"}`:            "expected a query, an edit, a flush, a retransfer or a roll, found inject",
		`{"flush":"resolver-a","at":"1h"}`:   `unknown key "at" in the flush`,
		`{"flush":"resolver-a","query":"."}`: "a step does one thing",
		`{"query":". NS","via":"app-01"}`:    `write client = "app-01"`,
		`{"flush":null}`:                     "flush: expected a string, found nothing",
	} {
		if _, err := c.Step(plainJSON(t, text)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if !slices.Contains(c.Nodes(), "ns1") || !slices.Contains(c.Zones(), "solvethenetwork.com.") {
		t.Errorf("%v %v", c.Nodes(), c.Zones())
	}
}

func TestDurationsThereAndBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1s", "1h30m", "2d", "9d12h"} {
		if d, err := scenarios.ParseDuration(text); err != nil || scenarios.FormatDuration(d) != text {
			t.Errorf("%s: %v %v", text, d, err)
		}
	}
}

// FuzzChecker: nothing that JSON can say breaks the checks.
func FuzzChecker(f *testing.F) {
	f.Add("every-kind", "mine", "1h", `{"node":"ns1","places":["ns2","10.0.0.0/8"],"when":"2026-04-10T12:00:00Z"}`)
	f.Add("every-kind", "", "", `{"node":[{"a":[null]}],"count":1e400}`)
	f.Add("", "", "", `{"query":"a. A +cd","via":"ns1"}`)
	f.Add("", "", "", `{"edit":"solvethenetwork.com","add":["a 1 IN A 192.0.2.1"],"delete":["b"],"replace":"c 1 IN TXT x"}`)
	c := checker(f)
	f.Fuzz(func(t *testing.T, name, label, deadline, text string) {
		var values map[string]any
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if dec.Decode(&values) != nil {
			return
		}
		if in, err := c.Fault(name, label, deadline, values); err == nil && in.Fault != name {
			t.Errorf("%+v", in)
		}
		if s, err := c.Step(values); err == nil && s.Kind == "" {
			t.Errorf("%+v", s)
		}
	})
}
