package edge_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
	"faultzone/simulator/network"
)

// Many questions go over one connection, one behind the other without waiting, and all are answered (RFC 7766 6.2.1.1).
func TestPipelining(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	l.add(t, "node", echo{}, "10.0.1.20")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	c := dial(t, "tcp", e.Doors()[0].Real, "")
	const n = 200
	var all []byte
	missing := map[string]bool{}
	for i := range n {
		data := fmt.Sprintf("now %d", i)
		if i%3 == 0 {
			data = fmt.Sprintf("later %d", i)
		}
		all = append(all, framed(c, data)...)
		missing["tcp 10.0.2.100 10.0.1.20:53 "+data] = true
	}
	// In pieces that end in the middle of messages, and of their lengths.
	for piece := range (len(all) + 6) / 7 {
		if _, err := c.Write(all[piece*7 : min(piece*7+7, len(all))]); err != nil {
			t.Fatal(err)
		}
	}
	for len(missing) > 0 {
		got, err := read(c)
		if err != nil {
			t.Fatalf("%d answers are missing: %v", len(missing), err)
		}
		if !missing[got] {
			t.Fatalf("unexpected answer %q", got)
		}
		delete(missing, got)
	}
}

// A message of nothing, of garbage, and of 64 KiB reaches the program as it is, over both transports, and disturbs
// nobody; UDP carries what fits.
func TestSizes(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	l.add(t, "node", echo{}, "10.0.1.20")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	at := e.Doors()[0].Real
	for proto, sizes := range map[string][]int{"udp": {0, 1, 11, 512, 60001, 65507}, "tcp": {0, 1, 11, 512, 60001, 65535}} {
		c := dial(t, proto, at, "")
		for _, size := range sizes {
			data := strings.Repeat("\xff", size)
			if got := exchange(t, c, data); !strings.HasSuffix(got, data) {
				t.Errorf("%s, %d octets: %d came back", proto, size, len(got))
			}
		}
	}
}

// A client that hangs up in the middle of a message, and one that sends half a length, cost nobody anything.
func TestHalfMessages(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	l.add(t, "node", echo{}, "10.0.1.20")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	at := e.Doors()[0].Real
	for _, half := range []string{"\x00", "\x00\x05he", "\xff\xff"} {
		c := dial(t, "tcp", at, "")
		if _, err := c.Write([]byte(half)); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	exchange(t, dial(t, "tcp", at, ""), "hello")
}

// flood answers one question with a lot.
type flood struct {
	messages int
	done     chan struct{}
}

func (flood) AnswerNow(network.Message) ([]byte, bool) { return nil, false }

func (f flood) Serve(_ context.Context, _ network.Message, send func([]byte) error) error {
	message := make([]byte, 65000)
	for range f.messages {
		if err := send(message); err != nil {
			return err
		}
	}
	close(f.done)
	return nil
}

// A client that reads nothing of a long answer does not hold up the world: whoever answers it has its turn for long
// enough to say what it has to say.
func TestReaderWhoDoesNotReadHoldsUpNobody(t *testing.T) {
	t.Parallel()
	for _, messages := range []int{200, 2000} { // more than the sockets hold, and more than anybody keeps for a client
		l := newLittle(t)
		f := flood{messages: messages, done: make(chan struct{})}
		l.add(t, "flood", f, "10.0.1.20")
		e, err := edge.Ports(l.config(t))
		opened(t, e, err)
		c := dial(t, "tcp", e.Doors()[0].Real, "")
		write(t, c, "everything")
		alarm := alarm(t)
		select {
		case <-f.done:
		case <-alarm:
			t.Fatalf("%d messages: the program waits for its client", messages)
		}
		if err := l.clock.Run(func() {}); err != nil {
			t.Fatal(err)
		}
		got := 0
		for ; got < messages; got++ {
			if _, err := read(c); err != nil {
				break
			}
		}
		if whole := messages == 200; whole != (got == messages) {
			t.Errorf("of %d messages %d came", messages, got)
		}
	}
}

// A client that asks and closes its half of the connection, as printf | nc does, gets all its answers and then the end,
// whether they come at once, from an activity, or late by a rule; who is not answered gets the end alone.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	l.add(t, "node", echo{}, "10.0.1.20")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	l.net.AddRule(&network.Rule{
		Match: func(f *network.Flight) bool { return f.Reply && strings.Contains(string(f.Data), "slowly") },
		Act:   func(f *network.Flight) bool { f.Delay = 20 * time.Millisecond; return true },
	})
	for _, asked := range [][]string{nil, {"now"}, {"never"}, {"now", "later", "now slowly", "never", "later slowly"}} {
		c := dial(t, "tcp", e.Doors()[0].Real, "")
		missing := map[string]bool{}
		for _, data := range asked {
			write(t, c, data)
			if data != "never" {
				missing["tcp 10.0.2.100 10.0.1.20:53 "+data] = true
			}
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		for {
			got, err := read(c)
			if err == io.EOF && len(missing) == 0 {
				break
			}
			if err != nil || !missing[got] {
				t.Fatalf("%q: got %q, %v; %d answers are missing", asked, got, err, len(missing))
			}
			delete(missing, got)
		}
	}
}

// stuck is a program that thinks until it is stopped.
type stuck struct {
	clock    clock.Clock
	thinking chan struct{}
}

func (stuck) AnswerNow(network.Message) ([]byte, bool) { return nil, false }

func (s stuck) Serve(ctx context.Context, _ network.Message, _ func([]byte) error) error {
	s.thinking <- struct{}{}
	return s.clock.Sleep(ctx, 24*time.Hour)
}

// Whoever waits for such a program with half a connection waits until the program is stopped, or the door is shut.
func TestHalfClosedInVain(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	program := stuck{l.clock, make(chan struct{}, 1)}
	service := l.add(t, "node", program, "10.0.1.20")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	for _, end := range []func(){func() { service.Stop(network.Hanging) }, func() { service.Start(program) }, func() { e.Close() }} {
		service.Start(program)
		c := dial(t, "tcp", e.Doors()[0].Real, "")
		write(t, c, "well?")
		<-program.thinking
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		end()
		if got, err := read(c); err == nil || isTimeout(err) {
			t.Errorf("got %q, %v; want the end of the connection", got, err)
		}
	}
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error)
	return ok && n.Timeout()
}

// alarm is closed when patience is at its end: the deadline of a socket that nobody writes to.
func alarm(t *testing.T) <-chan struct{} {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(clock.Wall{}.In(patience)); err != nil {
		t.Fatal(err)
	}
	rang, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		if _, err := c.Read(make([]byte, 1)); err != nil {
			close(rang)
		}
	}()
	t.Cleanup(func() { c.Close(); <-gone })
	return rang
}

// Only so many connections are taken at a time; the next ones are when others have gone.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	l.add(t, "node", echo{}, "10.0.1.20")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	at := e.Doors()[0].Real
	var conns []net.Conn
	for range 128 {
		c := dial(t, "tcp", at, "")
		exchange(t, c, "hello")
		conns = append(conns, c)
	}
	c := dial(t, "tcp", at, "")
	if _, err := c.Write(framed(c, "hello")); err == nil {
		if answer, err := read(c); err == nil {
			t.Errorf("one too many was answered: %q", answer)
		}
	}
	for _, c := range conns {
		c.Close()
	}
	for try := 0; ; try++ { // until the door has noticed
		c := dial(t, "tcp", at, "")
		_, _ = c.Write(framed(c, "hello"))
		if _, err := read(c); err == nil {
			break
		}
		c.Close()
		if try == 1000 {
			t.Fatal("no connection is taken any more")
		}
	}
}
