package dnstap_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	dnstaplib "github.com/dnstap/golang-dnstap"
	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/dnstap"
	"faultzone/simulator/fault"
	"faultzone/simulator/recording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// file is one in memory.
type file struct {
	bytes.Buffer
	closed bool
}

func (f *file) Close() error { f.closed = true; return nil }

// decode reads frames as other programs do, to their end.
func decode(t testing.TB, from io.Reader, o dnstaplib.ReaderOptions) (list []*dnstaplib.Dnstap) {
	t.Helper()
	r, err := dnstaplib.NewReader(from, &o)
	if err != nil {
		t.Fatal(err)
	}
	decoder := dnstaplib.NewDecoder(r, 1<<17)
	for {
		d := new(dnstaplib.Dnstap)
		err := decoder.Decode(d)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
}

// line is a message for people and for tests: who logs what, of which question.
func line(d *dnstaplib.Dnstap) string {
	m := d.Message
	packed, arrow := m.QueryMessage, "->"
	if packed == nil {
		packed, arrow = m.ResponseMessage, "<-"
	}
	question := "?"
	if msg := new(dns.Msg); msg.Unpack(packed) == nil && len(msg.Question) == 1 {
		question = msg.Question[0].Name + " " + dns.Type(msg.Question[0].Qtype).String()
	}
	from, _ := netip.AddrFromSlice(m.QueryAddress)
	to, _ := netip.AddrFromSlice(m.ResponseAddress)
	text := fmt.Sprintf("%s %s %s%s%s %s %s", d.Identity, m.GetType(), from, arrow, to, m.GetSocketProtocol(), question)
	if len(d.Extra) > 0 {
		text += " (" + string(d.Extra) + ")"
	}
	return text
}

type recorded struct {
	*simulator.World
	t        testing.TB
	recorder *recording.Recorder
	file     *file
}

func record(t testing.TB, s *scenarios.Scenario, o simulator.Options) *recorded {
	t.Helper()
	r := &recorded{t: t, file: &file{}}
	w, err := dnstap.NewFile(r.file, "faultzone test")
	if err != nil {
		t.Fatal(err)
	}
	r.recorder = recording.New(recording.Config{Name: "dnstap", Sink: w, Live: o.Live})
	o.OnBuilt = r.recorder.Attach
	if r.World, err = simulator.New(s, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.World.Close() })
	return r
}

func (r *recorded) ask(q scenarios.QueryStep) {
	r.t.Helper()
	if q.Type == 0 {
		q.Type = dns.TypeA
	}
	if _, err := r.Query(context.Background(), q); err != nil {
		r.t.Fatal(err)
	}
}

// end closes the recording, and reads it.
func (r *recorded) end() []*dnstaplib.Dnstap {
	r.t.Helper()
	if err := r.recorder.Close(); err != nil {
		r.t.Fatal(err)
	}
	if !r.file.closed {
		r.t.Error("the file is open")
	}
	return decode(r.t, bytes.NewReader(r.file.Bytes()), dnstaplib.ReaderOptions{})
}

