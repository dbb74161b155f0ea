//go:build !linux

package edge

import "net"

func newBatcher(u *net.UDPConn) (batcher, error) {
	return &single{conn: u, buffer: make([]byte, largest)}, nil
}

// single is the batcher that works everywhere: one packet at a time.
type single struct {
	conn   *net.UDPConn
	buffer []byte
	packet [1]packet
}

func (s *single) read() ([]packet, error) {
	n, client, err := s.conn.ReadFromUDPAddrPort(s.buffer)
	if err != nil {
		return nil, err
	}
	s.packet[0] = packet{client: client, data: s.buffer[:n]}
	return s.packet[:], nil
}

func (s *single) close() {}

func (s *single) write(replies [][]byte, _ []int) {
	for _, reply := range replies {
		_, _ = s.conn.WriteToUDPAddrPort(reply, s.packet[0].client)
	}
}
