// Package dnstap writes what the programs of a world ask and answer as dnstap (dnstap.info): Frame Streams of protobuf, as
// BIND, Unbound and Knot write it, into a file or to a collector that listens on a unix socket.
//
// Each node of the world logs for itself, under its name as identity, what it would log in life:
//
//	an authoritative server  AUTH_QUERY and AUTH_RESPONSE, UPDATE_QUERY and UPDATE_RESPONSE
//	a resolver               CLIENT_QUERY and CLIENT_RESPONSE of those who ask it, RESOLVER_QUERY and RESOLVER_RESPONSE of
//	                         those whom it asks: FORWARDER_… where that is another resolver
//	a client                 STUB_QUERY and STUB_RESPONSE
//
// So a message between two nodes is there twice. Who receives one logs it only if it arrived; who sends one does in any
// case, and the extra field says what became of it where that was not the usual ("dropped by partition"). What a server
// asks by itself (refreshes, transfers, NOTIFY) has no dnstap type and is logged by the server asked alone; real clients
// log nothing; nor is there anything of a client's own local stub at 127.0.0.53, an address that each node has. Times are
// the world's: of sending, or of arrival. A message is logged as it arrives, or would have.
package dnstap

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	dnstap "github.com/dnstap/golang-dnstap"
	"google.golang.org/protobuf/proto"

	"faultzone/simulator"
	"faultzone/simulator/network"
	"faultzone/simulator/recording"
)

// framer is where frames go.
type framer interface {
	frame([]byte) error
	flush() error
	close() error
}

// Writer is a [recording.Sink] that writes dnstap.
type Writer struct {
	out     framer
	version []byte
	asked   *recording.Asked
	buffer  []byte
}

// remembered is how many questions under way are told to their answers.
const remembered = 1 << 14

func newWriter(out framer, version string) *Writer {
	return &Writer{out: out, version: []byte(version), asked: recording.NewAsked(remembered)}
}

// side is one of the two ends of an exchange.
type side uint8

const (
	asker side = iota
	answerer
)

// Write writes what the two ends of a leg log.
func (w *Writer) Write(l *recording.Leg) error {
	if l.Data == nil {
		return recording.ErrLeftOut // the opening of a connection
	}
	if !l.Reply {
		w.asked.Ask(&l.Event, recording.Times{Left: l.At, Arrived: l.Seen})
	}
	sender, receiver := asker, answerer
	if l.Reply {
		sender, receiver = answerer, asker
	}
	sent := w.log(l, sender)
	if l.Fate != network.Delivered || sent != nil && !errors.Is(sent, recording.ErrLeftOut) {
		return sent
	}
	if received := w.log(l, receiver); !errors.Is(received, recording.ErrLeftOut) {
		return received
	}
	return sent
}

// log writes what one end logs, if anything.
func (w *Writer) log(l *recording.Leg, at side) error {
	m, host := w.message(l, at)
	if m == nil {
		return recording.ErrLeftOut
	}
	d := &dnstap.Dnstap{Type: dnstap.Dnstap_MESSAGE.Enum(), Identity: []byte(host.Name), Version: w.version, Extra: extra(&l.Event), Message: m}
	var err error
	if w.buffer, err = (proto.MarshalOptions{Deterministic: true}).MarshalAppend(w.buffer[:0], d); err != nil {
		return err
	}
	return w.out.frame(w.buffer)
}

// message is the leg as one end saw it; nil: that end logs nothing.
func (w *Writer) message(l *recording.Leg, at side) (*dnstap.Message, recording.Host) {
	from, to := l.From, l.To
	if l.Reply {
		from, to = to, from
	}
	query, ok := typeOf(l, from.Addr(), to.Addr(), at)
	if !ok {
		return nil, recording.Host{}
	}
	end := from
	if at == answerer {
		end = to
	}
	host, _ := l.Scene.Host(end.Addr())
	m := &dnstap.Message{SocketFamily: dnstap.SocketFamily_INET.Enum(), SocketProtocol: dnstap.SocketProtocol_UDP.Enum(),
		QueryAddress: from.Addr().AsSlice(), QueryPort: proto.Uint32(uint32(from.Port())),
		ResponseAddress: to.Addr().AsSlice(), ResponsePort: proto.Uint32(uint32(to.Port()))}
	if from.Addr().Is6() {
		m.SocketFamily = dnstap.SocketFamily_INET6.Enum()
	}
	if l.Network == "tcp" {
		m.SocketProtocol = dnstap.SocketProtocol_TCP.Enum()
	}
	if !l.Reply {
		m.Type, m.QueryMessage = query.Enum(), l.Data
		m.QueryTimeSec, m.QueryTimeNsec = stamp(atEnd(recording.Times{Left: l.At, Arrived: l.Seen}, at))
		return m, host
	}
	m.Type, m.ResponseMessage = (query + 1).Enum(), l.Data // each query's type is followed by its response's
	if t, ok := w.asked.When(&l.Event); ok {
		m.QueryTimeSec, m.QueryTimeNsec = stamp(atEnd(t, at))
	}
	when := l.Seen
	if at == asker {
		when = l.Arrives()
	}
	m.ResponseTimeSec, m.ResponseTimeNsec = stamp(when)
	return m, host
}

// atEnd is when a query was at one of its ends.
func atEnd(t recording.Times, at side) time.Time {
	if at == asker {
		return t.Left
	}
	return t.Arrived
}

// typeOf is the type of the query that an end logs for the exchange; ok false: it logs none.
func typeOf(l *recording.Leg, from, to netip.Addr, at side) (t dnstap.Message_Type, ok bool) {
	if l.Elsewhere() {
		return t, false
	}
	asking, _ := l.Scene.Host(from)
	asked, _ := l.Scene.Host(to)
	if at == answerer {
		switch {
		case asked.Role == simulator.RoleServer && isUpdate(l.Data):
			return dnstap.Message_UPDATE_QUERY, true
		case asked.Role == simulator.RoleServer:
			return dnstap.Message_AUTH_QUERY, true
		}
		return dnstap.Message_CLIENT_QUERY, asked.Role == simulator.RoleResolver
	}
	switch {
	case asking.Role == simulator.RoleClient:
		return dnstap.Message_STUB_QUERY, true
	case asked.Role == simulator.RoleResolver, asked.Role == simulator.RoleUpstream:
		return dnstap.Message_FORWARDER_QUERY, asking.Role == simulator.RoleResolver
	}
	return dnstap.Message_RESOLVER_QUERY, asking.Role == simulator.RoleResolver
}

// isUpdate tells whether a message's opcode is UPDATE (RFC 2136 section 2.2).
func isUpdate(m []byte) bool { return len(m) > 2 && m[2]>>3&0xf == 5 }

// extra says what happened to a message besides arriving.
func extra(e *network.Event) []byte {
	switch {
	case e.Fate == network.Delivered && e.Rule == "":
		return nil
	case e.Fate == network.Delivered:
		return []byte("changed by " + e.Rule)
	case e.Rule == "":
		return []byte(e.Fate.String())
	}
	return fmt.Appendf(nil, "%s by %s", e.Fate, e.Rule)
}

func stamp(t time.Time) (seconds *uint64, nanoseconds *uint32) {
	return proto.Uint64(uint64(t.Unix())), proto.Uint32(uint32(t.Nanosecond()))
}

// Flush hands on what has been written.
func (w *Writer) Flush() error { return w.out.flush() }

// Close ends the stream of frames as the protocol wants it, and closes the file or the connection.
func (w *Writer) Close() error { return w.out.close() }
