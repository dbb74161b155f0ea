package authoritative

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"faultzone/authoritative/zone"
	"faultzone/simulator/clock"

	"github.com/miekg/dns"
)

// street is a place where our servers and real programs meet: real sockets, and a clock that follows the wall.
type street struct {
	t      testing.TB
	clock  *clock.Live
	mu     sync.Mutex
	events []string
}

func newStreet(t testing.TB) *street {
	t.Helper()
	c, err := clock.NewLive(clock.Wall{}.Now().UTC(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &street{t: t, clock: c}
}

// open serves c at a free port.
func (st *street) open(c Config) (*Server, netip.AddrPort) {
	st.t.Helper()
	c.Clock, c.Exchanger, c.Rand = st.clock, plainSockets{}, rand.New(rand.NewPCG(7, 7))
	c.Report = func(e Event) {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.events = append(st.events, e.Kind+": "+e.Text)
	}
	s, err := New(c)
	if err != nil {
		st.t.Fatal(err)
	}
	at := freePort(st.t)
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		st.t.Fatal(err)
	}
	tcp, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
	if err != nil {
		st.t.Fatal(err)
	}
	st.t.Cleanup(func() { udp.Close(); tcp.Close() })
	go func() {
		buffer := make([]byte, maxTCP)
		for {
			n, client, err := udp.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			_ = s.Serve(context.Background(), slices.Clone(buffer[:n]), Peer{Addr: client, Local: at, Network: "udp"},
				func(b []byte) error { _, err := udp.WriteToUDPAddrPort(b, client); return err })
		}
	}()
	go func() {
		for {
			conn, err := tcp.AcceptTCP()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				client := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
				for {
					query, err := readFramed(conn)
					if err != nil {
						return
					}
					_ = s.Serve(context.Background(), query, Peer{Addr: client, Local: at, Network: "tcp"},
						func(b []byte) error { return writeFramed(conn, b) })
				}
			}()
		}
	}()
	return s, at
}

func (st *street) start(s *Server) {
	ctx, cancel := st.clock.WithTimeout(context.Background(), 0)
	st.t.Cleanup(cancel)
	s.Start(ctx)
}

func (st *street) heard(words string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return slices.ContainsFunc(st.events, func(e string) bool { return strings.Contains(e, words) })
}

// eventually waits, for ten seconds at most, until done.
func (st *street) eventually(what string, done func() bool) {
	st.t.Helper()
	ok := false
	_ = st.clock.Run(func() {
		for range 500 {
			if ok = done(); ok || st.clock.Sleep(context.Background(), 20*time.Millisecond) != nil {
				return
			}
		}
	})
	if !ok {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.t.Fatalf("%s: not within ten seconds\n%s", what, strings.Join(st.events, "\n"))
	}
}

