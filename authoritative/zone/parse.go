package zone

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
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
	return fmt.Sprintf("%s: %s", position{e.File, e.Line}, e.Msg)
}

// position is a line of a file.
type position struct {
	file string
	line int
}

func (p position) String() string {
	if p.file == "" {
		return fmt.Sprintf("line %d", p.line)
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}

// Parse reads a master file (RFC 1035 section 5, RFC 2308 section 4) with $ORIGIN, $TTL and BIND's $GENERATE; names without
// a final dot are relative to origin. file is the name used in errors. $INCLUDE is refused: [ParseFS] has it.
//
// Everything that cannot be read is told, up to a hundred times, as [errors.Join] of *[ParseError]: after an error reading
// goes on with the next line that can begin an entry. There are records only where there is no error. What reader fails
// with ends it at once. What the records are together is for [New] to check, or for [Load] with file and line.
func Parse(r io.Reader, origin, file string) ([]dns.RR, error) {
	return collect(&parser{}, r, origin, file)
}

// ParseFS is Parse for the file at path in fsys. $INCLUDE reads other files of fsys, from paths relative to the file
// that includes them.
func ParseFS(fsys fs.FS, path, origin string) ([]dns.RR, error) {
	f, err := openMaster(fsys, path, origin)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return collect(&parser{fsys: fsys}, f, origin, path)
}

func openMaster(fsys fs.FS, path, origin string) (fs.File, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the master file of %s: %w", origin, err)
	}
	return f, nil
}

func collect(p *parser, r io.Reader, origin, file string) ([]dns.RR, error) {
	var rrs []dns.RR
	err := p.read(r, origin, file, func(rr dns.RR, _ spot) { rrs = append(rrs, rr) })
	if err != nil {
		return nil, err
	}
	return rrs, nil
}

// Bounds of what one master file may ask for.
const (
	maxErrors   = 100
	maxDepth    = 7 // of files that include files
	maxIncludes = 1000
)

// parser reads a master file and those that it includes. miekg/dns reads the entries; what it does not give, the files,
// the lines, and how to go on after an error, is here.
type parser struct {
	fsys     fs.FS     // nil: no $INCLUDE
	open     []*source // innermost last
	files    []string  // that were opened, in their order
	included int
	errs     []error
	failed   error // in reading
}

// spot is where a record stands: a file's number from 1, and the first line of its entry. The zero value is nowhere.
type spot struct{ file, line int32 }

// read gives each record to take.
func (p *parser) read(r io.Reader, origin, file string, take func(dns.RR, spot)) error {
	if _, ok := wireOf(origin); !ok {
		return &ParseError{file, 1, fmt.Sprintf("the origin %q is not a domain name", origin)}
	}
	p.push(newSource(r, nil, file, dns.Fqdn(origin)))
	defer func() {
		for len(p.open) > 0 {
			p.pop()
		}
	}()
	for len(p.open) > 0 && p.failed == nil && len(p.errs) < maxErrors {
		s := p.open[len(p.open)-1]
		rr, ok := s.zp.Next()
		if ok {
			s.remember(rr)
			if msg := unusable(rr); msg != "" {
				p.fail(s, msg)
				continue
			}
			take(rr, spot{s.number, int32(s.start)})
			continue
		}
		p.ended(s)
	}
	switch {
	case p.failed != nil:
		return p.failed
	case len(p.errs) == 1:
		return p.errs[0]
	case len(p.errs) >= maxErrors:
		s := p.errs[len(p.errs)-1].(*ParseError)
		p.errs = append(p.errs, &ParseError{s.File, s.Line, "too many errors: the rest has not been read"})
	}
	return errors.Join(p.errs...)
}

// ended finds out why the innermost file gives no more records, and goes on.
func (p *parser) ended(s *source) {
	err := s.zp.Err()
	switch {
	case s.failed != nil:
		p.failed = fmt.Errorf("reading %s: %w", s.name, s.failed)
	case err != nil:
		p.fail(s, reason(err))
		s.resume()
	case s.wrong != "":
		p.fail(s, s.wrong)
		s.wrong = ""
		s.restart()
	case s.include != nil:
		p.include(s)
	default:
		p.pop()
	}
}

func (p *parser) fail(s *source, msg string) {
	p.errs = append(p.errs, &ParseError{s.name, s.line(), msg})
}

func (p *parser) push(s *source) {
	p.files = append(p.files, s.name)
	s.number = int32(len(p.files))
	s.restart()
	p.open = append(p.open, s)
}

func (p *parser) pop() {
	s := p.open[len(p.open)-1]
	p.open[len(p.open)-1] = nil
	p.open = p.open[:len(p.open)-1]
	if s.file != nil {
		s.file.Close()
	}
}

// position is where a spot is, for those who read.
func (p *parser) position(at spot) position {
	if at.file == 0 {
		return position{}
	}
	return position{p.files[at.file-1], int(at.line)}
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
	switch x := rr.(type) {
	case *dns.A:
		return x.A == nil
	case *dns.AAAA:
		return x.AAAA == nil
	case *dns.NS:
		return x.Ns == ""
	case *dns.CNAME:
		return x.Target == ""
	case *dns.RFC3597, *dns.APL, *dns.NULL, *dns.NXNAME:
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

// reason takes it out of the parser's message, "FILE: dns: REASON at line: LINE:COLUMN".
func reason(err error) string {
	msg := err.Error()
	if _, after, ok := strings.Cut(msg, ": dns: "); ok {
		msg = after
	}
	msg = strings.TrimPrefix(msg, "dns: ")
	if i := strings.LastIndex(msg, " at line: "); i >= 0 {
		msg = msg[:i]
	}
	switch {
	case strings.HasPrefix(msg, "missing TTL with no previous value"):
		return "the record has no TTL: give it one, or begin the file with $TTL"
	case strings.HasPrefix(msg, "unexpected newline"):
		return "the line ends before the record has any data"
	case strings.HasPrefix(msg, "not a TTL: "):
		return strings.TrimPrefix(msg, "not a TTL: ") + " is neither a type nor a class nor a TTL"
	case strings.HasPrefix(msg, "unbalanced brace"):
		return "a ( is not closed"
	}
	return msg
}
