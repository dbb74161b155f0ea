package control

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/clock"
)

// route is one call of the API.
type route struct {
	method, path string
	// handle gives what is to be answered as JSON.
	handle func(*call) (any, error)
	// raw, instead, answers by itself.
	raw http.HandlerFunc
	// query are the keys that the query may have.
	query []string
}

// routes are all calls, in the order in which the document has them.
func (s *Server) routes() []route {
	list := []route{
		{"GET", "/healthz", health, nil, nil},
		{"GET", "/readyz", readiness, nil, nil},
		{"GET", "/openapi.json", nil, serveDocument, nil},
		{"GET", "/v1/world", world, nil, nil},
		{"GET", "/v1/nodes", nodes, nil, nil},
		{"GET", "/v1/nodes/{node}", oneNode, nil, nil},
		{"GET", "/v1/zones", zones, nil, nil},
		{"GET", "/v1/zones/{zone}", oneZone, nil, nil},
		{"POST", "/v1/zones/{zone}/edit", edit, nil, nil},
		{"POST", "/v1/zones/{zone}/retransfer", retransfer, nil, nil},
		{"POST", "/v1/zones/{zone}/resign", resign, nil, nil},
		{"POST", "/v1/zones/{zone}/roll", roll, nil, nil},
		{"GET", "/v1/caches", caches, nil, nil},
		{"GET", "/v1/caches/{resolver}", oneCache, nil, []string{"name", "offset", "limit"}},
		{"POST", "/v1/caches/{resolver}/flush", flush, nil, nil},
		{"GET", "/v1/faults", faults, nil, []string{"active", "offset", "limit"}},
		{"DELETE", "/v1/faults", healAll, nil, nil},
		{"GET", "/v1/faults/{name}", oneFault, nil, nil},
		{"PUT", "/v1/faults/{name}", inject, nil, nil},
		{"DELETE", "/v1/faults/{name}", heal, nil, nil},
		{"GET", "/v1/clock", tellTime, nil, nil},
		{"POST", "/v1/clock/advance", advance, nil, nil},
		{"PUT", "/v1/clock/speed", setSpeed, nil, nil},
		{"POST", "/v1/clock/pause", pause, nil, nil},
		{"POST", "/v1/clock/resume", resume, nil, nil},
		{"GET", "/v1/journal", nil, s.journal, []string{"from", "limit", "kind"}},
		{"POST", "/v1/queries", query, nil, nil},
		{"GET", "/v1/queries", queries, nil, nil},
		{"GET", "/v1/queries/{id}", oneQuery, nil, nil},
		{"POST", "/v1/halt", halt, nil, nil},
		{"POST", "/v1/reset", reset, nil, nil},
	}
	if s.config.Metrics != nil {
		list = append(list, route{"GET", "/metrics", nil, s.config.Metrics.ServeHTTP, nil})
	}
	return list
}

// call is one request under way.
type call struct {
	s       *Server
	w       http.ResponseWriter
	r       *http.Request
	session *session
	by      string
	// status is what a success is answered with; 0: 200.
	status int
}

func (c *call) world() *simulator.World { return c.session.life.World }

// act writes into the journal what the caller does.
func (c *call) act(what, format string, args ...any) {
	c.world().Act(c.by, what, clean(fmt.Sprintf(format, args...)))
}

// mux leads requests to their handlers, and tells of those that there are none for.
func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	for _, one := range s.routes() {
		handler := one.raw
		if handler == nil {
			handler = s.answer(one.handle)
		}
		mux.HandleFunc(one.method+" "+one.path, func(w http.ResponseWriter, r *http.Request) {
			if p := one.strange(r); p != nil {
				p.write(w)
				return
			}
			handler(w, r)
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A path with // or .. in it is nobody's: the mux would lead it elsewhere.
		if _, pattern := mux.Handler(r); pattern != "" && !redirected(r) {
			mux.ServeHTTP(w, r)
			return
		}
		s.lost(mux, w, r)
	})
}

// redirected tells whether a mux would not take the request's path as it is.
func redirected(r *http.Request) bool { return r.URL.Path != path.Clean(r.URL.Path) }

// strange refuses a query with a key that the call does not know, which would otherwise do nothing. What scrapes metrics may
// add its own.
func (one route) strange(r *http.Request) *Problem {
	if one.path == "/metrics" {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if slices.Contains(one.query, key) {
			continue
		}
		next := "this call takes none"
		if len(one.query) > 0 {
			next = "this call takes " + strings.Join(one.query, ", ")
		}
		return refuse(http.StatusBadRequest, badRequest, next, "unknown key %q in the query%s", clip(key), scenarios.DidYouMean(key, one.query))
	}
	return nil
}

// lost answers what no handler does: a path that there is not, or a method that it does not take.
func (s *Server) lost(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	said := &head{http.Header{}, 0}
	mux.ServeHTTP(said, r)
	if allow := said.header.Get("Allow"); said.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", allow)
		refuse(http.StatusMethodNotAllowed, wrongMethod, "it takes "+allow, "%s does not take %s", clip(r.URL.Path), clip(r.Method)).write(w)
		return
	}
	var paths []string
	for _, one := range s.routes() {
		paths = append(paths, one.path)
	}
	refuse(http.StatusNotFound, unknown, "/openapi.json lists all calls", "there is nothing at %q%s", clip(r.URL.Path),
		scenarios.DidYouMean(r.URL.Path, paths)).write(w)
}

// head keeps what a handler says before its body.
type head struct {
	header http.Header
	status int
}

func (h *head) Header() http.Header         { return h.header }
func (h *head) WriteHeader(status int)      { h.status = status }
func (h *head) Write(b []byte) (int, error) { return len(b), nil }

// answer makes an HTTP handler of one that gives values.
func (s *Server) answer(handle func(*call) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{s: s, w: w, r: r, session: s.session(), by: who(r)}
		value, err := c.handle(handle)
		// The answer must be taken in time; the world had all the time that it wanted.
		_ = http.NewResponseController(w).SetWriteDeadline(clock.Wall{}.In(s.config.Patience))
		if err != nil {
			problemOf(c.ended(err)).write(w)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if c.status != 0 {
			w.WriteHeader(c.status)
		}
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		_ = enc.Encode(value) // the client may be gone
	}
}

// handle has a call handled; acts only once the world is ready, for whoever starts it is not done with it before.
func (c *call) handle(handle func(*call) (any, error)) (any, error) {
	if reads := c.r.Method == http.MethodGet || c.r.Method == http.MethodHead; !reads && !c.s.ready.Load() {
		return readiness(c)
	}
	return handle(c)
}

// ended says of an error in a world that is over that it is.
func (c *call) ended(err error) error {
	select {
	case <-c.session.life.Ended():
		return refuse(http.StatusConflict, conflict, "call again: it goes to the world that is there now", "the world ended meanwhile: %v", err)
	default:
		return err
	}
}

// who is behind a request: what it says of itself, else its address.
func who(r *http.Request) string {
	if by := clean(r.Header.Get("X-Faultzone-By")); by != "" {
		return clip(by)
	}
	if at := strings.LastIndexByte(r.RemoteAddr, ':'); at > 0 {
		return r.RemoteAddr[:at]
	}
	return "somebody"
}

// clean takes out of what others wrote what a terminal would obey.
func clean(text string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) || c == utf8.RuneError {
			return -1
		}
		return c
	}, text))
}
