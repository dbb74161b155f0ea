package scenarios

import (
	"mime"
	"net/http"
	"net/netip"
	"strings"
)

// Web is a host that answers HTTP: one of the services that people look up names for.
type Web struct {
	Name      string
	Addresses []netip.Addr
	Port      uint16 // default 80
	// Responses are those by path, in the order of the file; other paths are not found. Without any, every path has one
	// and the same answer: 200, and a line of text.
	Responses []Response
	Pos       Position
}

// Response is what one path of a web host answers, whatever the method.
type Response struct {
	Path   string // from "/" on, without a query
	Status int    // 200 to 599; default 200
	Body   string
	Type   string // the media type; default "text/plain; charset=utf-8"
}

// The defaults of a web host.
const (
	defaultWebPort   = 80
	defaultMediaType = "text/plain; charset=utf-8"
)

// web reads [web.NAME].
func (l *loader) web(n *node) Web {
	w := Web{Name: n.name, Port: defaultWebPort, Pos: n.keyPosition()}
	f := l.fields(n, "web "+quote(n.name))
	if f == nil {
		return w
	}
	w.Addresses = l.inhabit(f, webNode)
	if port, n := f.integer("port", 1, 65535); n != nil {
		const dns = 53
		if w.Port = uint16(port); w.Port == dns {
			l.errorf(n.position(), "port: 53 is the port of DNS, and a web host answers none; write [server.NAME] or [resolver.NAME] for what does")
		}
	}
	for _, e := range f.named("path") {
		if r, ok := l.response(e); ok {
			w.Responses = append(w.Responses, r)
		}
	}
	f.done()
	return w
}

// response reads [web.NAME.path."/PATH"].
func (l *loader) response(n *node) (Response, bool) {
	r := Response{Path: n.name, Status: http.StatusOK, Type: defaultMediaType}
	if !strings.HasPrefix(r.Path, "/") || strings.ContainsAny(r.Path, "?#") {
		l.errorf(n.keyPosition(), `path %s: expected one that begins with "/" and has no "?" and no "#", such as "/healthz"`, quote(r.Path))
	}
	f := l.fields(n, "path "+quote(n.name))
	if f == nil {
		return r, false
	}
	// 1xx are no answers, but what may come before one (RFC 9110 section 15.2).
	if status, n := f.integer("status", http.StatusOK, 599); n != nil {
		r.Status = int(status)
	}
	body, at := f.text("body")
	if r.Body = body; body != "" && (r.Status == http.StatusNoContent || r.Status == http.StatusNotModified) {
		l.errorf(at.position(), "body: an answer with the status %d has none (RFC 9110 section 6.4.1)", r.Status)
	}
	if kind, n := f.text("type"); n != nil {
		if _, _, err := mime.ParseMediaType(kind); err != nil || !strings.Contains(kind, "/") {
			l.errorf(n.position(), "type: expected a media type such as %s, found %s", quote("application/json"), quote(kind))
		}
		r.Type = kind
	}
	f.done()
	return r, true
}
