package cache

import (
	"slices"
	"testing"
	"time"

	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

var t0 = time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return t0.Add(time.Duration(seconds * float64(time.Second))) }

func rrs(t testing.TB, lines ...string) []dns.RR {
	t.Helper()
	var out []dns.RR
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rr)
	}
	return out
}

func set(t testing.TB, lines ...string) (s validate.RRset) {
	t.Helper()
	for _, rr := range rrs(t, lines...) {
		if sig, ok := rr.(*dns.RRSIG); ok {
			s.Sigs = append(s.Sigs, sig)
		} else {
			s.RRs = append(s.RRs, rr)
		}
	}
	return s
}

// positive makes an entry of rank Answer from one RRset.
func positive(t testing.TB, lines ...string) *Entry {
	t.Helper()
	s := set(t, lines...)
	h := s.RRs[0].Header()
	return &Entry{Name: h.Name, Type: h.Rrtype, Rank: Answer, Set: s}
}

func negative(t testing.TB, kind Kind, name string, rrtype uint16, soa ...string) *Entry {
	t.Helper()
	return &Entry{Name: name, Type: rrtype, Kind: kind, Rank: Answer, SOA: set(t, soa...)}
}

const (
	apiA    = "api.example. 300 IN A 10.0.2.50"
	apiSig  = "api.example. 300 IN RRSIG A 13 2 300 20260410120000 20260326120000 1 example. AAAA"
	soaLine = "example. 3600 IN SOA ns1.example. admin.example. 1 3600 900 604800 300"
)

func TestTTLCountsDown(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	put := c.Put(positive(t, apiA, apiSig), at(0.05))
	for _, x := range []struct {
		at   float64
		want uint32
	}{{0.05, 300}, {1, 299}, {10, 290}, {300, 0}, {299.05, 1}} {
		e, ok := c.Get("API.example", dns.TypeA, at(x.at))
		if !ok || e != put {
			t.Fatalf("at %v s: not found", x.at)
		}
		answer := e.AppendSigs(e.AppendRRs(nil, at(x.at)), at(x.at))
		if len(answer) != 2 {
			t.Fatalf("at %v s: %v", x.at, answer)
		}
		for _, rr := range answer {
			if rr.Header().Ttl != x.want {
				t.Errorf("at %v s: %v, want TTL %d", x.at, rr, x.want)
			}
		}
	}
	if _, ok := c.Get("api.example.", dns.TypeA, at(300.05)); ok {
		t.Error("it lives on at the second of its expiry")
	}
	if ttl := put.Set.RRs[0].Header().Ttl; ttl != 300 {
		t.Errorf("the cache wrote into a shared record: TTL %d", ttl)
	}
	if ttl := put.TTL(at(-100)); ttl != 300 {
		t.Errorf("with the clock set back the TTL is %d, more than it ever was", ttl)
	}
}

func TestNegativeAnswers(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	c.Put(negative(t, NXDOMAIN, "gone.example.", dns.TypeA, soaLine), t0)
	c.Put(negative(t, NODATA, "api.example.", dns.TypeAAAA, soaLine), t0)
	for _, rrtype := range []uint16{dns.TypeA, dns.TypeMX, dns.TypeDS} {
		if e, ok := c.Get("Gone.Example.", rrtype, at(1)); !ok || e.Kind != NXDOMAIN {
			t.Errorf("%s: %+v, want NXDOMAIN for all types", dns.Type(rrtype), e)
		}
	}
	if e, ok := c.Get("api.example.", dns.TypeAAAA, at(1)); !ok || e.Kind != NODATA {
		t.Errorf("got %+v, want NODATA", e)
	}
	if e, ok := c.Get("api.example.", dns.TypeA, at(1)); ok {
		t.Errorf("NODATA for AAAA answers for A: %+v", e)
	}
	if e, ok := c.Get("below.gone.example.", dns.TypeA, at(1)); ok {
		t.Errorf("NXDOMAIN answers for a name below: %+v", e)
	}

	// The record is created again: the later answer counts.
	c.Put(positive(t, "gone.example. 60 IN A 10.0.0.1"), at(2))
	if e, ok := c.Get("gone.example.", dns.TypeA, at(3)); !ok || e.Kind != Positive {
		t.Errorf("got %+v, want the later answer", e)
	}
	// And removed again: an NXDOMAIN outranks glue, which can still be had as such.
	glue := positive(t, "ns.example. 600 IN A 10.0.0.2")
	glue.Rank = Additional
	c.Put(negative(t, NXDOMAIN, "ns.example.", dns.TypeA, soaLine), at(2))
	c.Put(glue, at(4))
	if e, ok := c.Get("ns.example.", dns.TypeA, at(5)); !ok || e.Kind != NXDOMAIN {
		t.Errorf("got %+v, want NXDOMAIN", e)
	}
	if e, ok := c.RRset("ns.example.", dns.TypeA, at(5)); !ok || e != glue {
		t.Errorf("got %+v, want the glue", e)
	}
}

func TestAuthoritySection(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	e := negative(t, NXDOMAIN, "gone.example.", dns.TypeA, soaLine,
		"example. 3600 IN RRSIG SOA 13 1 3600 20260410120000 20260326120000 1 example. AAAA")
	e.Proof = []validate.RRset{set(t, "b.example. 300 IN NSEC ns1.example. NS RRSIG NSEC",
		"b.example. 300 IN RRSIG NSEC 13 2 300 20260410120000 20260326120000 1 example. AAAA")}
	c.Put(e, t0)
	for dnssec, want := range map[bool][]uint16{
		false: {dns.TypeSOA}, true: {dns.TypeSOA, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeRRSIG}} {
		var types []uint16
		for _, rr := range e.AppendAuthority(nil, at(100), dnssec) {
			types = append(types, rr.Header().Rrtype)
			if rr.Header().Ttl != 200 {
				t.Errorf("%v, want TTL 200", rr)
			}
		}
		if !slices.Equal(types, want) {
			t.Errorf("dnssec %v: %v, want %v", dnssec, types, want)
		}
	}
	if got := positive(t, apiA).AppendAuthority(nil, t0, true); len(got) != 0 {
		t.Errorf("a plain answer has authority %v", got)
	}
}

func TestClosest(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	for _, line := range []string{". 60 IN NS a.root.", "example. 100 IN NS ns.example.", "deep.example. 10 IN NS ns.deep.example."} {
		c.Put(positive(t, line), t0)
	}
	c.Put(negative(t, NODATA, "a.deep.example.", dns.TypeNS, soaLine), t0)
	for _, x := range []struct {
		name string
		at   float64
		want string
	}{
		{"www.a.deep.example.", 1, "deep.example."}, {"A.Deep.Example", 1, "deep.example."}, {"deep.example.", 1, "deep.example."},
		{"notdeep.example.", 1, "example."}, {`not\.deep.example.`, 1, "example."}, {"www.deep.example.", 10, "example."},
		{"com.", 1, "."}, {".", 1, "."}, {".", 60, ""}, {"www.example.", 100, ""},
	} {
		e, ok := c.Closest(x.name, dns.TypeNS, at(x.at))
		got := ""
		if ok {
			got = e.Name
		}
		if got != x.want {
			t.Errorf("%s at %v s: %q, want %q", x.name, x.at, got, x.want)
		}
	}
}
