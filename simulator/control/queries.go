package control

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/clock"
)

const (
	// longestQuery is how long a question may take of the wall's time.
	longestQuery = time.Minute
	// mostPath bounds the lines of a path: in a world with real clients others ask at the same time.
	mostPath = 400
	// mostAsked is how many questions are remembered.
	mostAsked = 100
)

// Question is what POST /v1/queries takes.
type Question struct {
	Name string `json:"name"`
	Type string `json:"type"` // empty: A
	// Via is the node or address that is asked; empty, without a client: the world's first resolver. From is where the
	// question comes from. Client, instead, is the host whose stub resolver asks.
	Via    string `json:"via"`
	From   string `json:"from"`
	Client string `json:"client"`
	// dig's switches.
	DNSSEC bool `json:"dnssec"`
	CD     bool `json:"cd"`
	TCP    bool `json:"tcp"`
	NoRec  bool `json:"norec"`
	NoAD   bool `json:"noad"`
	NoEDNS bool `json:"noedns"`
}

// Answer is what a question came to.
type Answer struct {
	ID       int       `json:"id"`
	At       time.Time `json:"at"` // when it was asked, in the world
	By       string    `json:"by"`
	Question string    `json:"question"` // with its switches
	Via      string    `json:"via,omitempty"`
	From     string    `json:"from,omitempty"`
	Client   string    `json:"client,omitempty"`
	// Rcode is empty when no answer came; Failure then says how that looked: timeout, refused, unreachable, or Error how
	// else.
	Rcode   string `json:"rcode"`
	Failure string `json:"failure"`
	Error   string `json:"error,omitempty"`
	// Flags are those of the reply that are set, in dig's words.
	Flags      []string        `json:"flags"`
	Answer     []string        `json:"answer"`
	Authority  []string        `json:"authority"`
	Additional []string        `json:"additional"`
	EDE        []ExtendedError `json:"ede"`
	// Server is the address that answered, or was asked last.
	Server         string  `json:"server"`
	Elapsed        string  `json:"elapsed"`
	ElapsedSeconds float64 `json:"elapsed_seconds"`
	// Summary is the reply in a line.
	Summary string `json:"summary"`
	// Path is what happened in the world meanwhile, and Traces how resolvers tell of their part of it.
	Path   []string `json:"path"`
	Traces []Trace  `json:"traces"`
}

// Trace is a question's way through one resolver, a step a line.
type Trace struct {
	Query  string   `json:"query"`
	Client string   `json:"client"`
	Lines  []string `json:"lines"`
}

// Answers is a list of what was asked, the latest last, without its paths.
type Answers struct {
	Queries []Answer `json:"queries"`
}

// questions are the last that were asked.
type questions struct {
	mu   sync.Mutex
	next int
	list []Answer
}

func (q *questions) keep(a *Answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next++
	a.ID = q.next
	if len(q.list) == mostAsked {
		q.list = append(q.list[:0:0], q.list[1:]...)
	}
	q.list = append(q.list, *a)
}

func (q *questions) all() []Answer {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]Answer{}, q.list...)
}

func queries(c *call) (any, error) {
	list := c.session.asked.all()
	for i := range list {
		list[i].Path, list[i].Traces = []string{}, []Trace{}
	}
	return Answers{list}, nil
}

func oneQuery(c *call) (any, error) {
	text := c.r.PathValue("id")
	for _, a := range c.session.asked.all() {
		if strconv.Itoa(a.ID) == text {
			return a, nil
		}
	}
	return nil, refuse(http.StatusNotFound, unknown, "GET /v1/queries lists those that are", "no query %q is remembered; the last %d are", clip(text), mostAsked)
}

