package recording_test

import (
	"net/netip"
	"testing"
	"time"

	"faultzone/simulator/network"
	"faultzone/simulator/recording"
)

func TestAsked(t *testing.T) {
	t.Parallel()
	a := recording.NewAsked(2)
	epoch := time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC)
	client, server := netip.MustParseAddrPort("10.0.2.100:4000"), netip.MustParseAddrPort("10.0.1.10:53")
	query := func(id byte) *network.Event {
		return &network.Event{Network: "udp", From: client, To: server, Data: []byte{0, id}}
	}
	reply := func(id byte) *network.Event {
		return &network.Event{Network: "udp", From: server, To: client, Reply: true, Data: []byte{0, id}}
	}
	at := func(n int) recording.Times { return recording.Times{Left: epoch.Add(time.Duration(n) * time.Second)} }
	knows := func(id byte, want int) {
		t.Helper()
		got, ok := a.When(reply(id))
		if ok != (want > 0) || ok && got != at(want) {
			t.Errorf("question %d: %v %v, want second %d", id, got, ok, want)
		}
	}
	a.Ask(query(1), at(1))
	a.Ask(query(2), at(2))
	knows(1, 1)
	knows(2, 2)
	a.Ask(query(1), at(3)) // the same again
	knows(1, 3)
	a.Ask(query(3), at(4)) // the one asked longest ago goes
	knows(2, 0)
	knows(1, 3)
	knows(3, 4)
	a.Forget(reply(3))
	knows(3, 0)
	knows(1, 3)
	a.Forget(reply(1))
	knows(1, 0)
	a.Ask(query(2), at(5))

	over := *reply(2)
	over.Network = "tcp"
	if _, ok := a.When(&over); ok {
		t.Error("a question over UDP is taken for one over TCP")
	}
	a.Ask(&network.Event{Data: []byte{1}}, at(5)) // too short to have an ID
	if _, ok := a.When(&network.Event{Reply: true, Data: []byte{1}}); ok {
		t.Error("found a question without an ID")
	}
}
