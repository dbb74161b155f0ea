package edge_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
	"faultzone/simulator/network"
)

// webWorld is a network with one web node, and what becomes of the openings that cross it.
type webWorld struct {
	net     *network.Network
	service *network.Service
	node    edge.WebNode
	fates   chan network.Fate
}

func newWebWorld(t *testing.T, port uint16, addresses ...string) *webWorld {
	t.Helper()
	c, err := clock.NewLive(time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	w := &webWorld{fates: make(chan network.Fate, 1000)}
	w.net = network.New(network.Config{Clock: c, Observe: func(e network.Event) { w.fates <- e.Fate }})
	var list []netip.Addr
	for _, a := range addresses {
		list = append(list, netip.MustParseAddr(a))
	}
	host, err := w.net.AddNode("api", list...)
	if err != nil {
		t.Fatal(err)
	}
	if w.service, err = host.ListenOn(port, list...); err != nil {
		t.Fatal(err)
	}
	w.service.Start(echo{})
	w.node = edge.WebNode{Name: "api", Addresses: list, Port: port, Service: w.service,
		Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			client, _, _ := net.SplitHostPort(r.RemoteAddr)
			fmt.Fprintf(out, "%s %s from %s", r.Method, r.URL.Path, client)
		})}
	return w
}

func (w *webWorld) open(t *testing.T, form edge.WebForm) []edge.Door {
	t.Helper()
	e, err := edge.Web(edge.WebConfig{Network: w.net, Nodes: []edge.WebNode{w.node}, Form: form,
		As: []netip.Addr{netip.MustParseAddr("10.0.2.100"), netip.MustParseAddr("203.0.113.100")}, Report: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e.Doors()
}

// get asks once, on a connection of its own.
func get(ctx context.Context, at netip.AddrPort, from, path string) (string, error) {
	dialer := net.Dialer{}
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+at.String()+path, nil)
	if err != nil {
		return "", err
	}
	reply, err := transport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	return string(body), err
}

// The forms: where the doors are, and who a client is taken for.
func TestWebForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		form      edge.WebForm
		port      uint16
		addresses []string
		doors     string // world→real without a free port
		from      string
		want      string
	}{
		{"ports", edge.WebPorts, 80, []string{"10.0.2.50", "203.0.113.80"}, "10.0.2.50→127.0.0.1", "", "10.0.2.100"},
		{"ports, outside", edge.WebPorts, 80, []string{"203.0.113.80"}, "203.0.113.80→127.0.0.1", "", "203.0.113.100"},
		{"loopback", edge.WebLoopback, 80, []string{"10.0.2.50", "203.0.113.80"}, "10.0.2.50→127.0.2.50", "127.0.5.9", "10.0.5.9"},
		{"loopback, nobody in particular", edge.WebLoopback, 80, []string{"10.0.2.50"}, "10.0.2.50→127.0.2.50", "127.0.0.1", "10.0.2.100"},
		{"loopback, its own port", edge.WebLoopback, 28471, []string{"10.0.2.51"}, "10.0.2.51→127.0.2.51:28471", "127.0.5.9", "10.0.5.9"},
		{"loopback, outside", edge.WebLoopback, 80, []string{"203.0.113.80"}, "203.0.113.80→127.0.0.1", "", "203.0.113.100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWebWorld(t, c.port, c.addresses...)
			doors := w.open(t, c.form)
			var list []string
			for _, d := range doors {
				real := d.Real.String()
				if !strings.Contains(c.doors, ":") {
					real = d.Real.Addr().String()
				}
				list = append(list, d.World.String()+"→"+real)
			}
			if got := strings.Join(list, " "); got != c.doors {
				t.Fatalf("doors %s, want %s", got, c.doors)
			}
			got, err := get(t.Context(), doors[0].Real, c.from, "/healthz")
			if want := "GET /healthz from " + c.want; got != want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
			if fate := <-w.fates; fate != network.Delivered {
				t.Errorf("the opening was %v", fate)
			}
		})
	}
}

// The states of a node, one after another, on the same port.
func TestWebStates(t *testing.T) {
	t.Parallel()
	w := newWebWorld(t, 80, "10.0.2.50")
	at := w.open(t, edge.WebPorts)[0].Real
	up := func() {
		t.Helper()
		if got, err := get(t.Context(), at, "", "/"); err != nil || got != "GET / from 10.0.2.100" {
			t.Fatalf("up: %q, %v", got, err)
		}
		<-w.fates
	}
	up()
	w.service.Stop(network.Refusing)
	if _, err := get(t.Context(), at, "", "/"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("refusing: %v", err)
	}
	w.service.Start(echo{})
	up()
	for _, look := range []network.State{network.Silent, network.Hanging} {
		w.service.Stop(look)
		if look == network.Silent && runtime.GOOS == "linux" { // not even the connection opens
			c, err := net.DialTimeout("tcp", at.String(), soon)
			if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
				t.Errorf("dark: %v, %v", c, err)
			}
			w.service.Start(echo{})
			up()
			continue
		}
		ended := make(chan error, 1)
		go func() {
			_, err := get(t.Context(), at, "", "/")
			ended <- err
		}()
		select {
		case fate := <-w.fates:
			if fate != network.Dropped {
				t.Errorf("%v: the opening was %v", look, fate)
			}
		case err := <-ended:
			t.Fatalf("%v: an answer, or %v", look, err)
		}
		select {
		case err := <-ended:
			t.Errorf("%v: an answer, or %v", look, err)
		default:
		}
		w.service.Start(echo{}) // what waited is hung up on
		if err := <-ended; err == nil {
			t.Errorf("%v: an answer from a program that has ended", look)
		}
		up()
		if seen, lost := w.service.Counts(); lost == 0 || seen == lost {
			t.Errorf("%v: %d seen, %d lost", look, seen, lost)
		}
	}
}

