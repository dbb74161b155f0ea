package scenarios

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// TestOutlinePositions finds each thing of a file that has all of TOML's ways to write keys.
func TestOutlinePositions(t *testing.T) {
	t.Parallel()
	const text = `a = 1 # comment = 2
"b c" . 'd"' = [ 1, # [
  "two]", [ '''
three''' ], ]
t.e\u00e9 = 0
"\u0061b" = """x = 1
"""""
[s.ns1."x.y"]
k = { l.m = true, n = { }, o = [{p = 1},
  {p = 2}], } # TOML 1.1 takes lines and a last comma
w = 2026-01-01 10:00:00Z
[[step]]
at = 1
[[step]]
at = 2
[step.sub]
x = 1
[s]
y = 2
[[ step . list ]]
z = 3
`
	valid := strings.Replace(text, `t.e\u00e9`, `t."e\u00e9"`, 1)
	root, _, err := outline(valid)
	if err != nil {
		t.Fatal(err)
	}
	src := &source{text: valid}
	for path, want := range map[string]string{
		"a": "1:1 1:5", "b c": "2:1 2:1", `b c/d"`: "2:9 2:16", `b c/d"/0`: "- 2:18", `b c/d"/1`: "- 3:3", `b c/d"/2`: "- 3:11", `b c/d"/2/0`: "- 3:13",
		"t/eé": "5:3 5:15", "ab": "6:1 6:13", "s": "18:2 18:1", "s/ns1": "8:4 8:4", "s/ns1/x.y": "8:8 8:1",
		"s/ns1/x.y/k": "9:1 9:5", "s/ns1/x.y/k/l/m": "9:9 9:13", "s/ns1/x.y/k/o": "9:28 9:32", "s/ns1/x.y/k/o/1": "- 10:3", "s/ns1/x.y/k/o/1/p": "10:4 10:8",
		"s/ns1/x.y/w": "11:1 11:5", "step": "12:3 12:1", "step/0/at": "13:1 13:6", "step/1": "- 14:1", "step/1/at": "15:1 15:6",
		"step/1/sub": "16:7 16:1", "step/1/sub/x": "17:1 17:5", "s/y": "19:1 19:5", "step/1/list/0/z": "21:1 21:5",
	} {
		m := root
		for _, part := range strings.Split(path, "/") {
			var i int
			if _, err := fmt.Sscanf(part, "%d", &i); err == nil && m.shape == array && i < len(m.entries) {
				m = m.entries[i]
			} else if m = m.child(part); m == nil {
				break
			}
		}
		if m == nil {
			t.Errorf("%s is not there", path)
			continue
		}
		got := "-"
		if m.key >= 0 {
			got = where(src, m.key)
		}
		if got += " " + where(src, m.value); got != want {
			t.Errorf("%s is at %s, want %s", path, got, want)
		}
	}
	agree(t, root, mustDecode(t, valid))
}

func where(src *source, offset int) string {
	p := src.at(offset)
	return fmt.Sprintf("%d:%d", p.Line, p.Column)
}

func mustDecode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if _, err := toml.Decode(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// agree checks that the marks have the shape of the values.
func agree(t failer, m *mark, value any) {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		if m.shape != table || len(m.entries) != len(v) {
			t.Fatalf("%q: marks of shape %d with %d entries for a table of %d", m.name, m.shape, len(m.entries), len(v))
		}
		for name, value := range v {
			c := m.child(name)
			if c == nil {
				t.Fatalf("no mark for the key %q", name)
			}
			agree(t, c, value)
		}
	case []map[string]any:
		elements(t, m, len(v))
		for i := range v {
			agree(t, m.entries[i], v[i])
		}
	case []any:
		elements(t, m, len(v))
		for i := range v {
			agree(t, m.entries[i], v[i])
		}
	default:
		if m.shape != plain {
			t.Fatalf("%q: a mark of shape %d for a plain value", m.name, m.shape)
		}
	}
}

func elements(t failer, m *mark, n int) {
	t.Helper()
	if m.shape != array || len(m.entries) != n {
		t.Fatalf("%q: marks of shape %d with %d entries for an array of %d", m.name, m.shape, len(m.entries), n)
	}
}

// FuzzOutline holds the outline to BurntSushi/toml: what that reads has a mark for each key and element, no more.
func FuzzOutline(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.toml", "testdata/worlds/*/*.toml", "catalogue/*.toml", "worlds/*/*.toml"} {
		seeds, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range seeds {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	for _, text := range []string{"a.b.c = 1\na.b.d = 2", "[a]\n[a.b]\n[[a.c]]\n[[a.c]]\nx=1", "x = [[{a=1,b.c=2}],{}]", "'' = 1\n\"\" . x = 1",
		"a=\"\"\"\\\n  \"\"\"\"\"\nb='''''''''", "a = 1e5\r\nb = -inf\r\n", "a = {\n# c\nb = 1,\n}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		root, stop, err := outline(text)
		if stop < 0 || stop > len(text) {
			t.Fatalf("stopped at %d of %d", stop, len(text))
		}
		if err != nil && err != errSyntax {
			return // within our own limits only
		}
		var values any
		_, decodeErr := toml.Decode(text, &values)
		if decodeErr != nil || strings.HasPrefix(text, "\ufeff") || strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
			var syntax toml.ParseError
			if decodeErr != nil && !errors.As(decodeErr, &syntax) {
				t.Fatal(decodeErr)
			}
			return
		}
		if err != nil {
			t.Fatalf("stopped at %d of %q", stop, text)
		}
		agree(t, root, values)
	})
}

// failer is what agree needs of a test.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}
