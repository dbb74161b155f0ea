package scenarios

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits keep hostile files from deep recursion and from keys that cost the square of their length. No scenario
// comes near them.
const (
	maxNesting = 64   // of arrays and inline tables in one another
	maxKeyPath = 2048 // octets of a whole key, its table's name included
	maxParts   = 32   // of a dotted key
)

var (
	errSyntax  = errors.New("the file is not TOML") // the decoder tells it better
	errNesting = errors.New("arrays and inline tables nest more than " + strconv.Itoa(maxNesting) + " deep")
	errLongKey = errors.New("a key is longer than " + strconv.Itoa(maxKeyPath) + " octets")
	errDeepKey = errors.New("a key has more than " + strconv.Itoa(maxParts) + " parts")
)

// errTwice is a key that has a value already.
type errTwice struct {
	key  string
	line int // of the first
}

func (e errTwice) Error() string {
	return "the key " + quote(e.key) + " is there already, in line " + strconv.Itoa(e.line)
}

// outline marks every key and value of a TOML 1.1 file. It takes more than TOML allows (values that are none, say),
// because the decoder refuses that. At what it cannot take it stops; the offset says where.
func outline(text string) (root *mark, offset int, err error) {
	o := &outliner{text: text, root: newTable("", -1, 0)}
	o.current = o.root
	err = o.file()
	return o.root, o.at, err
}

type outliner struct {
	text    string
	at      int
	root    *mark
	current *mark // the table that plain keys go into
	prefix  int   // octets of its name
}

// part is one part of a dotted key.
type part struct {
	name string
	at   int
}

func (o *outliner) file() error {
	for {
		o.skip(true)
		if o.at >= len(o.text) {
			return nil
		}
		var err error
		if o.text[o.at] == '[' {
			err = o.header()
		} else {
			err = o.pair(o.current, o.prefix, 0)
		}
		if err != nil {
			return err
		}
		o.skip(false)
		if o.at < len(o.text) && o.text[o.at] != '\n' && o.text[o.at] != '\r' {
			return errSyntax
		}
	}
}

// header reads [a.b] or [[a.b]].
func (o *outliner) header() error {
	start := o.at
	double := strings.HasPrefix(o.text[o.at:], "[[")
	o.at++
	if double {
		o.at++
	}
	parts, size, err := o.key(0)
	if err != nil {
		return err
	}
	if !o.take(']') || double && !o.take(']') {
		return errSyntax
	}
	m := o.root
	for _, p := range parts[:len(parts)-1] {
		m = m.open(p.name, p.at)
	}
	last := parts[len(parts)-1]
	o.prefix = size
	if !double {
		o.current = m.open(last.name, last.at)
		o.current.key, o.current.value = last.at, start // a header names the table better than [a.b.c] before it did
		return nil
	}
	list := m.child(last.name)
	if list == nil || list.shape != array {
		m.put(&mark{name: last.name, key: last.at, value: start, shape: array})
		list = m.child(last.name)
	}
	o.current = newTable("", -1, start)
	list.entries = append(list.entries, o.current)
	return nil
}

// pair reads key = value into m, whose own name has prefix octets.
func (o *outliner) pair(m *mark, prefix, depth int) error {
	parts, size, err := o.key(prefix)
	if err != nil {
		return err
	}
	if !o.take('=') {
		return errSyntax
	}
	for _, p := range parts[:len(parts)-1] {
		m = m.open(p.name, p.at)
	}
	last := parts[len(parts)-1]
	if first := m.child(last.name); first != nil {
		// The decoder lets some of these pass, and drops a value.
		o.at = last.at
		return errTwice{last.name, 1 + strings.Count(o.text[:max(0, first.key)], "\n")}
	}
	v, err := o.value(size, depth)
	if err != nil {
		return err
	}
	v.name, v.key = last.name, last.at
	m.put(v)
	return nil
}

// key reads a dotted key up to what follows it. size is that of the whole key, prefix included.
func (o *outliner) key(prefix int) (parts []part, size int, err error) {
	size = prefix
	for {
		o.blanks()
		p := part{at: o.at}
		if p.name, err = o.keyPart(); err != nil {
			return nil, 0, err
		}
		parts = append(parts, p)
		if size += len(p.name) + 1; size > maxKeyPath {
			return nil, 0, errLongKey
		}
		if len(parts) > maxParts {
			return nil, 0, errDeepKey
		}
		o.blanks()
		if !o.take('.') {
			return parts, size, nil
		}
	}
}

