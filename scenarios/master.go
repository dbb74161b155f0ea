package scenarios

import (
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"

	"faultzone/authoritative/zone"
)

// master is a zone's master file, parsed and checked.
type master struct {
	text, file string
	zone       *zone.Zone // nil when it is wrong
}

// masterID tells masters apart: one file is often served by several servers, and is read, checked and complained about
// once.
type masterID struct {
	from   *source // the file that mentions it
	name   string
	origin string
}

// master reads a zone from the file that n names, or from the text that n is; nil when it cannot be read.
func (l *loader) master(n *node, origin string, isFile bool) *master {
	if !isFile {
		m := &master{text: n.string(), file: n.src.name}
		rrs, err := zone.Parse(strings.NewReader(m.text), origin, m.file)
		l.check(m, origin, rrs, err, inline(n))
		return m
	}
	id := masterID{from: n.src, name: n.string(), origin: origin}
	if m, ok := l.masters[id]; ok {
		return m
	}
	m := l.masterFile(n, origin)
	l.masters[id] = m
	return m
}

func (l *loader) masterFile(n *node, origin string) *master {
	if n.string() == "" {
		l.errorf(n.position(), "file: expected the name of a zone file")
		return nil
	}
	files := n.src.files
	src, err := read(files, files.beside(n.src.name, n.string()), maxZone)
	if err != nil {
		l.errors = append(l.errors, Error{
			Position: n.position(),
			Message:  "cannot read the zone file " + files.beside(n.src.name, n.string()) + ": " + err.Error(),
			cause:    err,
		})
		return nil
	}
	l.files = append(l.files, src.name)
	m := &master{text: src.text, file: src.name}
	where := func(file string, line int) Position { return Position{File: file, Line: line} }
	if !includes(src.text) {
		rrs, err := zone.Parse(strings.NewReader(src.text), origin, src.name)
		l.check(m, origin, rrs, err, where)
		return m
	}
	fsys, name, dir := files.within(src.name)
	rrs, err := zone.ParseFS(fsys, name, origin)
	l.check(m, origin, rrs, err, func(file string, line int) Position {
		if file != m.file {
			file = filepath.Join(dir, file)
		}
		return Position{File: file, Line: line}
	})
	m.text = plainText(rrs) // nothing after the loader opens files
	return m
}

// includes tells whether a master file has an $INCLUDE entry.
func includes(text string) bool {
	const directive = "$INCLUDE"
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		if len(line) > len(directive) && line[0] == '$' && strings.EqualFold(line[:len(directive)], directive) {
			return true
		}
		text = rest
	}
	return false
}

// plainText is a master file without directives.
func plainText(rrs []dns.RR) string {
	var b strings.Builder
	for _, rr := range rrs {
		b.WriteString(rr.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// inline tells where the lines of a zone are that is written inside the TOML file.
func inline(n *node) func(file string, line int) Position {
	first, exact := n.textLine()
	return func(_ string, line int) Position {
		if !exact || line == 0 {
			return n.position()
		}
		return Position{File: n.src.name, Line: first + line - 1}
	}
}

// check makes the zone of its records and reports what is wrong with either; where turns a master file's line into a
// position.
func (l *loader) check(m *master, origin string, rrs []dns.RR, err error, where func(string, int) Position) {
	var content *zone.Zone
	if err == nil {
		content, err = zone.New(origin, rrs)
		err = errors.Join(err, missingGlue(origin, rrs))
	}
	lines := recordLines(m, origin)
	for _, e := range flatten(err) {
		var syntax *zone.ParseError
		var wrong *zone.CheckError
		switch {
		case errors.As(e, &syntax):
			l.errorf(where(syntax.File, syntax.Line), "%s", syntax.Msg)
		case errors.As(e, &wrong):
			l.errorf(where(m.file, lines(wrong.Name, wrong.Type)), "zone %s: %s", origin, wrong.Error())
		default:
			l.errorf(where(m.file, 0), "zone %s: %v", origin, e)
		}
	}
	if err != nil {
		return
	}
	m.zone = content
	for _, w := range content.Warnings() {
		rrset, _, _ := strings.Cut(w, ": ")
		name, rrtype, _ := strings.Cut(rrset, " ")
		l.warnf(where(m.file, lines(name, dns.StringToType[rrtype])), "zone %s: %s", origin, w)
	}
}

// missingGlue finds delegations that lead nowhere: a name server at or below the delegated name whose address the zone
// does not hold (RFC 1034 section 4.2.1). A server can serve such a zone; but in a world it is a mistake so much more
// often than it is meant that the loader refuses it. A fault can take glue away.
func missingGlue(origin string, rrs []dns.RR) error {
	addressed := make(map[string]bool)
	var servers []*dns.NS
	for _, rr := range rrs {
		name := canonical(rr.Header().Name)
		switch rr := rr.(type) {
		case *dns.A, *dns.AAAA:
			addressed[name] = true
		case *dns.NS:
			if name != origin && dns.IsSubDomain(name, rr.Ns) {
				servers = append(servers, rr)
			}
		}
	}
	var errs []error
	for _, ns := range servers {
		if !addressed[canonical(ns.Ns)] {
			errs = append(errs, &zone.CheckError{Name: ns.Hdr.Name, Type: dns.TypeNS,
				Msg: ns.Ns + " lies below the delegation and has no glue, so it cannot be found: add its A or AAAA record"})
		}
	}
	return errors.Join(errs...)
}

// flatten gives the errors that errors.Join has joined.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []error{err}
}

// owner is an RRset's name and type; type 0 is any record of the name.
type owner struct {
	name   string
	rrtype uint16
}

// recordLines finds the line of an RRset's first record, for what a zone's checks say, which name RRsets. It reads the
// master file again, when it is first asked. Of records over several lines it gives the last, of unknown names 0.
func recordLines(m *master, origin string) func(name string, rrtype uint16) int {
	var lines map[owner]int
	return func(name string, rrtype uint16) int {
		if lines == nil {
			lines = make(map[owner]int)
			r := &lineReader{r: strings.NewReader(m.text)}
			p := dns.NewZoneParser(r, origin, "")
			for rr, ok := p.Next(); ok; rr, ok = p.Next() {
				name := canonical(rr.Header().Name)
				for _, o := range []owner{{name, rr.Header().Rrtype}, {name, 0}} {
					if _, seen := lines[o]; !seen {
						lines[o] = r.line()
					}
				}
			}
		}
		name = canonical(name)
		if line, ok := lines[owner{name, rrtype}]; ok {
			return line
		}
		return lines[owner{name, 0}] // of what is missing, where it would stand
	}
}

// lineReader counts lines while a parser reads octet by octet.
type lineReader struct {
	r     *strings.Reader
	lines int
	last  byte
}

func (r *lineReader) Read(p []byte) (int, error) { return 0, io.ErrUnexpectedEOF } // the parser takes ReadByte

func (r *lineReader) ReadByte() (byte, error) {
	b, err := r.r.ReadByte()
	if err != nil {
		return b, err
	}
	if r.last = b; b == '\n' {
		r.lines++
	}
	return b, nil
}

// line is the line that the record read last ends on.
func (r *lineReader) line() int {
	if r.last == '\n' {
		return r.lines
	}
	return r.lines + 1
}
