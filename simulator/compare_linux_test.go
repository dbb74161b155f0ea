package simulator_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
	"faultzone/simulator/fault"
)

// inNamespace is set for the test binary that runs inside of a network namespace of its own.
const inNamespace = "FAULTZONE_NAMESPACE"

// Our resolver and real ones read the same live world, each with the world's root hints and trust anchor, and are put the
// same questions over real sockets: response code, AD, the answer's records and the extended errors have to be the same, or
// the difference stands in the table of differences with its reason.
//
// The world has its own addresses, with port 53, in a network namespace made for it.
func TestLikeRealResolvers(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		enterNamespace(t, "TestLikeRealResolvers")
		return
	}
	w := compareWorld(t)
	theirs := startPrograms(t, w)
	questions := compareQuestions()
	if len(questions) < 300 {
		t.Fatalf("only %d questions", len(questions))
	}
	ours := askAll(t, "10.0.1.10", questions)
	their := make([][]outcome, len(theirs))
	var wg sync.WaitGroup
	for i, p := range theirs {
		wg.Go(func() { their[i] = askAll(t, p.address, questions) })
	}
	wg.Wait()
	c := comparison{t: t, used: make([]int, len(differences)), compared: map[[2]string]int{}, same: map[[2]string]int{}}
	for i, p := range theirs {
		c.program(p.name, questions, ours, their[i])
	}
	c.finish(len(questions), theirs)
}

// enterNamespace runs the test once more, in a namespace. Without the tools it is skipped, or fails where
// FAULTZONE_REQUIRE_TOOLS=1.
func enterNamespace(t *testing.T, test string) {
	missing := func(format string, args ...any) {
		if os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
			t.Fatalf(format, args...)
		}
		t.Skipf(format, args...)
	}
	for _, tool := range []string{"unshare", "ip"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing("%s is not installed", tool)
		}
	}
	found := 0
	for _, p := range programs {
		if _, err := exec.LookPath(p.binary); err == nil {
			found++
		} else if os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
			t.Fatalf("%s is not installed, and FAULTZONE_REQUIRE_TOOLS=1 asks for it", p.binary)
		}
	}
	if found < 3 {
		missing("%d real resolvers are installed; it takes three", found)
	}
	if out, err := exec.Command("unshare", "-Urn", "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		missing("no network namespace can be made here: %v %s", err, out)
	}
	cmd := exec.Command("unshare", "-Urn", os.Args[0], "-test.run=^"+test+"$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = dieWithParent()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in the namespace: %v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: "+test) {
		t.Fatalf("in the namespace it did not run:\n%s", out)
	}
	t.Logf("in the namespace:\n%s", out)
}

