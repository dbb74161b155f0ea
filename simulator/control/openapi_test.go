package control_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"faultzone/simulator"
	"faultzone/simulator/control"
)

// openapi is the document with its schemas, each of which takes no more than it says.
type openapi struct {
	doc     map[string]any
	mu      sync.Mutex
	schemas *jsonschema.Compiler
}

var readDocument = sync.OnceValues(func() (*openapi, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(control.Document()))
	if err != nil {
		return nil, err
	}
	o := &openapi{doc: value.(map[string]any), schemas: jsonschema.NewCompiler()}
	o.schemas.DefaultDraft(jsonschema.Draft2020)
	o.schemas.AssertFormat()
	for _, s := range o.at("components", "schemas") {
		closed(s)
	}
	return o, o.schemas.AddResource("openapi.json", value)
})

func document(t testing.TB) *openapi {
	t.Helper()
	o, err := readDocument()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// closed has a schema refuse what it does not name.
func closed(v any) {
	s, ok := v.(map[string]any)
	if !ok {
		return
	}
	if properties, ok := s["properties"].(map[string]any); ok {
		s["additionalProperties"] = false
		for _, p := range properties {
			closed(p)
		}
	}
	closed(s["items"])
}

// at is an object in the document; nil: there is none.
func (o *openapi) at(path ...string) map[string]any {
	v := o.doc
	for _, key := range path {
		v, _ = v[key].(map[string]any)
	}
	return v
}

// path is the template of the document that a request's path fits.
func (o *openapi) path(of string) string {
	of, _, _ = strings.Cut(of, "?")
	parts := strings.Split(of, "/")
	for _, template := range slices.Sorted(maps.Keys(o.at("paths"))) {
		t := strings.Split(template, "/")
		if len(t) == len(parts) {
			fits := true
			for i := range t {
				fits = fits && (strings.HasPrefix(t[i], "{") || t[i] == parts[i])
			}
			if fits {
				return template
			}
		}
	}
	return ""
}

func (o *openapi) validate(name string, data []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	o.mu.Lock()
	schema, err := o.schemas.Compile("openapi.json#/components/schemas/" + name)
	o.mu.Unlock()
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// checkAnswer holds an answer against the document.
func checkAnswer(t testing.TB, method, path string, r reply) {
	t.Helper()
	o := document(t)
	contentType := r.header.Get("Content-Type")
	if r.status >= 400 {
		if err := o.validate("Problem", r.body); err != nil || contentType != "application/problem+json" {
			t.Errorf("%s %s: %d %s is no problem of the document: %v\n%s", method, path, r.status, contentType, err, r.body)
		}
		return
	}
	content := o.at("paths", o.path(path), strings.ToLower(method), "responses", strconv.Itoa(r.status), "content", contentType, "schema")
	if content == nil {
		t.Errorf("%s %s: the document has no answer %d of type %s", method, path, r.status, contentType)
		return
	}
	ref, ok := content["$ref"].(string)
	if !ok {
		return // the document itself, or text
	}
	if err := o.validate(strings.TrimPrefix(ref, "#/components/schemas/"), r.body); err != nil {
		t.Errorf("%s %s: %v\n%s", method, path, err, r.body)
	}
}

// Every call is in the document, and every call of the document is answered by a handler of its own.
func TestDocumentHasEveryCall(t *testing.T) {
	t.Parallel()
	o := document(t)
	a := serve(t, "solvethenetwork", control.Config{Metrics: http.NotFoundHandler()})
	documented := map[string]bool{}
	operations := map[string]bool{}
	for path, item := range o.at("paths") {
		for method, v := range item.(map[string]any) {
			op := v.(map[string]any)
			documented[strings.ToUpper(method)+" "+path] = true
			if id, _ := op["operationId"].(string); id == "" || operations[id] {
				t.Errorf("%s %s: the operationId %q is missing or taken", method, path, id)
			} else {
				operations[id] = true
			}
			checkParameters(t, method+" "+path, path, op)
			var inQuery []string
			list, _ := op["parameters"].([]any)
			for _, v := range list {
				if p := v.(map[string]any); p["in"] == "query" {
					inQuery = append(inQuery, p["name"].(string))
				}
			}
			if got := a.server.QueryKeys(strings.ToUpper(method) + " " + path); !sameSet(got, inQuery) {
				t.Errorf("%s %s: the document has the query %v, the call %v", method, path, inQuery, got)
			}
		}
	}
	for _, route := range a.server.Routes() {
		if !documented[route] {
			t.Errorf("the document has nothing of %s", route)
		}
		delete(documented, route)
	}
	for route := range documented {
		t.Errorf("there is no call %s", route)
	}
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func checkParameters(t *testing.T, what, path string, op map[string]any) {
	declared := map[string]bool{}
	list, _ := op["parameters"].([]any)
	for _, v := range list {
		if p := v.(map[string]any); p["in"] == "path" {
			declared[p["name"].(string)] = true
			if p["required"] != true {
				t.Errorf("%s: the parameter %v is not required", what, p["name"])
			}
		}
	}
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok && !declared[strings.TrimSuffix(name, "}")] {
			t.Errorf("%s: the parameter %s is not declared", what, part)
		}
	}
}

// References lead somewhere, and every schema is used.
func TestDocumentIsWhole(t *testing.T) {
	t.Parallel()
	o := document(t)
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				used[ref] = true
				if o.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...) == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(o.doc)
	for _, kind := range []string{"schemas", "responses", "parameters"} {
		for name := range o.at("components", kind) {
			if ref := "#/components/" + kind + "/" + name; !used[ref] {
				t.Errorf("nothing uses %s", ref)
			}
		}
	}
}

// The schemas have the keys that the Go types have, required where these are always told.
func TestSchemasAreTheTypes(t *testing.T) {
	t.Parallel()
	o := document(t)
	for name, v := range map[string]any{
		"Problem": control.Problem{}, "Health": control.Health{}, "Clock": control.Clock{}, "Steps": control.Steps{}, "Limits": control.Bounds{},
		"World": control.World{}, "Door": control.Door{}, "Node": control.Node{}, "Nodes": control.Nodes{}, "Zone": control.Zone{},
		"Zones": control.Zones{}, "Edit": control.Edit{}, "Place": control.Place{}, "Roll": control.Roll{}, "CacheSize": control.CacheSize{}, "Caches": control.Caches{},
		"ExtendedError": control.ExtendedError{}, "CacheEntry": control.CacheEntry{}, "Cache": control.Cache{}, "Flush": control.Flush{},
		"Flushed": control.Flushed{}, "Fault": control.Fault{}, "Faults": control.Faults{}, "FaultOrder": control.FaultOrder{},
		"Jump": control.Jump{}, "Pace": control.Pace{}, "Entry": simulator.Numbered{}, "JournalPage": control.JournalPage{},
		"Question": control.Question{}, "Trace": control.Trace{}, "Answer": control.Answer{}, "Answers": control.Answers{},
		"Halt": control.Halt{}, "Halted": control.Halted{}, "Begun": control.Begun{},
	} {
		want, always := keys(reflect.TypeOf(v))
		schema := o.at("components", "schemas", name)
		got := slices.Sorted(maps.Keys(o.at("components", "schemas", name, "properties")))
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s has the keys %v, the type %v", name, got, want)
		}
		var required []string
		list, _ := schema["required"].([]any)
		for _, key := range list {
			required = append(required, fmt.Sprint(key))
		}
		slices.Sort(required)
		if slices.Sort(always); schema["additionalProperties"] == false && o.isAnswer(name) && !slices.Equal(required, always) {
			t.Errorf("%s requires %v, the type always tells %v", name, required, always)
		}
	}
}

// The document's kinds of entry are the journal's.
func TestKindsAreTheJournals(t *testing.T) {
	t.Parallel()
	var want []any
	for _, kind := range simulator.Kinds() {
		want = append(want, string(kind))
	}
	if got := document(t).at("components", "schemas", "Entry", "properties", "kind")["enum"]; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// isAnswer tells an answer's schema from a body's, in which most may be left out.
func (o *openapi) isAnswer(name string) bool {
	return !slices.Contains([]string{"Edit", "Place", "Roll", "Flush", "FaultOrder", "Jump", "Pace", "Question", "Halt", "Nothing"}, name)
}

func keys(t reflect.Type) (all, always []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			a, b := keys(f.Type)
			all, always = append(all, a...), append(always, b...)
			continue
		}
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, key)
		if !strings.Contains(options, "omit") {
			always = append(always, key)
		}
	}
	return all, always
}
