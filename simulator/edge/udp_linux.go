package edge

import (
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// mostBatched is how many packets a system call moves at most.
	mostBatched = 64
	// stride lies between the beginnings of two buffers: room for the largest packet and a few cache lines more, so that
	// the beginnings, all that is used of most buffers, do not compete for the same lines of a processor's caches.
	stride = 64<<10 + 23*64
)

// batch reads and writes with recvmmsg and sendmmsg. It begins with room for one packet and makes more as packets come
// together: a quiet door costs one buffer, a busy one sixty-four. All that the kernel is shown is laid out once, and a
// client's address goes back as it came.
type batch struct {
	raw     syscall.RawConn
	in, out [mostBatched]mmsghdr
	inData  [mostBatched]unix.Iovec
	outData [mostBatched]unix.Iovec
	clients [mostBatched]unix.RawSockaddrInet6 // an IPv4 address takes the beginning of one
	buffers [mostBatched][]byte
	room    int // packets to read into
	packets []packet

	unbroken int // packets read since others had their turn
	breath   breath

	receive, send func(fd uintptr) (done bool)
	// What receive and send were to do, and did.
	first, last, moved int
	failed             syscall.Errno
}

// mmsghdr is Linux's struct of that name.
type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

func newBatcher(u *net.UDPConn) (batcher, error) {
	raw, err := u.SyscallConn()
	if err != nil {
		return nil, err
	}
	b := &batch{raw: raw}
	b.receive = func(fd uintptr) bool {
		if b.call(unix.SYS_RECVMMSG, fd, b.in[:b.room]) {
			return true
		}
		b.unbroken = 0 // now it waits
		return false
	}
	b.send = func(fd uintptr) bool {
		return b.call(unix.SYS_SENDMMSG, fd, b.out[b.first:b.last])
	}
	for i := range b.in {
		b.in[i].header.Iov, b.out[i].header.Iov = &b.inData[i], &b.outData[i]
		b.in[i].header.SetIovlen(1)
		b.out[i].header.SetIovlen(1)
		b.in[i].header.Name = (*byte)(unsafe.Pointer(&b.clients[i]))
		b.in[i].header.Namelen = unix.SizeofSockaddrInet6
	}
	b.grow()
	return b, nil
}

// grow doubles the room.
func (b *batch) grow() {
	n := min(max(2*b.room, 1), mostBatched)
	slab := make([]byte, (n-b.room)*stride)
	for i := b.room; i < n; i++ {
		b.buffers[i], slab = slab[:largest:largest], slab[stride:]
		b.inData[i].Base = &b.buffers[i][0]
		b.inData[i].SetLen(largest)
	}
	b.room = n
}

// call moves messages; false: it would have to wait. The call never waits itself, so the scheduler is not told of it: it
// would take it for one that does whenever the kernel has many packets to move, and set another thread to work.
func (b *batch) call(trap, fd uintptr, messages []mmsghdr) (done bool) {
	for {
		n, _, errno := unix.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		if b.moved, b.failed = int(n), errno; errno != 0 {
			b.moved = 0
		}
		return true
	}
}

func (b *batch) read() ([]packet, error) {
	for i := range b.packets { // the kernel wrote the lengths of addresses over what room there is for them
		b.in[i].header.Namelen = unix.SizeofSockaddrInet6
	}
	if err := b.raw.Read(b.receive); err != nil {
		return nil, err
	}
	if b.failed != 0 {
		return nil, b.failed
	}
	b.packets = b.packets[:0]
	for i := range b.moved {
		b.packets = append(b.packets, packet{client: addrPort(&b.clients[i]), data: b.buffers[i][:b.in[i].length]})
	}
	if b.moved == b.room {
		b.grow()
	}
	if b.unbroken += b.moved; b.unbroken >= mostBatched {
		b.unbroken = 0
		b.breath.take()
	}
	return b.packets, nil
}

func (b *batch) close() { b.breath.close() }

// addrPort reads a socket's address.
func addrPort(a *unix.RawSockaddrInet6) netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&a.Port)) // in the network's order
	p := uint16(port[0])<<8 | uint16(port[1])
	if a.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(a)).Addr), p)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), p)
}

func (b *batch) write(replies [][]byte, to []int) {
	for i, reply := range replies {
		m := &b.out[i]
		m.header.Name = (*byte)(unsafe.Pointer(&b.clients[to[i]]))
		m.header.Namelen = b.in[to[i]].header.Namelen
		b.outData[i].Base = unsafe.SliceData(reply)
		b.outData[i].SetLen(len(reply))
	}
	for b.first, b.last = 0, len(replies); b.first < b.last; {
		if err := b.raw.Write(b.send); err != nil {
			return // the socket is closed
		}
		b.first += b.moved
		if b.failed != 0 {
			b.first++ // what could not be sent
		}
	}
}
