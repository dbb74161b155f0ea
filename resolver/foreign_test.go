package resolver_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/resolver"
)

// plainClock is the least that a Clock can be: goroutines as they come, and time that moves when a test says so.
type plainClock struct {
	nanos  atomic.Int64
	atOnce bool // Go calls
}

func (c *plainClock) Now() time.Time { return start.Add(time.Duration(c.nanos.Load())) }
func (c *plainClock) Sleep(ctx context.Context, d time.Duration) error {
	c.nanos.Add(int64(d))
	return ctx.Err()
}
func (c *plainClock) Signal() (<-chan struct{}, func()) {
	done := make(chan struct{})
	return done, sync.OnceFunc(func() { close(done) })
}
func (c *plainClock) Await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
func (c *plainClock) WithTimeout(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}
func (c *plainClock) Go(f func()) {
	if c.atOnce {
		f()
		return
	}
	go f()
}

// exchange is an Exchanger of one function.
type exchange func(ctx context.Context, server netip.AddrPort, network string, query []byte, timeout time.Duration,
	accept func([]byte) bool) ([]byte, error)

func (f exchange) Exchange(ctx context.Context, server netip.AddrPort, network string, query []byte, timeout time.Duration,
	accept func([]byte) bool) ([]byte, error) {
	return f(ctx, server, network, query, timeout, accept)
}

// telling is an Exchanger all of whose servers answer with one address.
func telling(t *testing.T, count *atomic.Int64) exchange {
	return func(_ context.Context, _ netip.AddrPort, _ string, query []byte, _ time.Duration, accept func([]byte) bool) ([]byte, error) {
		count.Add(1)
		runtime.Gosched()
		q := new(dns.Msg)
		if err := q.Unpack(query); err != nil {
			return nil, err
		}
		reply := packed(t, say(q, "aa", "an "+q.Question[0].Name+" 60 IN A 192.0.2.1"))
		if !accept(reply) {
			return nil, timeoutError{}
		}
		return reply, nil
	}
}

func foreign(t *testing.T, clock resolver.Clock, ex resolver.Exchanger, change func(*resolver.Config)) *resolver.Resolver {
	t.Helper()
	cfg := resolver.Config{Hints: hints(), Clock: clock, Exchanger: ex}
	if change != nil {
		change(&cfg)
	}
	r, err := resolver.New(cfg)
	must(t, err)
	return r
}

var someone = netip.MustParseAddr("10.0.2.100")

// Many who ask for one thing at the same moment, on a clock that lets them run at once, have it asked for once.
func TestAskedOnceByManyAtOnce(t *testing.T) {
	t.Parallel()
	for range 200 {
		var count atomic.Int64
		r := foreign(t, new(plainClock), telling(t, &count), nil)
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				if m := r.Resolve(context.Background(), query("www.example.com A"), someone); m == nil || len(m.Answer) != 1 {
					t.Errorf("got %v", m)
				}
			})
		}
		wg.Wait()
		if n := count.Load(); n != 1 {
			t.Fatalf("asked %d times", n)
		}
	}
}

// An Exchanger may give what accept never took, and fail in ways of its own: that is a server of no use, and no more.
func TestExchangerOfItsOwnMind(t *testing.T) {
	t.Parallel()
	other := packed(t, say(query("other.example. A"), "aa", "an other.example. 60 IN A 192.0.2.66"))
	tests := map[string]struct {
		reply []byte
		err   error
	}{
		"nothing, and no error":        {nil, nil},
		"a short reply":                {[]byte{1, 2, 3}, nil},
		"zeros":                        {make([]byte, 12), nil},
		"a reply to another question":  {other, nil},
		"an error of no kind":          {nil, errors.New("the cable is out")},
		"a deadline of somebody's own": {nil, context.DeadlineExceeded},
		"an end of somebody's own":     {nil, context.Canceled},
		"both":                         {other, timeoutError{}},
	}
	for name, test := range tests {
		asked := 0
		r := foreign(t, new(plainClock), exchange(func(_ context.Context, _ netip.AddrPort, _ string, _ []byte, _ time.Duration, accept func([]byte) bool) ([]byte, error) {
			asked++
			for _, junk := range [][]byte{nil, {0}, make([]byte, 12), make([]byte, 70000), other} {
				if accept(junk) {
					t.Errorf("%s: %d octets of junk were taken", name, len(junk))
				}
			}
			return test.reply, test.err
		}), nil)
		m := r.Resolve(context.Background(), query("www.example.com A"), someone)
		if m == nil || m.Rcode != dns.RcodeServerFailure || len(codes(m)) == 0 || asked == 0 || asked > 6 {
			t.Errorf("%s: asked %d times, got %v", name, asked, m)
		}
	}
}