func readFramed(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func writeFramed(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}

// plainSockets is an Exchanger over the machine's own sockets.
type plainSockets struct{}

func (plainSockets) Exchange(_ context.Context, to netip.AddrPort, network string, query []byte, timeout time.Duration,
	accept func([]byte) bool) ([]byte, error) {
	c, err := net.DialTimeout(network, to.String(), timeout)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(clock.Wall{}.In(min(timeout, 2*time.Second)))
	if network == "tcp" {
		err = writeFramed(c, query)
	} else {
		_, err = c.Write(query)
	}
	buffer := make([]byte, maxTCP)
	for err == nil {
		var b []byte
		if network == "tcp" {
			b, err = readFramed(c)
		} else {
			var n int
			n, err = c.Read(buffer)
			b = slices.Clone(buffer[:n])
		}
		if err == nil && accept(b) {
			return b, nil
		}
	}
	return nil, err
}

func (plainSockets) Transfer(_ context.Context, to netip.AddrPort, query []byte, timeout time.Duration,
	receive func([]byte) (bool, error)) error {
	c, err := net.DialTimeout("tcp", to.String(), timeout)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(clock.Wall{}.In(5 * time.Second))
	if err := writeFramed(c, query); err != nil {
		return err
	}
	for {
		b, err := readFramed(c)
		if err != nil {
			return err
		}
		if more, err := receive(b); err != nil || !more {
			return err
		}
	}
}

// serialAt asks a server for the zone's serial; 0: it has none.
func serialAt(at netip.AddrPort) uint32 {
	q := query("example.com.", dns.TypeSOA)
	b, err := q.Pack()
	if err != nil {
		return 0
	}
	reply, err := plainSockets{}.Exchange(context.Background(), at, "udp", b, time.Second, func([]byte) bool { return true })
	m := new(dns.Msg)
	if err != nil || m.Unpack(reply) != nil || len(m.Answer) == 0 {
		return 0
	}
	return m.Answer[0].(*dns.SOA).Serial
}

// zoneAt transfers the zone from a server under the transfer key.
func (st *street) zoneAt(at netip.AddrPort) *zone.Zone {
	st.t.Helper()
	wire, session := signed(st.t, query("example.com.", dns.TypeAXFR), transferKey, st.clock.Now())
	in := &incoming{server: &Server{clock: st.clock}, query: query("example.com.", dns.TypeAXFR), session: session, origin: "example.com."}
	if err := (plainSockets{}).Transfer(context.Background(), at, wire, time.Second, in.receive); err != nil {
		st.t.Fatalf("transfer from %s: %v", at, err)
	}
	got, err := in.result(nil)
	if err != nil {
		st.t.Fatal(err)
	}
	return got.zone
}

func secretOf(k TSIGKey) string { return base64.StdEncoding.EncodeToString(k.Secret) }

// neighbours are the real servers as secondaries: how each is told of its primary.
var neighbours = []struct {
	name string
	run  func(t testing.TB, at, primary netip.AddrPort)
}{
	{"named", func(t testing.TB, at, primary netip.AddrPort) {
		dir := t.TempDir()
		foreground(t, "running", tool(t, "named"), "-g", "-n", "1", "-c", writeFile(t, dir, "named.conf", namedOptions(dir, at)+fmt.Sprintf(
			"zone \"example.com\" { type secondary; file \"copy\"; primaries { 127.0.0.1 port %d key internal-transfer; };\n"+
				"  allow-notify { key internal-transfer; }; allow-transfer { key internal-transfer; }; notify no; };\n", primary.Port())))
	}},
	{"nsd", func(t testing.TB, at, primary netip.AddrPort) {
		dir := t.TempDir()
		foreground(t, "nsd started", tool(t, "nsd"), "-d", "-c", writeFile(t, dir, "nsd.conf", fmt.Sprintf(
			"server:\n  ip-address: 127.0.0.1\n  port: %d\n  username: \"\"\n  chroot: \"\"\n  zonesdir: %q\n  database: \"\"\n  pidfile: \"\"\n"+
				"  xfrdfile: \"%s/xfrd.state\"\n  xfrdir: %q\n  zonelistfile: \"%s/zone.list\"\n  server-count: 1\n  verbosity: 2\n  xfrd-reload-timeout: 0\n"+
				"remote-control:\n  control-enable: no\nkey:\n  name: internal-transfer\n  algorithm: hmac-sha256\n  secret: %q\n"+
				"zone:\n  name: example.com\n  zonefile: copy\n  request-xfr: 127.0.0.1@%d internal-transfer\n"+
				"  allow-notify: 127.0.0.1 internal-transfer\n  provide-xfr: 127.0.0.1 internal-transfer\n",
			at.Port(), dir, dir, dir, dir, secretOf(transferKey), primary.Port())))
	}},
	{"knotd", func(t testing.TB, at, primary netip.AddrPort) {
		dir := t.TempDir()
		foreground(t, "server started", tool(t, "knotd"), "-c", writeFile(t, dir, "knot.conf", knotServer(dir, at)+fmt.Sprintf(
			"remote:\n  - id: primary\n    address: 127.0.0.1@%d\n    key: internal-transfer\n"+
				"acl:\n  - id: key\n    key: internal-transfer\n    action: [notify, transfer]\n"+
				"zone:\n  - domain: example.com\n    master: primary\n    acl: key\n    zonefile-sync: -1\n", primary.Port())))
	}},
}

func namedOptions(dir string, at netip.AddrPort) string {
	return fmt.Sprintf("options { directory %q; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no;\n"+
		"  pid-file none; session-keyfile none; managed-keys-directory %q; dnssec-validation no; };\ncontrols { };\n"+
		"key internal-transfer { algorithm hmac-sha256; secret %q; };\n", dir, at.Port(), dir, secretOf(transferKey))
}

func knotServer(dir string, at netip.AddrPort) string {
	return fmt.Sprintf("server:\n  listen: 127.0.0.1@%d\n  rundir: %q\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"+
		"database:\n  storage: %q\nlog:\n  - target: stdout\n    any: info\ntemplate:\n  - id: default\n    storage: %q\n"+
		"key:\n  - id: internal-transfer\n    algorithm: hmac-sha256\n    secret: %s\n", at.Port(), dir, dir, dir, secretOf(transferKey))
}

// TestRealSecondaries: named, nsd and knotd fetch our zone under TSIG, hear our NOTIFY, and follow ten edits by IXFR;
// plain and signed. What they then hold is our zone.
func TestRealSecondaries(t *testing.T) {
	for _, n := range neighbours {
		for _, kind := range []string{"plain", "signed"} {
			t.Run(n.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				tool(t, n.name)
				st := newStreet(t)
				at := freePort(t)
				z := Zone{Origin: "example.com.", Data: parseZone(t, "example.com.", largeZone(50)), Transfer: match(t, "key internal-transfer"),
					Notify: []Primary{{Addr: at, Key: "internal-transfer"}}}
				if kind == "signed" {
					z.Signing = signing(t, "example.com.")
				}
				s, ours := st.open(Config{Keys: []TSIGKey{transferKey}, Views: []View{{Zones: []Zone{z}}}})
				n.run(t, at, ours)
				st.start(s)
				st.eventually("the first transfer", func() bool { return serialAt(at) == 2024040201 })
				for i := range 10 {
					edit := zone.Change{Op: zone.Add, RRs: []dns.RR{rr(t, fmt.Sprintf("edit%d.example.com. 60 IN A 10.0.9.%d", i, i))}}
					if i%3 == 2 {
						edit = zone.Change{Op: zone.DeleteName, Name: fmt.Sprintf("edit%d.example.com.", i-1)}
					}
					if err := s.Edit("", "example.com.", edit); err != nil {
						t.Fatal(err)
					}
					want := uint32(2024040202 + i)
					st.eventually(fmt.Sprintf("serial %d at %s", want, n.name), func() bool { return serialAt(at) == want })
				}
				wantSame(t, st.zoneAt(at), s.Zone("", "example.com."))
				if !st.heard("the changes from serial 2024040201 to 2024040202") || !st.heard("knows of serial") {
					t.Errorf("not by NOTIFY and IXFR:\n%s", strings.Join(st.events, "\n"))
				}
			})
		}
	}
}

