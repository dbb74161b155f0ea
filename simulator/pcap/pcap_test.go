package pcap_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
	"faultzone/simulator/network"
	"faultzone/simulator/pcap"
	"faultzone/simulator/recording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// file is one in memory.
type file struct {
	bytes.Buffer
	closed bool
}

func (f *file) Close() error { f.closed = true; return nil }

// packet is one of a capture, as another implementation reads it.
type packet struct {
	gopacket.Packet
	at time.Time
}

// String is the packet in a line: the time, the ends, what it is.
func (p packet) String() string {
	ends := p.NetworkLayer().NetworkFlow()
	line := fmt.Sprintf("%s %v>%v", p.at.UTC().Format("05.000"), ends.Src(), ends.Dst())
	switch l := p.TransportLayer().(type) {
	case *layers.TCP:
		for _, f := range []struct {
			on   bool
			name string
		}{{l.SYN, "SYN"}, {l.FIN, "FIN"}, {l.RST, "RST"}, {l.PSH, "PSH"}, {l.ACK, "ACK"}} {
			if f.on {
				line += " " + f.name
			}
		}
		return fmt.Sprintf("%s %d", line, len(l.Payload))
	case *layers.UDP:
		return fmt.Sprintf("%s UDP %d", line, len(l.Payload))
	}
	if i, ok := p.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4); ok {
		return line + " " + i.TypeCode.String()
	}
	if i, ok := p.Layer(layers.LayerTypeICMPv6).(*layers.ICMPv6); ok {
		return line + " " + i.TypeCode.String()
	}
	return line + " ?"
}

// read reads a capture back and checks that every packet is whole, has right checksums and is no earlier than the last.
func read(t testing.TB, f *file) []packet {
	t.Helper()
	var source interface {
		ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
	}
	source, err := pcapgo.NewReader(bytes.NewReader(f.Bytes()))
	if bytes.HasPrefix(f.Bytes(), []byte{0x0a, 0x0d, 0x0d, 0x0a}) {
		source, err = pcapgo.NewNgReader(bytes.NewReader(f.Bytes()), pcapgo.DefaultNgReaderOptions)
	}
	if err != nil {
		t.Fatal(err)
	}
	var list []packet
	for {
		data, info, err := source.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		p := packet{gopacket.NewPacket(data, layers.LinkTypeRaw, gopacket.DecodeOptions{NoCopy: true}), info.Timestamp}
		if bad := p.ErrorLayer(); bad != nil && p.TransportLayer() == nil { // what UDP carries is the world's affair
			t.Fatalf("packet %d: %v", len(list)+1, bad.Error())
		}
		for _, l := range p.Layers() {
			if l, ok := l.(interface {
				SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
			}); ok {
				l.SetNetworkLayerForChecksum(p.NetworkLayer())
			}
		}
		if err, mismatches := p.VerifyChecksums(); err != nil || len(mismatches) > 0 {
			t.Errorf("packet %d, %v: checksums %v %v", len(list)+1, p, mismatches, err)
		}
		if n := len(list); n > 0 && p.at.Before(list[n-1].at) {
			t.Errorf("packet %d, %v, is earlier than the one before", n+1, p)
		}
		list = append(list, p)
	}
}

// little is a world whose network sees what a test puts on it.
type little struct {
	*simulator.World
	recorder *recording.Recorder
	file     *file
}

