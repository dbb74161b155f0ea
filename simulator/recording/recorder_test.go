package recording_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/edge"
	"faultzone/simulator/fault"
	"faultzone/simulator/live"
	"faultzone/simulator/network"
	"faultzone/simulator/recording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink keeps what it is given, and fails or waits as it is told.
type sink struct {
	mu      sync.Mutex
	legs    []recording.Leg
	flushes int
	closed  int
	write   func() error
	flush   error
	close   error
}

func (s *sink) Write(l *recording.Leg) error {
	if s.write != nil {
		if err := s.write(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	own := *l
	own.Data = bytes.Clone(l.Data)
	s.legs = append(s.legs, own)
	return nil
}

func (s *sink) Flush() error { s.flushes++; return s.flush }
func (s *sink) Close() error { s.closed++; return s.close }

// world is one that a recorder is attached to from its beginning.
func world(t *testing.T, r *recording.Recorder, o simulator.Options) *simulator.World {
	t.Helper()
	s, _, err := scenarios.Builtin("negative-cache", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	o.OnBuilt = r.Attach
	w, err := simulator.New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func ask(t *testing.T, w *simulator.World, name string) {
	t.Helper()
	if _, err := w.Query(context.Background(), scenarios.QueryStep{Name: name, Type: dns.TypeA, Via: "resolver-a"}); err != nil {
		t.Fatal(err)
	}
}

func legs(w *simulator.World) int {
	n := 0
	for _, e := range w.Journal().Since(0) {
		if e.Kind == simulator.KindLeg {
			n++
		}
	}
	return n
}

// In virtual time nothing is lost, and legs are seen in the order of time.
func TestVirtualRecordingIsWhole(t *testing.T) {
	t.Parallel()
	s := &sink{}
	r := recording.New(recording.Config{Name: "test", Sink: s, Room: 1})
	w := world(t, r, simulator.Options{})
	ask(t, w, "api.solvethenetwork.com.")
	if len(s.legs) != legs(w) {
		t.Errorf("%d legs, the journal has %d", len(s.legs), legs(w))
	}
	inOrder := func(a, b recording.Leg) int { return a.Seen.Compare(b.Seen) }
	if !slices.IsSortedFunc(s.legs, inOrder) {
		t.Error("not in the order of time")
	}
	for _, l := range s.legs {
		if l.Seen.Before(l.At) || l.Reply && !l.Seen.Equal(l.At) {
			t.Errorf("left at %v, seen at %v: %v", l.At, l.Seen, l.Event)
		}
		if trip := l.RoundTrip() / 2; !l.Reply && l.Fate == network.Delivered && trip > 0 && !l.At.Add(trip).Equal(l.Arrives()) {
			t.Errorf("it left at %v, and needs %v, but arrives at %v", l.At, trip, l.Arrives())
		}
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all := uint64(len(s.legs))
	if written, dropped := r.Counts(); written != all || dropped != 0 || s.closed != 1 {
		t.Errorf("%d of %d written, %d dropped, closed %d times", written, all, dropped, s.closed)
	}
	ask(t, w, "www.solvethenetwork.com.")
	if uint64(len(s.legs)) != all {
		t.Error("it records after its close")
	}
}

// A sink that stands still costs the world nothing but what finds the queue full.
func TestLiveRecordingDrops(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := &sink{write: func() error { <-release; return nil }}
	r := recording.New(recording.Config{Name: "test", Sink: s, Live: true, Room: 1 << 12})
	w := world(t, r, simulator.Options{Live: true, Speed: 1000})
	for range 100 {
		ask(t, w, "api.solvethenetwork.com.")
	}
	if _, dropped := r.Counts(); dropped == 0 {
		t.Error("nothing was dropped while the sink stood still")
	}
	close(release)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	written, dropped := r.Counts()
	if written == 0 || written != uint64(len(s.legs)) {
		t.Errorf("%d written, the sink has %d; %d dropped", written, len(s.legs), dropped)
	}
	for _, l := range s.legs {
		if l.Data != nil && new(dns.Msg).Unpack(l.Data) != nil {
			t.Errorf("a message has changed in the queue: %x", l.Data)
		}
	}
}

// What the sink did not take or hand on is dropped, and only that.
func TestFailuresAreCounted(t *testing.T) {
	t.Parallel()
	n := 0
	s := &sink{write: func() error {
		switch n++; n {
		case 2, 8:
			return recording.ErrLeftOut
		case 6:
			return errors.New("the sixth is not to my liking")
		}
		return nil
	}}
	r := recording.New(recording.Config{Name: "test", Sink: s})
	w := world(t, r, simulator.Options{})
	ask(t, w, "api.solvethenetwork.com.")
	if _, dropped := r.Counts(); dropped != 5 { // the sixth, and the four that no flush had handed on
		t.Errorf("%d dropped, want 5", dropped)
	}
	s.close = errors.New("the disk is full")
	if err := r.Close(); !errors.Is(err, s.close) {
		t.Errorf("closed with %v", err)
	}
	if written, dropped := r.Counts(); written != 0 || dropped != uint64(n-2) {
		t.Errorf("%d written and %d dropped of %d", written, dropped, n)
	}
}

// One recorder may see several worlds, each in its own scene.
func TestScenes(t *testing.T) {
	t.Parallel()
	s := &sink{}
	r := recording.New(recording.Config{Name: "test", Sink: s, Live: true})
	for range 2 {
		w := world(t, r, simulator.Options{Live: true, Speed: 1000})
		ask(t, w, "api.solvethenetwork.com.")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	scenes := map[*recording.Scene]int{}
	for _, l := range s.legs {
		scenes[l.Scene]++
		if h, ok := l.Scene.Host(l.To.Addr()); ok && h.Name == "" {
			t.Errorf("%s has no name", l.To)
		}
	}
	if len(scenes) != 2 {
		t.Errorf("%d scenes", len(scenes))
	}
}

// A recording goes on when a host begins its world anew.
func TestResetGoesOn(t *testing.T) {
	t.Parallel()
	s := &sink{}
	r := recording.New(recording.Config{Name: "test", Sink: s, Live: true})
	scenario, _, err := scenarios.Builtin("negative-cache", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	h, err := live.New(live.Config{Scenario: scenario, Open: edge.Ports, Options: simulator.Options{Speed: 1000, OnBuilt: r.Attach}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Go(); err != nil {
		t.Fatal(err)
	}
	const lives = 3
	for life := range lives {
		ask(t, h.World(), "api.solvethenetwork.com.")
		if life < lives-1 {
			if err := h.Reset("a test"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(h.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	scenes := map[*recording.Scene]bool{}
	questions := 0
	for _, l := range s.legs {
		scenes[l.Scene] = true
		m := new(dns.Msg)
		if !l.Reply && l.To.Addr().String() == "10.0.1.10" && m.Unpack(l.Data) == nil && m.Question[0].Name == "api.solvethenetwork.com." {
			questions++
		}
	}
	if len(scenes) != lives || questions != lives {
		t.Errorf("%d scenes and %d questions, want %d of each", len(scenes), questions, lives)
	}
}
