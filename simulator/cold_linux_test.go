package simulator_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
	"faultzone/simulator/fault"
	"faultzone/simulator/network"
	"faultzone/simulator/upstream"
)

// How long a validated answer takes that is not in the cache, from our resolver and from unbound side by side. Both reach
// the same live world over real sockets, at its own addresses in a network namespace made for it, and are asked the same
// questions in turns:
//
//	name        a name of a zone whose keys are known
//	zone        the first name of a zone whose parent's keys are known
//	everything  a name when nothing is known at all
//
// The medians are reported in microseconds.
func BenchmarkColdAnswer(b *testing.B) {
	if os.Getenv(inNamespace) != "" {
		benchmarkColdAnswer(b)
		return
	}
	for _, tool := range []string{"unshare", "ip", "unbound", "unbound-control"} {
		if _, err := exec.LookPath(tool); err != nil {
			b.Skipf("%s is not installed", tool)
		}
	}
	if out, err := exec.Command("unshare", "-Urn", "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		b.Skipf("no network namespace can be made here: %v %s", err, out)
	}
	args := []string{"-Urn", os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkColdAnswer$", "-test.benchtime=1x"}
	cmd := exec.Command("unshare", args...)
	cmd.Env, cmd.SysProcAttr = append(os.Environ(), inNamespace+"=1"), dieWithParent()
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("in the namespace: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		name, rest, _ := strings.Cut(line, "\t")
		if _, kind, ok := strings.Cut(strings.TrimSpace(name), "BenchmarkColdAnswer/"); ok {
			kind, _, _ = strings.Cut(kind, "-")
			values := strings.Fields(rest)
			for i := 1; i+1 < len(values); i += 2 { // behind the number of runs: value, unit
				if value, err := strconv.ParseFloat(values[i], 64); err == nil && values[i+1] != "ns/op" {
					b.ReportMetric(value, kind+"-"+values[i+1])
				}
			}
		}
	}
	b.ReportMetric(0, "ns/op") // one run says nothing
}

const (
	coldNames  = 1000
	coldZones  = 200
	coldRounds = 100 // with nothing known
)

func benchmarkColdAnswer(b *testing.B) {
	w := coldWorld(b)
	ours := startOurs(b, w)
	theirs := startUnbound(b, w)
	for _, kind := range []struct {
		name   string
		rounds int
		ask    func(i int) string
		forget bool
	}{
		{"name", coldNames, func(i int) string { return fmt.Sprintf("w%d.cold.com.", i) }, false},
		{"zone", coldZones, func(i int) string { return fmt.Sprintf("www.z%d.com.", i) }, false},
		{"everything", coldRounds, func(i int) string { return fmt.Sprintf("w%d.cold.com.", i) }, true},
	} {
		b.Run(kind.name, func(b *testing.B) {
			both := []*contestant{ours, theirs}
			for _, c := range both {
				c.took = nil
				c.ask(b, "cold.com.")
				c.took = c.took[:0]
			}
			for i := range kind.rounds {
				slices.Reverse(both) // neither always has the authoritative servers' caches warm
				for _, c := range both {
					if kind.forget {
						c.forget()
					}
					c.ask(b, kind.ask(i))
				}
			}
			b.ReportMetric(ours.median(), "ours-µs")
			b.ReportMetric(theirs.median(), "unbound-µs")
			b.ReportMetric(ours.median()/theirs.median(), "ours/unbound")
		})
	}
}

// coldWorld serves many signed names and zones at their own addresses, on links without latency.
func coldWorld(b *testing.B) *simulator.World {
	b.Helper()
	var text strings.Builder
	text.WriteString(`title = "A world of names that nobody has asked for"
[server.ns1]
addresses = ["10.53.0.1"]
[[link]]
between = ["0.0.0.0/0", "0.0.0.0/0"]
latency = "0s"
`)
	zone := func(origin string, names ...string) {
		fmt.Fprintf(&text, "[server.ns1.zone.%q]\nsigned = true\ndata = '''\n$TTL 3600\n@ IN SOA ns1 admin 1 3600 900 604800 300\n@ IN NS ns1\nns1 IN A 10.53.0.1\n", origin)
		for i, name := range names {
			fmt.Fprintf(&text, "%s IN A 198.18.%d.%d\n", name, i/250, i%250)
		}
		text.WriteString("'''\n")
	}
	names := make([]string, coldNames)
	for i := range names {
		names[i] = fmt.Sprint("w", i)
	}
	zone("cold.com.", names...)
	for i := range coldZones {
		zone(fmt.Sprintf("z%d.com.", i), "www")
	}
	path := filepath.Join(b.TempDir(), "cold.toml")
	if err := os.WriteFile(path, []byte(text.String()), 0o666); err != nil {
		b.Fatal(err)
	}
	s, _, err := scenarios.LoadWorld(path, fault.Vocabulary())
	if err != nil {
		b.Fatal(err)
	}
	w, err := simulator.New(s, simulator.Options{Live: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	lines := "link set lo up\naddr add 10.0.1.11 dev lo\naddr add 10.0.1.101 dev lo\n"
	for _, n := range w.EdgeNodes() {
		for _, a := range n.Addresses {
			lines += fmt.Sprintf("addr add %s dev lo\n", a)
		}
	}
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(lines)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("ip: %v %s", err, out)
	}
	e, err := edge.Exact(edge.Config{Network: w.Network(), Nodes: w.EdgeNodes(), As: w.VantageAddresses()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { e.Close() })
	return w
}

// contestant is a resolver that is asked.
type contestant struct {
	name   string
	conn   net.Conn
	forget func()
	took   []time.Duration
}

func newContestant(b *testing.B, name, address string, forget func()) *contestant {
	conn, err := net.Dial("udp", address+":53")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &contestant{name: name, conn: conn, forget: forget}
}

// ask asks for the name's address or, of a zone, its SOA, and wants a validated answer.
func (c *contestant) ask(b *testing.B, name string) {
	b.Helper()
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: uint16(len(c.took)), RecursionDesired: true, AuthenticatedData: true},
		Question: []dns.Question{{Name: name, Qtype: dns.TypeA, Qclass: dns.ClassINET}}}
	if strings.Count(name, ".") == 2 {
		m.Question[0].Qtype = dns.TypeSOA
	}
	query, err := m.Pack()
	if err != nil {
		b.Fatal(err)
	}
	var wall clock.Wall
	c.conn.SetDeadline(wall.In(10 * time.Second))
	reply := make([]byte, 65535)
	began := wall.Now()
	if _, err = c.conn.Write(query); err != nil {
		b.Fatal(err)
	}
	n, err := c.conn.Read(reply)
	took := wall.Since(began)
	if err != nil {
		b.Fatalf("%s about %s: %v", c.name, name, err)
	}
	if err := m.Unpack(reply[:n]); err != nil || m.Rcode != dns.RcodeSuccess || !m.AuthenticatedData || len(m.Answer) == 0 {
		b.Fatalf("%s about %s: %v %v", c.name, name, err, m)
	}
	c.took = append(c.took, took)
}

// median is in microseconds.
func (c *contestant) median() float64 {
	slices.Sort(c.took)
	return float64(c.took[len(c.took)/2].Nanoseconds()) / 1e3
}

// resolving is our resolver as a program of a network.
type resolving struct{ *resolver.Resolver }

func (p resolving) peer(m network.Message) resolver.Peer {
	return resolver.Peer{Addr: m.From, Local: m.To, Network: m.Network}
}

func (p resolving) AnswerNow(m network.Message) ([]byte, bool) {
	return p.Resolver.AnswerNow(m.Data, p.peer(m))
}

func (p resolving) Serve(ctx context.Context, m network.Message, send func([]byte) error) error {
	return p.Resolver.Serve(ctx, m.Data, p.peer(m), send)
}

// startOurs puts our resolver onto real sockets, on both sides, under a clock of its own.
func startOurs(b *testing.B, w *simulator.World) *contestant {
	b.Helper()
	c, err := clock.NewLive(w.Now(), 1)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	x := upstream.New(upstream.Config{Clock: c, Route: func(server netip.AddrPort) (netip.AddrPort, bool) { return server, true }})
	b.Cleanup(func() { x.Close() })
	var hints []dns.RR
	zp := dns.NewZoneParser(strings.NewReader(rootHints), ".", "")
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		hints = append(hints, rr)
	}
	anchors, _ := w.Anchors()
	r, err := resolver.New(resolver.Config{Name: "ours", Hints: hints, TrustAnchors: anchors, Clock: c, Exchanger: x, Prime: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	net := network.New(network.Config{Clock: c})
	node, err := net.AddNode("ours", netip.MustParseAddr("10.0.1.11"))
	if err != nil {
		b.Fatal(err)
	}
	service, err := node.Listen(node.Addresses()...)
	if err != nil {
		b.Fatal(err)
	}
	service.Start(resolving{r})
	e, err := edge.Exact(edge.Config{Network: net, Nodes: []edge.Node{{Name: "ours", Addresses: node.Addresses(), Service: service}}, As: node.Addresses()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { e.Close() })
	return newContestant(b, "ours", "10.0.1.11", func() { r.Clear() })
}

// startUnbound starts it as it is by default, with a control channel through which it is made to forget.
func startUnbound(b *testing.B, w *simulator.World) *contestant {
	b.Helper()
	p, dir := programs[0], b.TempDir()
	files, args := p.configure(dir, p.address, w)
	files["conf"] = strings.Replace(files["conf"], "control-enable: no",
		fmt.Sprintf("control-enable: yes\n\tcontrol-use-cert: no\n\tcontrol-interface: %s/control", dir), 1)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			b.Fatal(err)
		}
	}
	var log bytes.Buffer
	cmd := exec.Command(p.binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = dir, &log, &log, dieWithParent()
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for try := range 200 {
		if askOne(p.address, question{name: ".", qtype: dns.TypeSOA}, 250*time.Millisecond).rcode == "NOERROR" {
			break
		}
		time.Sleep(time.Duration(min(try, 10)) * 10 * time.Millisecond)
	}
	control := func(words ...string) {
		if out, err := exec.Command("unbound-control", append([]string{"-c", dir + "/conf"}, words...)...).CombinedOutput(); err != nil {
			b.Fatalf("unbound-control %v: %v %s\n%s", words, err, out, log.String())
		}
	}
	return newContestant(b, "unbound", p.address, func() {
		control("flush_zone", ".")
		control("flush_infra", "all")
	})
}
