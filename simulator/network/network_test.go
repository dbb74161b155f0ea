package network_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"faultzone/simulator/clock"
	"faultzone/simulator/network"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	oneWay = 10 * time.Millisecond
	work   = 50 * time.Millisecond // what a program takes to serve "slow"
)

var (
	serverAddr = netip.MustParseAddr("10.0.1.10")
	server     = netip.AddrPortFrom(serverAddr, 53)
	epoch      = time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC)
)

// echo answers "now…" at once, "slow…" after a while, "stream" with three messages, and nothing to "mute".
type echo struct{ clock clock.Clock }

func (e echo) AnswerNow(m network.Message) ([]byte, bool) {
	if bytes.HasPrefix(m.Data, []byte("now")) {
		return append([]byte("re:"), m.Data...), true
	}
	return nil, string(m.Data) == "mute"
}

func (e echo) Serve(ctx context.Context, m network.Message, send func([]byte) error) error {
	if string(m.Data) == "stream" {
		for _, part := range []string{"one", "two", "three"} {
			send([]byte(part))
			if err := e.clock.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
		return nil
	}
	if err := e.clock.Sleep(ctx, work); err != nil {
		return err
	}
	send([]byte("noise"))
	return send(append([]byte("re:"), m.Data...))
}

type world struct {
	*clock.Virtual
	net    *network.Network
	svc    *network.Service
	client *network.Socket
	events []network.Event
}

func newWorld(t testing.TB) *world {
	w := &world{Virtual: clock.NewVirtual(epoch)}
	t.Cleanup(func() { w.Close() })
	w.net = network.New(network.Config{Clock: w.Virtual, Latency: oneWay,
		Observe: func(e network.Event) { w.events = append(w.events, e) }})
	host, err := w.net.AddNode("server", serverAddr, netip.MustParseAddr("203.0.113.53"))
	if err != nil {
		t.Fatal(err)
	}
	if w.svc, err = host.Listen(host.Addresses()...); err != nil {
		t.Fatal(err)
	}
	w.svc.Start(echo{w.Virtual})
	client, err := w.net.AddNode("client", netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("10.0.2.7"))
	if err != nil {
		t.Fatal(err)
	}
	w.client = client.Socket(rand.New(rand.NewPCG(1, 2)))
	return w
}

// ask makes one exchange and returns the reply, the error and the world time it took.
func (w *world) ask(t testing.TB, to netip.AddrPort, proto, query string, timeout time.Duration) (reply string, took time.Duration, err error) {
	t.Helper()
	start := w.Now()
	if runErr := w.Run(func() {
		var data []byte
		data, err = w.client.Exchange(context.Background(), to, proto, []byte(query), timeout,
			func(reply []byte) bool { return strings.HasPrefix(string(reply), "re:") })
		reply, took = string(data), w.Now().Sub(start)
	}); runErr != nil {
		t.Fatal(runErr)
	}
	return reply, took, err
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestExchangeTakesItsLatency(t *testing.T) {
	for _, c := range []struct {
		proto, query string
		took         time.Duration
	}{
		{"udp", "now", 2 * oneWay},
		{"tcp", "now", 4 * oneWay},
		{"udp", "slow", 2*oneWay + work},
		{"tcp", "slow", 4*oneWay + work},
	} {
		w := newWorld(t)
		reply, took, err := w.ask(t, server, c.proto, c.query, time.Second)
		if err != nil || reply != "re:"+c.query || took != c.took {
			t.Errorf("%s %s: %q, %v after %v; want %v", c.proto, c.query, reply, err, took, c.took)
		}
	}
}

func TestSourceAddressIsInTheDestinationsScope(t *testing.T) {
	w := newWorld(t)
	w.ask(t, server, "udp", "now", time.Second)
	w.ask(t, netip.MustParseAddrPort("203.0.113.53:53"), "udp", "now", time.Second)
	if inside, outside := w.events[0].From.Addr().String(), w.events[2].From.Addr().String(); inside != "10.0.2.7" || outside != "203.0.113.7" {
		t.Errorf("from %s inside and %s outside", inside, outside)
	}
}

// How each kind of dead server looks to a socket.
func TestStatesLookAsTheyDoToASocket(t *testing.T) {
	const timeout = 2 * time.Second
	for _, c := range []struct {
		state      network.State
		udp, tcp   func(error) bool
		udpT, tcpT time.Duration
	}{
		{network.Silent, isTimeout, isTimeout, timeout, timeout},
		{network.Hanging, isTimeout, isTimeout, timeout, timeout},
		{network.Refusing, refused, refused, 2 * oneWay, 2 * oneWay},
	} {
		w := newWorld(t)
		w.svc.Stop(c.state)
		if _, took, err := w.ask(t, server, "udp", "now", timeout); !c.udp(err) || took != c.udpT {
			t.Errorf("%v udp: %v after %v", c.state, err, took)
		}
		if _, took, err := w.ask(t, server, "tcp", "now", timeout); !c.tcp(err) || took != c.tcpT {
			t.Errorf("%v tcp: %v after %v", c.state, err, took)
		}
		w.svc.Start(echo{w.Virtual})
		if _, _, err := w.ask(t, server, "udp", "now", timeout); err != nil {
			t.Errorf("%v, healed: %v", c.state, err)
		}
	}
}

func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

func TestNobodyThere(t *testing.T) {
	w := newWorld(t)
	if _, _, err := w.ask(t, netip.MustParseAddrPort("10.9.9.9:53"), "udp", "now", time.Second); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Errorf("unknown host: %v", err)
	}
	if _, _, err := w.ask(t, netip.MustParseAddrPort("10.0.1.10:54"), "udp", "now", time.Second); !refused(err) {
		t.Errorf("another port: %v", err)
	}
	if _, _, err := w.ask(t, netip.MustParseAddrPort("10.0.2.7:53"), "udp", "now", time.Second); !refused(err) {
		t.Errorf("host without a service: %v", err)
	}
	if _, _, err := w.ask(t, netip.MustParseAddrPort("[2001:db8::1]:53"), "udp", "now", time.Second); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Errorf("no address of that family: %v", err)
	}
	if _, took, err := w.ask(t, server, "udp", "mute", time.Second); !isTimeout(err) || took != time.Second {
		t.Errorf("no reply: %v after %v", err, took)
	}
}

