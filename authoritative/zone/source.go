package zone

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// source is one master file on its way through the parser of miekg/dns. That parser takes one byte after the other and
// stops behind a record's last one, so what was taken so far tells where it is. Lines that begin with $ are looked at
// before it gets them.
type source struct {
	in     *bufio.Reader
	file   fs.File // nil for the outermost, which is not ours to close
	name   string
	number int32
	zp     *dns.ZoneParser

	lines   int  // taken, whole
	partial bool // and some of the next
	start   int  // the line that the current entry begins on
	failed  error

	// What an entry may leave out, and where it is taken from then.
	origin, owner string
	ttl           uint32
	hasTTL, byTTL bool // there is one; it is of $TTL

	ready []byte // to be given next: a line that has been looked at, or one made by $GENERATE
	seed  string // before that, and not of the file
	made  *generator

	// The lexical state (RFC 1035 section 5.1).
	fresh, inOwner, quoted, escaped, comment bool
	depth                                    int // of parentheses
	word                                     []byte

	include []string // the operands of $INCLUDE, for which the parser has been told that the file ends
	wrong   string   // likewise what is wrong with a directive
}

func newSource(r io.Reader, file fs.File, name, origin string) *source {
	size := 1 << 16
	if text, ok := r.(interface{ Len() int }); ok {
		size = min(size, text.Len()+1)
	}
	return &source{in: bufio.NewReaderSize(r, size), file: file, name: name, origin: origin, fresh: true}
}

// line is where the parser is.
func (s *source) line() int {
	if s.partial {
		return s.lines + 1
	}
	return max(s.lines, 1)
}

// restart gives the rest of the file to a new parser, which knows what the old one did.
func (s *source) restart() {
	s.seed = ""
	if s.hasTTL && s.byTTL {
		s.seed = fmt.Sprintf("$TTL %d\n", s.ttl)
	}
	s.zp = dns.NewZoneParser(s, s.origin, "")
	if s.hasTTL {
		s.zp.SetDefaultTTL(s.ttl)
	}
	if s.owner == "" || !s.hasTTL {
		return
	}
	s.seed += s.owner + " IN A 192.0.2.1\n"
	s.zp.Next()
}

// resume goes on after an error, at the next line that can begin an entry.
func (s *source) resume() {
	if name, ok := s.absolute(string(s.word)); ok && len(s.word) > 0 {
		s.owner = name // the entry had an owner, and those after it may rely on that
	}
	s.made, s.ready = nil, nil
	for !s.fresh {
		b, err := s.ReadByte()
		if err != nil {
			break
		}
		if b != '\n' || s.fresh {
			continue
		}
		// Within parentheses or quotes. Those who forgot to close them will begin the next entry in the first column.
		next, err := s.in.Peek(1)
		if err != nil || !strings.ContainsRune(" \t);\r\n", rune(next[0])) {
			s.depth, s.quoted, s.fresh = 0, false, true
		}
	}
	s.restart()
}

// remember notes what later entries may leave out.
func (s *source) remember(rr dns.RR) {
	h := rr.Header()
	s.owner = h.Name
	if !s.byTTL {
		s.ttl, s.hasTTL = h.Ttl, true
	}
}

// absolute completes a name.
func (s *source) absolute(name string) (string, bool) {
	switch {
	case name == "@":
		name = s.origin
	case !dns.IsFqdn(name) && s.origin == ".":
		name += "."
	case !dns.IsFqdn(name):
		name += "." + s.origin
	}
	_, ok := wireOf(name)
	return name, ok
}

// ReadByte is what the parser reads by. A last line without its end is given one, or the parser misreads it.
func (s *source) ReadByte() (byte, error) {
	if len(s.seed) > 0 {
		b := s.seed[0]
		s.seed = s.seed[1:]
		return b, nil
	}
	if s.fresh && !s.begin() {
		return 0, io.EOF
	}
	var b byte
	if len(s.ready) > 0 {
		b = s.ready[0]
		s.ready = s.ready[1:]
	} else {
		var err error
		b, err = s.in.ReadByte()
		if err == io.EOF && s.partial {
			b, err = '\n', nil
		}
		if err != nil {
			if err != io.EOF {
				s.failed = err
			}
			return 0, err
		}
		if s.partial = b != '\n'; !s.partial {
			s.lines++
		}
	}
	s.lex(b)
	return b, nil
}

func (s *source) Read([]byte) (int, error) { return 0, io.ErrNoProgress } // the parser takes ReadByte

// padding is read as empty lines. The parser, when a record ends too early, reads on into what follows.
const padding = "\n\n"

