package edge

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// mostBatched is how many packets a system call moves at most.
const mostBatched = 64

// batch reads and writes with recvmmsg and sendmmsg. It begins with room for one packet and makes more as packets come
// together: a quiet door costs one buffer, a busy one sixty-four.
type batch struct {
	conn    batchConn
	in, out []ipv4.Message
	room    int // messages to read into
	packets []packet
}

// batchConn is a socket of either family.
type batchConn interface {
	ReadBatch(messages []ipv4.Message, flags int) (int, error)
	WriteBatch(messages []ipv4.Message, flags int) (int, error)
}

func newBatcher(u *net.UDPConn) batcher {
	var conn batchConn = ipv4.NewPacketConn(u)
	if local, ok := u.LocalAddr().(*net.UDPAddr); ok && local.IP.To4() == nil {
		conn = ipv6.NewPacketConn(u)
	}
	b := &batch{conn: conn, in: make([]ipv4.Message, mostBatched), out: make([]ipv4.Message, mostBatched), packets: make([]packet, mostBatched)}
	for i := range b.out {
		b.out[i].Buffers = make([][]byte, 1)
	}
	b.grow()
	return b
}

// grow doubles the room.
func (b *batch) grow() {
	n := min(max(2*b.room, 1), mostBatched)
	for i := b.room; i < n; i++ {
		b.in[i].Buffers = [][]byte{make([]byte, largest)}
	}
	b.room = n
}

func (b *batch) read() ([]packet, error) {
	n, err := b.conn.ReadBatch(b.in[:b.room], 0)
	if err != nil {
		return nil, err
	}
	for i := range n {
		m := &b.in[i]
		b.packets[i] = packet{client: clientOf(m.Addr), data: m.Buffers[0][:m.N]}
	}
	if n == b.room {
		b.grow()
	}
	return b.packets[:n], nil
}

func clientOf(a net.Addr) netip.AddrPort {
	u := a.(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(u.Addr().Unmap(), u.Port())
}

func (b *batch) write(replies [][]byte, to []int) {
	for i, reply := range replies {
		b.out[i].Buffers[0], b.out[i].Addr = reply, b.in[to[i]].Addr
	}
	for left := b.out[:len(replies)]; len(left) > 0; {
		n, err := b.conn.WriteBatch(left, 0)
		if err != nil {
			n = max(n, 0) + 1 // the first of those left is what could not be sent
		}
		left = left[min(n, len(left)):]
	}
}
