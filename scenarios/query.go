package scenarios

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// query reads a query step: query = "NAME [TYPE] [+switches]", and via, from or client.
func (l *loader) query(f *fields) QueryStep {
	var q QueryStep
	text, n := f.text("query")
	_, client := f.text("client")
	_, via := f.text("via")
	if n != nil {
		l.question(&q, n, text, f.has("client"))
	}
	switch {
	case f.has("client") && f.has("via"):
		at, _ := f.place("via")
		l.errorf(at, "via: a client asks its own name servers; write client for its stub's question, via for one like dig's")
	case client != nil:
		if l.knownNode(client, clientNode) {
			q.Client = client.string()
		}
	case via != nil:
		if l.asked(via) {
			q.Via = via.string()
		}
	case !f.has("client") && !f.has("via"):
		l.errorf(f.n.position(), "the query goes nowhere: write via for the node to ask, or client for the host whose stub asks")
	}
	if _, from := f.text("from"); from != nil {
		if f.has("client") {
			l.errorf(from.keyPosition(), "from: the query comes from its client")
		} else if l.origin(from) {
			q.From = from.string()
		}
	}
	return q
}

// question reads the words of a question.
func (l *loader) question(q *QueryStep, n *node, text string, stub bool) {
	q.Type = dns.TypeA
	plain := 0
	for at, word := range words(text) {
		switch {
		case strings.HasPrefix(word, "+"):
			if stub {
				l.errorf(n.within(at), "query: a client's stub asks as glibc does; %s is for a query with via", quote(word))
			} else {
				l.toggle(q, n.within(at), word)
			}
			continue
		case plain == 0:
			if message := badQuestion(word); message != "" {
				l.errorf(n.within(at), "query: %s", message)
			}
			if q.Name = word; !stub {
				q.Name = absolute(word)
			}
		case plain == 1:
			t, ok := rrtype(word)
			if q.Type = t; !ok {
				l.errorf(n.within(at), "query: %s", unknownType(word))
			}
		default:
			l.errorf(n.within(at), "query: expected NAME, TYPE and switches such as +cd, found %s too", quote(word))
		}
		plain++
	}
	if plain == 0 {
		l.errorf(n.position(), `query: expected a name, such as "www.example.org. AAAA", found %s`, quote(text))
	}
}

func badQuestion(name string) string {
	for _, r := range name {
		if r > 0x7f {
			return "the name " + quote(name) + " is not ASCII; write it as DNS carries it, xn--…"
		}
	}
	if err := checkName(name); err != nil {
		return err.Error()
	}
	return ""
}

// toggle reads one of dig's switches.
func (l *loader) toggle(q *QueryStep, at Position, word string) {
	switches := map[string]*bool{
		"+cd": &q.CD, "+dnssec": &q.DO, "+tcp": &q.TCP, "+norec": &q.NoRD, "+noad": &q.NoAD, "+noedns": &q.NoEDNS,
	}
	if s, ok := switches[word]; ok {
		*s = true
		return
	}
	var names []string
	for name := range switches {
		names = append(names, name)
	}
	l.errorf(at, "query: unknown switch %s%s", quote(word), suggest(word, names))
}

// rrtype reads a record type: A, aaaa, TYPE65280 (RFC 3597 section 5).
func rrtype(word string) (uint16, bool) {
	word = strings.ToUpper(word)
	if t, ok := dns.StringToType[word]; ok && t != dns.TypeNone {
		return t, true
	}
	digits, ok := strings.CutPrefix(word, "TYPE")
	if !ok {
		return 0, false
	}
	t, err := strconv.ParseUint(digits, 10, 16)
	return uint16(t), err == nil && t > 0
}

func unknownType(word string) string {
	var names []string
	for name := range dns.StringToType {
		names = append(names, name)
	}
	if near := suggest(strings.ToUpper(word), names); strings.Contains(near, "mean") {
		return "unknown record type " + quote(word) + near
	}
	return "unknown record type " + quote(word) + "; expected one such as A, AAAA, MX or TYPE65280"
}

// asked checks what a query goes to: a node that answers, or an address.
func (l *loader) asked(n *node) bool {
	if a, err := netip.ParseAddr(n.string()); err == nil {
		if why := unfit(a); why != "" {
			l.errorf(n.position(), "%s: the address %v %s", n.name, a, why)
			return false
		}
		l.answers(n, n.name, a)
		return true
	}
	if who, ok := l.nodes[n.string()]; ok && who.kind == clientNode {
		l.errorf(n.position(), "%s: %s is a client and answers nobody; write client = %[2]s to have its stub ask", n.name, quote(who.name))
		return false
	}
	return l.knownNode(n, serverNode, resolverNode)
}

// origin checks where a query comes from: any node, any address.
func (l *loader) origin(n *node) bool {
	if a, err := netip.ParseAddr(n.string()); err == nil {
		if why := unfit(a); why != "" {
			l.errorf(n.position(), "%s: the address %v %s", n.name, a, why)
			return false
		}
		return true
	}
	return l.knownNode(n)
}
