package scenarios

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
)

// GetStep is an HTTP request by a client, as its programs would make one: the host's name is looked up by the client's
// stub, unless it is an address.
type GetStep struct {
	URL    string // as written
	Client string
	// Name is the host's, as written; empty where Address is.
	Name    string
	Address netip.Addr
	Port    uint16
	Path    string // with its query, if it has one
}

// get reads a get step: get = "http://HOST[:PORT][/PATH]", and the client that asks.
func (l *loader) get(f *fields) GetStep {
	var g GetStep
	text, n := f.text("get")
	if client := l.target(f, "client", clientNode); client != nil {
		g.Client = client.string()
	} else if !f.has("client") {
		l.errorf(f.n.position(), "nobody gets anything: write client for the host whose program asks")
	}
	if n == nil {
		return g
	}
	g.URL = text
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http", u.User != nil, u.Fragment != "":
		l.errorf(n.position(), "get: expected a URL such as %s, found %s", quote("http://api.solvethenetwork.com/healthz"), quote(text))
		return g
	}
	g.Port, g.Path = defaultWebPort, u.RequestURI()
	if port := u.Port(); port != "" {
		i, err := strconv.ParseUint(port, 10, 16)
		if g.Port = uint16(i); err != nil || i == 0 {
			l.errorf(n.position(), "get: the port of %s is none; expected 1 to 65535", quote(text))
		}
	}
	host := u.Hostname()
	if a, err := netip.ParseAddr(host); err == nil {
		if g.Address = a; unfit(a) != "" {
			l.errorf(n.position(), "get: the address %v %s", a, unfit(a))
		}
	} else if message := badQuestion(host); message != "" {
		l.errorf(n.position(), "get: %s", message)
	} else {
		g.Name = host
	}
	return g
}

// expectGot reads what must come of a get.
func (l *loader) expectGot(f *fields, e *Expect) {
	if status, n := f.integer("status", 200, 599); n != nil {
		e.Status = int(status)
	}
	e.Elapsed = bounds(f, "elapsed", parseDuration, maxDuration)
	if name, n := f.text("error"); n != nil {
		e.Error = name
		if known := []string{"name", "timeout", "refused", "unreachable"}; !slices.Contains(known, name) {
			l.errorf(n.position(), "unknown error %s%s", quote(name), suggest(name, known))
		}
		if f.has("status") {
			l.errorf(f.n.child("status").keyPosition(), "status: where an error is expected there is no answer to expect anything of")
		}
	}
}
