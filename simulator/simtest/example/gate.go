// Package gate is a reverse proxy to one upstream service, and an example of a service that is tested with simtest: what
// it does while DNS is in trouble is its own decision, and its tests show that it holds.
//
// The upstream's addresses are looked up anew when they are older than Fresh. What a lookup that fails means depends on how:
//
//   - NXDOMAIN: who has the zone says that there is no such name. The last addresses are forgotten, and clients get 502.
//   - SERVFAIL, REFUSED, a resolver that is down or does not answer: nobody says anything about the name. The last
//     addresses go on being used until they are older than Stale. After that, or without any, clients get 503, or 504
//     when it was a timeout.
//
// Every answer says in the header Upstream-Names which it was: "fresh", "stale", "none" or "failed".
package gate

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// Config says what to stand before, and how. All of it is needed.
type Config struct {
	// Upstream is HOST:PORT.
	Upstream string
	// Resolver finds the host's addresses, and Dial connects to one of them.
	Resolver interface {
		LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	}
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now tells the time.
	Now func() time.Time
	// Fresh is how long addresses are used without asking again, Stale how long when asking again does not help.
	Fresh, Stale time.Duration
}

// Gate is the proxy.
type Gate struct {
	config     Config
	host, port string
	proxy      *httputil.ReverseProxy
	transport  *http.Transport

	mu    sync.Mutex
	known []netip.Addr
	at    time.Time // when the addresses were learnt
}

// New makes a gate. Close it when it is not needed any more.
func New(c Config) (*Gate, error) {
	host, port, err := net.SplitHostPort(c.Upstream)
	if err != nil {
		return nil, err
	}
	g := &Gate{config: c, host: host, port: port}
	// Connections are not kept: each request goes where the name points now.
	g.transport = &http.Transport{DialContext: g.dial, DisableKeepAlives: true}
	g.proxy = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: c.Upstream})
	g.proxy.Transport = g.transport
	g.proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, "upstream: "+err.Error(), http.StatusBadGateway)
	}
	return g, nil
}

// Close ends what is open to the upstream.
func (g *Gate) Close() { g.transport.CloseIdleConnections() }

// found is what a request goes by; it travels to dial in the request's context.
type found struct{ addresses []netip.Addr }

type foundKey struct{}

func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	addresses, state, err := g.addresses(r.Context())
	w.Header().Set("Upstream-Names", state)
	if err != nil {
		http.Error(w, "upstream: "+err.Error(), status(err))
		return
	}
	g.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), foundKey{}, found{addresses})))
}

// status is what a client is told of a lookup that failed.
func status(err error) int {
	var dns *net.DNSError
	switch {
	case !errors.As(err, &dns):
		return http.StatusInternalServerError
	case dns.IsNotFound:
		return http.StatusBadGateway
	case dns.IsTimeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusServiceUnavailable
}

// addresses are the upstream's, and how they are known.
func (g *Gate) addresses(ctx context.Context) (list []netip.Addr, state string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.config.Now()
	if age := now.Sub(g.at); g.known != nil && age < g.config.Fresh {
		return g.known, "fresh", nil
	}
	list, err = g.config.Resolver.LookupNetIP(ctx, "ip4", g.host)
	var dns *net.DNSError
	switch {
	case err == nil:
		g.known, g.at = list, now
		return list, "fresh", nil
	case errors.As(err, &dns) && dns.IsNotFound:
		g.known = nil
		return nil, "none", err
	case g.known != nil && now.Sub(g.at) < g.config.Stale:
		return g.known, "stale", nil
	}
	return nil, "failed", err
}

// dial connects to the first address that takes the connection.
func (g *Gate) dial(ctx context.Context, network, _ string) (c net.Conn, err error) {
	f, _ := ctx.Value(foundKey{}).(found)
	err = errors.New("no address")
	for _, a := range f.addresses {
		if c, err = g.config.Dial(ctx, network, net.JoinHostPort(a.String(), g.port)); err == nil {
			return c, nil
		}
	}
	return nil, err
}
