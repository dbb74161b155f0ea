package dnstap

import (
	"errors"
	"fmt"
	"net"
	"time"

	dnstap "github.com/dnstap/golang-dnstap"
	framestream "github.com/farsightsec/golang-framestream"

	"faultzone/simulator/clock"
)

// What a collector may cost, in real time.
const (
	// patience is how long a connection, a handshake, a write or the farewell may take.
	patience = 2 * time.Second
	// pause is the least time between two tries to connect.
	pause = time.Second
)

// NewSocket writes to whoever listens on the unix socket at path, with the handshake of bidirectional Frame Streams. It
// connects with the first message. Where nobody listens, or the other end has gone or takes nothing for two seconds, what
// there is to write is lost, and a new connection is tried with a later message, once a second at most. report, when not
// nil, is told of each change: the connection is lost or cannot be had (the error), or there again (nil).
func NewSocket(path, version string, report func(error)) *Writer {
	return newWriter(&socket{path: path, report: report}, version)
}

type socket struct {
	path   string
	report func(error)
	wall   clock.Wall

	conn   net.Conn
	stream *framestream.Writer // nil: there is no connection
	tried  time.Time
	told   bool // of the failure that goes on
}

var errNobody = errors.New("nobody takes dnstap messages")

func (s *socket) frame(b []byte) error {
	if s.stream == nil {
		if !s.tried.IsZero() && s.wall.Since(s.tried) < pause {
			return errNobody
		}
		if err := s.connect(); err != nil {
			s.tell(err)
			return err
		}
		s.tell(nil)
	}
	_, err := s.stream.WriteFrame(b)
	return s.check(err)
}

func (s *socket) connect() error {
	defer func() { s.tried = s.wall.Now() }()
	d := net.Dialer{Deadline: s.wall.In(patience)}
	conn, err := d.Dial("unix", s.path)
	if err != nil {
		return err
	}
	stream, err := framestream.NewWriter(conn,
		&framestream.WriterOptions{ContentTypes: [][]byte{dnstap.FSContentType}, Bidirectional: true, Timeout: patience})
	if err != nil {
		conn.Close()
		return fmt.Errorf("the handshake with %s: %w", s.path, err)
	}
	s.conn, s.stream = conn, stream
	return nil
}

// check gives the connection up after an error.
func (s *socket) check(err error) error {
	if err != nil && s.stream != nil {
		s.conn.Close()
		s.conn, s.stream = nil, nil
		s.tell(err)
	}
	return err
}

// tell reports a change.
func (s *socket) tell(err error) {
	if failed := err != nil; failed != s.told {
		s.told = failed
		if s.report != nil {
			s.report(err)
		}
	}
}

func (s *socket) flush() error {
	if s.stream == nil {
		return nil
	}
	return s.check(s.stream.Flush())
}

// close says goodbye. What cannot be delivered any more is lost, which is no error of the world's.
func (s *socket) close() error {
	if s.stream == nil {
		return nil
	}
	err := s.stream.Close()
	s.conn.Close()
	s.conn, s.stream = nil, nil
	if err != nil {
		s.tell(err)
	}
	return nil
}
