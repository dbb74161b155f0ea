package edge_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"faultzone/simulator/clock"
	"faultzone/simulator/edge"
	"faultzone/simulator/network"
)

// shout answers "all" with more than UDP carries, and all else as it came.
type shout struct{ echo }

func (shout) AnswerNow(m network.Message) ([]byte, bool) {
	if string(m.Data) == "all" {
		return make([]byte, 65535), true
	}
	return m.Data, true
}

// A reply that cannot be sent is lost, and those around it are not.
func TestReplyThatCannotBeSent(t *testing.T) {
	t.Parallel()
	l := newLittle(t)
	l.add(t, "ns", shout{}, "10.0.1.20")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	c := dial(t, "udp", e.Doors()[0].Real, "")
	for i := range 30 {
		want := fmt.Sprint(i)
		write(t, c, "all")
		write(t, c, want)
		write(t, c, "all")
		if got, err := read(c); got != want || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

// TestBursts: packets that come faster than they are read are answered in batches. Each client gets the answers to its own
// and to all of them, from the loop that reads and from activities, whether a rule holds some up or not.
func TestBursts(t *testing.T) {
	l := newLittle(t)
	l.add(t, "ns", echo{}, "10.0.1.20")
	e, err := edge.Ports(l.config(t))
	opened(t, e, err)
	l.net.AddRule(&network.Rule{
		Match: func(f *network.Flight) bool { return f.Reply && f.Data[len(f.Data)-1] == '7' },
		Act:   func(f *network.Flight) bool { f.Delay = time.Millisecond; return true },
	})
	const clients, each = 4, 48 // as many as the socket has room for
	var conns []net.Conn
	for range clients {
		conns = append(conns, dial(t, "udp", e.Doors()[0].Real, ""))
	}
	kinds := []string{"now", "later", "never"}
	for i := range each {
		for c, conn := range conns {
			write(t, conn, fmt.Sprintf("%s client %d number %d", kinds[i%3], c, i))
		}
	}
	for c, conn := range conns {
		want := map[string]bool{}
		for i := range each {
			if i%3 != 2 {
				want[fmt.Sprintf("%s client %d number %d", kinds[i%3], c, i)] = true
			}
		}
		conn.SetReadDeadline(clock.Wall{}.In(patience))
		buffer := make([]byte, 65535)
		for len(want) > 0 {
			n, err := conn.Read(buffer)
			if err != nil {
				t.Fatalf("client %d still misses %d answers: %v", c, len(want), err)
			}
			got := ""
			for w := range want {
				if n > len(w) && string(buffer[n-len(w):n]) == w && buffer[n-len(w)-1] == ' ' {
					got = w
				}
			}
			if got == "" {
				t.Fatalf("client %d got %q, which is none of its own", c, buffer[:n])
			}
			delete(want, got)
		}
	}
}