// query asks one question in the world, and waits for its end.
func query(c *call) (any, error) {
	var order Question
	if err := c.body(&order); err != nil {
		return nil, err
	}
	step, text, err := c.question(&order)
	if err != nil {
		return nil, err
	}
	whom := " via " + step.Via
	if step.Client != "" {
		whom = " from the stub of " + step.Client
	}
	c.act("query", "%s", text+whom)
	done, err := c.session.pace.ride()
	if err != nil {
		return nil, err
	}
	defer done()
	ctx, cancel := c.s.under(c.r.Context())
	defer cancel()
	ctx, stop := clock.Wall{}.WithTimeout(ctx, longestQuery)
	defer stop()
	at := c.world().Now()
	r, err := c.world().Query(ctx, step)
	if err != nil {
		return nil, err
	}
	if r.Err != nil && errors.Is(r.Err, clock.ErrClosed) {
		return nil, r.Err
	}
	if ctx.Err() == context.DeadlineExceeded {
		return nil, refuse(http.StatusGatewayTimeout, tooSlow, "raise the speed, or ask again when the world is faster",
			"the question was not over after %v of the wall's time, at a speed of %v", longestQuery, c.world().Speed())
	}
	a := c.answer(r)
	a.At, a.By, a.Question, a.Via, a.From, a.Client = at, c.by, text, step.Via, step.From, step.Client
	for _, t := range r.Traces {
		// Others may ask from the same address at the same time.
		if step.Client != "" || strings.HasPrefix(strings.ToLower(t.Query), dns.CanonicalName(step.Name)+" ") {
			a.Traces = append(a.Traces, Trace{t.Query, t.Client.String(), t.Lines()})
		}
	}
	c.session.asked.keep(&a)
	return a, nil
}

// question checks a question; text is how it would be written in a scenario.
func (c *call) question(order *Question) (q scenarios.QueryStep, text string, err error) {
	if strings.ContainsAny(order.Name+order.Type, " \t\r\n") || strings.HasPrefix(order.Name, "+") || strings.HasPrefix(order.Type, "+") {
		return q, "", refuse(http.StatusUnprocessableEntity, unprocessable, "", "name and type: expected one word each, found %q and %q",
			clip(order.Name), clip(order.Type))
	}
	if order.Name == "" {
		return q, "", refuse(http.StatusUnprocessableEntity, unprocessable, "", "name: expected a domain name, found nothing")
	}
	if order.Type == "" {
		order.Type = "A"
	}
	if resolvers := c.world().Scenario().World.Resolvers; order.Via == "" && order.Client == "" && len(resolvers) > 0 {
		order.Via = resolvers[0].Name
	}
	text = order.Name + " " + strings.ToUpper(order.Type)
	for _, s := range []struct {
		on   bool
		word string
	}{{order.DNSSEC, " +dnssec"}, {order.CD, " +cd"}, {order.TCP, " +tcp"}, {order.NoRec, " +norec"}, {order.NoAD, " +noad"}, {order.NoEDNS, " +noedns"}} {
		if s.on {
			text += s.word
		}
	}
	values := map[string]any{"query": text}
	put(values, "via", order.Via)
	put(values, "from", order.From)
	put(values, "client", order.Client)
	step, err := c.session.checker.Step(values)
	return step.Query, text, err
}

// answer is a result as the API tells it.
func (c *call) answer(r simulator.Result) Answer {
	a := Answer{Failure: r.Failure(), Flags: []string{}, Answer: []string{}, Authority: []string{}, Additional: []string{},
		EDE: []ExtendedError{}, Elapsed: scenarios.FormatDuration(r.Elapsed), ElapsedSeconds: r.Elapsed.Seconds(), Traces: []Trace{}}
	if r.Server.IsValid() {
		a.Server = r.Server.String()
	}
	a.Path = c.world().Path(r)
	if n := len(a.Path); n > mostPath {
		a.Path = append(a.Path[:mostPath:mostPath], "and "+strconv.Itoa(n-mostPath)+" more")
	}
	if a.Path == nil {
		a.Path = []string{}
	}
	if r.Err != nil {
		a.Error = r.Err.Error()
	}
	m := r.Reply
	if m == nil {
		a.Summary = a.Error
		return a
	}
	a.Rcode, a.Summary = dns.RcodeToString[m.Rcode], simulator.SummaryOf(m)
	for _, f := range []struct {
		on   bool
		word string
	}{{m.Response, "qr"}, {m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.RecursionDesired, "rd"}, {m.RecursionAvailable, "ra"},
		{m.AuthenticatedData, "ad"}, {m.CheckingDisabled, "cd"}} {
		if f.on {
			a.Flags = append(a.Flags, f.word)
		}
	}
	for _, s := range []struct {
		from []dns.RR
		to   *[]string
	}{{m.Answer, &a.Answer}, {m.Ns, &a.Authority}, {m.Extra, &a.Additional}} {
		for _, rr := range s.from {
			if _, opt := rr.(*dns.OPT); !opt {
				*s.to = append(*s.to, record(rr))
			}
		}
	}
	for _, e := range simulator.ExtendedErrors(m) {
		a.EDE = append(a.EDE, extendedError(e))
	}
	return a
}
