package interop_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// verdict is what dnsviz makes of a hierarchy.
type verdict struct {
	// complaints are errors, warnings and statuses that are not good, each as "WHERE: WHAT", sorted and each once.
	complaints []string
	secure     int // answers and denials found secure
}

func readVerdict(t testing.TB, file string) *verdict {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	v := &verdict{}
	v.walk(tree, nil)
	slices.Sort(v.complaints)
	v.complaints = slices.Compact(v.complaints)
	return v
}

// walk goes through grok's tree, whose objects have "errors" and "warnings" with a code each, and a "status".
func (v *verdict) walk(x any, path []string) {
	switch x := x.(type) {
	case []any:
		for _, e := range x {
			v.walk(e, path)
		}
	case map[string]any:
		for key, e := range x {
			switch key {
			case "errors", "warnings":
				for _, one := range e.([]any) {
					v.complaints = append(v.complaints, fmt.Sprintf("%s: %s %v", place(path), strings.TrimSuffix(key, "s"), one.(map[string]any)["code"]))
				}
			case "status":
				switch e {
				case "SECURE":
					v.secure++
				case "VALID", "NOERROR", "NXDOMAIN":
				default:
					v.complaints = append(v.complaints, fmt.Sprintf("%s: status %v", place(path), e))
				}
			default:
				v.walk(e, append(path, key))
			}
		}
	}
}

// place is a path without the words that say nothing.
func place(path []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(path), func(s string) bool { return s == "queries" }), " ")
}

func (v *verdict) String() string { return strings.Join(v.complaints, "\n") }

// has tells whether a complaint has all the words in it.
func (v *verdict) has(words ...string) bool {
	return slices.ContainsFunc(v.complaints, func(c string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(c, w) })
	})
}

// keys is a file of the root's DNSKEYs alone, which is all that dnsviz takes.
func (w *world) keys() string {
	w.t.Helper()
	text, err := os.ReadFile(w.anchors)
	if err != nil {
		w.t.Fatal(err)
	}
	var keys strings.Builder
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 3 && f[3] == "DNSKEY" {
			keys.WriteString(line)
		}
	}
	return writeFile(w.t, w.dir, "root.dnskey", keys.String())
}
