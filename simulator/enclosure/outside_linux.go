package enclosure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// outsideName is the file by which the inner process asks the outer one for sockets of the host's network.
const outsideName = "outside"

// giveSockets answers, in the outer process, each octet that comes over the pair with a new socket; it ends when nobody
// has the other end any more. A socket belongs to the network that it was made in, whoever has it.
func giveSockets(pair *os.File) {
	raw, err := pair.SyscallConn()
	var kind [1]byte
	for err == nil {
		if n, ended := pair.Read(kind[:]); n == 0 || ended != nil {
			return
		}
		var rights []byte // none: there is no socket to be had
		socket, refused := unix.Socket(familyOf(kind[0]), transportOf(kind[0])|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if refused == nil {
			rights = unix.UnixRights(socket)
		}
		err = send(raw, kind[:], rights)
		if refused == nil {
			unix.Close(socket)
		}
	}
}

// send sends a message over a socket, with open files.
func send(raw syscall.RawConn, data, rights []byte) error {
	var failed error
	err := raw.Write(func(fd uintptr) bool {
		failed = unix.Sendmsg(int(fd), data, rights, nil, unix.MSG_NOSIGNAL)
		return !errors.Is(failed, unix.EAGAIN)
	})
	return errors.Join(err, failed)
}

// The octet that asks for a socket has a bit for IPv6 and one for TCP.
const (
	wantIPv6 = 1 << iota
	wantTCP
)

func familyOf(kind byte) int {
	if kind&wantIPv6 != 0 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

func transportOf(kind byte) int {
	if kind&wantTCP != 0 {
		return unix.SOCK_STREAM
	}
	return unix.SOCK_DGRAM
}

// Outside reaches, from the inner process, what the host reaches.
type Outside struct {
	mu   sync.Mutex
	pair *os.File
}

// OutsideOf is the way out among the files that were handed over; nil: there is none.
func OutsideOf(handed map[string]*os.File) *Outside {
	if pair := handed[outsideName]; pair != nil {
		return &Outside{pair: pair}
	}
	return nil
}

// Dial connects to an address of the host's network over "udp" or "tcp". It does not wait: a TCP connection opens while
// the first octets wait to be written.
func (o *Outside) Dial(_ context.Context, network string, to netip.AddrPort, _ time.Time) (net.Conn, error) {
	var kind byte
	var at unix.Sockaddr
	if a := to.Addr().Unmap(); a.Is4() {
		at = &unix.SockaddrInet4{Port: int(to.Port()), Addr: a.As4()}
	} else {
		kind |= wantIPv6
		at = &unix.SockaddrInet6{Port: int(to.Port()), Addr: a.As16()}
	}
	if network == "tcp" {
		kind |= wantTCP
	}
	socket, err := o.socket(kind)
	if err != nil {
		return nil, fmt.Errorf("get a socket of the host's: %w", err)
	}
	f := os.NewFile(uintptr(socket), network)
	defer f.Close() // the connection has a copy
	if err := unix.Connect(socket, at); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return nil, os.NewSyscallError("connect", err)
	}
	return net.FileConn(f)
}

// socket asks for one.
func (o *Outside) socket(kind byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := o.pair.Write([]byte{kind}); err != nil {
		return 0, err
	}
	raw, err := o.pair.SyscallConn()
	if err != nil {
		return 0, err
	}
	var n, rightsLen int
	var failed error
	answer, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	err = raw.Read(func(fd uintptr) bool {
		n, rightsLen, _, _, failed = unix.Recvmsg(int(fd), answer, rights, unix.MSG_CMSG_CLOEXEC)
		return !errors.Is(failed, unix.EAGAIN)
	})
	if err = errors.Join(err, failed); err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, errors.New("the process that stays on the host has ended")
	}
	messages, err := unix.ParseSocketControlMessage(rights[:rightsLen])
	if err != nil {
		return 0, err
	}
	for i := range messages {
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil && len(fds) == 1 {
			return fds[0], nil
		}
	}
	return 0, errors.New("the host gives none")
}

// wayOut makes the pair: the inner process's end, and this one's, which is served until the other is closed.
func wayOut() (inner, outer *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("a pair of sockets for the way out: %w", err)
	}
	return os.NewFile(uintptr(pair[0]), outsideName), os.NewFile(uintptr(pair[1]), outsideName), nil
}
