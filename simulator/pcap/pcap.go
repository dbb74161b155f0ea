// Package pcap writes what crosses a world's network as a packet capture, for Wireshark and tshark.
//
// The capture is what the hosts that are asked would have captured, all in one file: a query when it arrives, a reply when
// it leaves, by the world's clock, in nanoseconds. So the time between the two is what the server, or a resolver with all
// its own questions, took for it. What never arrives is there too, at the time when it was lost: a query that nobody
// answers, and a reply that the asker does not acknowledge.
//
// The world moves messages, not packets; the packets are made up around them, as plausible as can be:
//
//   - Link type raw IP, IPv4 and IPv6, with right checksums and without fragments: as on a loopback interface, a datagram
//     may have up to 65,535 octets. A message that no datagram can hold is left out.
//   - Refused is an ICMP port unreachable from the server over UDP, a reset over TCP; unreachable is an ICMP host
//     unreachable that the asker's own host gives itself, as it does when nobody answers its ARP.
//   - A TCP connection has its handshake, acknowledgements and end. The opening of a world's own connection is an event of
//     the network; a real client's is shown with its first query. No event tells of the end: a world's own connection is
//     closed by the client once it has its answer (a transfer: its last message), any other after ten seconds' silence,
//     or with the capture. A lost segment is not sent again; a host that hangs acknowledges, and says nothing.
//
// In a file named .pcapng a packet that a fault changed, or that was lost, has a comment that says so; all else is the same
// in both formats.
package pcap

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"faultzone/simulator/network"
	"faultzone/simulator/recording"
)

// snapLength is the most that is captured of a packet: all of it.
const snapLength = 1 << 18

// Writer is a [recording.Sink] that writes a capture.
type Writer struct {
	file    io.WriteCloser
	buffer  *bufio.Writer
	ng      *pcapgo.NgWriter // one of the two is set
	classic *pcapgo.Writer
	err     error // the first

	scene   *recording.Scene
	packet  gopacket.SerializeBuffer
	streams streams
	now     time.Time // of the packet written last
	comment string    // for the packets of the leg at hand
}

// New begins a capture in file, and writes its header; name tells the format. Close closes the file.
func New(file io.WriteCloser, name string) (*Writer, error) {
	w := &Writer{file: file, buffer: bufio.NewWriterSize(file, 1<<16), packet: gopacket.NewSerializeBuffer()}
	w.streams.reset()
	var err error
	if strings.HasSuffix(name, ".pcapng") {
		w.ng, err = pcapgo.NewNgWriterInterface(w.buffer,
			pcapgo.NgInterface{Name: "world", Description: "the network of a simulated world", LinkType: layers.LinkTypeRaw,
				SnapLength: snapLength, TimestampResolution: 9},
			pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "faultzone"}})
	} else {
		w.classic = pcapgo.NewWriterNanos(w.buffer)
		err = w.classic.WriteFileHeader(snapLength, layers.LinkTypeRaw)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return w, nil
}

// Write puts the packets of a leg into the capture.
func (w *Writer) Write(l *recording.Leg) error {
	if l.Scene != w.scene { // another world, with a clock of its own
		w.closeStreams()
		w.scene, w.now = l.Scene, time.Time{}
	}
	tcp := l.Network == "tcp"
	if !l.From.IsValid() || !l.To.IsValid() || l.From.Addr().Is4() != l.To.Addr().Is4() || !tcp && len(l.Data) > maxDatagram(l.From.Addr()) {
		return recording.ErrLeftOut
	}
	w.upTo(l.Seen)
	w.comment = remark(&l.Event)
	if tcp {
		w.tcp(l)
	} else {
		w.udp(l)
	}
	w.comment = ""
	return w.err
}

// remark says what happened to a leg besides arriving.
func remark(e *network.Event) string {
	switch {
	case e.Fate != network.Delivered && e.Rule != "":
		return fmt.Sprintf("%s by %s", e.Fate, e.Rule)
	case e.Fate == network.Dropped:
		return "dropped: the host is dark, or hangs"
	case e.Fate == network.Refused:
		return "refused: nobody listens there"
	case e.Fate == network.Unreachable:
		return "unreachable: there is no such host"
	case e.Delay > 0:
		return fmt.Sprintf("held up for %v by %s", e.Delay, e.Rule)
	case e.Rule != "":
		return "changed by " + e.Rule
	}
	return ""
}

// udp writes a datagram, and the error that it meets.
func (w *Writer) udp(l *recording.Leg) {
	w.emit(l.Seen, datagram(l.From, l.To, l.Data)...)
	w.icmp(l)
}

// icmp answers a packet of the leg, the one written last, with the error that it met.
func (w *Writer) icmp(l *recording.Leg) {
	if w.err != nil {
		return
	}
	switch l.Fate {
	case network.Refused:
		w.emit(l.Seen, unreachable(l.To.Addr(), l.From.Addr(), true, w.packet.Bytes())...)
	case network.Unreachable:
		w.emit(l.Seen, unreachable(l.From.Addr(), l.From.Addr(), false, w.packet.Bytes())...)
	}
}

// emit writes one packet. Nothing is earlier than what was written before.
func (w *Writer) emit(at time.Time, packet ...gopacket.SerializableLayer) {
	if w.err != nil {
		return
	}
	if at.Before(w.now) {
		at = w.now
	}
	w.now = at
	w.err = gopacket.SerializeLayers(w.packet, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, packet...)
	if w.err != nil {
		return
	}
	data := w.packet.Bytes()
	info := gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(data), Length: len(data)}
	if w.classic != nil {
		w.err = w.classic.WritePacket(info, data)
		return
	}
	var options pcapgo.NgPacketOptions
	if w.comment != "" {
		options.Comments = []string{w.comment}
	}
	w.err = w.ng.WritePacketWithOptions(info, data, options)
}

// Flush hands on what has been written.
func (w *Writer) Flush() error {
	if w.err == nil && w.ng != nil {
		w.err = w.ng.Flush()
	}
	if w.err == nil {
		w.err = w.buffer.Flush()
	}
	return w.err
}

// Close ends the connections that are open, and the file.
func (w *Writer) Close() error {
	w.closeStreams()
	err := w.Flush()
	if closing := w.file.Close(); err == nil {
		err = closing
	}
	return err
}

// maxDatagram is the most that a datagram can hold.
func maxDatagram(a netip.Addr) int {
	if a.Is4() {
		return 65535 - 20 - 8
	}
	return 65535 - 8
}
