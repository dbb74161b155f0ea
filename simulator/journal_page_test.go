package simulator

import (
	"testing"
	"time"

	"faultzone/simulator/network"
)

// Pages, however large, are the whole journal, each entry once and by its number; so are those of single kinds.
func TestJournalInPages(t *testing.T) {
	t.Parallel()
	j := newJournal()
	const n = 10000
	for i := range n {
		if i%3 == 0 {
			j.add(Entry{Kind: KindAct, What: "act"})
		} else {
			j.addLeg(network.Event{At: time.Unix(int64(i), 0), Network: "udp"})
		}
	}
	for _, c := range []struct {
		most  int
		kinds []Kind
		want  int
	}{{1, []Kind{KindAct}, 3334}, {7, nil, n}, {4096, nil, n}, {n, nil, n}, {2 * n, []Kind{KindLeg}, 6666}, {100, []Kind{KindFault}, 0}} {
		got, last := 0, -1
		for from := 0; from < n; {
			list, next := j.Page(from, c.most, c.kinds...)
			if len(list) > c.most || next <= from {
				t.Fatalf("%+v: %d entries, from %d to %d", c, len(list), from, next)
			}
			for _, e := range list {
				if e.Number <= last || e.Number >= next || (e.Kind == KindAct) != (e.Number%3 == 0) {
					t.Fatalf("%+v: entry %d, %s, after %d", c, e.Number, e.Kind, last)
				}
				last = e.Number
			}
			got, from = got+len(list), next
		}
		if got != c.want {
			t.Errorf("%+v: %d entries", c, got)
		}
	}
	if list, next := j.Page(n+5, 10); len(list) != 0 || next != n+5 {
		t.Errorf("beyond the end: %d, %d", len(list), next)
	}
}

// A page goes on behind what was let go.
func TestJournalPageAfterTheOldest(t *testing.T) {
	t.Parallel()
	j := newJournal()
	data := make([]byte, 60000)
	for range 2 * trafficRoom / len(data) {
		j.addLeg(network.Event{At: time.Unix(0, 0), Network: "udp", Data: data})
	}
	list, _ := j.Page(0, 1)
	if len(list) != 1 || list[0].Number == 0 || list[0].Number != j.first() {
		t.Errorf("%+v, the first is %d", list, j.first())
	}
}

// Whoever waits for an entry is told once it is there.
func TestJournalGrown(t *testing.T) {
	t.Parallel()
	j := newJournal()
	for _, add := range []func(){func() { j.add(Entry{Kind: KindAct}) }, func() { j.addLeg(network.Event{Network: "udp"}) }} {
		grown := j.Grown(j.Len())
		select {
		case <-grown:
			t.Fatal("told before it is there")
		default:
		}
		add()
		<-grown
		<-j.Grown(j.Len() - 1)
	}
}