// compareWorld serves the world of testdata/compare.toml at its own addresses, broken in many ways.
func compareWorld(t *testing.T) *simulator.World {
	t.Helper()
	s, _, err := scenarios.LoadWorld("testdata/compare.toml", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	// It begins two hours ago, in which signatures run out. Real validators go by the wall.
	const age = 2 * time.Hour
	w, err := simulator.New(s, simulator.Options{Live: true, Start: clock.Wall{}.Now().Add(-age).Truncate(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	for i, f := range []struct {
		fault  string
		params map[string]any
	}{
		{"resigning-stopped", map[string]any{"zone": "expired.com."}},
		{"key-roll-unannounced", map[string]any{"zone": "rolled.com."}},
		{"ds-missing", map[string]any{"zone": "nods.com."}},
		{"denial-broken", map[string]any{"zone": "span.com.", "how": "wrong-span"}},
		{"denial-broken", map[string]any{"zone": "span3.com.", "how": "wrong-span"}},
		{"denial-broken", map[string]any{"zone": "unsigned.com.", "how": "unsigned"}},
		{"denial-broken", map[string]any{"zone": "missing.com.", "how": "missing"}},
		{"server-down", map[string]any{"node": "dark", "looks": "silent"}},
		{"server-down", map[string]any{"node": "closed", "looks": "refused"}},
	} {
		if _, err := w.Inject(f.fault, fmt.Sprint("f", i), f.params, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Advance(age); err != nil {
		t.Fatal(err)
	}
	addAddresses(t, w)
	e, err := edge.Exact(edge.Config{Network: w.Network(), Nodes: w.EdgeNodes(), As: w.VantageAddresses()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return w
}

// addAddresses gives this namespace's loopback interface those of the world and of the real resolvers.
func addAddresses(t *testing.T, w *simulator.World) {
	t.Helper()
	lines := []string{"link set lo up"}
	for _, n := range w.EdgeNodes() {
		for _, a := range n.Addresses {
			lines = append(lines, fmt.Sprintf("addr add %s dev lo", a))
		}
	}
	for _, p := range programs {
		lines = append(lines, fmt.Sprintf("addr add %s dev lo", p.address))
	}
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ip: %v %s", err, out)
	}
}

// program is a real resolver.
type program struct {
	name, binary, address string
	// configure writes its files into dir and returns its arguments.
	configure func(dir, address string, w *simulator.World) (files map[string]string, args []string)
}

// startPrograms starts those that are installed and waits until they answer.
func startPrograms(t *testing.T, w *simulator.World) []program {
	t.Helper()
	var list []program
	for _, p := range programs {
		path, err := exec.LookPath(p.binary)
		if err != nil {
			t.Logf("%s is not installed", p.binary)
			continue
		}
		dir := t.TempDir()
		files, args := p.configure(dir, p.address, w)
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		var log strings.Builder
		cmd := exec.Command(path, args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = dir, &log, &log, dieWithParent()
		cmd.WaitDelay = time.Second
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
			if t.Failed() && testing.Verbose() && os.Getenv("FAULTZONE_LOGS") != "" {
				t.Logf("%s printed:\n%s", p.name, log.String())
			}
		})
		list = append(list, p)
	}
	for _, p := range list {
		waitForAnswer(t, p)
	}
	return list
}

// waitForAnswer returns when the program answers over UDP.
func waitForAnswer(t *testing.T, p program) {
	t.Helper()
	for try := range 200 {
		if o := askOne(p.address, question{name: ".", qtype: dns.TypeSOA}, 250*time.Millisecond); o.rcode == "NOERROR" {
			return
		}
		time.Sleep(time.Duration(min(try, 10)) * 10 * time.Millisecond)
	}
	t.Fatalf("%s does not answer", p.name)
}

// question is one of those put to all.
type question struct {
	name   string
	qtype  uint16
	cd, do bool
}

func (q question) String() string {
	s := q.name + " " + dns.Type(q.qtype).String()
	if q.cd {
		s += " +cd"
	}
	if q.do {
		s += " +dnssec"
	}
	return s
}

// outcome is what of an answer is compared.
type outcome struct {
	rcode  string // or why there is none
	ad     bool
	answer []string // "owner TYPE data", of signatures only what they cover; in order
	ede    []int
	texts  []string
}

// askAll puts the questions in their order, as one client after another would; those that take long run beside.
func askAll(t *testing.T, server string, questions []question) []outcome {
	list := make([]outcome, len(questions))
	var wg sync.WaitGroup
	for i, q := range questions {
		if slow(q) {
			wg.Go(func() { list[i] = askOne(server, q, 14*time.Second) })
		} else {
			list[i] = askOne(server, q, 15*time.Second)
		}
	}
	wg.Wait()
	return list
}

// askOne asks as dig does, with AD, over UDP and after truncation over TCP.
func askOne(server string, q question, patience time.Duration) (o outcome) {
	m := new(dns.Msg)
	m.SetQuestion(q.name, q.qtype)
	m.AuthenticatedData, m.CheckingDisabled = true, q.cd
	m.SetEdns0(1232, q.do)
	for _, proto := range []string{"udp", "tcp"} {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		c := &dns.Client{Net: proto, Timeout: patience, UDPSize: 1232}
		if proto == "udp" {
			c.Dialer = &net.Dialer{LocalAddr: &net.UDPAddr{IP: netip.MustParseAddr(server).AsSlice()}}
		}
		reply, _, err := c.ExchangeContext(ctx, m, net.JoinHostPort(server, "53"))
		cancel()
		if err != nil {
			return outcome{rcode: "no answer"}
		}
		if !reply.Truncated || proto == "tcp" {
			return outcomeOf(reply)
		}
	}
	return o
}

func outcomeOf(m *dns.Msg) outcome {
	o := outcome{rcode: dns.RcodeToString[m.Rcode], ad: m.AuthenticatedData}
	for _, rr := range m.Answer {
		h := rr.Header()
		data := strings.TrimPrefix(rr.String(), h.String())
		if sig, ok := rr.(*dns.RRSIG); ok {
			data = dns.Type(sig.TypeCovered).String()
		}
		o.answer = append(o.answer, strings.ToLower(h.Name)+" "+dns.Type(h.Rrtype).String()+" "+strings.ToLower(data))
	}
	slices.Sort(o.answer)
	if opt := m.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if e, ok := option.(*dns.EDNS0_EDE); ok {
				o.ede = append(o.ede, int(e.InfoCode))
				o.texts = append(o.texts, e.ExtraText)
			}
		}
	}
	slices.Sort(o.ede)
	o.ede = slices.Compact(o.ede)
	return o
}
