package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"
)

// Names outside of the world come from the real servers that the scenario names, as the host reaches them: on its loopback
// too, which is another one inside. A fault acts on their answers, and the world's own names go on.
func TestExecUpstream(t *testing.T) {
	t.Parallel()
	enclosures(t)
	tool(t, "dig")
	at := realServer(t)
	file := filepath.Join(t.TempDir(), "upstream.toml")
	text := fmt.Sprintf(`title = "The rest of the world"
base = "solvethenetwork"
[upstream]
servers = [%q]
[[step]]
at = "1m"
inject = "server-down"
node = "upstream"
looks = "refused"
`, at)
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	const script = `dig +short www.elsewhere.example; dig +tcp +short big.elsewhere.example; dig +short api.solvethenetwork.com`
	if got := within(t, file, "--", "sh", "-c", script); got.out != "192.0.2.99\n192.0.2.99\n10.0.2.50\n" {
		t.Errorf("%+v", got)
	}
	const failing = `dig www.elsewhere.example | grep -o SERVFAIL; dig +short api.solvethenetwork.com`
	if got := within(t, file, "--at", "2m", "--", "sh", "-c", failing); got.out != "SERVFAIL\n10.0.2.50\n" {
		t.Errorf("%+v", got)
	}
}

// realServer answers on the host's loopback: a question for big.… over UDP with a truncated reply.
func realServer(t *testing.T) string {
	t.Helper()
	var l net.Listener
	var u net.PacketConn
	for try := 0; u == nil; try++ { // until a port is free over both
		var err error
		if l, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if u, err = net.ListenPacket("udp4", l.Addr().String()); err != nil {
			l.Close()
			if u = nil; try == 20 {
				t.Fatal(err)
			}
		}
	}
	answer := func(overUDP bool) dns.HandlerFunc {
		return func(out dns.ResponseWriter, q *dns.Msg) {
			r := new(dns.Msg).SetReply(q)
			r.RecursionAvailable = true
			if name := q.Question[0].Name; overUDP && name == "big.elsewhere.example." {
				r.Truncated = true
			} else if q.Question[0].Qtype == dns.TypeA {
				r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 99)}}
			}
			out.WriteMsg(r)
		}
	}
	for _, s := range []*dns.Server{{PacketConn: u, Handler: answer(true)}, {Listener: l, Handler: answer(false)}} {
		ready, ended := make(chan struct{}), make(chan struct{})
		s.NotifyStartedFunc = func() { close(ready) }
		go func() { defer close(ended); s.ActivateAndServe() }()
		<-ready
		t.Cleanup(func() { s.Shutdown(); <-ended })
	}
	return l.Addr().String()
}
