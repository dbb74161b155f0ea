package scenarios

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"pgregory.net/rapid"
)

// TestOutlineProperty writes TOML that is valid by construction, in all ways of writing keys and nesting values, and
// holds the outline to what BurntSushi/toml reads. Fuzzing by mutation seldom gets that deep.
func TestOutlineProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := &writer{t: rt}
		w.file()
		text := w.b.String()
		var values any
		if _, err := toml.Decode(text, &values); err != nil {
			rt.Fatalf("not TOML: %v\n%s", err, text)
		}
		root, stop, err := outline(text)
		if err != nil {
			rt.Fatalf("stopped at %d: %v\n%s", stop, err, text)
		}
		agree(fatal{rt, text}, root, values)
		src := &source{text: text}
		inPlace(rt, src, root)
	})
}

// inPlace checks that each key's offset is where a key of that name is written.
func inPlace(t *rapid.T, src *source, m *mark) {
	for _, e := range m.entries {
		if e.key >= 0 {
			o := &outliner{text: src.text, at: e.key}
			if name, err := o.keyPart(); err != nil || name != e.name {
				t.Fatalf("at %v there is %q, not the key %q\n%s", src.at(e.key), name, e.name, src.text)
			}
		}
		inPlace(t, src, e)
	}
}

// writer writes a TOML file. Each key has a number in it, so that none is written twice.
type writer struct {
	t     *rapid.T
	b     strings.Builder
	count int
}

func (w *writer) pick(options ...string) string {
	return rapid.SampledFrom(options).Draw(w.t, "option")
}

func (w *writer) times(most int) int { return rapid.IntRange(0, most).Draw(w.t, "times") }

func (w *writer) file() {
	w.pairs()
	var lists []string
	for range w.times(4) {
		if len(lists) > 0 && w.times(2) == 0 {
			w.b.WriteString("[[" + lists[w.times(len(lists)-1)] + "]]" + w.pick("\n", " # again\n"))
		} else {
			key := w.key()
			switch w.times(2) {
			case 0:
				w.b.WriteString("[[" + key + "]]\n")
				lists = append(lists, key)
			case 1:
				w.b.WriteString(" [ " + key + " ]\n")
			default:
				w.b.WriteString("[" + key + ".\t" + w.key() + "]\r\n")
			}
		}
		w.pairs()
	}
}

func (w *writer) pairs() {
	for range w.times(3) {
		w.b.WriteString(w.pick("", " ", "\t", "# comment = [\n", "\n", "\r\n"))
		w.pair(0)
		w.b.WriteString(w.pick("\n", " # x = \"\"\"\n", "\r\n"))
	}
}

func (w *writer) key() string {
	w.count++
	n := strconv.Itoa(w.count)
	return w.pick("k"+n, n, `"a b`+n+`"`, `'"`+n+`'`, `"\u00e9\"`+n+`"`, `"#[`+n+`"`, "d"+n+".e", `d`+n+` . "f.g"`, `'h'."i"`+`.k`+n)
}

func (w *writer) pair(depth int) {
	w.b.WriteString(w.key() + w.pick("=", " = ", "\t=") + w.pick("", " "))
	w.value(depth)
}

func (w *writer) value(depth int) {
	most := 2
	if depth > 3 {
		most = 0
	}
	switch w.times(most) {
	case 0:
		w.b.WriteString(w.pick("1", "-0.5e3", "true", "2026-01-01 10:00:00Z", "2026-01-01T10:00:00.5+02:00", "10:00:00", "0xff", "inf",
			`""`, `"a]}#\"\\"`, `''`, `'\'`, `"""`+"\n"+`a" ""b\""" \`+"\n"+`  c"""""`, `"""]"""`, `'''`+"\n''x''''", `"""\\"""`))
	case 1:
		w.b.WriteString("[")
		n := w.times(3)
		for i := range n {
			w.b.WriteString(w.pick("", " ", "\n", "# ]\n"))
			w.value(depth + 1)
			if i < n-1 || w.times(1) == 0 {
				w.b.WriteString(w.pick("", " ", "\n#,\n") + ",")
			}
		}
		w.b.WriteString(w.pick("", "\n", " # ]\n") + "]")
	case 2:
		w.b.WriteString("{")
		n := w.times(3)
		for i := range n {
			w.b.WriteString(w.pick("", " ", "\n", "# }\n"))
			w.pair(depth + 1)
			if i < n-1 {
				w.b.WriteString(w.pick("", " ") + ",")
			}
		}
		w.b.WriteString(w.pick("", " ", "\n") + "}")
	}
}

// fatal shows the text when something does not agree.
type fatal struct {
	t    *rapid.T
	text string
}

func (f fatal) Helper() {}

func (f fatal) Fatalf(format string, args ...any) {
	f.t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), f.text)
}