func TestRulesActAndCount(t *testing.T) {
	w := newWorld(t)
	drop := &network.Rule{Name: "loss",
		Match: func(f *network.Flight) bool { return f.To.Addr() == serverAddr },
		Act:   func(f *network.Flight) bool { f.Drop = true; return true }}
	w.net.AddRule(drop)
	if _, took, err := w.ask(t, server, "udp", "now", time.Second); !isTimeout(err) || took != time.Second {
		t.Errorf("dropped: %v after %v", err, took)
	}
	if _, _, err := w.ask(t, netip.MustParseAddrPort("203.0.113.53:53"), "udp", "now", time.Second); err != nil {
		t.Errorf("the other address: %v", err)
	}
	if seen, matched, changed := drop.Counts(); seen != 3 || matched != 1 || changed != 1 {
		t.Errorf("saw %d, matched %d, changed %d", seen, matched, changed)
	}
	w.net.RemoveRule(drop)
	slow := &network.Rule{Name: "slow", Act: func(f *network.Flight) bool { f.Delay = 100 * time.Millisecond; return true }}
	w.net.AddRule(slow)
	if _, took, err := w.ask(t, server, "udp", "now", time.Second); err != nil || took != 2*oneWay+200*time.Millisecond {
		t.Errorf("delayed: %v after %v", err, took)
	}
	if _, took, err := w.ask(t, server, "udp", "slow", 150*time.Millisecond); !isTimeout(err) || took != 150*time.Millisecond {
		t.Errorf("delayed beyond the timeout: %v after %v", err, took)
	}
}

