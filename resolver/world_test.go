package resolver_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"
	"faultzone/resolver"
	"faultzone/simulator/clock"

	"github.com/miekg/dns"
)

// The tests' internet: zones of the test's own making, on servers that a test can make misbehave.
//
//	.             198.41.0.4, 170.247.170.2
//	com., net.    192.5.6.30, 192.33.14.30 (both zones on both)
//	example.com.  10.0.0.1, 10.0.0.2       signed
//	example.net.  10.0.0.1, 10.0.0.2       signed; its servers are in example.com, so that there is no glue
//	plain.com.    10.0.0.3                 not signed
//	nsec3.com.    10.0.0.4                 signed with NSEC3
var start = time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC)

var zoneFiles = map[string]string{
	".": `@ 86400 IN SOA a.root-servers.net. nstld.example. 1 1800 900 604800 86400
@ 518400 IN NS a.root-servers.net.
@ 518400 IN NS b.root-servers.net.
com. 172800 IN NS a.gtld.com.
com. 172800 IN NS b.gtld.com.
net. 172800 IN NS a.gtld.com.
net. 172800 IN NS b.gtld.com.
a.gtld.com. 172800 IN A 192.5.6.30
b.gtld.com. 172800 IN A 192.33.14.30`,
	"com.": `@ 900 IN SOA a.gtld.com. nstld.example. 1 1800 900 604800 900
@ 172800 IN NS a.gtld
@ 172800 IN NS b.gtld
a.gtld 172800 IN A 192.5.6.30
b.gtld 172800 IN A 192.33.14.30
example 172800 IN NS ns1.example
example 172800 IN NS ns2.example
ns1.example 172800 IN A 10.0.0.1
ns2.example 172800 IN A 10.0.0.2
plain 172800 IN NS ns.plain
ns.plain 172800 IN A 10.0.0.3
nsec3 172800 IN NS ns.nsec3
ns.nsec3 172800 IN A 10.0.0.4`,
	"net.": `@ 900 IN SOA a.gtld.com. nstld.example. 1 1800 900 604800 900
@ 172800 IN NS a.gtld.com.
@ 172800 IN NS b.gtld.com.
example 172800 IN NS ns1.example.com.
example 172800 IN NS ns2.example.com.`,
	"example.com.": `@ 3600 IN SOA ns1 admin 2026040201 3600 900 604800 300
@ 3600 IN NS ns1
@ 3600 IN NS ns2
@ 3600 IN MX 10 www
ns1 3600 IN A 10.0.0.1
ns2 3600 IN A 10.0.0.2
www 300 IN A 192.0.2.80
www 300 IN AAAA 2001:db8::80
long 86400 IN A 192.0.2.81
brief 60 IN A 192.0.2.82
zero 0 IN A 192.0.2.83
alias 300 IN CNAME www
abroad 300 IN CNAME www.example.net.
toplain 300 IN CNAME www.plain.com.
dangling 300 IN CNAME nosuch
loop1 300 IN CNAME loop2
loop2 300 IN CNAME loop1
*.wild 300 IN A 192.0.2.90
a.ent 300 IN A 192.0.2.91
old 300 IN DNAME example.net.
big 300 IN TXT "` + strings.Repeat(`x" "`, 40) + strings.Repeat("0123456789", 20) + `"`,
	"example.net.": `@ 3600 IN SOA ns1.example.com. admin.example.com. 1 3600 900 604800 300
@ 3600 IN NS ns1.example.com.
@ 3600 IN NS ns2.example.com.
www 120 IN A 198.51.100.80`,
	"plain.com.": `@ 3600 IN SOA ns admin 1 3600 900 604800 300
@ 3600 IN NS ns
ns 3600 IN A 10.0.0.3
www 300 IN A 192.0.2.70`,
	"nsec3.com.": `@ 3600 IN SOA ns admin 1 3600 900 604800 300
@ 3600 IN NS ns
ns 3600 IN A 10.0.0.4
www 300 IN A 192.0.2.60
*.wild 300 IN A 192.0.2.61`,
}