func builtin(t testing.TB, name string) *scenarios.Scenario {
	t.Helper()
	s, _, err := scenarios.Builtin(name, fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func about(list []*dnstaplib.Dnstap, name string) (lines []string) {
	for _, d := range list {
		if l := line(d); strings.Contains(l, " "+name+" ") {
			lines = append(lines, l)
		}
	}
	return lines
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// Each node logs its own side of an exchange, under its name.
func TestEachNodeLogsItsSide(t *testing.T) {
	t.Parallel()
	r := record(t, builtin(t, "negative-cache"), simulator.Options{})
	r.ask(scenarios.QueryStep{Name: "db-01.solvethenetwork.com.", Via: "resolver-a"})
	r.ask(scenarios.QueryStep{Name: "app.solvethenetwork.com.", Via: "ns1", TCP: true})
	list := r.end()
	resolver := about(list, "db-01.solvethenetwork.com.")
	if len(resolver) < 6 || len(resolver)%2 != 0 {
		t.Fatalf("%d messages:\n%s", len(resolver), strings.Join(resolver, "\n"))
	}
	// The last server asked is one of the zone's two, at one of its addresses.
	ends := strings.Fields(resolver[len(resolver)-5])[2]
	server := netip.MustParseAddr(ends[strings.Index(ends, ">")+1:])
	name := "ns1"
	if server == netip.MustParseAddr("10.0.3.20") || server == netip.MustParseAddr("198.51.100.53") {
		name = "ns2"
	}
	back := strings.Replace(ends, "->", "<-", 1)
	tail := " UDP db-01.solvethenetwork.com. A"
	want(t, resolver[:1], "resolver-a CLIENT_QUERY 10.0.2.100->10.0.1.10"+tail)
	want(t, resolver[len(resolver)-5:],
		"resolver-a RESOLVER_QUERY "+ends+tail, name+" AUTH_QUERY "+ends+tail,
		name+" AUTH_RESPONSE "+back+tail, "resolver-a RESOLVER_RESPONSE "+back+tail,
		"resolver-a CLIENT_RESPONSE 10.0.2.100<-10.0.1.10"+tail)
	want(t, about(list, "app.solvethenetwork.com."),
		"ns1 AUTH_QUERY 10.0.2.100->10.0.1.20 TCP app.solvethenetwork.com. A",
		"ns1 AUTH_RESPONSE 10.0.2.100<-10.0.1.20 TCP app.solvethenetwork.com. A")
	for _, d := range list {
		if string(d.Version) != "faultzone test" || d.GetType() != dnstaplib.Dnstap_MESSAGE {
			t.Errorf("%v: version %q, type %v", line(d), d.Version, d.GetType())
		}
	}
}

// Times are the world's, at the end that logs: a query arrives when its link has carried it, and a reply too.
func TestTimes(t *testing.T) {
	t.Parallel()
	r := record(t, builtin(t, "negative-cache"), simulator.Options{})
	begin := r.Now()
	r.ask(scenarios.QueryStep{Name: "db-01.solvethenetwork.com.", Via: "resolver-a"})
	elapsed := r.Now().Sub(begin)
	when := func(seconds *uint64, nanoseconds *uint32) time.Time {
		return time.Unix(int64(*seconds), int64(*nanoseconds))
	}
	var asked, answered time.Time
	for _, d := range r.end() {
		m := d.Message
		if m.ResponseMessage != nil {
			if m.QueryTimeSec == nil && m.GetSocketProtocol() == dnstaplib.SocketProtocol_UDP {
				t.Errorf("%s: without the time of its query", line(d))
			}
		}
		if !strings.Contains(line(d), " db-01.") {
			continue
		}
		switch m.GetType() {
		case dnstaplib.Message_CLIENT_QUERY:
			asked = when(m.QueryTimeSec, m.QueryTimeNsec)
		case dnstaplib.Message_CLIENT_RESPONSE:
			answered = when(m.ResponseTimeSec, m.ResponseTimeNsec)
			if got := when(m.QueryTimeSec, m.QueryTimeNsec); !got.Equal(asked) {
				t.Errorf("the response says that it was asked at %v, the query %v", got, asked)
			}
		case dnstaplib.Message_RESOLVER_RESPONSE:
			// There and back, and at the server no time at all.
			trip := when(m.ResponseTimeSec, m.ResponseTimeNsec).Sub(when(m.QueryTimeSec, m.QueryTimeNsec))
			if trip <= 0 || trip > 100*time.Millisecond {
				t.Errorf("%s: took %v", line(d), trip)
			}
		case dnstaplib.Message_AUTH_RESPONSE:
			if took := when(m.ResponseTimeSec, m.ResponseTimeNsec).Sub(when(m.QueryTimeSec, m.QueryTimeNsec)); took != 0 {
				t.Errorf("%s: took %v", line(d), took)
			}
		}
	}
	if asked.Before(begin) || answered.Sub(asked) <= 0 || answered.Sub(asked) >= elapsed {
		t.Errorf("the resolver took %v of the %v that its client waited", answered.Sub(asked), elapsed)
	}
}

// Who sends logs in any case, who would have received does not; the extra field says what became of it.
func TestLostMessages(t *testing.T) {
	t.Parallel()
	for looks, fate := range map[string]string{"silent": "dropped", "refused": "refused", "hang": "dropped"} {
		r := record(t, builtin(t, "negative-cache"), simulator.Options{})
		for _, ns := range []string{"ns1", "ns2"} {
			if _, err := r.Inject("server-down", ns, map[string]any{"node": ns, "looks": looks}, 0); err != nil {
				t.Fatal(err)
			}
		}
		r.ask(scenarios.QueryStep{Name: "db-01.solvethenetwork.com.", Via: "resolver-a"})
		lost := 0
		for _, l := range about(r.end(), "db-01.solvethenetwork.com.") {
			if strings.Contains(l, "AUTH_") && strings.HasPrefix(l, "ns") {
				t.Errorf("%s: a server that is down has logged %s", looks, l)
			}
			if strings.Contains(l, "resolver-a RESOLVER_QUERY") && strings.HasSuffix(l, "("+fate+")") {
				lost++
			}
		}
		if lost == 0 {
			t.Errorf("%s: no query was %s", looks, fate)
		}
	}
}

// A client's stub logs what it asks; a dynamic update has types of its own.
func TestStubsAndUpdates(t *testing.T) {
	t.Parallel()
	r := record(t, builtin(t, "negative-cache"), simulator.Options{})
	client := ""
	for _, n := range r.Nodes() {
		if n.Role == simulator.RoleClient && n.State == "" {
			client = n.Name
		}
	}
	if client == "" {
		t.Fatal("the world has no client")
	}
	r.ask(scenarios.QueryStep{Name: "db-01.solvethenetwork.com.", Client: client})
	update := new(dns.Msg)
	update.SetUpdate("solvethenetwork.com.")
	packed, err := update.Pack()
	if err != nil {
		t.Fatal(err)
	}
	socket := r.Network().SocketFrom(rand.New(rand.NewPCG(1, 2)), netip.MustParseAddr("10.0.2.100"))
	if err := r.Run(func() {
		_, err = socket.Exchange(context.Background(), netip.MustParseAddrPort("10.0.1.20:53"), "udp", packed, time.Second,
			func([]byte) bool { return true })
	}); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, d := range r.end() {
		switch d.Message.GetType() {
		case dnstaplib.Message_STUB_QUERY, dnstaplib.Message_STUB_RESPONSE, dnstaplib.Message_UPDATE_QUERY, dnstaplib.Message_UPDATE_RESPONSE:
			types = append(types, fmt.Sprintf("%s %s", d.Identity, d.Message.GetType()))
		}
	}
	got := strings.Join(types, "\n")
	for _, w := range []string{client + " STUB_QUERY", client + " STUB_RESPONSE", "ns1 UPDATE_QUERY", "ns1 UPDATE_RESPONSE"} {
		if !strings.Contains(got, w) {
			t.Errorf("no %s in\n%s", w, got)
		}
	}
}

// The same scenario with the same seed gives the same file, and another seed another.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	once := func(seed uint64) []byte {
		r := record(t, builtin(t, "rrsig-expired"), simulator.Options{Seed: &seed})
		r.ask(scenarios.QueryStep{Name: "api.solvethenetwork.com.", Via: "resolver-a"})
		r.end()
		return r.file.Bytes()
	}
	first := once(7)
	if !bytes.Equal(first, once(7)) {
		t.Error("two runs with one seed differ")
	}
	if bytes.Equal(first, once(8)) {
		t.Error("another seed changes nothing")
	}
}

// full is a disk without room.
type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(b), nil
}
func (*full) Close() error { return nil }

func TestFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := dnstap.NewFile(&full{}, ""); err == nil {
		t.Error("a header that could not be written is no error")
	}
	w, err := dnstap.NewFile(&full{left: 200}, "")
	if err != nil {
		t.Fatal(err)
	}
	r := recording.New(recording.Config{Sink: w})
	world, err := simulator.New(builtin(t, "negative-cache"), simulator.Options{OnBuilt: r.Attach})
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	if err := r.Close(); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("closed with %v", err)
	}
	if written, dropped := r.Counts(); written != 0 || dropped == 0 {
		t.Errorf("%d written, %d dropped", written, dropped)
	}
}
