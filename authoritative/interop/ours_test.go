package interop_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"faultzone/authoritative"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// key is the TSIG key of a test.
func key(algorithm string) authoritative.TSIGKey {
	return authoritative.TSIGKey{Name: "interop-key.", Algorithm: algorithm, Secret: []byte("0123456789abcdef0123456789abcdef")}
}

func match(t testing.TB, words ...string) authoritative.Match {
	t.Helper()
	m, err := authoritative.ParseMatch(words)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ours is a server of package authoritative on real sockets.
type ours struct {
	*authoritative.Server
	at  netip.AddrPort
	key authoritative.TSIGKey

	mu     sync.Mutex
	events []authoritative.Event
}

// serve starts a server with one zone at an address.
func serve(t testing.TB, at netip.AddrPort, key authoritative.TSIGKey, z authoritative.Zone) *ours {
	t.Helper()
	o := &ours{at: at, key: key}
	var activities sync.WaitGroup
	z.Origin = origin
	s, err := authoritative.New(authoritative.Config{
		Name: "ours", Clock: wall{&activities}, Exchanger: wires{}, Rand: rand.New(rand.NewPCG(1, uint64(at.Port()))),
		Keys: []authoritative.TSIGKey{key}, Views: []authoritative.View{{Zones: []authoritative.Zone{z}}},
		Report: func(e authoritative.Event) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.events = append(o.events, e)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Server = s
	listen(t, s, at)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		activities.Wait()
		if t.Failed() {
			t.Logf("our server's events:\n%s", o.log())
		}
	})
	s.Start(ctx)
	return o
}

func (o *ours) log() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var b strings.Builder
	for _, e := range o.events {
		fmt.Fprintf(&b, "  %s: %s\n", e.Kind, e.Text)
	}
	return b.String()
}

// count is how many events of a kind there were whose text has all of these words in it.
func (o *ours) count(kind string, words ...string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, e := range o.events {
		if e.Kind == kind && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(e.Text, w) }) {
			n++
		}
	}
	return n
}

func (o *ours) serial(t testing.TB) uint32 {
	t.Helper()
	z := o.Zone("", origin)
	if z == nil {
		return 0
	}
	return z.Serial()
}

// ask sends a question over UDP, and over TCP where the answer is too large for that.
func ask(at netip.AddrPort, name string, rrtype uint16) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.SetQuestion(name, rrtype)
	q.RecursionDesired = false
	q.SetEdns0(1232, true)
	var last error
	for _, network := range []string{"udp", "udp", "tcp"} {
		c := dns.Client{Net: network, Timeout: 2 * time.Second}
		r, _, err := c.Exchange(q, at.String())
		if err == nil && !r.Truncated {
			return r, nil
		}
		last = err
	}
	return nil, fmt.Errorf("%s %s: %w", name, dns.Type(rrtype), last)
}

// servedSerial is the serial that a server tells, or 0.
func servedSerial(at netip.AddrPort) uint32 {
	c := dns.Client{Timeout: time.Second}
	q := new(dns.Msg)
	q.SetQuestion(origin, dns.TypeSOA)
	q.RecursionDesired = false
	r, _, err := c.Exchange(q, at.String())
	if err != nil || r.Rcode != dns.RcodeSuccess {
		return 0
	}
	for _, rr := range r.Answer {
		if soa, ok := rr.(*dns.SOA); ok {
			return soa.Serial
		}
	}
	return 0
}

// hasSerial waits until a server serves that version.
func hasSerial(t testing.TB, who string, at netip.AddrPort, want uint32) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s and serial %d", who, want), func() error {
		if got := servedSerial(at); got != want {
			return fmt.Errorf("it serves %d", got)
		}
		return nil
	})
}

// transferred is the whole zone that a server gives away.
func transferred(t testing.TB, at netip.AddrPort, key authoritative.TSIGKey) (rrs []dns.RR) {
	t.Helper()
	// A server that is just taking a new zone up may say so without a signature.
	eventually(t, fmt.Sprintf("transfer from %s", at), func() (err error) {
		rrs, err = transfer(at, key)
		if err != nil && !errors.Is(err, dns.ErrNoSig) {
			t.Fatalf("transfer from %s: %v", at, err)
		}
		return err
	})
	return rrs
}