// Serve-stale on a clock whose Go is a goroutine, and on one that calls: both answer, and after Close too.
func TestStaleOnOtherClocks(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []bool{false, true} {
		clock := &plainClock{atOnce: atOnce}
		var count atomic.Int64
		var silence atomic.Bool
		tells := telling(t, &count)
		r := foreign(t, clock, exchange(func(ctx context.Context, server netip.AddrPort, network string, query []byte, timeout time.Duration, accept func([]byte) bool) ([]byte, error) {
			if silence.Load() {
				return nil, timeoutError{}
			}
			return tells(ctx, server, network, query, timeout, accept)
		}), func(cfg *resolver.Config) { cfg.ServeStale.On = true })
		want := func(when, want string) {
			t.Helper()
			m := r.Resolve(context.Background(), query("www.example.com A"), someone)
			if m == nil || brief(m) != want {
				t.Errorf("at once %v, %s: got %v, want %s", atOnce, when, m, want)
			}
		}
		want("fresh", "NOERROR 60 192.0.2.1")
		clock.nanos.Add(int64(61 * time.Second))
		want("expired", "NOERROR 60 192.0.2.1")
		clock.nanos.Add(int64(61 * time.Second))
		silence.Store(true)
		want("silent", "NOERROR 30 192.0.2.1 ede=3 ede=22")
		clock.nanos.Add(int64(61 * time.Second))
		r.Close()
		silence.Store(false)
		if m := r.Resolve(context.Background(), query("www.example.com A"), someone); m == nil || len(m.Answer) != 1 {
			t.Errorf("at once %v, closed, with stale data: got %v", atOnce, m)
		}
		clock.nanos.Add(int64(48 * time.Hour))
		want("closed, with nothing", "NOERROR 60 192.0.2.1")
	}
}

// What 10,000 questions for different names leave behind is bounded by the cache.
func TestNothingLeftBehind(t *testing.T) {
	t.Parallel()
	clock := new(plainClock)
	var count atomic.Int64
	r := foreign(t, clock, telling(t, &count), func(cfg *resolver.Config) { cfg.CacheBytes = 256 << 10 })
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 1250 {
				name := "n" + string(rune('a'+worker)) + dns.Fqdn(time.Duration(i).String()) + "example.com. A"
				if m := r.Resolve(context.Background(), query(name), someone); m == nil || m.Rcode != dns.RcodeSuccess {
					t.Errorf("got %v", m)
				}
			}
		})
	}
	wg.Wait()
	if s := r.CacheStats(); s.Bytes > s.MaxBytes || s.Entries > 1000 {
		t.Errorf("the cache has %d entries of %d octets; %d is its bound", s.Entries, s.Bytes, s.MaxBytes)
	}
}

func TestNilRecordsAreToldOf(t *testing.T) {
	t.Parallel()
	cfg := resolver.Config{Hints: append(hints(), nil), TrustAnchors: []dns.RR{nil}, Clock: new(plainClock), Exchanger: telling(t, new(atomic.Int64))}
	if _, err := resolver.New(cfg); err == nil {
		t.Error("a trust anchor that is none passes")
	}
	cfg.TrustAnchors = nil
	if _, err := resolver.New(cfg); err != nil {
		t.Errorf("a hint that is none: %v", err)
	}
}