func (o *outliner) keyPart() (string, error) {
	start := o.at
	if o.at < len(o.text) && (o.text[o.at] == '"' || o.text[o.at] == '\'') {
		if err := o.line(o.text[o.at]); err != nil {
			return "", err
		}
		name := o.text[start+1 : o.at-1]
		if o.text[start] == '"' {
			return unescape(name)
		}
		return name, nil
	}
	for o.at < len(o.text) && bare(o.text[o.at]) {
		o.at++
	}
	if o.at == start {
		return "", errSyntax
	}
	return o.text[start:o.at], nil
}

func bare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// value reads one value; what it is stays unread unless it holds others.
func (o *outliner) value(size, depth int) (*mark, error) {
	o.blanks()
	m := &mark{key: -1, value: o.at}
	rest := o.text[o.at:]
	switch {
	case rest == "":
		return nil, errSyntax
	case strings.HasPrefix(rest, `"""`), strings.HasPrefix(rest, `'''`):
		return m, o.lines(rest[:3])
	case rest[0] == '"', rest[0] == '\'':
		return m, o.line(rest[0])
	case rest[0] == '[':
		m.shape = array
		return m, o.list(m, ']', depth, func() error {
			e, err := o.value(size, depth+1)
			if err == nil {
				m.entries = append(m.entries, e)
			}
			return err
		})
	case rest[0] == '{':
		m.shape = table
		return m, o.list(m, '}', depth, func() error { return o.pair(m, size, depth+1) })
	}
	n := strings.IndexAny(rest, ",]}#\r\n")
	if n < 0 {
		n = len(rest)
	}
	if n == 0 {
		return nil, errSyntax
	}
	o.at += n
	return m, nil
}

// list reads the elements of an array or an inline table up to its end, with commas between them and perhaps after.
func (o *outliner) list(m *mark, end byte, depth int, element func() error) error {
	if depth >= maxNesting {
		return errNesting
	}
	o.at++
	for {
		o.skip(true)
		if o.take(end) {
			return nil
		}
		if err := element(); err != nil {
			return err
		}
		o.skip(true)
		if !o.take(',') {
			if !o.take(end) {
				return errSyntax
			}
			return nil
		}
	}
}

// line reads a string of one line, quotes included.
func (o *outliner) line(quote byte) error {
	for i := o.at + 1; i < len(o.text); i++ {
		switch c := o.text[i]; {
		case c == quote:
			o.at = i + 1
			return nil
		case c == '\n':
			o.at = i
			return errSyntax
		case c == '\\' && quote == '"':
			i++
		}
	}
	o.at = len(o.text)
	return errSyntax
}

// lines reads a string of several lines, which three quotes end; up to two more may stand before them.
func (o *outliner) lines(quotes string) error {
	for i := o.at + 3; i < len(o.text); i++ {
		switch c := o.text[i]; {
		case c == '\\' && quotes[0] == '"':
			i++
		case c == quotes[0] && strings.HasPrefix(o.text[i:], quotes):
			i += 3
			for n := 0; n < 2 && i < len(o.text) && o.text[i] == quotes[0]; n++ {
				i++
			}
			o.at = i
			return nil
		}
	}
	o.at = len(o.text)
	return errSyntax
}

// blanks skips spaces and tabs.
func (o *outliner) blanks() {
	for o.at < len(o.text) && (o.text[o.at] == ' ' || o.text[o.at] == '\t') {
		o.at++
	}
}

// skip skips blanks and comments, and newlines too when lines is set.
func (o *outliner) skip(lines bool) {
	for o.at < len(o.text) {
		switch c := o.text[o.at]; {
		case c == ' ' || c == '\t', lines && (c == '\n' || c == '\r'):
			o.at++
		case c == '#':
			n := strings.IndexByte(o.text[o.at:], '\n')
			if n < 0 {
				n = len(o.text) - o.at
			}
			o.at += n
		default:
			return
		}
	}
}

func (o *outliner) take(c byte) bool {
	if o.at < len(o.text) && o.text[o.at] == c {
		o.at++
		return true
	}
	return false
}

// unescape resolves the escapes of a quoted key.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	const simple, meaning = `btnfre"\`, "\b\t\n\f\r\x1b\"\\"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", errSyntax
		}
		if j := strings.IndexByte(simple, s[i]); j >= 0 {
			b.WriteByte(meaning[j])
			continue
		}
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i]]
		if digits == 0 || i+digits >= len(s) {
			return "", errSyntax
		}
		r, err := strconv.ParseUint(s[i+1:i+1+digits], 16, 32)
		if err != nil || !utf8.ValidRune(rune(r)) {
			return "", errSyntax
		}
		b.WriteRune(rune(r))
		i += digits
	}
	return b.String(), nil
}
