package edge

import (
	"net"
	"testing"
)

// Whoever asks nothing more and is not answered either is waited for as long as a client may be idle, and no longer.
func TestFinishIsBounded(t *testing.T) {
	t.Parallel()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	out := newOutbox(conn)
	late := out.later()
	written := make(chan struct{})
	go func() { defer close(written); out.write() }()
	out.finish()
	out.mu.Lock()
	out.bored.Reset(0) // the time is over
	out.mu.Unlock()
	<-written
	if n, err := client.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d octets came, want the end of the connection", n)
	}
	late.Reply([]byte("too late"))
	late.End()
	out.finish() // does nothing any more
}
