package resolver_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/zone"
	"faultzone/resolver"
	"faultzone/resolver/cache"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// TTLs count down, and at zero the servers are asked again.
func TestTTLsCountDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
	w.advance(20 * time.Second)
	c.want("brief.example.com A", "NOERROR ad 40 192.0.2.82")
	w.advance(40*time.Second - time.Nanosecond)
	c.want("brief.example.com A", "NOERROR ad 0 192.0.2.82")
	w.asked()
	w.advance(time.Nanosecond)
	c.want("brief.example.com A", "NOERROR ad 60 192.0.2.82")
	if asked := w.asked(); len(asked) != 1 {
		t.Errorf("asked %q, want the zone's server once: the way to it and its keys are known", asked)
	}
}

// RFC 2308 section 5: a denial lives for the lesser of its SOA's TTL and MINIMUM; a record that is published meanwhile is
// not seen before. NXDOMAIN is for all types (section 2.1), NODATA for one.
func TestNegativeAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	c.want("new.example.com A", "NXDOMAIN ad soa=example.com./300")
	c.want("www.example.com MX", "NOERROR ad soa=example.com./300")
	w.resign("example.com.", nil,
		zone.Change{Op: zone.Add, Name: "new.example.com.", Type: dns.TypeA, RRs: []dns.RR{rr("new.example.com. 300 IN A 192.0.2.99")}},
		zone.Change{Op: zone.Add, Name: "www.example.com.", Type: dns.TypeMX, RRs: []dns.RR{rr("www.example.com. 300 IN MX 0 www.example.com.")}})
	w.advance(100 * time.Second)
	w.asked()
	c.want("new.example.com A", "NXDOMAIN ad soa=example.com./199")
	c.want("new.example.com TXT", "NXDOMAIN ad soa=example.com./199")
	c.want("www.example.com MX", "NOERROR ad soa=example.com./200")
	if asked := w.asked(); len(asked) > 0 {
		t.Errorf("asked %q", asked)
	}
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")

	// rndc flushname helps at once.
	if n := c.r.Flush("NEW.example.com"); n == 0 {
		t.Error("nothing was flushed")
	}
	c.want("new.example.com A", "NOERROR ad 300 192.0.2.99")
	c.want("www.example.com MX", "NOERROR ad soa=example.com./199")
	w.advance(200 * time.Second)
	c.want("www.example.com MX", "NOERROR ad 300 0 www.example.com.")
}

func TestTTLBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(func(cfg *resolver.Config) {
		cfg.MinTTL, cfg.MaxTTL, cfg.MaxNegativeTTL = 100*time.Second, time.Hour, 30*time.Second
	})
	c.want("brief.example.com A", "NOERROR ad 100 192.0.2.82")
	c.want("long.example.com A", "NOERROR ad 3600 192.0.2.81")
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
	c.want("nosuch.example.com A", "NXDOMAIN ad soa=example.com./30")
}

func TestFlushAndDump(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	c.ask("www.example.com A")
	c.ask("alias.example.com A")
	c.ask("nosuch.example.com A")
	e, ok := c.r.Cached("WWW.example.com", dns.TypeA)
	if !ok || e.Kind != cache.Positive || e.Status != validate.Secure || e.TTL != 299 || len(e.RRs) != 1 {
		t.Errorf("cached: %+v, %v", e, ok)
	}
	if e, ok := c.r.Cached("nosuch.example.com.", dns.TypeA); !ok || e.Kind != cache.NXDOMAIN {
		t.Errorf("the denial: %+v, %v", e, ok)
	}
	if e, ok := c.r.Cached("alias.example.com.", dns.TypeA); !ok || e.Type != dns.TypeCNAME {
		t.Errorf("the alias: %+v, %v", e, ok)
	}
	if e, ok := c.r.Cached("ns1.example.com.", dns.TypeA); ok {
		t.Errorf("glue is told: %+v", e)
	}
	dump := c.r.Dump()
	if len(dump) != c.r.CacheLen() || len(dump) < 8 {
		t.Errorf("%d entries, and %d in the dump", c.r.CacheLen(), len(dump))
	}
	var names []string
	for _, e := range dump {
		names = append(names, e.Name)
	}
	if got := strings.Join(names, " "); !strings.HasPrefix(got, ". ") || strings.Index(got, " com. ") > strings.Index(got, " example.com. ") {
		t.Errorf("not in canonical order: %s", got)
	}

	w.asked()
	if n := c.r.FlushTree("example.com"); n < 5 {
		t.Errorf("%d entries flushed of example.com", n)
	}
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
	asked := w.asked()
	if len(asked) != 3 {
		t.Errorf("asked %q, want com. for the delegation with its DS, the zone for the name and its keys", asked)
	}
	c.r.Clear()
	if n := c.r.CacheLen(); n != 0 {
		t.Errorf("%d entries after Clear", n)
	}
	c.want("www.example.com A", "NOERROR ad 300 192.0.2.80")
}