func TestTransferStreamsUntilItsEnd(t *testing.T) {
	w := newWorld(t)
	var got []string
	var err error
	w.Run(func() {
		err = w.client.Transfer(context.Background(), server, []byte("stream"), 2*time.Second, func(m []byte) (bool, error) {
			got = append(got, string(m))
			return true, nil
		})
	})
	if strings.Join(got, " ") != "one two three" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLoopbackIsTheHostsOwn(t *testing.T) {
	w := newWorld(t)
	host, _ := w.net.AddNode("desk", netip.MustParseAddr("10.0.2.8"))
	stub, err := host.Listen(netip.MustParseAddr("127.0.0.53"))
	if err != nil {
		t.Fatal(err)
	}
	stub.Start(echo{w.Virtual})
	at := netip.MustParseAddrPort("127.0.0.53:53")
	if _, _, err := w.ask(t, at, "udp", "now", time.Second); !refused(err) {
		t.Errorf("another host reaches it: %v", err)
	}
	w.client = host.Socket(rand.New(rand.NewPCG(1, 2)))
	if _, took, err := w.ask(t, at, "udp", "now", time.Second); err != nil || took != 0 {
		t.Errorf("its own host: %v after %v", err, took)
	}
}

func TestAddressesAreTakenOnce(t *testing.T) {
	w := newWorld(t)
	if _, err := w.net.AddNode("copy", serverAddr); err == nil || !strings.Contains(err.Error(), "server") {
		t.Errorf("got %v", err)
	}
	if _, err := w.net.AddNode("server"); err == nil {
		t.Error("a second node of that name")
	}
}

func TestStopEndsWhatIsBeingServed(t *testing.T) {
	w := newWorld(t)
	w.Go(func() {
		w.Sleep(context.Background(), 20*time.Millisecond)
		w.svc.Stop(network.Silent)
	})
	if _, took, err := w.ask(t, server, "udp", "slow", time.Second); !isTimeout(err) || took != time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

func TestDeliverFromTheEdge(t *testing.T) {
	w := newWorld(t)
	var got []string
	reply := func(b []byte) { got = append(got, string(b)) }
	m := network.Message{Network: "udp", From: netip.MustParseAddrPort("10.0.2.100:4000"), To: server, Data: []byte("now")}
	if fate := w.net.Deliver(m, reply); fate != network.Delivered || len(got) != 1 {
		t.Fatalf("%v, %q", fate, got)
	}
	m.Data = []byte("slow")
	w.net.Deliver(m, reply)
	w.Advance(work)
	if strings.Join(got, " ") != "re:now noise re:slow" {
		t.Errorf("%q", got)
	}
	w.svc.Stop(network.Refusing)
	if fate := w.net.Deliver(m, reply); fate != network.Refused {
		t.Errorf("%v", fate)
	}
}

// Who waits for what comes later is told when nothing more comes: once, behind the last reply.
func TestPassTellsTheEnd(t *testing.T) {
	for _, late := range []time.Duration{0, 3 * work} {
		for _, data := range []string{"slow", "now"} {
			w := newWorld(t)
			w.net.AddRule(&network.Rule{
				Match: func(f *network.Flight) bool { return f.Reply },
				Act:   func(f *network.Flight) bool { f.Delay = late; return true },
			})
			var got []string
			later := func() network.Later {
				return network.Later{Reply: func(b []byte) { got = append(got, string(b)) }, End: func() { got = append(got, "end") }}
			}
			m := network.Message{Network: "tcp", From: netip.MustParseAddrPort("10.0.2.100:4000"), To: server, Data: []byte(data)}
			prompt, _ := w.net.Pass(m, later)
			w.Advance(10 * work)
			want := map[string]string{"slow": "noise re:slow end", "now": "re:now end"}[data]
			if data == "now" && late == 0 {
				if string(prompt) != "re:now" || len(got) != 0 {
					t.Errorf("%s: %q at once, and then %q", data, prompt, got)
				}
			} else if strings.Join(got, " ") != want {
				t.Errorf("%s, %v late: %q, want %s", data, late, got, want)
			}
		}
	}
}

func BenchmarkExchange(b *testing.B) {
	w := newWorld(b)
	w.net = network.New(network.Config{Clock: w.Virtual, Latency: oneWay})
	host, _ := w.net.AddNode("server", serverAddr)
	svc, _ := host.Listen(serverAddr)
	svc.Start(echo{w.Virtual})
	client := w.net.SocketFrom(rand.New(rand.NewPCG(1, 2)), netip.MustParseAddr("10.0.2.7"))
	query := []byte("now")
	b.ReportAllocs()
	w.Run(func() {
		for b.Loop() {
			client.Exchange(context.Background(), server, "udp", query, time.Second, func([]byte) bool { return true })
		}
	})
}
