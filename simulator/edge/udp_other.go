//go:build !linux

package edge

import "net"

func newBatcher(u *net.UDPConn) batcher { return &single{conn: u, buffer: make([]byte, largest)} }
