package authoritative

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// onSocket puts s onto a UDP socket of 127.0.0.1 until the test ends.
func onSocket(t testing.TB, s *Server) (port string) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	local := c.LocalAddr().(*net.UDPAddr).AddrPort()
	go func() {
		buffer := make([]byte, 65535)
		for {
			n, client, err := c.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			_ = s.Serve(context.Background(), buffer[:n], Peer{Addr: client, Local: local, Network: "udp"}, func(b []byte) error {
				_, err := c.WriteToUDPAddrPort(b, client)
				return err
			})
		}
	}()
	return strconv.Itoa(int(local.Port()))
}

// TestDig: dig and kdig understand what is not in every answer: cookies, NSID, BADVERS, BADCOOKIE, class CHAOS, unknown types.
func TestDig(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	config := func(require bool) Config {
		return Config{NSID: []byte("ns1.ams"), Chaos: Chaos{Version: "one of its own"}, Cookies: Cookies{Secrets: [][]byte{make([]byte, 16)}, Require: require},
			Views: []View{{Zones: []Zone{{Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone+"unknown 60 IN TYPE65300 \\# 3 010203\n")}}}}}
	}
	easy, strict := onSocket(t, l.server(primaryAddr, config(false))), onSocket(t, l.server(secondaryAddr, config(true)))
	for _, c := range []struct {
		program, port, args string
		want                []string
	}{
		{"dig", easy, "+cookie +nsid api.example.com A", []string{"(good)", `("ns1.ams")`, "10.0.2.50", "status: NOERROR"}},
		{"dig", easy, "+cookie=0011223344556677ffffffffffffffff api.example.com A", []string{"(good)", "10.0.2.50"}},
		{"dig", strict, "+cookie +nobadcookie api.example.com A", []string{"status: BADCOOKIE", "(good)"}},
		{"dig", strict, "+cookie +badcookie api.example.com A", []string{"status: NOERROR", "(good)", "10.0.2.50"}},
		{"dig", easy, "+edns=1 +noednsnegotiation api.example.com A", []string{"status: BADVERS"}},
		{"dig", easy, "+short version.bind CH TXT", []string{`"one of its own"`}},
		{"dig", easy, "hostname.bind CH TXT", []string{"status: REFUSED"}},
		{"dig", easy, "unknown.example.com TYPE65300", []string{`\# 3 010203`}},
		{"dig", easy, "+opcode=9 example.com", []string{"status: NOTIMP"}},
		{"dig", easy, "+norec example.org A", []string{"status: REFUSED", "EDE: 20"}},
		{"kdig", easy, "+cookie +nsid api.example.com A", []string{"COOKIE", "ns1.ams", "10.0.2.50"}},
		{"kdig", easy, "+edns=1 api.example.com A", []string{"BADVERS"}},
	} {
		args := append([]string{"@127.0.0.1", "-p", c.port}, strings.Fields(c.args)...)
		out, err := exec.CommandContext(t.Context(), tool(t, c.program), args...).CombinedOutput()
		if err != nil {
			t.Errorf("%s %s: %v", c.program, c.args, err)
		}
		for _, want := range c.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s %s: no %s in\n%s", c.program, c.args, want, out)
			}
		}
	}
}