func transfer(at netip.AddrPort, key authoritative.TSIGKey) (rrs []dns.RR, err error) {
	q := new(dns.Msg)
	q.SetAxfr(origin)
	q.SetTsig(key.Name, dns.Fqdn(key.Algorithm), 300, time.Now().Unix())
	tr := dns.Transfer{TsigSecret: map[string]string{key.Name: base64Secret(key)}, DialTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	envelopes, err := tr.In(q, at.String())
	if err != nil {
		return nil, err
	}
	for e := range envelopes {
		if e.Error != nil {
			err = e.Error
		}
		rrs = append(rrs, e.RR...)
	}
	return rrs, err
}

// sameZone compares two servers' whole zones, record by record. As with answers, a difference has to last.
func sameZone(t testing.TB, who string, o *ours, at netip.AddrPort) {
	t.Helper()
	var difference string
	for try := range 10 {
		time.Sleep(time.Duration(try) * 20 * time.Millisecond)
		if difference = zonesDiffer(t, o, at); difference == "" {
			return
		}
	}
	t.Errorf("the zone at %s is not ours:\n%s", who, difference)
}

func zonesDiffer(t testing.TB, o *ours, at netip.AddrPort) string {
	t.Helper()
	return difference(sortedRecords(transferred(t, o.at, o.key)), sortedRecords(transferred(t, at, o.key)))
}

// sameAnswers asks both servers about every name of the zone, and names below each that do not exist, and compares rcode
// and answer. It returns how many questions were asked.
func sameAnswers(t testing.TB, who string, o *ours, at netip.AddrPort) int {
	t.Helper()
	z := o.Zone("", origin)
	asked := 0
	for n := range z.Names() {
		types := []uint16{dns.TypeA, dns.TypeTXT, dns.TypeDS, dns.TypeLOC}
		for rr := range z.Transfer() {
			if h := rr.Header(); strings.EqualFold(h.Name, n.Name) && h.Rrtype != dns.TypeRRSIG && h.Rrtype != dns.TypeNSEC && !slices.Contains(types, h.Rrtype) {
				types = append(types, h.Rrtype)
			}
		}
		for _, name := range []string{n.Name, "nx." + n.Name} {
			for _, rrtype := range types {
				asked++
				if d := answersDiffer(t, o.at, at, name, rrtype); d != "" {
					t.Errorf("%s: %s", who, d)
				}
			}
		}
	}
	return asked
}

// answersDiffer asks both servers a question and tells how their answers differ. For a moment after a change nsd's former
// process may still answer some questions, so that a difference has to last.
func answersDiffer(t testing.TB, ours, theirs netip.AddrPort, name string, rrtype uint16) string {
	t.Helper()
	var difference string
	for try := range 10 {
		time.Sleep(time.Duration(try) * 20 * time.Millisecond)
		a, err := ask(ours, name, rrtype)
		if err != nil {
			t.Fatalf("ours: %v", err)
		}
		b, err := ask(theirs, name, rrtype)
		if err != nil {
			t.Fatalf("theirs: %v", err)
		}
		if a.Rcode == b.Rcode && a.Authoritative == b.Authoritative && slices.Equal(sortedRecords(a.Answer), sortedRecords(b.Answer)) {
			return ""
		}
		difference = fmt.Sprintf("%s %s:\nours\n%v\ntheirs\n%v", name, dns.Type(rrtype), a, b)
	}
	return difference
}

// follow makes the ten edits at our primary, and then two that take the serial half around the circle and past its end
// (RFC 1982), and sees each arrive at the other server.
func follow(t testing.TB, who string, o *ours, at netip.AddrPort) {
	t.Helper()
	hasSerial(t, who, at, o.serial(t))
	sameZone(t, who, o, at)
	for _, e := range append(tenEdits(t), halfAround("half around"), halfAround("past the end")) {
		before := o.serial(t)
		if e.changes == nil {
			soa := dns.Copy(o.Zone("", origin).SOA()).(*dns.SOA)
			soa.Serial += 1<<31 - 1
			e.changes = []zone.Change{{Op: zone.ReplaceRRset, Name: origin, Type: dns.TypeSOA, RRs: []dns.RR{soa}}}
		}
		if err := o.Edit("", origin, e.changes...); err != nil {
			t.Fatalf("%s: %v", e.what, err)
		}
		if !zone.SerialLess(before, o.serial(t)) {
			t.Fatalf("%s: the serial is still %d", e.what, before)
		}
		hasSerial(t, who+", "+e.what, at, o.serial(t))
		sameZone(t, who+", "+e.what, o, at)
	}
}

// halfAround is an edit of the serial alone, by as much as can be; what it is depends on the one before.
func halfAround(what string) edit { return edit{what: what} }
