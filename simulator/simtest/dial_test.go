package simtest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/simulator/simtest"
)

func hello(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

// get fetches a page through a dialer and gives its body.
func get(t *testing.T, dial func(context.Context, string, string) (net.Conn, error), url string) (string, error) {
	t.Helper()
	transport := &http.Transport{DialContext: dial}
	defer transport.CloseIdleConnections()
	r, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return string(body), err
}

// An HTTP client finds by the world's names what stands for the world's addresses, inside and outside.
func TestDialReachesBackends(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		w := simtest.StartWith(t, simtest.Options{Scenario: "solvethenetwork", Live: live})
		w.Serve("10.0.2.50:80", hello("inside"))
		outside := httptest.NewServer(hello("outside"))
		defer outside.Close()
		w.Backend("203.0.113.80:8080", outside.Listener.Addr().String())
		if body, err := get(t, w.DialContext, "http://api.solvethenetwork.com/"); body != "inside" {
			t.Errorf("live %v: %q %v", live, body, err)
		}
		if body, err := get(t, w.Dialer("roaming-01").DialContext, "http://api.solvethenetwork.com:8080/"); body != "outside" {
			t.Errorf("live %v: %q %v", live, body, err)
		}
		if body, err := get(t, w.Dialer("web-01").DialContext, "http://api/"); body != "inside" {
			t.Errorf("live %v, by the search list: %q %v", live, body, err)
		}
		w.NoBackend("203.0.113.80:8080")
		if _, err := get(t, w.Dialer("roaming-01").DialContext, "http://api.solvethenetwork.com:8080/"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("live %v: %v", live, err)
		}
	}
}

// What a dial comes to where nobody stands for an address, and that it never leaves the process.
func TestDialErrors(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	w.Serve("10.0.2.50:80", hello("inside"))
	real, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	for _, c := range []struct {
		network, address string
		want             error
	}{
		{"tcp", "10.0.2.50:443", syscall.ECONNREFUSED},
		{"tcp", "ns1.solvethenetwork.com:80", syscall.ECONNREFUSED},
		{"tcp", "192.0.2.1:80", syscall.EHOSTUNREACH},
		{"tcp", "www.solvethenetwork.com:https", syscall.EHOSTUNREACH},
		{"tcp", real.Addr().String(), syscall.ECONNREFUSED},
		{"udp", "10.0.2.50:80", syscall.ECONNREFUSED},
		{"unix", "/tmp/x", net.UnknownNetworkError("unix")},
	} {
		conn, err := w.DialContext(t.Context(), c.network, c.address)
		var op *net.OpError
		if conn != nil || !errors.Is(err, c.want) || !errors.As(err, &op) || op.Op != "dial" {
			t.Errorf("%s %s: %v %v", c.network, c.address, conn, err)
		}
	}
	var dnsErr *net.DNSError
	if _, err := w.Dialer("resolver-a").Dial(t.Context(), "nowhere.solvethenetwork.com:80"); !errors.As(err, &dnsErr) || !dnsErr.IsNotFound {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.DialContext(ctx, "tcp", "10.0.2.50:80"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A program that speaks DNS itself dials a node's port 53, over UDP and TCP.
func TestDialSpeaksDNS(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	ask := func(network, to string) (*dns.Msg, error) {
		conn, err := w.DialContext(t.Context(), network, to)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		m := new(dns.Msg)
		m.SetQuestion("api.solvethenetwork.com.", dns.TypeA)
		reply, _, err := (&dns.Client{Net: network}).ExchangeWithConn(m, &dns.Conn{Conn: conn})
		return reply, err
	}
	for _, network := range []string{"udp", "tcp"} {
		for _, to := range []string{"10.0.1.20:53", "10.0.1.10:domain", "ns1.solvethenetwork.com:53"} {
			if reply, err := ask(network, to); err != nil || len(reply.Answer) != 1 {
				t.Errorf("%s %s: %v %v", network, to, reply, err)
			}
		}
	}
	w.Inject("server-down", simtest.Params{"node": "ns1"})
	before := w.Now()
	if _, err := ask("udp", "10.0.1.20:53"); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if took := w.Now().Sub(before); took != 2*time.Second {
		t.Errorf("it took %v of the world's time, want the client's two seconds", took)
	}
}

func TestBackendsStayOnThisMachine(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"10.0.2.50", "127.0.0.1:1"}, {"10.0.2.50:80", "192.0.2.1:80"}, {"10.0.2.50:80", "localhost:80"}} {
		r := record(t, func(t testing.TB) { simtest.Start(t, "solvethenetwork").Backend(c[0], c[1]) })
		if !r.failed || !strings.Contains(r.said(), "want an address and port of the world") {
			t.Errorf("%v: %s", c, r.said())
		}
	}
}

// The scenario's own web hosts are reached by name and by address, and faults act on the way there.
func TestDialReachesWebHosts(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		w := simtest.StartWith(t, simtest.Options{Scenario: "solvethenetwork", Live: live})
		transport := &http.Transport{DialContext: w.DialContext}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		for _, host := range []string{"api.solvethenetwork.com", "10.0.2.50"} {
			r, err := client.Get("http://" + host + "/healthz")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			r.Body.Close()
			if string(body) != "ok\n" || err != nil {
				t.Errorf("live %v, %s: %q %v", live, host, body, err)
			}
		}
		down := w.Inject("server-down", simtest.Params{"node": "api", "looks": "refused"})
		if _, err := client.Get("http://api.solvethenetwork.com/healthz"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("live %v: %v", live, err)
		}
		down.Heal()
		w.Serve("10.0.2.50:80", hello("mine"))
		if body, err := get(t, w.DialContext, "http://api.solvethenetwork.com/"); body != "mine" {
			t.Errorf("live %v: %q %v", live, body, err)
		}
	}
}

