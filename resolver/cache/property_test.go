package cache

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// model is the cache as one would write it without caring for speed or size: one slot for each name, type and kind of
// knowledge, and nothing evicted.
type model struct {
	cfg   Config
	slots map[string]*Entry
}

func slot(name string, rrtype uint16, failure bool) string {
	return fmt.Sprint(name, " ", rrtype, " ", failure)
}

func (m *model) get(name string, rrtype uint16, now time.Time) *Entry {
	exact, nx := m.slots[slot(name, rrtype, false)], m.slots[slot(name, dns.TypeNone, false)]
	switch {
	case exact == nil || !now.Before(exact.Expires):
		exact, nx = nx, nil
	case nx == nil || !now.Before(nx.Expires):
	case nx.outweighs(exact):
		exact = nx
	}
	if exact == nil || !now.Before(exact.Expires) {
		return nil
	}
	return exact
}

func drawEntry(t *rapid.T) *Entry {
	name := rapid.SampledFrom([]string{"a.", "b.a.", "c.b.a.", "B.a.", "."}).Draw(t, "name")
	ttl := rapid.Uint32Range(0, 20).Draw(t, "ttl")
	e := &Entry{Name: name, Type: rapid.SampledFrom([]uint16{dns.TypeA, dns.TypeNS}).Draw(t, "type"),
		Kind: rapid.SampledFrom([]Kind{Positive, Positive, NODATA, NXDOMAIN}).Draw(t, "kind"),
		Rank: Rank(rapid.IntRange(int(Hint), int(Answer)).Draw(t, "rank")), Status: validate.Status(rapid.IntRange(0, 3).Draw(t, "status"))}
	head := dns.RR_Header{Name: name, Rrtype: e.Type, Class: dns.ClassINET, Ttl: ttl}
	if e.Kind != Positive {
		head.Rrtype = dns.TypeSOA
		e.SOA.RRs = []dns.RR{&dns.SOA{Hdr: head, Ns: ".", Mbox: ".", Minttl: rapid.Uint32Range(0, 20).Draw(t, "minimum")}}
	} else if e.Type == dns.TypeNS {
		e.Set.RRs = []dns.RR{&dns.NS{Hdr: head, Ns: "ns."}}
	} else {
		e.Set.RRs = []dns.RR{&dns.A{Hdr: head, A: []byte{10, 0, 0, byte(ttl)}}}
	}
	return e
}

// Whatever is put, forgotten and waited for, the cache says what the model says, tells no TTL that grows, and keeps its
// books.
func TestCacheIsItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{KeepExpired: time.Duration(rapid.IntRange(0, 10).Draw(t, "keep")) * time.Second}
		c, m, now := New(cfg), &model{cfg: cfg, slots: map[string]*Entry{}}, t0
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 9000).Draw(t, "ms")) * time.Millisecond)
			},
			"put": func(t *rapid.T) {
				e := drawEntry(t)
				stands := c.Put(e, now)
				key := slot(e.Name, e.Type, false)
				old := m.slots[key]
				if old != nil && now.Before(old.Expires) && !e.supersedes(old) {
					if stands != old {
						t.Fatalf("%+v replaced %+v", e, old)
					}
					return
				}
				if stands != e {
					t.Fatalf("%+v did not replace %+v", e, old)
				}
				m.slots[key] = e
				if now.Before(e.Expires) {
					delete(m.slots, slot(e.Name, e.Type, true))
				}
			},
			"fail": func(t *rapid.T) { e := c.Fail("b.a.", dns.TypeA, nil, now); m.slots[slot("b.a.", dns.TypeA, true)] = e },
			"flush": func(t *rapid.T) {
				c.Flush("B.A")
				for key, e := range m.slots {
					if e.Name == "b.a." {
						delete(m.slots, key)
					}
				}
			},
			"": func(t *rapid.T) { checkAgainst(t, c, m, now) },
		})
	})
}

func checkAgainst(t *rapid.T, c *Cache, m *model, now time.Time) {
	live := 0
	for _, name := range []string{".", "a.", "b.a.", "c.b.a."} {
		for _, rrtype := range []uint16{dns.TypeA, dns.TypeNS} {
			got, ok := c.Get(name, rrtype, now)
			want := m.get(name, rrtype, now)
			if got != want || ok != (want != nil) {
				t.Fatalf("%s %s: %+v, want %+v", name, dns.Type(rrtype), got, want)
			}
			if !ok {
				continue
			}
			for _, rr := range got.AppendAuthority(got.AppendRRs(nil, now), now, true) {
				if left := got.Expires.Sub(now); time.Duration(rr.Header().Ttl) != left/time.Second {
					t.Fatalf("%v, with %v left", rr, left)
				}
			}
		}
	}
	for _, e := range m.slots {
		if now.Before(e.Expires) {
			live++
		}
	}
	if c.Len(now) != live || len(c.Dump(now)) != live {
		t.Fatalf("%d live entries, want %d", c.Len(now), live)
	}
	checkBooks(t, c)
}

