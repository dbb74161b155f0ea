package zone

import (
	"fmt"
	"strconv"
	"strings"
)

// generator makes the entries of a $GENERATE directive, which BIND has and many files use: one for each number of a range,
// with $ in the template standing for it.
type generator struct {
	at, last, step int64
	template       []part
}

// part is text, and then the number in some form.
type part struct {
	text   string
	number bool
	offset int64
	width  int
	base   byte // d, o, x, X; n, N: nibbles in reverse, as in ip6.arpa
}

// maxGenerated bounds what one line may grow to.
const maxGenerated = 65536

// newGenerator reads "$GENERATE START-STOP[/STEP] REST". It says what is wrong, if anything is.
func newGenerator(line []byte) (*generator, string) {
	text := strings.TrimSpace(string(line)[len("$GENERATE"):])
	span, rest, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	g := &generator{step: 1}
	var err error
	numbers, step, stepped := strings.Cut(span, "/")
	if stepped {
		if g.step, err = strconv.ParseInt(step, 10, 32); err != nil || g.step < 1 {
			return nil, fmt.Sprintf("$GENERATE has step %q, which is no number above 0", step)
		}
	}
	from, to, ok := strings.Cut(numbers, "-")
	first, err1 := strconv.ParseUint(from, 10, 31)
	last, err2 := strconv.ParseUint(to, 10, 31)
	if !ok || err1 != nil || err2 != nil || last < first {
		return nil, fmt.Sprintf("$GENERATE has the range %q; it is START-STOP or START-STOP/STEP", span)
	}
	if g.at, g.last = int64(first), int64(last); (g.last-g.at)/g.step >= maxGenerated {
		return nil, fmt.Sprintf("$GENERATE asks for %d records; %d are possible", (g.last-g.at)/g.step+1, maxGenerated)
	}
	if len(strings.Fields(rest)) < 3 {
		return nil, "$GENERATE is followed by a range, an owner, a type and data"
	}
	template, msg := parts(strings.TrimSpace(rest))
	g.template = template
	return g, msg
}

// parts takes a template apart: $, ${offset,width,base}, and \$ and $$ for the sign itself.
func parts(text string) ([]part, string) {
	var all []part
	var plain strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			if text[i+1] != '$' {
				plain.WriteByte('\\')
			}
			i++
			plain.WriteByte(text[i])
			continue
		case text[i] != '$':
			plain.WriteByte(text[i])
			continue
		case strings.HasPrefix(text[i:], "$$"):
			i++
			plain.WriteByte('$')
			continue
		}
		p := part{text: plain.String(), number: true, base: 'd'}
		plain.Reset()
		if strings.HasPrefix(text[i:], "${") {
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return nil, "a ${ of $GENERATE is not closed"
			}
			if !p.modify(text[i+2 : i+end]) {
				return nil, fmt.Sprintf("$GENERATE has %s; it is ${OFFSET,WIDTH,BASE} with a base of d, o, x, X, n or N", text[i:i+end+1])
			}
			i += end
		}
		all = append(all, p)
	}
	return append(all, part{text: plain.String()}), ""
}

func (p *part) modify(text string) bool {
	words := strings.Split(text, ",")
	if len(words) > 3 {
		return false
	}
	var err error
	if p.offset, err = strconv.ParseInt(words[0], 10, 32); err != nil {
		return false
	}
	if len(words) > 1 {
		width, err := strconv.ParseUint(words[1], 10, 8)
		if err != nil {
			return false
		}
		p.width = int(width)
	}
	if len(words) > 2 {
		if len(words[2]) != 1 || !strings.Contains("doxXnN", words[2]) {
			return false
		}
		p.base = words[2][0]
	}
	return true
}

// next gives one entry after the other, and nil after the last.
func (g *generator) next() []byte {
	if g.at > g.last {
		return nil
	}
	var line []byte
	for _, p := range g.template {
		line = append(line, p.text...)
		if p.number {
			line = p.append(line, g.at+p.offset)
		}
	}
	g.at += g.step
	return append(line, '\n')
}

func (p *part) append(dst []byte, n int64) []byte {
	switch p.base {
	case 'o':
		return fmt.Appendf(dst, "%0*o", p.width, n)
	case 'x':
		return fmt.Appendf(dst, "%0*x", p.width, n)
	case 'X':
		return fmt.Appendf(dst, "%0*X", p.width, n)
	case 'n', 'N':
		return p.nibbles(dst, uint32(n))
	}
	return fmt.Appendf(dst, "%0*d", p.width, n)
}

// nibbles writes hexadecimal digits from the lowest up with dots between; the width counts both.
func (p *part) nibbles(dst []byte, n uint32) []byte {
	digits := "0123456789abcdef"
	if p.base == 'N' {
		digits = strings.ToUpper(digits)
	}
	for left := p.width; ; {
		dst = append(dst, digits[n&15])
		n >>= 4
		left--
		if n == 0 && left <= 0 {
			return dst
		}
		dst = append(dst, '.')
		left--
		if n == 0 && left <= 0 {
			return dst
		}
	}
}