// A network that is cut costs the world's time, and as much of it as the dialler has.
func TestDialTimesOutInWorldTime(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	w.Serve("10.0.2.60:80", hello("behind the cut"))
	w.Inject("partition", simtest.Params{"between": "10.0.2.10/32", "and": []string{"api", "10.0.2.60/32"}})
	d := w.Dialer("web-01")
	for _, c := range []struct {
		address string
		limit   time.Duration
		want    time.Duration
	}{{"10.0.2.50:80", 0, 131 * time.Second}, {"10.0.2.60:80", 0, 131 * time.Second}, {"10.0.2.60:80", 3 * time.Second, 3 * time.Second}} {
		ctx, cancel := t.Context(), context.CancelFunc(func() {})
		if c.limit > 0 {
			ctx, cancel = context.WithTimeout(ctx, c.limit)
		}
		before := w.Now()
		_, err := d.Dial(ctx, c.address)
		cancel()
		var netErr net.Error
		if !errors.As(err, &netErr) || !netErr.Timeout() {
			t.Errorf("%s: %v", c.address, err)
		}
		if took := w.Now().Sub(before); took != c.want {
			t.Errorf("%s: it took %v of the world's time, want %v", c.address, took, c.want)
		}
	}
	if body, err := get(t, w.DialContext, "http://10.0.2.60/"); body != "behind the cut" {
		t.Errorf("from elsewhere: %q %v", body, err)
	}
}

// A world without a resolver is dialled by address, and says what is missing for names.
func TestDialWithoutResolver(t *testing.T) {
	t.Parallel()
	w := simtest.StartWith(t, simtest.Options{TOML: `
title = "one server, and nobody to ask"
[server.ns]
addresses = ["192.0.2.53"]
[server.ns.zone."example.org."]
data = """
$TTL 60
@ IN SOA ns hostmaster 1 3600 900 604800 300
  IN NS ns
ns IN A 192.0.2.53
"""
`})
	w.Serve("192.0.2.80:80", hello("by address"))
	if body, err := get(t, w.DialContext, "http://192.0.2.80/"); body != "by address" {
		t.Errorf("%q %v", body, err)
	}
	if _, err := w.DialContext(t.Context(), "tcp", "www.example.org:80"); err == nil || !strings.Contains(err.Error(), "name with Options.Resolver who is to be asked") {
		t.Errorf("%v", err)
	}
}

// A listener of the test's own takes whatever protocol its callers speak, as a gRPC server and its dialler would.
func TestListen(t *testing.T) {
	t.Parallel()
	w := simtest.Start(t, "solvethenetwork")
	l := w.Listen("10.0.2.40:50051")
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer c.Close()
		_, err = io.Copy(c, c)
		done <- err
	}()
	c, err := w.Dialer("web-01").Dial(t.Context(), "www.solvethenetwork.com.:50051")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "echo"); err != nil {
		t.Error(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "echo" {
		t.Errorf("%q %v", got, err)
	}
	c.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