// checkBooks compares the cache's three views of its entries: by name, by end, and in the ring.
func checkBooks(t *rapid.T, c *Cache) {
	var named, ringed int
	var bytes int64
	for name, n := range c.names {
		if len(n.entries) == 0 {
			t.Fatalf("%s has an empty node", name)
		}
		for _, a := range n.answers {
			bytes += a.cost
		}
		for _, e := range n.entries {
			named++
			bytes += e.cost
			if c.store.byEnd[e.at] != e {
				t.Fatal("the heap has lost an entry's place")
			}
		}
	}
	for e := c.store.ring.next; e != nil && e != &c.store.ring; e = e.next {
		ringed++
	}
	if named != len(c.store.byEnd) || named != ringed || bytes != c.store.bytes || bytes > c.cfg.MaxBytes {
		t.Fatalf("%d by name, %d by end, %d in the ring; %d bytes, counted %d", named, len(c.store.byEnd), ringed, bytes, c.store.bytes)
	}
}

// A small cache stays small, and the same calls leave the same entries: nothing depends on map order.
func TestEvictionIsBoundedAndRepeatable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{MaxBytes: int64(rapid.IntRange(500, 6000).Draw(t, "bytes"))}
		one, two, now := New(cfg), New(cfg), t0
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			name := fmt.Sprintf("n%d.", rapid.IntRange(0, 20).Draw(t, "n"))
			ttl := rapid.Uint32Range(1, 30).Draw(t, "ttl")
			switch rapid.IntRange(0, 3).Draw(t, "call") {
			case 3:
				for _, c := range []*Cache{one, two} {
					if e, ok := c.Get(name, dns.TypeA, now); ok {
						c.KeepReady(&Ready{Variant: ttl % 10, Packed: make([]byte, 40*ttl), Entries: []*Entry{e}}, c.Changes(), now)
					}
				}
			case 0:
				for _, c := range []*Cache{one, two} {
					c.Put(&Entry{Name: name, Type: dns.TypeA, Rank: Answer, Set: validate.RRset{RRs: []dns.RR{&dns.A{Hdr: dns.RR_Header{
						Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}, A: []byte{10, 0, 0, 1}}}}}, now)
				}
			case 1:
				_, a := one.Get(name, dns.TypeA, now)
				if _, b := two.Get(name, dns.TypeA, now); a != b {
					t.Fatalf("%s is in one cache alone", name)
				}
			default:
				now = now.Add(time.Second)
			}
			checkBooks(t, one)
		}
		a, b := one.Dump(now), two.Dump(now)
		if len(a) != len(b) {
			t.Fatalf("%d and %d entries", len(a), len(b))
		}
		for i := range a {
			if a[i].Name != b[i].Name || !a[i].Expires.Equal(b[i].Expires) {
				t.Fatalf("%s and %s", a[i].Name, b[i].Name)
			}
		}
	})
}

// For the race detector: every call beside every other.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	c := New(Config{MaxBytes: 20_000})
	var wait sync.WaitGroup
	for g := range 4 {
		wait.Go(func() {
			for i := range 300 {
				now := at(float64(i) / 10)
				name := fmt.Sprintf("n%d.example.", (i*7+g)%40)
				c.Put(positive(t, name+" 20 IN A 10.0.0.1"), now)
				if e, ok := c.Get(name, dns.TypeA, now); ok {
					_ = e.AppendAuthority(e.AppendSigs(e.AppendRRs(nil, now), now), now, true)
				}
				c.Fail(name, dns.TypeMX, nil, now)
				c.Failure(name, dns.TypeMX, now)
				c.Closest(name, dns.TypeNS, now)
				switch i % 50 {
				case 1:
					c.Flush(name)
				case 2:
					c.Dump(now)
				case 3:
					c.FlushTree("example.")
				case 4:
					c.Len(now)
				case 5:
					c.Clear()
				}
			}
		})
	}
	wait.Wait()
}
