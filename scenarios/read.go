package scenarios

import (
	"strconv"
	"time"
)

// fields reads the keys of one table. Each key is read by the method for its type, which records what is wrong with
// it; the names that were asked for are the names that are valid, and done tells of all others. The methods return the
// value's node too, nil when the key is missing or wrong.
type fields struct {
	l     *loader
	n     *node
	what  string // the table, for messages: "server \"ns1\""
	asked []string
}

// fields begins to read a table; nil when n is none.
func (l *loader) fields(n *node, what string) *fields {
	if n.shape != table {
		l.errorf(n.position(), "%s: expected a table, found %s", what, n.found())
		return nil
	}
	return &fields{l: l, n: n, what: what}
}

// get gives the key's node, whatever it is.
func (f *fields) get(name string) *node {
	f.asked = append(f.asked, name)
	c := f.n.child(name)
	if c != nil {
		c.known = true
	}
	return c
}

// has tells whether the key is there, right or wrong.
func (f *fields) has(name string) bool { return f.n.child(name) != nil }

// wrong records that the value is not of the expected type.
func (l *loader) wrong(n *node, expected string) {
	if n.name == "" {
		l.errorf(n.position(), "expected %s, found %s", expected, n.found())
		return
	}
	l.errorf(n.position(), "%s: expected %s, found %s", n.name, expected, n.found())
}

// done reports the keys that nobody asked for.
func (f *fields) done() {
	const most = 50 // beyond that the file is of another kind
	unknown := 0
	for _, e := range f.n.entries {
		if e.known {
			continue
		}
		if unknown++; unknown > most {
			f.l.errorf(e.keyPosition(), "there are more unknown keys in %s", f.what)
			return
		}
		f.l.errorf(e.keyPosition(), "unknown key %s in %s%s", quote(e.name), f.what, suggest(e.name, f.asked))
	}
}

func (f *fields) text(name string) (string, *node) {
	n := f.get(name)
	if n == nil {
		return "", nil
	}
	s, ok := n.plain.(string)
	if !ok {
		f.l.wrong(n, "a string")
		return "", nil
	}
	return s, n
}

func (f *fields) flag(name string) (bool, *node) {
	n := f.get(name)
	if n == nil {
		return false, nil
	}
	b, ok := n.plain.(bool)
	if !ok {
		f.l.wrong(n, "true or false")
		return false, nil
	}
	return b, n
}

// flagOr is flag with a default.
func (f *fields) flagOr(name string, otherwise bool) bool {
	if b, n := f.flag(name); n != nil {
		return b
	}
	return otherwise
}

// tristate is flag for what may be left open.
func (f *fields) tristate(name string) *bool {
	if b, n := f.flag(name); n != nil {
		return &b
	}
	return nil
}

// integer reads a whole number between two bounds, both included.
func (f *fields) integer(name string, least, most int64) (int64, *node) {
	n := f.get(name)
	if n == nil {
		return 0, nil
	}
	i, ok := n.plain.(int64)
	if !ok {
		f.l.wrong(n, "an integer")
		return 0, nil
	}
	if i < least || i > most {
		f.l.errorf(n.position(), "%s: %d is out of range; expected %d to %d", name, i, least, most)
		return 0, nil
	}
	return i, n
}

func (f *fields) duration(name string) (time.Duration, *node) {
	n := f.get(name)
	if n == nil {
		return 0, nil
	}
	return f.l.duration(n)
}

func (l *loader) duration(n *node) (time.Duration, *node) {
	s, ok := n.plain.(string)
	if !ok {
		expected := `a duration such as "90s", "1h30m" or "2d"`
		if i, ok := n.plain.(int64); ok && i >= 0 {
			expected += " (write " + strconv.Quote(strconv.FormatInt(i, 10)+"s") + " for seconds)"
		}
		l.wrong(n, expected)
		return 0, nil
	}
	d, err := parseDuration(s)
	if err != nil {
		l.errorf(n.position(), "%s: %v", n.name, err)
		return 0, nil
	}
	return d, n
}

func (f *fields) time(name string) (time.Time, *node) {
	n := f.get(name)
	if n == nil {
		return time.Time{}, nil
	}
	return f.l.time(n)
}

func (l *loader) time(n *node) (time.Time, *node) {
	t, ok := n.plain.(time.Time)
	switch {
	case !ok:
		expected := "a date-time such as 2026-04-10T11:00:00Z"
		if s, ok := n.plain.(string); ok {
			if _, err := time.Parse(time.RFC3339, s); err == nil {
				expected = "a date-time without quotes"
			}
		}
		l.wrong(n, expected)
		return time.Time{}, nil
	case t.Location().String() == "datetime-local", t.Location().String() == "date-local", t.Location().String() == "time-local":
		l.wrong(n, "a date-time with its offset, such as 2026-04-10T11:00:00Z")
		return time.Time{}, nil
	case t.Year() < 1970 || t.Year() > 2105:
		// RRSIG and TSIG tell time in 32 and 48 bits of seconds since 1970; all of the world's years are unambiguous.
		l.errorf(n.position(), "%s: the year %d is not between 1970 and 2105", n.name, t.Year())
		return time.Time{}, nil
	}
	return t.UTC(), n
}

// list gives the elements of an array of strings; one string alone is a list of one. The node is the list's own.
func (f *fields) list(name string) ([]*node, *node) {
	n := f.get(name)
	if n == nil {
		return nil, nil
	}
	return f.l.list(n)
}

func (l *loader) list(n *node) ([]*node, *node) {
	if _, ok := n.plain.(string); ok {
		return []*node{n}, n
	}
	if n.shape != array {
		l.wrong(n, "a list of strings")
		return nil, nil
	}
	elements := make([]*node, 0, len(n.entries))
	for _, e := range n.entries {
		if _, ok := e.plain.(string); !ok {
			l.errorf(e.position(), "%s: expected a string, found %s", n.name, e.found())
			continue
		}
		elements = append(elements, e)
	}
	return elements, n
}

// string is the value of a node that is known to be a string.
func (n *node) string() string { return n.plain.(string) }

// texts are the values of the elements that list gives.
func texts(nodes []*node) []string {
	if nodes == nil {
		return nil
	}
	s := make([]string, len(nodes))
	for i, n := range nodes {
		s[i] = n.string()
	}
	return s
}

// named gives the entries of a table of tables: [server.ns1], [server.ns2].
func (f *fields) named(name string) []*node {
	n := f.get(name)
	if n == nil {
		return nil
	}
	if n.shape != table {
		f.l.wrong(n, "tables such as ["+name+".NAME]")
		return nil
	}
	return n.entries
}

// tables gives the elements of an array of tables.
func (f *fields) tables(name string) ([]*node, *node) {
	n := f.get(name)
	if n == nil {
		return nil, nil
	}
	if n.shape != array {
		f.l.wrong(n, "tables such as [["+name+"]]")
		return nil, nil
	}
	return n.entries, n
}