// lex follows the text just as far as is needed to know where entries begin.
func (s *source) lex(b byte) {
	if s.inOwner {
		if s.inOwner = b > ' ' && b != ';' && b != '('; s.inOwner {
			s.word = append(s.word, b)
		}
	}
	switch {
	case b == '\n':
		s.escaped = false
		if !s.quoted || s.comment {
			s.comment = false
			s.fresh = s.depth == 0
		}
		if s.fresh {
			s.seed = padding
		}
	case s.comment:
	case s.escaped:
		s.escaped = false
	case b == '\\':
		s.escaped = true
	case b == '"':
		s.quoted = !s.quoted
	case s.quoted:
	case b == ';':
		s.comment = true
	case b == '(':
		s.depth++
	case b == ')':
		s.depth = max(s.depth-1, 0)
	}
}

// begin looks at the first byte of an entry. It is false where the parser is to be stopped.
func (s *source) begin() bool {
	s.word = s.word[:0]
	for {
		if s.made != nil {
			if s.ready = s.made.next(); s.ready != nil {
				break
			}
			s.made = nil
		}
		next, err := s.in.Peek(1)
		s.start = s.lines + 1
		if err != nil || next[0] != '$' {
			break
		}
		if goOn := s.directive(); !goOn {
			return false
		}
		if s.made == nil {
			break
		}
	}
	s.fresh, s.inOwner = false, true
	return true
}

// directive takes a line that begins with $. It is false where the parser is to be stopped at it.
func (s *source) directive() bool {
	line, err := s.in.ReadBytes('\n')
	s.lines++
	if err == io.EOF {
		line = append(line, '\n')
	} else if err != nil {
		s.failed = err
		return false
	}
	words := fields(line)
	switch strings.ToUpper(words[0]) {
	case "$INCLUDE":
		s.include = words[1:]
		return false
	case "$GENERATE":
		s.made, s.wrong = newGenerator(line)
		return s.wrong == ""
	case "$ORIGIN":
		if len(words) > 1 {
			if name, ok := s.absolute(words[1]); ok {
				s.origin = name
			}
		}
	case "$TTL":
		if len(words) > 1 {
			if ttl, ok := parseTTL(words[1]); ok {
				s.ttl, s.hasTTL, s.byTTL = ttl, true, true
			}
		}
	default:
		if strings.IndexByte(words[0], '$') == 0 && !strings.Contains(words[0], ".") {
			s.wrong = fmt.Sprintf("%s is no directive: there are $ORIGIN, $TTL, $INCLUDE and $GENERATE", words[0])
			return false
		}
	}
	s.ready = line // the parser follows it too
	return true
}

// fields splits a directive, whose comment does not count.
func fields(line []byte) []string {
	line, _, _ = bytes.Cut(line, []byte(";"))
	var words []string
	for _, w := range strings.Fields(string(line)) {
		words = append(words, strings.Trim(w, `"`))
	}
	return words
}

// parseTTL reads a TTL in seconds, or in BIND's weeks, days, hours, minutes and seconds: 1h30m.
func parseTTL(text string) (uint32, bool) {
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return uint32(n), true
	}
	var total, n uint64
	for _, c := range strings.ToLower(text) {
		if '0' <= c && c <= '9' {
			n = n*10 + uint64(c-'0')
			continue
		}
		unit, ok := map[rune]uint64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}[c]
		if !ok || n > 1<<32 {
			return 0, false
		}
		total, n = total+n*unit, 0
	}
	return uint32(total + n), total+n < 1<<32
}

// include opens the file that a directive of s names, with the origin that it may give (RFC 1035 section 5.1). After it,
// s goes on with its own origin and owner.
func (p *parser) include(s *source) {
	operands := s.include
	s.include = nil
	s.restart()
	switch {
	case p.fsys == nil:
		p.fail(s, "$INCLUDE is not possible here: there are no other files")
		return
	case len(operands) == 0 || len(operands) > 2:
		p.fail(s, "$INCLUDE is followed by a file's name and, perhaps, an origin")
		return
	case len(p.open) > maxDepth:
		p.fail(s, "too deeply nested $INCLUDE")
		return
	case p.included >= maxIncludes:
		p.fail(s, fmt.Sprintf("more than %d files are included", maxIncludes))
		return
	}
	p.included++
	origin := s.origin
	if len(operands) == 2 {
		var ok bool
		if origin, ok = s.absolute(operands[1]); !ok {
			p.fail(s, fmt.Sprintf("the origin %q is not a domain name", operands[1]))
			return
		}
	}
	name := operands[0]
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(s.name), name)
	}
	name = strings.TrimLeft(path.Clean(name), "/")
	f, err := p.fsys.Open(name)
	if err != nil {
		p.fail(s, fmt.Sprintf("failed to open %q: %v", operands[0], err))
		return
	}
	sub := newSource(f, f, name, origin)
	sub.ttl, sub.hasTTL, sub.byTTL = s.ttl, s.hasTTL, s.byTTL
	p.push(sub)
}
