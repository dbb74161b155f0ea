package simulator

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"sync"

	"faultzone/scenarios"
	"faultzone/simulator/edge"
)

// site is what a web host answers. Any goroutine may have it answer.
type site struct {
	w         *World
	name      string
	port      uint16
	responses map[string]scenarios.Response // by path; nil: every path has the same answer

	mu    sync.Mutex
	asked map[string]int // by path; of all paths without a response of their own, under ""
}

// addWeb puts a web host on the network. Its real sockets are an edge's affair, and it answers no DNS.
func (w *World) addWeb(s *scenarios.Web) error {
	n, err := w.addNode(s.Name, s.Addresses)
	if err != nil {
		return err
	}
	if n.service, err = n.host.ListenOn(s.Port, s.Addresses...); err != nil {
		return err
	}
	n.web = &site{w: w, name: s.Name, port: s.Port, asked: map[string]int{}}
	for _, r := range s.Responses {
		if n.web.responses == nil {
			n.web.responses = map[string]scenarios.Response{}
		}
		n.web.responses[r.Path] = r
	}
	return nil
}

// WebNodes are the hosts that answer HTTP, to be put onto real sockets with [edge.Web].
func (w *World) WebNodes() []edge.WebNode {
	var list []edge.WebNode
	for _, n := range w.order {
		if n.web != nil {
			list = append(list, edge.WebNode{Name: n.name, Addresses: n.host.Addresses(), Port: n.web.port, Service: n.service, Handler: n.web})
		}
	}
	return list
}

// WebRequests tells how often each path of a web host was asked for; those that have no response of their own are
// together under "".
func (w *World) WebRequests(name string) (map[string]int, error) {
	n, err := w.node(name)
	if err != nil {
		return nil, err
	}
	if n.web == nil {
		return nil, fmt.Errorf("%s is no web host", name)
	}
	n.web.mu.Lock()
	defer n.web.mu.Unlock()
	counts := make(map[string]int, len(n.web.asked))
	for path, count := range n.web.asked {
		counts[path] = count
	}
	return counts, nil
}

// ServeHTTP answers one request and notes it in the journal.
func (s *site) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	answer, path := s.answer(r.URL.Path)
	s.mu.Lock()
	s.asked[path]++
	s.mu.Unlock()
	s.w.note(Entry{Kind: KindWeb, Node: s.name, What: "request", From: r.RemoteAddr, Source: s.source(r.RemoteAddr),
		Text: fmt.Sprintf("%s %s %s for %s", r.Method, short(r.URL.RequestURI()), strconv.Itoa(answer.Status), short(r.Host))})
	head := out.Header()
	if answer.Status != http.StatusNoContent && answer.Status != http.StatusNotModified {
		head.Set("Content-Type", answer.Type)
		head.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	}
	head["Date"] = []string{s.w.Now().UTC().Format(http.TimeFormat)} // the world's time, as all else
	out.WriteHeader(answer.Status)
	_, _ = io.WriteString(out, answer.Body) // a client that has gone misses nothing
}

// answer is that of a path, and under which path the request is counted.
func (s *site) answer(path string) (scenarios.Response, string) {
	const plain = "text/plain; charset=utf-8"
	if s.responses == nil {
		return scenarios.Response{Status: http.StatusOK, Type: plain, Body: s.name + " is here\n"}, ""
	}
	if r, ok := s.responses[path]; ok {
		return r, path
	}
	return scenarios.Response{Status: http.StatusNotFound, Type: plain, Body: s.name + " has no such path\n"}, ""
}

// source is the name of the node that a request comes from, or "".
func (s *site) source(address string) string {
	if a, err := netip.ParseAddrPort(address); err == nil {
		return s.w.net.Owner(a.Addr())
	}
	return ""
}

// short is a word of a stranger's as the journal tells it: without control characters, and not long.
func short(word string) string {
	const most = 200
	if len(word) > most {
		word = word[:most] + "…"
	}
	quoted := strconv.Quote(word)
	return quoted[1 : len(quoted)-1]
}