// Who asked first may go away: those who waited for the same answer get it all the same.
func TestAskerLeavesAtOnce(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	var first atomic.Bool
	tells := telling(t, &count)
	began := make(chan struct{}, 8)
	r := foreign(t, new(plainClock), exchange(func(ctx context.Context, server netip.AddrPort, network string, query []byte, timeout time.Duration, accept func([]byte) bool) ([]byte, error) {
		began <- struct{}{}
		if first.CompareAndSwap(false, true) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return tells(ctx, server, network, query, timeout, accept)
	}), nil)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if m := r.Resolve(ctx, query("www.example.com A"), someone); m != nil {
			t.Errorf("who left got %v", m)
		}
	})
	<-began
	for range 5 {
		wg.Go(func() {
			if m := r.Resolve(context.Background(), query("www.example.com A"), someone); m == nil || len(m.Answer) != 1 {
				t.Errorf("who stayed got %v", m)
			}
		})
	}
	cancel()
	wg.Wait()
	if n := count.Load(); n != 1 {
		t.Errorf("asked %d times more", n)
	}
}

// Everything that can be done to a resolver, at once, with every policy on, and with replies that are lost or damaged.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clock := new(plainClock)
	var mu sync.Mutex
	chance := rand.New(rand.NewPCG(3, 4))
	roll := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return chance.IntN(n)
	}
	r := foreign(t, clock, exchange(func(_ context.Context, server netip.AddrPort, network string, query []byte, timeout time.Duration, accept func([]byte) bool) ([]byte, error) {
		q := new(dns.Msg)
		if err := q.Unpack(query); err != nil {
			return nil, err
		}
		b := packed(t, w.right(server.Addr().String(), q, network))
		switch roll(10) {
		case 0:
			clock.nanos.Add(int64(timeout))
			return nil, timeoutError{}
		case 1, 2:
			b[12+roll(len(b)-12)] ^= byte(1 << roll(8))
		}
		clock.nanos.Add(int64(latency))
		if !accept(b) {
			return nil, timeoutError{}
		}
		return b, nil
	}), func(cfg *resolver.Config) {
		cfg.TrustAnchors, cfg.CacheBytes, cfg.QNAMEMinimisation = w.anchors, 100<<10, resolver.MinimiseRelaxed
		cfg.ServeStale.On, cfg.Prefetch.On, cfg.AggressiveNSEC, cfg.Prime, cfg.RandomCase, cfg.FullResponses = true, true, true, true, true, true
		cfg.Report = func(resolver.Event) {}
	})
	ask := []string{"www.example.com.", "nosuch.example.com.", "x.wild.example.com.", "abroad.example.com.", "a.old.example.com.",
		"www.nsec3.com.", "q.nsec3.com.", "www.plain.com.", "loop1.example.com.", "com.", "."}
	types := []string{" A", " AAAA", " DS", " NS", " SOA", " DNSKEY", " ANY", " RRSIG", " NSEC", " A +cd", " A +do", " MX +norec"}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 200 {
				name := ask[roll(len(ask))]
				if name != "." && roll(3) == 0 {
					name = string(rune('a'+roll(26))) + "." + name
				}
				switch roll(40) {
				case 0:
					r.Flush(name)
				case 1:
					r.FlushTree(name)
				case 2:
					r.Clear()
				case 3:
					r.Dump()
				case 4:
					r.CacheStats()
				case 5:
					r.Cached(name, dns.TypeA)
				}
				m := r.Resolve(context.Background(), query(name+types[roll(len(types))]), someone)
				if m == nil {
					t.Error("no reply")
					continue
				}
				packed(t, m)
			}
		})
	}
	wg.Wait()
	r.Close()
}