// From the root down, each server is asked for what it alone can tell, and the keys on the way.
func TestQueriesOnTheWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	c.ask("www.example.com A")
	var got []string
	for _, s := range w.asked() {
		f := strings.Fields(s)
		level := map[string]string{"198": "root", "170": "root", "192": "com", "10": "example"}[strings.SplitN(f[0], ".", 2)[0]]
		got = append(got, level+" "+f[2]+" "+f[3])
	}
	want := "root www.example.com. A, com www.example.com. A, example www.example.com. A, root . DNSKEY, com com. DNSKEY, example example.com. DNSKEY"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("asked\n     %s\nwant %s", s, want)
	}
}

// Identical questions in flight are asked once, and all who asked get the answer at the same moment.
func TestAskedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	answers := make([]*dns.Msg, 20)
	times := make([]time.Time, 20)
	must(t, w.clock.Run(func() {
		var waits []<-chan struct{}
		for i := range answers {
			done, fire := w.clock.Signal()
			waits = append(waits, done)
			w.clock.Go(func() {
				defer fire()
				w.clock.Sleep(context.Background(), time.Duration(i)*time.Millisecond)
				answers[i] = c.r.Resolve(context.Background(), query("www.example.com A"), netip.Addr{})
				times[i] = w.clock.Now()
			})
		}
		for _, done := range waits {
			w.clock.Await(context.Background(), done)
		}
	}))
	if asked := w.asked(); len(asked) != 6 {
		t.Errorf("asked %d times: %q", len(asked), asked)
	}
	for i, m := range answers {
		if got := brief(m); got != "NOERROR ad 300 192.0.2.80" || times[i] != times[0] {
			t.Errorf("client %d: %s at %v, the first at %v", i, got, times[i], times[0])
		}
	}
}

// Whoever waited for a client that went away finds the answer for itself.
func TestFirstAskerLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.resolver(nil)
	var first, second *dns.Msg
	must(t, w.clock.Run(func() {
		ctx, cancel := w.clock.WithTimeout(context.Background(), 15*time.Millisecond)
		defer cancel()
		done, fire := w.clock.Signal()
		w.clock.Go(func() {
			defer fire()
			first = c.r.Resolve(ctx, query("www.example.com A"), netip.Addr{})
		})
		w.clock.Sleep(context.Background(), time.Millisecond)
		second = c.r.Resolve(context.Background(), query("www.example.com A"), netip.Addr{})
		w.clock.Await(context.Background(), done)
	}))
	if first != nil || second == nil || brief(second) != "NOERROR ad 300 192.0.2.80" {
		t.Errorf("the first got %v, the second %v", first, second)
	}
}

// Two questions that each need what the other is looking for do not wait for each other for ever.
func TestFlightsDoNotLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	com := func(q *dns.Msg, _ string, right func() *dns.Msg) act {
		m := new(dns.Msg)
		m.SetReply(q)
		switch name := q.Question[0].Name; {
		case dns.IsSubDomain("one.com.", name):
			m.Ns = []dns.RR{rr("one.com. 3600 IN NS ns.two.com.")}
		case dns.IsSubDomain("two.com.", name):
			m.Ns = []dns.RR{rr("two.com. 3600 IN NS ns.one.com.")}
		default:
			return act{reply: right()}
		}
		return act{reply: m}
	}
	w.break_("192.5.6.30", com)
	w.break_("192.33.14.30", com)
	c := w.resolver(func(cfg *resolver.Config) { cfg.TrustAnchors = nil })
	from := w.clock.Now()
	must(t, w.clock.Run(func() {
		var waits []<-chan struct{}
		for _, q := range []string{"ns.one.com A", "ns.two.com A", "www.one.com A", "www.two.com A"} {
			done, fire := w.clock.Signal()
			waits = append(waits, done)
			w.clock.Go(func() {
				defer fire()
				if m := c.r.Resolve(context.Background(), query(q), netip.Addr{}); m.Rcode != dns.RcodeServerFailure {
					t.Errorf("%s: %s", q, brief(m))
				}
			})
		}
		for _, done := range waits {
			w.clock.Await(context.Background(), done)
		}
	}))
	if took := w.clock.Now().Sub(from); took > time.Second {
		t.Errorf("took %v", took)
	}
}

// The events tell the way of an answer.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var kinds []string
	var last resolver.Event
	c := w.resolver(func(cfg *resolver.Config) {
		cfg.Report = func(e resolver.Event) {
			if last = e; e.Query == "alias.example.com. A" {
				kinds = append(kinds, e.Kind)
			}
			if e.Text == "" || e.Query == "" {
				t.Errorf("an event without words: %+v", e)
			}
		}
	})
	c.ask("alias.example.com A")
	c.ask("alias.example.com A")
	want := "ask referral ask referral ask reply validate follow follow cache-hit"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("events\n     %s\nwant %s", got, want)
	}
	w.break_("10.0.0.1", refusing)
	w.break_("10.0.0.2", refusing)
	c.ask("long.example.com A")
	if last.Kind != resolver.EventServfail || last.EDE != 22 {
		t.Errorf("the last event is %+v", last)
	}
}
