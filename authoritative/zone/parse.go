package zone

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// ParseError says where a master file cannot be read.
type ParseError struct {
	File string // as it was named to Parse, or by $INCLUDE
	Line int    // from 1; the last one of a record that spans several
	Msg  string
}

func (e *ParseError) Error() string {
	if e.File == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Msg)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// Parse reads a master file (RFC 1035 section 5, RFC 2308 section 4) with $ORIGIN, $TTL and $GENERATE; names without
// a final dot are relative to origin. file is the name used in errors. $INCLUDE is refused: [ParseFS] has it.
//
// The first thing that cannot be read ends it, as *[ParseError], or as reader's error. What the records are together
// is for [New] to check.
func Parse(r io.Reader, origin, file string) ([]dns.RR, error) {
	return parse(r, nil, origin, file)
}

// ParseFS is Parse for the file at path in fsys. $INCLUDE reads other files of fsys, from paths relative to the file
// that includes them.
func ParseFS(fsys fs.FS, path, origin string) ([]dns.RR, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the master file of %s: %w", origin, err)
	}
	defer f.Close()
	return parse(f, fsys, origin, path)
}

func parse(r io.Reader, fsys fs.FS, origin, file string) ([]dns.RR, error) {
	if _, ok := wireOf(origin); !ok {
		return nil, &ParseError{file, 1, fmt.Sprintf("the origin %q is not a domain name", origin)}
	}
	var at position
	zp := dns.NewZoneParser(at.open(r, file), origin, file)
	defer at.closeIncluded()
	if fsys != nil {
		zp.SetIncludeAllowed(true)
		zp.SetIncludeFS(includes{fsys, &at})
	}
	var rrs []dns.RR
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		if msg := unusable(rr); msg != "" {
			file, line := at.now()
			return nil, &ParseError{file, line, msg}
		}
		rrs = append(rrs, rr)
	}
	if err := at.err; err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if err := zp.Err(); err != nil {
		return nil, parseError(err, file)
	}
	return rrs, nil
}

// unusable tells what the parser lets through and no zone can hold.
func unusable(rr dns.RR) string {
	h := rr.Header()
	switch {
	case h.Name == "":
		return "the first record has no owner name: begin the line with one, or with @"
	case h.Ttl > math.MaxInt32:
		return fmt.Sprintf("TTL %d is too high: the highest is %d (RFC 2181 section 8)", h.Ttl, math.MaxInt32)
	case isEmpty(rr):
		return fmt.Sprintf("%s %s has no data", h.Name, dns.Type(h.Rrtype))
	}
	return ""
}

// isEmpty tells a record that was written without RDATA, which the parser takes for one of a dynamic update.
func isEmpty(rr dns.RR) bool {
	switch rr.(type) {
	case *dns.RFC3597, *dns.APL, *dns.NULL:
		return false // these may be empty
	}
	fn, known := dns.TypeToRR[rr.Header().Rrtype]
	if !known {
		return false
	}
	none := fn()
	*none.Header() = *rr.Header()
	return dns.IsDuplicate(none, rr)
}

// parseError takes the place and the reason out of the parser's message, "FILE: dns: REASON at line: LINE:COLUMN".
func parseError(err error, file string) error {
	msg := err.Error()
	if name, reason, ok := strings.Cut(msg, ": dns: "); ok {
		file, msg = name, reason
	}
	msg = strings.TrimPrefix(msg, "dns: ")
	line := 1
	if i := strings.LastIndex(msg, " at line: "); i >= 0 {
		number, _, _ := strings.Cut(msg[i+len(" at line: "):], ":")
		if n, err := strconv.Atoi(number); err == nil {
			line, msg = n, msg[:i]
		}
	}
	switch {
	case strings.HasPrefix(msg, "missing TTL with no previous value"):
		msg = "the record has no TTL: give it one, or begin the file with $TTL"
	case strings.HasPrefix(msg, "$INCLUDE directive not allowed"):
		msg = "$INCLUDE is not possible here: there are no other files"
	case strings.HasPrefix(msg, "unexpected newline"):
		msg = "the line ends before the record has any data"
	}
	return &ParseError{file, line, msg}
}

// position follows the parser through the files that it reads. The parser takes one byte after the other and stops
// behind a record's last one, so the number of line ends taken is that record's line.
type position struct {
	files []*counted // the open ones, innermost last
	err   error      // the first error in reading
}

// counted is a file that counts its lines as they are read.
type counted struct {
	fs.File // nil for the outermost, which is not ours to close
	in      *bufio.Reader
	at      *position
	name    string
	lines   int
	partial bool // bytes were taken since the last line end
}

func (p *position) open(r io.Reader, name string) *counted {
	c := &counted{in: bufio.NewReader(r), at: p, name: name}
	p.files = append(p.files, c)
	return c
}

func (p *position) now() (file string, line int) {
	c := p.files[len(p.files)-1]
	line = c.lines
	if c.partial {
		line++
	}
	return c.name, max(line, 1)
}

// closeIncluded closes what an error left open.
func (p *position) closeIncluded() {
	for len(p.files) > 1 {
		p.files[len(p.files)-1].Close()
	}
}

// ReadByte is what the parser reads by. A last line without its end is given one, or the parser misreads it.
func (c *counted) ReadByte() (byte, error) {
	b, err := c.in.ReadByte()
	if err == io.EOF && c.partial {
		b, err = '\n', nil
	}
	if err != nil {
		if err != io.EOF && c.at.err == nil {
			c.at.err = err
		}
		return b, err
	}
	c.partial = b != '\n'
	if b == '\n' {
		c.lines++
	}
	return b, nil
}

func (c *counted) Read(p []byte) (int, error) { return c.in.Read(p) }

// Close ends an included file; the parser goes on in the one that included it.
func (c *counted) Close() error {
	c.at.files = c.at.files[:len(c.at.files)-1]
	return c.File.Close()
}

// includes opens the files that $INCLUDE names so that their lines are counted too.
type includes struct {
	fs.FS
	at *position
}

func (i includes) Open(name string) (fs.File, error) {
	f, err := i.FS.Open(name)
	if err != nil {
		return nil, err
	}
	c := i.at.open(f, name)
	c.File = f
	return c, nil
}
