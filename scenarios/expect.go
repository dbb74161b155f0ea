package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// shows tells whether a step of that kind has anything to show.
func shows(k Kind) bool { return k == Query || k == Get || k == Inspect }

// expect reads what a step must show; nil when it says nothing. What can be expected depends on the step.
func (l *loader) expect(f *fields, s *Step) *Expect {
	n := f.n.child("expect")
	if n == nil {
		if shows(s.Kind) {
			f.get("expect") // so that a misspelt one finds its name
		}
		return nil
	}
	n.known = true
	if !shows(s.Kind) {
		l.errorf(n.keyPosition(), "expect: the %s step has nothing to show; add a query or an inspect step after it", s.Kind)
		return nil
	}
	t := l.fields(n, "expect")
	if t == nil {
		return nil
	}
	if len(n.entries) == 0 {
		l.errorf(n.position(), `expect is empty; say what must be seen, such as { rcode = "NOERROR" }, or leave it out`)
	}
	e := &Expect{}
	switch {
	case s.Kind == Query:
		t.what = "the expect of a query"
		l.expectReply(t, e, s.Query)
	case s.Kind == Get:
		t.what = "the expect of a get"
		l.expectGot(t, e)
	case l.nodes[s.Inspect].kind == resolverNode:
		t.what = "the expect of an inspected resolver"
		e.Cached = l.cached(t, "cached")
		e.NotCached = l.cached(t, "not_cached")
	case s.Inspect != "":
		t.what = "the expect of an inspected zone"
		e.Serial = bounds(t, "serial", serial, math.MaxUint32)
		e.Expired = t.tristate("expired")
		e.Fresh = t.tristate("fresh")
		e.Rollover = l.phase(t)
	default:
		return e // of a node that does not exist
	}
	t.done()
	return e
}

// expectReply reads what the reply to a query must be.
func (l *loader) expectReply(f *fields, e *Expect, q QueryStep) {
	l.expectRcode(f, e)
	e.AA, e.AD, e.RRSIG = f.tristate("aa"), f.tristate("ad"), f.tristate("rrsig")
	if list, n := f.list("answer"); n != nil {
		e.NoAnswer = len(list) == 0 && n.shape == array && len(n.entries) == 0
		e.Answer = l.answer(list, q.Type)
	}
	e.EDE = l.ede(f)
	e.TTL = bounds(f, "ttl", serial, math.MaxUint32)
	e.Elapsed = bounds(f, "elapsed", parseDuration, maxDuration)
	if _, n := f.text("server"); n != nil {
		if l.answerer(n) {
			e.Server = n.string()
		}
		if q.Via != "" {
			l.errorf(n.keyPosition(), "server: it is said of a client's stub, which chooses among its name servers; this query has via")
		}
	}
}

// answerer checks who is expected to have answered a client: its local stub, an address, a node.
func (l *loader) answerer(n *node) bool {
	a, err := netip.ParseAddr(n.string())
	switch {
	case err != nil:
		return l.knownNode(n, serverNode, resolverNode)
	case a != localStub():
		l.answers(n, n.name, a)
	}
	return true
}

func (l *loader) expectRcode(f *fields, e *Expect) {
	if name, n := f.text("rcode"); n != nil {
		e.Rcode = strings.ToUpper(name)
		if _, ok := dns.StringToRcode[e.Rcode]; !ok {
			var names []string
			for name := range dns.StringToRcode {
				names = append(names, name)
			}
			l.errorf(n.position(), "unknown rcode %s%s", quote(name), suggest(e.Rcode, names))
		}
	}
	name, n := f.text("error")
	if n == nil {
		return
	}
	e.Error = name
	if known := []string{"timeout", "refused", "unreachable"}; !slices.Contains(known, name) {
		l.errorf(n.position(), "unknown error %s%s", quote(name), suggest(name, known))
	}
	for _, key := range []string{"rcode", "aa", "ad", "rrsig", "answer", "ede", "ttl", "server"} {
		if f.has(key) {
			l.errorf(f.n.child(key).keyPosition(), "%s: where an error is expected there is no answer to expect anything of", key)
		}
	}
}

// answer reads expected rdata, and brings it into the form in which it is printed.
func (l *loader) answer(list []*node, rrtype uint16) []string {
	var answer []string
	for _, n := range list {
		text := n.string()
		if 128 > rrtype || rrtype > 255 { // the types of questions only have no data (RFC 6895 section 3.1)
			var err error
			if text, err = rdata(text, rrtype, "."); err != nil {
				l.errorf(n.position(), "answer: %v", err)
				continue
			}
		}
		answer = append(answer, text)
	}
	return answer
}

