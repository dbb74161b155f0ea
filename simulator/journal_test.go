package simulator

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"faultzone/simulator/network"
)

func newJournal() *Journal {
	return &Journal{names: func(network.Event) (string, string) { return "a", "b" }}
}

// TestLegIsKeptWhole: what is packed is what comes out.
func TestLegIsKeptWhole(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 4, 2, 9, 0, 0, 123456789, time.UTC)
	four, six := netip.MustParseAddrPort("10.0.2.100:40000"), netip.MustParseAddrPort("[2001:db8::1]:53")
	mapped := netip.MustParseAddrPort("[::ffff:10.0.2.100]:1")
	for _, e := range []network.Event{
		{At: at, Network: "udp", From: four, To: six, Data: []byte("query")},
		{At: at, Network: "tcp", From: six, To: four, Reply: true, Fate: network.Dropped, Rule: "rule", Data: []byte{}},
		{At: at, Network: "tcp", From: mapped, To: four, Fate: network.Unreachable},
		{At: at, Network: "udp", From: four, To: six, Rule: "other", Data: bytes.Repeat([]byte("x"), 65535)},
	} {
		j := newJournal()
		j.addLeg(network.Event{Rule: "rule"})
		j.addLeg(e)
		legs := j.traffic.between(1, 2)
		if len(legs) != 1 {
			t.Fatalf("%d legs", len(legs))
		}
		got := legs[0].leg()
		if r := legs[0].rule(); r > 0 {
			got.Rule = j.rules[r]
		}
		if !reflect.DeepEqual(got, e) {
			got.Data, e.Data = nil, nil
			t.Errorf("%+v came back as %+v", e, got)
		}
	}
}

// TestRemarkIsKeptWhole: what is packed is what comes out, in the order in which it went in.
func TestRemarkIsKeptWhole(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 4, 2, 9, 0, 0, 123456789, time.UTC)
	long := strings.Repeat("x", 70000)
	want := []Entry{
		{At: at, Kind: KindResolver, Node: "resolver-a", What: "cache-hit", Query: "www.example.org. A", EDE: 3, Text: "from the cache: A, TTL 7"},
		{At: at, Kind: KindResolver},
		{At: at, Kind: KindResolver, Node: "n", Text: long},
		{At: at, Kind: KindResolver, Node: long, Text: "a name that is too long to be packed"},
		{At: at, Kind: KindStep, What: "query", Text: "not the traffic's"},
	}
	j := newJournal()
	for i := range want[:4] {
		j.addRemark(&want[i])
	}
	j.add(want[4])
	j.addLeg(network.Event{At: at, Network: "udp", Data: []byte("query")})
	got := j.Since(0)
	if len(got) != 6 || got[5].Kind != KindLeg || !reflect.DeepEqual(got[:5], want) {
		t.Errorf("%.1000v came back", got)
	}
}

// TestJournalUnderLoad: traffic without end takes bounded room, pushes nothing but older traffic out, and leaves the order
// and the numbers as they were.
func TestJournalUnderLoad(t *testing.T) {
	t.Parallel()
	j := newJournal()
	data := make([]byte, 900)
	n := 0
	for range 3 * trafficRoom / len(data) / 10 {
		for range 10 {
			if n%3 == 0 {
				j.addRemark(&Entry{At: time.Unix(0, int64(n)), Kind: KindResolver, Text: string(data)})
			} else {
				j.addLeg(network.Event{At: time.Unix(0, int64(n)), Network: "udp", Data: data})
			}
			n++
		}
		if n%1000 == 0 {
			j.add(Entry{Kind: KindStep, What: fmt.Sprint(n)})
			n++
		}
	}
	for i := range 20 {
		j.addLeg(network.Event{At: time.Unix(0, int64(n)), Network: "udp", Data: make([]byte, 65000+i)})
		n++
	}
	if j.Len() != n {
		t.Errorf("%d entries, want %d", j.Len(), n)
	}
	size := 0
	for _, b := range j.traffic.blocks {
		size += cap(b.data)
	}
	if size > trafficRoom+trafficBlockSize || size != j.traffic.size || size < trafficRoom/2 {
		t.Errorf("%d octets are kept, and %d counted", size, j.traffic.size)
	}
	steps, last := 0, time.Time{}
	for _, e := range j.Since(0) {
		if e.Kind == KindStep {
			steps++
		} else if !e.At.After(last) {
			t.Fatalf("%v after %v", e.At, last)
		} else {
			last = e.At
		}
	}
	if steps != len(j.entries) || j.entries[0].number >= 10000 {
		t.Errorf("%d of %d steps are told, the first as number %d", steps, len(j.entries), j.entries[0].number)
	}
	if got := j.Since(n - 3); len(got) != 3 {
		t.Errorf("the last three are %d", len(got))
	}
	if got := j.between(n-5, n-3); len(got) != 2 || got[0].At.UnixNano() != int64(n-5) {
		t.Errorf("two in between are %v", got)
	}
	if got := j.Since(n); len(got) != 0 {
		t.Errorf("after the end: %v", got)
	}
}

func BenchmarkJournalLeg(b *testing.B) {
	j := newJournal()
	e := network.Event{At: time.Unix(1, 0), Network: "udp", From: netip.MustParseAddrPort("10.0.2.100:40000"),
		To: netip.MustParseAddrPort("10.0.1.20:53"), Data: make([]byte, 60)}
	b.ReportAllocs()
	for b.Loop() {
		j.addLeg(e)
	}
}

// What is asked of web hosts, however much, pushes nothing out that was done to the world.
func TestJournalForgetsRequestsFirst(t *testing.T) {
	t.Parallel()
	j := newJournal()
	steps := 0
	for n := range 2*entryLimit + entryLimit/2 {
		kind := KindWeb
		if n%1000 == 0 {
			kind, steps = KindStep, steps+1
		}
		j.add(Entry{Kind: kind, At: time.Unix(0, int64(n))})
	}
	told, last := 0, time.Time{}
	for _, e := range j.Since(0) {
		if e.Kind == KindStep {
			told++
		}
		if !e.At.After(last) {
			t.Fatalf("%v after %v", e.At, last)
		}
		last = e.At
	}
	if told != steps || len(j.entries) < entryLimit/4 || len(j.entries) > entryLimit {
		t.Errorf("%d of %d steps are told, of %d entries", told, steps, len(j.entries))
	}
	for n := range 2 * entryLimit { // nothing but steps: the oldest go
		j.add(Entry{Kind: KindStep, At: time.Unix(1, int64(n))})
	}
	if n := len(j.entries); n > entryLimit || n < entryLimit/2 || j.entries[n-1].number != j.Len()-1 {
		t.Errorf("%d entries", n)
	}
}
