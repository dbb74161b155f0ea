package simtest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// Answer is what came of a question put with Query.
type Answer struct {
	// Err is why there is no reply; nil when there is one. Failure names it: "timeout", "refused", "unreachable".
	Err     error
	Failure string
	Rcode   string // "NOERROR"; empty without a reply
	// AD is the reply's: its data are validated. AA says that they come from who has the zone.
	AD, AA bool
	// EDE has the extended errors' codes (RFC 8914).
	EDE []uint16
	// Records are the data of the records of the question's type in the answer section, in presentation form, in order;
	// TTL is the least of theirs.
	Records []string
	TTL     time.Duration
	// Elapsed is the world time that the question took.
	Elapsed time.Duration
	// Reply is the message; nil when none came.
	Reply *dns.Msg
}

// Query asks as dig does, at a node or an address, or looks a name up through a client's stub when at is a client. The
// question is written "NAME [TYPE] [+cd] [+dnssec] [+tcp] [+norec] [+noad] [+noedns]"; the type is A when there is none.
//
//	if a := w.Query("resolver-a", "api.solvethenetwork.com A +cd"); a.Rcode != "NOERROR" { ... }
func (w *World) Query(at, question string) Answer {
	w.t.Helper()
	q, problem := readQuestion(question)
	if problem != "" {
		w.t.Fatalf("the question %q: %s", question, problem)
	}
	n, err := w.target(at)
	if err != nil {
		w.t.Fatalf("ask %s: %v", at, err)
	}
	switch q.Via, q.From, q.Name = at, w.options.From, absolute(q.Name, n); {
	case n.Role == simulator.RoleClient:
		q.Client, q.Via, q.From = n.Name, "", ""
	case n.Name != at:
		q.Via = n.Addresses[0].String()
	}
	var r simulator.Result
	if err = w.steps.catchUp(); err == nil {
		r, err = w.world.Query(context.Background(), q)
	}
	if err != nil {
		w.t.Fatalf("ask %s for %s: %v", at, question, err)
	}
	w.tell(r.From, r.To, r.Traces)
	return toAnswer(q, r)
}

// absolute is a question's name as dig has it; a client's search list may complete it instead.
func absolute(name string, at simulator.Node) string {
	if at.Role == simulator.RoleClient {
		return name
	}
	return dns.Fqdn(name)
}

func toAnswer(q scenarios.QueryStep, r simulator.Result) Answer {
	a := Answer{Failure: r.Failure(), Elapsed: r.Elapsed, Reply: r.Reply}
	if r.Reply == nil {
		a.Err = r.Err
		return a
	}
	a.Rcode, a.AD, a.AA = rcodeText(r.Reply.Rcode), r.Reply.AuthenticatedData, r.Reply.Authoritative
	for _, e := range simulator.ExtendedErrors(r.Reply) {
		a.EDE = append(a.EDE, e.InfoCode)
	}
	for _, rr := range r.Reply.Answer {
		if h := rr.Header(); h.Rrtype == q.Type || q.Type == dns.TypeANY {
			ttl := time.Duration(h.Ttl) * time.Second
			if len(a.Records) == 0 || ttl < a.TTL {
				a.TTL = ttl
			}
			a.Records = append(a.Records, simulator.Rdata(rr))
		}
	}
	return a
}

// readQuestion reads the words of a question.
func readQuestion(text string) (q scenarios.QueryStep, problem string) {
	q.Type = dns.TypeA
	switches := []struct {
		word string
		on   *bool
	}{{"+cd", &q.CD}, {"+dnssec", &q.DO}, {"+tcp", &q.TCP}, {"+norec", &q.NoRD}, {"+noad", &q.NoAD}, {"+noedns", &q.NoEDNS}}
	typed := false
	for _, word := range strings.Fields(text) {
		if strings.HasPrefix(word, "+") {
			known := false
			for _, s := range switches {
				if s.word == word {
					*s.on, known = true, true
				}
			}
			if !known {
				var words []string
				for _, s := range switches {
					words = append(words, s.word)
				}
				return q, word + " is none of " + strings.Join(words, ", ")
			}
			continue
		}
		t, isType := dns.StringToType[strings.ToUpper(word)]
		switch {
		case q.Name == "":
			if _, ok := dns.IsDomainName(word); !ok {
				return q, word + " is no domain name"
			}
			q.Name = word
		case !typed && isType && !slices.Contains([]uint16{dns.TypeNone, dns.TypeReserved}, t):
			q.Type, typed = t, true
		default:
			return q, "expected NAME, TYPE and switches such as +cd, found " + word + " too"
		}
	}
	if q.Name == "" {
		return q, "it has no name"
	}
	return q, ""
}