// A rule of the network acts on the way to a web node; a client that has waited enough leaves nothing behind, with a
// body on the way or without.
func TestWebRules(t *testing.T) {
	t.Parallel()
	w := newWebWorld(t, 80, "10.0.2.50")
	at := w.open(t, edge.WebPorts)[0].Real
	drop := &network.Rule{Name: "wall", Act: func(f *network.Flight) bool { f.Drop = true; return true }}
	w.net.AddRule(drop)
	for _, head := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"} {
		c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(at))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, head); err != nil {
			t.Fatal(err)
		}
		if fate := <-w.fates; fate != network.Dropped {
			t.Errorf("the opening was %v", fate)
		}
		c.Close()
	}
	w.net.RemoveRule(drop)
	refuse := &network.Rule{Act: func(f *network.Flight) bool { f.Refuse = true; return true }}
	w.net.AddRule(refuse)
	if got, err := get(t.Context(), at, "", "/"); err == nil {
		t.Errorf("refused: %q", got)
	}
	w.net.RemoveRule(refuse)
	<-w.fates
	w.net.AddRule(&network.Rule{Act: func(f *network.Flight) bool { f.Delay = time.Millisecond; return true }})
	if got, err := get(t.Context(), at, "", "/"); err != nil || got == "" {
		t.Errorf("delayed: %q, %v", got, err)
	}
}

// What is no HTTP, or too much of it, is turned down; the door stays open.
func TestWebBadInput(t *testing.T) {
	t.Parallel()
	w := newWebWorld(t, 80, "10.0.2.50")
	at := w.open(t, edge.WebPorts)[0].Real
	for _, c := range []struct{ name, sent, want string }{
		{"garbage", "\x00\x01\x02\x03\r\n\r\n", "400"},
		{"a DNS query over TCP", "\x00\x1d\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03api\x07example\x00\x00\x01\x00\x01\r\n\r\n", "400"},
		{"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
		{"a large head", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "431"},
		{"a large body that nobody reads", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\nbegin", "200"},
	} {
		conn, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(at))
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(patience))
		go io.WriteString(conn, c.sent)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if !strings.Contains(line, " "+c.want+" ") {
			t.Errorf("%s: %q, %v, want %s", c.name, line, err, c.want)
		}
		conn.Close()
	}
	if _, err := get(t.Context(), at, "", "/"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A door leads to another world at the same address, and no more to the one before.
func TestWebMove(t *testing.T) {
	t.Parallel()
	before, after := newWebWorld(t, 80, "10.0.2.50"), newWebWorld(t, 80, "10.0.2.50")
	e, err := edge.Web(edge.WebConfig{Network: before.net, Nodes: []edge.WebNode{before.node}, Report: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	at := e.Doors()[0].Real
	before.service.Stop(network.Hanging)
	ended := make(chan error, 1)
	go func() {
		_, err := get(context.Background(), at, "", "/")
		ended <- err
	}()
	<-before.fates
	if err := e.Move(after.net, nil); err == nil || !strings.Contains(err.Error(), "no web host api") {
		t.Errorf("to a world without the node: %v", err)
	}
	if err := e.Move(after.net, []edge.WebNode{after.node}); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("what hung in the old world has had an answer")
	}
	if _, err := get(t.Context(), at, "", "/"); err != nil || len(after.fates) != 1 {
		t.Errorf("moved: %v, %d visits", err, len(after.fates))
	}
	before.service.Stop(network.Refusing)
	if _, err := get(t.Context(), at, "", "/"); err != nil {
		t.Errorf("after the old one's end: %v", err)
	}
	after.service.Stop(network.Refusing)
	if _, err := get(t.Context(), at, "", "/"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the new one refuses: %v", err)
	}
}

// Close ends connections in every state; what is taken is told.
func TestWebCloseAndTaken(t *testing.T) {
	t.Parallel()
	w := newWebWorld(t, 28472, "10.0.2.52")
	config := edge.WebConfig{Network: w.net, Nodes: []edge.WebNode{w.node}, Form: edge.WebLoopback}
	e, err := edge.Web(config)
	if err != nil {
		t.Fatal(err)
	}
	at := e.Doors()[0].Real
	if _, err := edge.Web(config); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "api: listen on 127.0.2.52:28472") {
		t.Errorf("the same port twice: %v", err)
	}
	w.service.Stop(network.Hanging)
	ended := make(chan error, 1)
	go func() {
		_, err := get(context.Background(), at, "", "/")
		ended <- err
	}()
	select {
	case <-w.fates:
	case err := <-ended:
		t.Fatalf("a hanging node: %v", err)
	}
	idle, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("an answer from a closed edge")
	}
	w.service.Start(echo{}) // nobody opens a closed edge again
	if _, err := get(t.Context(), at, "", "/"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after Close: %v", err)
	}
	config.Form = edge.WebExact
	if _, err := edge.Web(config); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("an address that is not here: %v", err)
	}
}
