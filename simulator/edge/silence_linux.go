package edge

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// silence has a socket's kernel drop all that arrives for it, or take it again. A listening socket then does not even
// answer the opening of a connection, as a host that is dark does not; that needs no privilege. Where it fails, connections
// open and nothing answers on them.
func silence(socket syscall.Conn, silent bool) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		if !silent {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
			return
		}
		nothing := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}} // of each packet, no octet
		_ = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nothing[0]})
	})
}