// ede reads an extended error's code, or several of which one must be there (RFC 8914).
func (l *loader) ede(f *fields) []uint16 {
	n := f.get("ede")
	if n == nil {
		return nil
	}
	entries := []*node{n}
	if n.shape == array {
		entries = n.entries
	}
	var codes []uint16
	for _, e := range entries {
		i, ok := e.plain.(int64)
		if !ok || i < 0 || i > math.MaxUint16 {
			l.errorf(e.position(), "ede: expected the code of an extended DNS error, such as 7 (RFC 8914 section 4), found %s", e.found())
			continue
		}
		codes = append(codes, uint16(i))
	}
	if len(entries) == 0 {
		l.errorf(n.position(), "ede: the list is empty; write 0 to expect none")
	}
	if len(codes) > 1 && slices.Contains(codes, 0) {
		l.errorf(n.position(), "ede: 0 means that there is none, so it stands alone")
	}
	return codes
}

// cached reads names and types that a cache holds or does not.
func (l *loader) cached(f *fields, key string) []string {
	list, n := f.list(key)
	if n != nil && len(list) == 0 {
		l.errorf(n.position(), `%s: expected at least one "NAME TYPE"`, key)
	}
	var entries []string
	for _, e := range list {
		var q QueryStep
		if strings.Contains(e.string(), "+") {
			l.errorf(e.position(), `%s: expected "NAME TYPE", found %s`, key, quote(e.string()))
			continue
		}
		l.question(&q, e, e.string(), false)
		entries = append(entries, canonical(q.Name)+" "+dns.Type(q.Type).String())
	}
	return entries
}

// serial reads a number of 32 bits.
func serial(s string) (uint32, error) {
	i, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("expected a number up to 4294967295, found %s", quote(s))
	}
	return uint32(i), nil
}

// bounds reads a value with bounds: exactly "300", at most "<=300", at least ">=300", or between "100..300". A number
// may stand without quotes.
func bounds[T cmp.Ordered](f *fields, key string, parse func(string) (T, error), most T) *Range[T] {
	n := f.get(key)
	if n == nil {
		return nil
	}
	text, ok := n.plain.(string)
	var zero T
	if _, isDuration := any(zero).(time.Duration); !ok && !isDuration {
		var i int64
		if i, ok = n.plain.(int64); ok {
			text = strconv.FormatInt(i, 10)
		}
	}
	if !ok {
		f.l.wrong(n, `a value or its bounds, such as `+example[T]())
		return nil
	}
	r, err := parseRange(text, parse, most)
	if err != nil {
		f.l.errorf(n.position(), "%s: %v", key, err)
		return nil
	}
	return r
}

func example[T any]() string {
	var zero T
	if _, ok := any(zero).(time.Duration); ok {
		return `"2s", "<=2s", ">=2s" or "0s..10ms"`
	}
	return `300, "<=300", ">=300" or "100..300"`
}

func parseRange[T cmp.Ordered](text string, parse func(string) (T, error), most T) (*Range[T], error) {
	text = strings.TrimSpace(text)
	r := Range[T]{Max: most}
	low, high := text, text
	if rest, ok := strings.CutPrefix(text, "<="); ok {
		low, high = "", rest
	} else if rest, ok := strings.CutPrefix(text, ">="); ok {
		low, high = rest, ""
	} else if strings.HasPrefix(text, "<") || strings.HasPrefix(text, ">") {
		return nil, errors.New("bounds are included: write " + quote(text[:1]+"="+text[1:]))
	} else if before, after, ok := strings.Cut(text, ".."); ok {
		low, high = before, after
	}
	var err error
	if low = strings.TrimSpace(low); low != "" {
		if r.Min, err = parse(low); err != nil {
			return nil, err
		}
	}
	if high = strings.TrimSpace(high); high != "" {
		if r.Max, err = parse(high); err != nil {
			return nil, err
		}
	}
	switch {
	case low == "" && high == "":
		return nil, errors.New("expected a value or its bounds, such as " + example[T]() + ", found " + quote(text))
	case r.Min > r.Max:
		return nil, errors.New("the bounds " + quote(text) + " leave nothing between them")
	}
	return &r, nil
}