// world is that internet.
type world struct {
	t       testing.TB
	clock   *clock.Virtual
	zones   map[string]*zone.Zone // signed where they are
	raw     map[string]*zone.Zone // unsigned
	keys    map[string][]*sign.Key
	anchors []dns.RR

	mu      sync.Mutex
	servers map[string][]string // address → zones on it
	// wrong is what an address does instead of answering well; nil in it: as it should.
	wrong map[string]func(q *dns.Msg, network string, right func() *dns.Msg) act
	log   []string // "address network name TYPE"
}

// act is what a server does with a query.
type act struct {
	reply *dns.Msg
	raw   [][]byte // instead of reply, these, one after another
	err   error    // or the network does this
	delay time.Duration
	// nothing set: silence
}

const latency = 10 * time.Millisecond // there and back

var (
	worldOnce sync.Once
	worldData world
)

// newWorld makes the internet, all in order. Signing is done once.
func newWorld(t testing.TB) *world {
	t.Helper()
	worldOnce.Do(func() { buildZones(t, &worldData) })
	w := &world{t: t, clock: clock.NewVirtual(start), raw: worldData.raw, keys: worldData.keys, anchors: worldData.anchors,
		zones: map[string]*zone.Zone{}, wrong: map[string]func(*dns.Msg, string, func() *dns.Msg) act{},
		servers: map[string][]string{
			"198.41.0.4": {"."}, "170.247.170.2": {"."}, "192.5.6.30": {"com.", "net."}, "192.33.14.30": {"com.", "net."},
			"10.0.0.1": {"example.com.", "example.net."}, "10.0.0.2": {"example.com.", "example.net."},
			"10.0.0.3": {"plain.com."}, "10.0.0.4": {"nsec3.com."},
		}}
	for name, z := range worldData.zones {
		w.zones[name] = z
	}
	t.Cleanup(func() {
		if err := w.clock.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func buildZones(t testing.TB, w *world) {
	w.zones, w.raw, w.keys = map[string]*zone.Zone{}, map[string]*zone.Zone{}, map[string][]*sign.Key{}
	var records = map[string][]dns.RR{}
	for origin, text := range zoneFiles {
		rrs, err := zone.Parse(strings.NewReader(text), origin, origin)
		must(t, err)
		records[origin] = rrs
		if origin == "plain.com." {
			continue
		}
		for _, flags := range []uint16{sign.FlagsKSK, sign.FlagsZSK} {
			k, err := sign.DeriveKey(origin, flags, dns.ECDSAP256SHA256, []byte("a test"), "")
			must(t, err)
			w.keys[origin] = append(w.keys[origin], k)
		}
	}
	for child, keys := range w.keys {
		if child != "." {
			up := parentOf(child)
			records[up] = append(records[up], withTTL(keys[0].DS(dns.SHA256), 86400))
		}
	}
	for origin, rrs := range records {
		z, err := zone.New(origin, rrs)
		must(t, err)
		w.raw[origin] = z
		w.zones[origin] = z
		if len(w.keys[origin]) > 0 {
			w.zones[origin] = w.sign(t, origin, z, nil)
		}
	}
	w.anchors = []dns.RR{w.keys["."][0].DS(dns.SHA256)}
}

// sign signs z with the keys of origin, for 26 March to 10 April; change may change how.
func (w *world) sign(t testing.TB, origin string, z *zone.Zone, change func(*sign.Params)) *zone.Zone {
	t.Helper()
	p := sign.Params{Keys: w.keys[origin], Inception: start.Add(-165 * time.Hour), Expiration: start.Add(195 * time.Hour)}
	if origin == "nsec3.com." {
		p.Denial = sign.NSEC3
	}
	if change != nil {
		change(&p)
	}
	signed, err := sign.Sign(z, p)
	must(t, err)
	return signed
}

// resign serves origin, changed and signed anew.
func (w *world) resign(origin string, change func(*sign.Params), changes ...zone.Change) {
	w.t.Helper()
	z, err := w.raw[origin].Apply(changes...)
	must(w.t, err)
	w.zones[origin] = w.sign(w.t, origin, z, change)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func withTTL(rr dns.RR, ttl uint32) dns.RR {
	rr.Header().Ttl = ttl
	return rr
}

func parentOf(name string) string {
	off, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[off:]
}

// Exchange implements resolver.Exchanger.
func (w *world) Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte, timeout time.Duration,
	accept func([]byte) bool) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var q dns.Msg
	must(w.t, q.Unpack(query))
	at := server.Addr().String()
	w.mu.Lock()
	w.log = append(w.log, fmt.Sprintf("%s %s %s %s", at, network, q.Question[0].Name, dns.Type(q.Question[0].Qtype)))
	wrong := w.wrong[at]
	w.mu.Unlock()
	a := act{}
	if wrong != nil {
		a = wrong(&q, network, func() *dns.Msg { return w.right(at, &q, network) })
	} else if w.servers[at] != nil {
		a = act{reply: w.right(at, &q, network)}
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.reply != nil {
		packed, err := a.reply.Pack()
		must(w.t, err)
		a.raw = [][]byte{packed}
	}
	wait := latency + a.delay
	for _, raw := range a.raw {
		if wait >= timeout {
			break
		}
		if err := w.clock.Sleep(ctx, wait); err != nil {
			return nil, err
		}
		timeout, wait = timeout-wait, 0
		if accept(raw) {
			return raw, nil
		}
	}
	if err := w.clock.Sleep(ctx, timeout); err != nil {
		return nil, err
	}
	return nil, timeoutError{}
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// right is what the server at the address should say.
func (w *world) right(at string, q *dns.Msg, network string) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.Compress = true
	question := q.Question[0]
	best := ""
	for _, origin := range w.servers[at] {
		inside := dns.IsSubDomain(origin, question.Name) && (question.Qtype != dns.TypeDS || origin != question.Name || origin == ".")
		if inside && len(origin) >= len(best) {
			best = origin
		}
	}
	if best == "" {
		m.Rcode = dns.RcodeRefused
		return m
	}
	opt := q.IsEdns0()
	r := w.zones[best].Lookup(question.Name, question.Qtype, opt != nil && opt.Do())
	m.Rcode, m.Authoritative, m.Answer, m.Ns, m.Extra = r.Rcode, r.Authoritative, r.Answer, r.Authority, r.Additional
	if opt != nil {
		m.Extra = append(m.Extra[:len(m.Extra):len(m.Extra)], edns(1232, opt.Do()))
	}
	if m.Len() > 1232 && network == "udp" {
		m.Truncated, m.Answer, m.Ns = true, nil, nil
	}
	return m
}

func edns(size uint16, do bool) *dns.OPT {
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(size)
	if do {
		opt.SetDo()
	}
	return opt
}

// break_ has the server misbehave; nil: behave again.
func (w *world) break_(at string, how func(q *dns.Msg, network string, right func() *dns.Msg) act) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if how == nil {
		delete(w.wrong, at)
	} else {
		w.wrong[at] = how
	}
}

// The usual ways.
func silent(*dns.Msg, string, func() *dns.Msg) act { return act{} }
func refusing(*dns.Msg, string, func() *dns.Msg) act {
	return act{err: fmt.Errorf("write: %w", syscall.ECONNREFUSED)}
}
func rcode(code int) func(*dns.Msg, string, func() *dns.Msg) act {
	return func(q *dns.Msg, _ string, _ func() *dns.Msg) act {
		m := new(dns.Msg)
		m.SetRcode(q, code)
		return act{reply: m}
	}
}

// asked is how many queries went out since the last call, and which.
func (w *world) asked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.log
	w.log = nil
	return list
}

func hints() []dns.RR {
	return []dns.RR{rr(". 518400 IN NS a.root-servers.net."), rr(". 518400 IN NS b.root-servers.net."),
		rr("a.root-servers.net. 518400 IN A 198.41.0.4"), rr("b.root-servers.net. 518400 IN A 170.247.170.2")}
}

func rr(s string) dns.RR {
	r, err := dns.NewRR(s)
	if err != nil {
		panic(err)
	}
	return r
}

// resolver makes a validating resolver; change may change its configuration.
func (w *world) resolver(change func(*resolver.Config)) *client {
	w.t.Helper()
	cfg := resolver.Config{Name: "test", Hints: hints(), TrustAnchors: w.anchors, Clock: w.clock, Exchanger: w}
	if change != nil {
		change(&cfg)
	}
	r, err := resolver.New(cfg)
	must(w.t, err)
	return &client{w: w, r: r}
}

// client asks a resolver.
type client struct {
	w *world
	r *resolver.Resolver
}

func query(question string) *dns.Msg {
	fields := strings.Fields(question)
	m := new(dns.Msg)
	m.Id, m.RecursionDesired, m.AuthenticatedData = 4711, true, true
	do, withEDNS := false, true
	qtype := dns.TypeA
	for _, f := range fields[1:] {
		switch f {
		case "+cd":
			m.CheckingDisabled = true
		case "+do":
			do = true
		case "+noad":
			m.AuthenticatedData = false
		case "+norec":
			m.RecursionDesired = false
		case "+noedns":
			withEDNS = false
		default:
			qtype = dns.StringToType[f]
		}
	}
	m.Question = []dns.Question{{Name: dns.Fqdn(fields[0]), Qtype: qtype, Qclass: dns.ClassINET}}
	if withEDNS {
		m.Extra = []dns.RR{edns(1232, do)}
	}
	return m
}

// ask asks "name TYPE +switches" and waits for the answer.
func (c *client) ask(question string) *dns.Msg {
	c.w.t.Helper()
	var reply *dns.Msg
	must(c.w.t, c.w.clock.Run(func() {
		reply = c.r.Resolve(context.Background(), query(question), netip.MustParseAddr("10.0.2.100"))
	}))
	if reply == nil {
		c.w.t.Fatalf("%s: no reply", question)
	}
	return reply
}

// took asks, and tells the world time too.
func (c *client) took(question string) (*dns.Msg, time.Duration) {
	c.w.t.Helper()
	from := c.w.clock.Now()
	m := c.ask(question)
	return m, c.w.clock.Now().Sub(from)
}

// brief is a reply in a line: "NOERROR ad 300 192.0.2.80" and so on; each EDE as "ede=22".
func brief(m *dns.Msg) string {
	parts := []string{dns.RcodeToString[m.Rcode]}
	if m.AuthenticatedData {
		parts = append(parts, "ad")
	}
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == dns.TypeRRSIG {
			continue
		}
		fields := strings.SplitN(rr.String(), "\t", 5)
		parts = append(parts, fields[1], fields[4])
	}
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			parts = append(parts, fmt.Sprintf("soa=%s/%d", soa.Hdr.Name, soa.Hdr.Ttl))
		}
	}
	for _, code := range codes(m) {
		parts = append(parts, fmt.Sprintf("ede=%d", code))
	}
	return strings.Join(parts, " ")
}

func codes(m *dns.Msg) (list []uint16) {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				list = append(list, e.InfoCode)
			}
		}
	}
	return list
}

func sigs(rrs []dns.RR) (n int) {
	for _, rr := range rrs {
		if rr.Header().Rrtype == dns.TypeRRSIG {
			n++
		}
	}
	return n
}

// want checks a reply against its brief form.
func (c *client) want(question, want string) {
	c.w.t.Helper()
	if got := brief(c.ask(question)); got != want {
		c.w.t.Errorf("%s at %s:\n got %s\nwant %s", question, c.w.clock.Now().Format(time.DateTime), got, want)
	}
}

func (w *world) advance(d time.Duration) {
	w.t.Helper()
	must(w.t, w.clock.Advance(d))
}
