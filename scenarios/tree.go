package scenarios

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// node is one thing of a TOML file with its value and its place: what the readers read. The nodes of a scenario with
// a base come from two files.
type node struct {
	src   *source
	name  string // of a table's entry
	key   int    // offset of the key in src; -1 for an array's element
	value int    // offset of the value

	shape   shape
	plain   any // a plain value: string, int64, float64, bool or time.Time
	entries []*node
	known   bool // a reader has asked for it
}

// keyPosition is where the key stands, or the value where there is no key.
func (n *node) keyPosition() Position {
	if n.key < 0 {
		return n.position()
	}
	return n.src.at(n.key)
}

// position is where the value stands.
func (n *node) position() Position { return n.src.at(n.value) }

// within is the position of the i-th octet of a string's value, where it can be told, else of the value.
func (n *node) within(i int) Position {
	rest := n.src.text[n.value:]
	text, _ := n.plain.(string)
	if len(rest) > len(text)+1 && (rest[0] == '"' || rest[0] == '\'') && rest[1:1+len(text)] == text {
		return n.src.at(n.value + 1 + i)
	}
	return n.position()
}

// textLine is the line of the file at which the text of a string begins, when each line of the text is one of the
// file's; ok is false for a string with escaped newlines.
func (n *node) textLine() (line int, ok bool) {
	rest := n.src.text[n.value:]
	text, _ := n.plain.(string)
	line = n.position().Line
	for _, quotes := range []string{`"""`, `'''`} {
		raw, found := strings.CutPrefix(rest, quotes)
		if !found {
			continue
		}
		if trimmed := strings.TrimPrefix(strings.TrimPrefix(raw, "\r"), "\n"); trimmed != raw {
			raw, line = trimmed, line+1
		}
		return line, strings.HasPrefix(raw, text)
	}
	return line, !strings.Contains(text, "\n")
}

func (n *node) child(name string) *node {
	for _, e := range n.entries {
		if e.name == name {
			return e
		}
	}
	return nil
}

// parse reads TOML into nodes. There is at most one error, because what follows a syntax error is guesswork.
func parse(src *source) (*node, error) {
	if strings.HasPrefix(src.text, "\xff\xfe") || strings.HasPrefix(src.text, "\xfe\xff") {
		return nil, Error{Position: src.at(0), Message: "the file is UTF-16; save it as UTF-8"}
	}
	// The mark of UTF-8 is cut off, so that offsets agree with an editor's columns.
	src.text = strings.TrimPrefix(src.text, "\ufeff")

	marks, stop, err := outline(src.text)
	if err != nil && err != errSyntax {
		return nil, Error{Position: src.at(stop), Message: err.Error()}
	}
	text := src.text
	if err != nil {
		text = upTo(text, stop)
	}
	values, decodeErr := decode(src, text)
	if decodeErr != nil {
		return nil, decodeErr
	}
	if err != nil {
		return nil, Error{Position: src.at(min(stop, len(src.text))), Message: err.Error()}
	}
	return join(src, marks, values), nil
}

// upTo cuts the text behind the line that offset is on, for the decoder to tell what is wrong there. It must
// not see more than a little of what the outline has not: only the outline bounds nesting.
func upTo(text string, offset int) string {
	const little = 1024
	end := strings.IndexByte(text[offset:], '\n') + 1
	if end == 0 || end > little {
		end = min(little, len(text)-offset)
	}
	return text[:offset+end]
}

// decode has BurntSushi/toml read the text.
func decode(src *source, text string) (any, error) {
	var values any
	_, err := toml.Decode(text, &values)
	if err == nil {
		return values, nil
	}
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		offset := max(0, min(syntax.Position.Start, len(text)))
		return nil, Error{Position: src.at(offset), Message: syntax.Message + hint(syntax.Message)}
	}
	return nil, Error{Position: src.at(0), Message: err.Error()}
}

// hint adds to the decoder's messages what those who write scenarios most often need to know.
func hint(message string) string {
	switch {
	case strings.HasPrefix(message, "unexpected end of table name"):
		return `; a name with dots in it stands in quotes: zone."example.org."`
	case strings.HasPrefix(message, "expected value but found"):
		return "; a text stands in quotes"
	}
	return ""
}

// join puts values to their marks. Keys keep the order of the file.
func join(src *source, m *mark, value any) *node {
	n := &node{src: src, name: m.name, key: m.key, value: m.value}
	switch v := value.(type) {
	case map[string]any:
		n.shape = table
		n.entries = make([]*node, 0, len(v))
		for _, e := range m.entries {
			if value, ok := v[e.name]; ok {
				n.entries = append(n.entries, join(src, e, value))
			}
		}
		if len(n.entries) < len(v) { // no value is lost for want of a mark
			for _, name := range slices.Sorted(maps.Keys(v)) {
				if m.child(name) == nil {
					n.entries = append(n.entries, join(src, &mark{name: name, key: m.key, value: m.value}, v[name]))
				}
			}
		}
	case []map[string]any:
		n.shape = array
		for i, value := range v {
			n.entries = append(n.entries, join(src, m.element(i), value))
		}
	case []any:
		n.shape = array
		for i, value := range v {
			n.entries = append(n.entries, join(src, m.element(i), value))
		}
	default:
		n.plain = v
	}
	return n
}

// element is the i-th element's mark. Should the marks have fewer than the decoder has values, the array's own serves:
// a position that is a little off is better than none.
func (m *mark) element(i int) *mark {
	if i < len(m.entries) {
		return m.entries[i]
	}
	return &mark{key: -1, value: m.value}
}

// merge makes the changes of over to base: tables are merged key by key, everything else is replaced. Keys keep the
// base's order, new ones follow. Both are used up.
func merge(base, over *node) *node {
	if base.shape != table || over.shape != table {
		return over
	}
	old := base.entries
	for _, o := range over.entries {
		i := slices.IndexFunc(old, func(b *node) bool { return b.name == o.name })
		if i < 0 {
			base.entries = append(base.entries, o)
			continue
		}
		base.entries[i] = merge(old[i], o)
	}
	base.src, base.key, base.value = over.src, over.key, over.value
	return base
}

// found says what a value is, for the end of "expected …, found …".
func (n *node) found() string {
	switch n.shape {
	case table:
		return "a table"
	case array:
		return "an array"
	}
	switch v := n.plain.(type) {
	case string:
		return "the string " + quote(v)
	case int64:
		return "the integer " + strconv.FormatInt(v, 10)
	case float64:
		return "the float " + strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return "the boolean " + strconv.FormatBool(v)
	case time.Time:
		switch v.Location().String() {
		case "datetime-local":
			return "a date-time without an offset"
		case "date-local":
			return "a date"
		case "time-local":
			return "a time of day"
		}
		return "a date-time"
	}
	return "nothing"
}

// quote quotes a text, and cuts a long one.
func quote(s string) string {
	const most = 60
	if len(s) <= most {
		return strconv.Quote(s)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + "…"
}