// TestBehindRealPrimaries: our secondary behind named and knotd, which are changed ten times by dynamic updates and tell
// us; it follows by IXFR, and holds what they do.
func TestBehindRealPrimaries(t *testing.T) {
	run := map[string]func(t testing.TB, at, secondary netip.AddrPort, file string){
		"named": func(t testing.TB, at, secondary netip.AddrPort, file string) {
			dir := filepath.Dir(file)
			foreground(t, "all zones loaded", tool(t, "named"), "-g", "-n", "1", "-c", writeFile(t, dir, "named.conf", namedOptions(dir, at)+fmt.Sprintf(
				"zone \"example.com\" { type primary; file %q; allow-update { key internal-transfer; }; allow-transfer { key internal-transfer; };\n"+
					"  notify explicit; notify-delay 0; also-notify { 127.0.0.1 port %d key internal-transfer; }; };\n", file, secondary.Port())))
		},
		"knotd": func(t testing.TB, at, secondary netip.AddrPort, file string) {
			dir := filepath.Dir(file)
			foreground(t, "server started", tool(t, "knotd"), "-c", writeFile(t, dir, "knot.conf", knotServer(dir, at)+fmt.Sprintf(
				"remote:\n  - id: secondary\n    address: 127.0.0.1@%d\n    key: internal-transfer\n"+
					"acl:\n  - id: key\n    key: internal-transfer\n    action: [update, transfer]\n"+
					"zone:\n  - domain: example.com\n    file: %q\n    notify: secondary\n    acl: key\n    zonefile-sync: -1\n    journal-content: changes\n    serial-policy: increment\n",
				secondary.Port(), file)))
		},
	}
	for _, name := range []string{"named", "knotd"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tool(t, name)
			st := newStreet(t)
			theirs := freePort(t)
			s, ours := st.open(Config{Keys: []TSIGKey{transferKey}, Views: []View{{Zones: []Zone{{
				Origin: "example.com.", Primaries: []Primary{{Addr: theirs, Key: "internal-transfer"}}, Transfer: match(t, "key internal-transfer"),
			}}}}})
			var text bytes.Buffer
			if err := zone.Write(&text, parseZone(t, "example.com.", largeZone(50))); err != nil {
				t.Fatal(err)
			}
			run[name](t, theirs, ours, writeFile(t, t.TempDir(), "zone", text.String()))
			st.eventually("it is ready", func() bool { return serialAt(theirs) != 0 })
			st.start(s)
			st.eventually("the first transfer", func() bool { return serialAt(ours) == serialAt(theirs) && serialAt(ours) != 0 })
			for i := range 10 {
				lines := []string{fmt.Sprintf("edit%d.example.com. 60 IN A 10.0.9.%d", i, i)}
				if i%3 == 2 {
					lines = []string{fmt.Sprintf("edit%d.example.com. 0 ANY ANY", i-1)}
				}
				wire, session := signed(t, updateOf(t, nil, lines), transferKey, st.clock.Now())
				before := serialAt(theirs)
				reply, err := plainSockets{}.Exchange(t.Context(), theirs, "tcp", wire, time.Second, func([]byte) bool { return true })
				if err != nil || wireRcode(reply) != dns.RcodeSuccess {
					t.Fatalf("%s does not take our update: %v, %x", name, err, reply)
				}
				if err := session.verify(reply, st.clock.Now()); err != nil {
					t.Fatal(err)
				}
				st.eventually("the update has arrived", func() bool { return serialAt(theirs) != before && serialAt(ours) == serialAt(theirs) })
			}
			wantSame(t, s.Zone("", "example.com."), st.zoneAt(theirs))
			wantSame(t, st.zoneAt(ours), st.zoneAt(theirs))
			if !st.heard("incrementally from serial") || !st.heard("checking the primaries now") || st.heard(EventIXFRFailed) {
				t.Errorf("not by NOTIFY and IXFR:\n%s", strings.Join(st.events, "\n"))
			}
		})
	}
}