func capture(t testing.TB, name string, s *scenarios.Scenario, o simulator.Options) *little {
	t.Helper()
	l := &little{file: &file{}}
	w, err := pcap.New(l.file, name)
	if err != nil {
		t.Fatal(err)
	}
	l.recorder = recording.New(recording.Config{Name: "pcap", Sink: w, Live: o.Live})
	o.OnBuilt = l.recorder.Attach
	if l.World, err = simulator.New(s, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// end closes the capture and reads it.
func (l *little) end(t testing.TB) []packet {
	t.Helper()
	if err := l.recorder.Close(); err != nil {
		t.Fatal(err)
	}
	if !l.file.closed {
		t.Error("the file is open")
	}
	return read(t, l.file)
}

func (l *little) ask(t testing.TB, q scenarios.QueryStep) simulator.Result {
	t.Helper()
	if q.Type == 0 {
		q.Type = dns.TypeA
	}
	r, err := l.Query(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func builtin(t testing.TB, name string) *scenarios.Scenario {
	t.Helper()
	s, _, err := scenarios.Builtin(name, fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// between are the packets between two addresses, a line each.
func between(list []packet, a, b string) (lines []string) {
	for _, p := range list {
		if line := p.String(); strings.Contains(line, a+">"+b+" ") || strings.Contains(line, b+">"+a+" ") {
			lines = append(lines, line)
		}
	}
	return lines
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i, line := range got {
		_, got[i], _ = strings.Cut(line, " ") // the time is for people
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// Every message of the world is in the capture, over UDP as a datagram, over TCP in a stream that reassembles to it.
func TestEveryMessageIsCaptured(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.pcap", "a.pcapng"} {
		l := capture(t, name, builtin(t, "negative-cache"), simulator.Options{})
		want := map[string]int{}
		l.Observe(func(e network.Event) {
			if e.Data != nil {
				want[e.Network+" "+string(e.Data)]++
			}
		})
		l.ask(t, scenarios.QueryStep{Name: "api.solvethenetwork.com.", Via: "resolver-a"})
		l.ask(t, scenarios.QueryStep{Name: "www.solvethenetwork.com.", Via: "ns1", TCP: true})
		if err := l.Retransfer(scenarios.ZoneStep{Server: "ns2", Zone: "solvethenetwork.com."}); err != nil {
			t.Fatal(err)
		}
		if err := l.Advance(time.Minute); err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		streams := map[gopacket.Flow][]byte{}
		for _, p := range l.end(t) {
			ends, _ := gopacket.FlowFromEndpoints(p.TransportLayer().TransportFlow().Endpoints())
			switch segment := p.TransportLayer().(type) {
			case *layers.UDP:
				got["udp "+string(segment.Payload)]++
			case *layers.TCP:
				data := append(streams[ends], segment.Payload...)
				for len(data) >= 2 && len(data)-2 >= int(binary.BigEndian.Uint16(data)) {
					n := 2 + int(binary.BigEndian.Uint16(data))
					got["tcp "+string(data[2:n])]++
					data = data[n:]
				}
				streams[ends] = data
			}
		}
		for message, n := range want {
			if got[message] < n {
				t.Errorf("%s: %d times in the capture, want %d: %s", name, got[message], n, simulator.Summary([]byte(message[4:])))
			}
		}
		if len(want) < 20 {
			t.Fatalf("only %d messages crossed the network", len(want))
		}
	}
}

// The same scenario with the same seed gives the same file, and another seed another.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.pcap", "a.pcapng"} {
		record := func(seed uint64) []byte {
			l := capture(t, name, builtin(t, "rrsig-expired"), simulator.Options{Seed: &seed})
			for _, fault := range []string{"", "server-down"} {
				if fault != "" {
					if _, err := l.Inject(fault, "", map[string]any{"node": "ns1", "looks": "refused"}, 0); err != nil {
						t.Fatal(err)
					}
				}
				l.ask(t, scenarios.QueryStep{Name: "api.solvethenetwork.com.", Via: "ns1", TCP: true})
				l.ask(t, scenarios.QueryStep{Name: "api.solvethenetwork.com.", Via: "resolver-a"})
			}
			l.end(t)
			return l.file.Bytes()
		}
		first := record(7)
		if !bytes.Equal(first, record(7)) {
			t.Errorf("%s: two runs with one seed differ", name)
		}
		if bytes.Equal(first, record(8)) {
			t.Errorf("%s: another seed changes nothing", name)
		}
	}
}

// A question over TCP is a connection with all that belongs to one.
func TestStream(t *testing.T) {
	t.Parallel()
	l := capture(t, "a.pcap", builtin(t, "negative-cache"), simulator.Options{})
	l.ask(t, scenarios.QueryStep{Name: "www.solvethenetwork.com.", Via: "ns1", TCP: true, From: "resolver-a"})
	wantLines(t, between(l.end(t), "10.0.1.10", "10.0.1.20"),
		"10.0.1.10>10.0.1.20 SYN 0",
		"10.0.1.20>10.0.1.10 SYN ACK 0",
		"10.0.1.10>10.0.1.20 ACK 0",
		"10.0.1.10>10.0.1.20 PSH ACK 54",
		"10.0.1.20>10.0.1.10 ACK 0",
		"10.0.1.20>10.0.1.10 PSH ACK 70",
		"10.0.1.10>10.0.1.20 FIN ACK 0",
		"10.0.1.20>10.0.1.10 FIN ACK 0",
		"10.0.1.10>10.0.1.20 ACK 0")
}

// What a host looks like to a socket is what the capture shows of it.
func TestLooks(t *testing.T) {
	t.Parallel()
	const here, there = "10.0.2.100", "10.0.1.20"
	cases := []struct {
		looks string // of ns1
		to    string // who is asked, if it is not ns1
		tcp   bool
		want  []string // of the first try
	}{
		{looks: "refused", want: []string{"10.0.2.100>10.0.1.20 UDP 52", "10.0.1.20>10.0.2.100 DestinationUnreachable(Port)"}},
		{looks: "silent", want: []string{"10.0.2.100>10.0.1.20 UDP 52", "10.0.2.100>10.0.1.20 UDP 52"}},
		{looks: "hang", want: []string{"10.0.2.100>10.0.1.20 UDP 52", "10.0.2.100>10.0.1.20 UDP 52"}},
		{looks: "refused", tcp: true, want: []string{"10.0.2.100>10.0.1.20 SYN 0", "10.0.1.20>10.0.2.100 RST ACK 0"}},
		{looks: "silent", tcp: true, want: []string{"10.0.2.100>10.0.1.20 SYN 0", "10.0.2.100>10.0.1.20 SYN 0"}},
		{looks: "hang", tcp: true, want: []string{"10.0.2.100>10.0.1.20 SYN 0", "10.0.1.20>10.0.2.100 SYN ACK 0",
			"10.0.2.100>10.0.1.20 ACK 0", "10.0.2.100>10.0.1.20 PSH ACK 54", "10.0.1.20>10.0.2.100 ACK 0"}},
	}
	for _, c := range cases {
		l := capture(t, "a.pcap", builtin(t, "negative-cache"), simulator.Options{})
		if _, err := l.Inject("server-down", "", map[string]any{"node": "ns1", "looks": c.looks}, 0); err != nil {
			t.Fatal(err)
		}
		l.ask(t, scenarios.QueryStep{Name: "www.solvethenetwork.com.", Via: "ns1", TCP: c.tcp})
		got := between(l.end(t), here, there)
		wantLines(t, got[:min(len(got), len(c.want))], c.want...)
	}
}

// Nobody has the address: the asker's own host says so.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	l := capture(t, "a.pcapng", builtin(t, "negative-cache"), simulator.Options{})
	l.ask(t, scenarios.QueryStep{Name: "www.solvethenetwork.com.", Via: "10.0.1.99"})
	l.ask(t, scenarios.QueryStep{Name: "www.solvethenetwork.com.", Via: "fd00:1::99", From: "fd00:2::1"})
	l.ask(t, scenarios.QueryStep{Name: "www.solvethenetwork.com.", Via: "fd00:1::99", From: "fd00:2::1", TCP: true})
	list := l.end(t)
	wantLines(t, between(list, "10.0.2.100", "10.0.1.99")[:1], "10.0.2.100>10.0.1.99 UDP 52")
	wantLines(t, between(list, "10.0.2.100", "10.0.2.100")[:1], "10.0.2.100>10.0.2.100 DestinationUnreachable(Host)")
	wantLines(t, between(list, "fd00:2::1", "fd00:1::99")[:1], "fd00:2::1>fd00:1::99 UDP 52")
	wantLines(t, between(list, "fd00:2::1", "fd00:2::1")[:1], "fd00:2::1>fd00:2::1 DestinationUnreachable(AddressUnreachable)")
}

// leg is one that no world made.
func leg(scene *recording.Scene, at time.Time, e network.Event) *recording.Leg {
	e.At = at
	return &recording.Leg{Event: e, Scene: scene, Seen: at}
}

// A real client keeps its connection for several questions; it is closed when it has been silent for long.
func TestConnectionOfARealClient(t *testing.T) {
	t.Parallel()
	f := &file{}
	w, err := pcap.New(f, "a.pcap")
	if err != nil {
		t.Fatal(err)
	}
	client, server := netip.MustParseAddrPort("10.0.2.100:4000"), netip.MustParseAddrPort("10.0.1.20:53")
	other := netip.MustParseAddrPort("10.0.2.100:4001")
	at, scene := time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC), scene(t)
	write := func(after time.Duration, from, to netip.AddrPort, reply bool, size int) {
		t.Helper()
		at = at.Add(after)
		e := network.Event{Network: "tcp", From: from, To: to, Reply: reply, Data: make([]byte, size)}
		if err := w.Write(leg(scene, at, e)); err != nil {
			t.Fatal(err)
		}
	}
	write(0, client, server, false, 30)
	write(0, server, client, true, 100)
	write(2*time.Second, client, server, false, 30)
	write(time.Second, server, client, true, 65535) // more than a segment holds
	write(20*time.Second, other, server, false, 30)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range read(t, f) {
		if line := p.String(); p.TransportLayer().(*layers.TCP).SrcPort != 4001 && p.TransportLayer().(*layers.TCP).DstPort != 4001 {
			got = append(got, strings.ReplaceAll(strings.ReplaceAll(line, "10.0.2.100>10.0.1.20", ">"), "10.0.1.20>10.0.2.100", "<"))
		}
	}
	want := []string{
		"00.000 > SYN 0", "00.000 < SYN ACK 0", "00.000 > ACK 0", "00.000 > PSH ACK 32", "00.000 < ACK 0", "00.000 < PSH ACK 102",
		"00.000 > ACK 0", // before the next leg: the client has nothing to wait for
		"02.000 > PSH ACK 32", "02.000 < ACK 0", "03.000 < ACK 65495", "03.000 < PSH ACK 42", "03.000 > ACK 0",
		"13.000 > FIN ACK 0", "13.000 < FIN ACK 0", "13.000 > ACK 0",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// scene is that of some world.
func scene(t testing.TB) *recording.Scene {
	t.Helper()
	var s *recording.Scene
	r := recording.New(recording.Config{Sink: sinkFunc(func(l *recording.Leg) { s = l.Scene })})
	w, err := simulator.New(builtin(t, "negative-cache"), simulator.Options{OnBuilt: r.Attach})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	return s
}

type sinkFunc func(*recording.Leg)

func (f sinkFunc) Write(l *recording.Leg) error { f(l); return nil }
func (sinkFunc) Flush() error                   { return nil }
func (sinkFunc) Close() error                   { return nil }

// What has no place in a capture is left out and harms nothing.
func TestOddLegs(t *testing.T) {
	t.Parallel()
	f := &file{}
	w, err := pcap.New(f, "a.pcap")
	if err != nil {
		t.Fatal(err)
	}
	four, six := netip.MustParseAddrPort("10.0.2.100:4000"), netip.MustParseAddrPort("[fd00::1]:53")
	at, scene := time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC), scene(t)
	for _, e := range []network.Event{
		{Network: "udp", To: six},
		{Network: "udp", From: four, To: six, Data: []byte{1}},
		{Network: "udp", From: four, To: four, Data: make([]byte, 65508)},
		{Network: "udp", From: six, To: six, Data: make([]byte, 65528)},
		{Network: "tcp", From: four, To: four, Data: []byte{1}, Reply: true}, // of a connection that nobody saw begin
	} {
		if err := w.Write(leg(scene, at, e)); err != nil && !errors.Is(err, recording.ErrLeftOut) {
			t.Errorf("%+v: %v", e, err)
		}
	}
	for _, e := range []network.Event{
		{Network: "udp", From: four, To: four, Data: make([]byte, 65507)},
		{Network: "udp", From: six, To: six, Data: make([]byte, 65527)},
	} {
		if err := w.Write(leg(scene, at, e)); err != nil {
			t.Errorf("%+v: %v", e, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, f); len(got) != 2 {
		t.Errorf("%d packets: %v", len(got), got)
	}
}

// full is a disk without room.
type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(b), nil
}
func (*full) Close() error { return nil }

func TestFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := pcap.New(&full{}, "a.pcap"); err == nil {
		t.Error("a header that could not be written is no error")
	}
	w, err := pcap.New(&full{left: 1000}, "a.pcap")
	if err != nil {
		t.Fatal(err)
	}
	r := recording.New(recording.Config{Sink: w})
	world, err := simulator.New(builtin(t, "negative-cache"), simulator.Options{OnBuilt: r.Attach})
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	if err := r.Close(); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("closed with %v", err)
	}
	if written, dropped := r.Counts(); written != 0 || dropped == 0 {
		t.Errorf("%d written, %d dropped", written, dropped)
	}
}

// Whatever crosses the network, the capture can be read.
func FuzzLegs(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3}, []byte("query"), []byte("reply"))
	m := new(dns.Msg)
	m.SetAxfr("example.com.")
	query, _ := m.Pack()
	f.Add([]byte{0x80, 0x81, 0x90, 0xff}, query, query)
	scene := scene(f)
	ends := []netip.AddrPort{netip.MustParseAddrPort("10.0.2.100:4000"), netip.MustParseAddrPort("10.0.1.20:53"),
		netip.MustParseAddrPort("[fd00::1]:53"), netip.MustParseAddrPort("[fd00::2]:4000"), {}}
	f.Fuzz(func(t *testing.T, script, query, reply []byte) {
		out := &file{}
		w, err := pcap.New(out, "a.pcap")
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC)
		for i, b := range script {
			e := network.Event{Network: "udp", From: ends[i%len(ends)], To: ends[int(b>>3)%len(ends)], Fate: network.Fate(b & 3), Data: query}
			if b&4 != 0 {
				e.Network = "tcp"
			}
			if b&0x80 != 0 {
				e.Reply, e.Data = true, reply
			} else if b&0x40 != 0 {
				e.Data = nil
			}
			at = at.Add(time.Duration(b) * 50 * time.Millisecond)
			if err := w.Write(leg(scene, at, e)); err != nil && !errors.Is(err, recording.ErrLeftOut) {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		read(t, out)
	})
}
