package edge

import (
	"encoding/binary"
	"net"
	"sync"
	"time"

	"faultzone/simulator/clock"
	"faultzone/simulator/network"
)

// outbox holds the answers on their way to a TCP client. Whoever answers never waits for the client: an activity of the
// world that did would hold up the whole world.
type outbox struct {
	conn    *net.TCPConn
	mu      sync.Mutex
	some    sync.Cond
	data    []byte // framed
	awaited int    // questions to which more may come
	last    bool   // the client asks nothing more: with the last of its answers the connection ends
	bored   *time.Timer
	ended   bool
}

func newOutbox(c *net.TCPConn) *outbox {
	o := &outbox{conn: c}
	o.some.L = &o.mu
	return o
}

// put takes an answer. A client that leaves too many of them unread is hung up on.
func (o *outbox) put(answer []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended || len(answer) > largest {
		return
	}
	if len(o.data)+len(answer) > mostUnread {
		o.end()
		return
	}
	o.data = append(binary.BigEndian.AppendUint16(o.data, uint16(len(answer))), answer...)
	o.some.Signal()
}

// later takes the answers to a question that has to wait for them.
func (o *outbox) later() network.Later {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.awaited++
	return network.Later{Reply: o.put, End: func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.awaited--
		o.some.Signal()
	}}
}

// finish ends the connection once everything that was asked is answered, or nothing has come for as long as a client may
// be idle.
func (o *outbox) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return
	}
	o.last, o.bored = true, clock.Wall{}.After(idle, o.close)
	o.some.Signal()
}

// end lets write return and closes the connection. The caller holds o.mu.
func (o *outbox) end() {
	o.ended, o.data = true, nil
	if o.bored != nil {
		o.bored.Stop()
	}
	o.some.Signal()
	o.conn.Close()
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end()
}

// write sends what is put until the connection ends.
func (o *outbox) write() {
	var wall clock.Wall
	var sending []byte
	for {
		o.mu.Lock()
		for len(o.data) == 0 && !o.ended && !(o.last && o.awaited == 0) {
			o.some.Wait()
		}
		if o.ended || len(o.data) == 0 {
			o.end()
			o.mu.Unlock()
			return
		}
		sending, o.data = o.data, sending[:0]
		if o.bored != nil {
			o.bored.Reset(idle)
		}
		o.mu.Unlock()
		o.conn.SetWriteDeadline(wall.In(idle))
		if _, err := o.conn.Write(sending); err != nil {
			o.close() // the client has gone, or does not read
			return
		}
	}
}