// TestNsupdate: the real program adds, changes and deletes under TSIG of every algorithm, whole and truncated, is held to
// its prerequisites, and is refused without the key; through a secondary too.
func TestNsupdate(t *testing.T) {
	nsupdate := tool(t, "nsupdate")
	st := newStreet(t)
	keys := []TSIGKey{}
	for _, algorithm := range []string{"hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"} {
		keys = append(keys, TSIGKey{Name: algorithm + "-key.", Algorithm: algorithm, Secret: transferKey.Secret})
	}
	keys = append(keys, TSIGKey{Name: "short-key.", Algorithm: "hmac-sha256", Secret: transferKey.Secret, MAC: 16})
	var may []string
	for _, k := range keys {
		may = append(may, "key "+k.Name)
	}
	s, at := st.open(Config{Keys: keys, Views: []View{{Zones: []Zone{{
		Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), AllowUpdate: match(t, may...), Signing: signing(t, "example.com."),
		Transfer: Everybody(),
	}}}}})
	second, behind := st.open(Config{Keys: keys, Views: []View{{Zones: []Zone{{
		Origin: "example.com.", Primaries: []Primary{{Addr: at}}, AllowUpdate: match(t, may...),
	}}}}})
	st.start(s)
	st.start(second)
	run := func(to netip.AddrPort, key string, script string) (string, error) {
		t.Helper()
		args := []string{"-t", "5"}
		if key != "" {
			args = append(args, "-y", key)
		}
		c := exec.CommandContext(t.Context(), nsupdate, args...)
		c.Stdin = strings.NewReader(fmt.Sprintf("server 127.0.0.1 %d\nzone example.com\n%s\nsend\n", to.Port(), script))
		out, err := c.CombinedOutput()
		return string(out), err
	}
	there := func(name string, rrtype uint16) string {
		set, _ := s.Zone("", "example.com.").RRset(name+".example.com.", rrtype)
		var data []string
		for _, r := range set.RRs {
			data = append(data, strings.TrimPrefix(r.String(), r.Header().String()))
		}
		if len(data) > 0 && len(set.Sigs) == 0 {
			t.Errorf("%s is not signed", name)
		}
		return strings.Join(data, " ")
	}
	for _, k := range keys {
		name := strings.TrimSuffix(k.Name, ".")
		algorithm := k.Algorithm
		if k.MAC > 0 {
			algorithm = fmt.Sprintf("%s-%d", algorithm, 8*k.MAC)
		}
		y := algorithm + ":" + k.Name + ":" + secretOf(k)
		for _, step := range []struct{ script, want string }{
			{"update add " + name + ".example.com. 60 A 10.0.9.1", "10.0.9.1"},
			{"prereq yxrrset " + name + ".example.com. A\nupdate delete " + name + ".example.com. A\nupdate add " + name + ".example.com. 60 A 10.0.9.2", "10.0.9.2"},
			{"prereq yxrrset " + name + ".example.com. A 10.0.9.2\nprereq nxdomain nobody.example.com.\nupdate delete " + name + ".example.com.", ""},
		} {
			if out, err := run(at, y, step.script); err != nil {
				t.Fatalf("%s: %s: %v\n%s", k.Name, step.script, err, out)
			}
			if got := there(name, dns.TypeA); got != step.want {
				t.Errorf("%s: after %q there is %q, want %q", k.Name, step.script, got, step.want)
			}
		}
	}
	y := "hmac-sha256:hmac-sha256-key.:" + secretOf(transferKey)
	serial := s.Zone("", "example.com.").Serial()
	for _, c := range []struct{ name, key, script, want string }{
		{"unsigned", "", "update add x.example.com. 60 A 10.0.9.1", "REFUSED"},
		{"an unknown key", "hmac-sha256:nobody.:" + secretOf(transferKey), "update add x.example.com. 60 A 10.0.9.1", "NOTAUTH"},
		{"another secret", "hmac-sha256:hmac-sha256-key.:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "update add x.example.com. 60 A 10.0.9.1", "NOTAUTH"},
		{"too short a MAC", "hmac-sha256-128:hmac-sha256-key.:" + secretOf(transferKey), "update add x.example.com. 60 A 10.0.9.1", "NOTAUTH"},
		{"a prerequisite", y, "prereq nxdomain api.example.com.\nupdate add x.example.com. 60 A 10.0.9.1", "YXDOMAIN"},
		{"outside of the zone", y, "update add x.example.org. 60 A 10.0.9.1", "NOTZONE"},
	} {
		out, err := run(at, c.key, c.script)
		if err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v\n%s", c.name, err, out)
		}
	}
	if got := s.Zone("", "example.com.").Serial(); got != serial {
		t.Errorf("what was refused raised the serial from %d to %d", serial, got)
	}
	st.eventually("the secondary has the zone", func() bool { return serialAt(behind) != 0 })
	if out, err := run(behind, y, "update add via.example.com. 60 A 10.0.9.3"); err != nil {
		t.Fatalf("through the secondary: %v\n%s", err, out)
	}
	if got := there("via", dns.TypeA); got != "10.0.9.3" {
		t.Errorf("through the secondary: %q", got)
	}
}
