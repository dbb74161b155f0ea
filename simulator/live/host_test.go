package live_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/edge"
	"faultzone/simulator/fault"
	"faultzone/simulator/live"
	"faultzone/simulator/play"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func host(t *testing.T, name string, c live.Config) *live.Host {
	t.Helper()
	s, _, err := scenarios.Builtin(name, fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	c.Scenario, c.Open = s, edge.Ports
	h, err := live.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func door(t *testing.T, h *live.Host, node string) netip.AddrPort {
	t.Helper()
	for _, d := range h.Doors() {
		if d.Node == node {
			return d.Real
		}
	}
	t.Fatalf("no door leads to %s", node)
	return netip.AddrPort{}
}

// ask puts a real question to a door.
func ask(t *testing.T, at netip.AddrPort, name string) (*dns.Msg, error) {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, dns.TypeA)
	reply, _, err := (&dns.Client{Timeout: patience}).Exchange(m, at.String())
	return reply, err
}

// After a reset everything is as it was at the start, behind the same addresses.
func TestReset(t *testing.T) {
	t.Parallel()
	h := host(t, "negative-cache", live.Config{Options: simulator.Options{Speed: 1000}})
	if err := h.Go(); err != nil {
		t.Fatal(err)
	}
	first, resolver := h.Life(), door(t, h, "resolver-a")
	if _, err := ask(t, resolver, "api.solvethenetwork.com."); err != nil {
		t.Fatal(err)
	}
	if _, err := h.World().Inject("server-down", "", fault.Params{"node": "resolver-a", "looks": "refused"}, 0); err != nil {
		t.Fatal(err)
	}
	if reply, err := ask(t, resolver, "api.solvethenetwork.com."); err == nil {
		t.Fatalf("a resolver that is down said %v", reply)
	}
	if err := h.World().Advance(24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := h.Reset("somebody"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-first.Ended():
	default:
		t.Error("the first life has not ended")
	}
	w := h.World()
	if w == first.World || len(w.Faults()) != 0 || w.Elapsed() > 12*time.Hour {
		t.Errorf("not as at the start: %d faults, %v after it", len(w.Faults()), w.Elapsed())
	}
	if _, ok := w.Cached("resolver-a", "api.solvethenetwork.com.", dns.TypeA); ok {
		t.Error("the resolver remembers the life before")
	}
	if door(t, h, "resolver-a") != resolver {
		t.Error("the resolver has moved")
	}
	reply, err := ask(t, resolver, "api.solvethenetwork.com.")
	if err != nil || len(reply.Answer) != 1 {
		t.Fatalf("after the reset: %v %v", reply, err)
	}
	var acts []string
	for _, e := range w.Journal().Since(0) {
		if e.Kind == simulator.KindAct {
			acts = append(acts, e.String())
		}
	}
	if len(acts) != 1 || acts[0] != "reset by somebody: everything as at the start" {
		t.Errorf("acts: %q", acts)
	}
}

// A halt ends the play, heals everything, and can be said twice.
func TestHalt(t *testing.T) {
	t.Parallel()
	injected := make(chan struct{})
	var once sync.Once
	h := host(t, "rrsig-expired", live.Config{Options: simulator.Options{Speed: 0.001}, OnStep: func(s play.Step) {
		if s.Kind == scenarios.Inject {
			once.Do(func() { close(injected) })
		}
	}})
	if err := h.Go(); err != nil {
		t.Fatal(err)
	}
	played := make(chan error, 1)
	go func() { _, err := h.Play(t.Context()); played <- err }()
	<-injected
	for range 2 {
		if err := h.Halt("somebody", "lunch"); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-played; !errors.Is(err, live.ErrHalted) || !strings.Contains(err.Error(), "lunch") {
		t.Errorf("the play ended with %v", err)
	}
	for _, f := range h.World().Faults() {
		if f.Active() {
			t.Errorf("%s is active", f.Label())
		}
	}
	if reason, halted := h.Halted(); !halted || reason != "lunch" {
		t.Errorf("halted: %q %v", reason, halted)
	}
	if err := h.Reset("somebody"); err != nil {
		t.Fatal(err)
	}
	if _, halted := h.Halted(); halted {
		t.Error("halted after the reset")
	}
}

// A play that a reset interrupts says so, and can be begun anew.
func TestResetEndsThePlay(t *testing.T) {
	t.Parallel()
	steps := make(chan play.Step, 100)
	h := host(t, "rrsig-expired", live.Config{Options: simulator.Options{Speed: 0.001}, OnStep: func(s play.Step) { steps <- s }})
	if err := h.Go(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		played := make(chan error, 1)
		go func() { _, err := h.Play(t.Context()); played <- err }()
		if s := <-steps; s.Kind != scenarios.Inject && s.Kind != scenarios.Query {
			t.Errorf("the first step: %s", s.Kind)
		}
		if err := h.Reset("somebody"); err != nil {
			t.Fatal(err)
		}
		if err := <-played; !errors.Is(err, live.ErrReset) {
			t.Fatalf("the play ended with %v", err)
		}
		for len(steps) > 0 {
			<-steps
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Play(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("without time to play: %v", err)
	}
}

// What this machine refuses is told apart from a scenario that cannot be.
func TestEdgeError(t *testing.T) {
	t.Parallel()
	s, _, err := scenarios.Builtin("negative-cache", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	taken := host(t, "negative-cache", live.Config{})
	_, err = live.New(live.Config{Scenario: s, Open: edge.Ports, Port: taken.Doors()[0].Real.Port()})
	var refused *live.EdgeError
	if !errors.As(err, &refused) {
		t.Errorf("a port that is taken: %v", err)
	}
}

// A life knows how far the play is.
func TestDone(t *testing.T) {
	t.Parallel()
	h := host(t, "negative-cache", live.Config{Options: simulator.Options{Speed: 1e6}})
	if err := h.Go(); err != nil {
		t.Fatal(err)
	}
	if n := h.Life().Done(); n != 0 {
		t.Errorf("%d before the play", n)
	}
	r, err := h.Play(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := h.Life().Done(); n != len(r.Steps) || n == 0 {
		t.Errorf("%d of %d steps", n, len(r.Steps))
	}
}

// A jump plays the steps on its way, each at its time, and time does not go back behind it.
func TestJumpPlaysTheSteps(t *testing.T) {
	t.Parallel()
	first := make(chan struct{})
	var once sync.Once
	h := host(t, "rrsig-expired", live.Config{OnStep: func(play.Step) { once.Do(func() { close(first) }) }})
	if err := h.Go(); err != nil {
		t.Fatal(err)
	}
	type outcome struct {
		report *play.Report
		err    error
	}
	played := make(chan outcome, 1)
	go func() { r, err := h.Play(t.Context()); played <- outcome{r, err} }()
	<-first
	if err := h.World().Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := h.World().Elapsed(); got < 2*time.Hour {
		t.Errorf("after the jump it is %v after the start", got)
	}
	o := <-played
	if o.err != nil || !o.report.Passed {
		t.Fatalf("%v %+v", o.err, o.report)
	}
	for i, s := range o.report.Steps {
		if late := s.Began - s.At; late < 0 || i > 0 && late > time.Second {
			t.Errorf("step %d of %v began at %v", i+1, s.At, s.Began)
		}
	}
}
