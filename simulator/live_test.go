package simulator_test

import (
	"context"
	"testing"
	"time"

	"github.com/miekg/dns"

	"faultzone/scenarios"
	"faultzone/simulator"
)

// refreshes counts a secondary's good SOA checks of the internal zone in the journal.
func refreshes(w *simulator.World) int {
	n := 0
	for _, e := range w.Journal().Since(0) {
		if e.Kind == simulator.KindAuthoritative && e.Node == "ns2" && e.What == "refresh" && e.View == "internal" && e.Zone == "solvethenetwork.com." {
			n++
		}
	}
	return n
}

// A jump of a live world steps through all that comes due: a week is 168 hourly refreshes, each made at its time, and
// the signatures renewed on the way.
func TestLiveWorldJumpsAWeek(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{Live: true})
	if err := w.SetSpeed(0); err != nil {
		t.Fatal(err)
	}
	before, n := w.Now(), refreshes(w)
	if err := w.Advance(7 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := w.Now().Sub(before); got != 7*24*time.Hour {
		t.Errorf("the world moved by %v", got)
	}
	if got := refreshes(w) - n; got < 160 || got > 175 { // renewals bring a NOTIFY each
		t.Errorf("%d refreshes in a week, want about 168", got)
	}
	var last time.Time
	for _, e := range w.Journal().Since(0) {
		if e.Kind == simulator.KindLeg {
			continue // written when its fate is known, and dated when it left
		}
		if e.At.Before(last) {
			t.Fatalf("%v after %v: %v", e.At, last, e)
		}
		last = e.At
	}
	states, err := w.Zone(scenarios.ZoneStep{Server: "ns2", Zone: "solvethenetwork.com."})
	if err != nil {
		t.Fatal(err)
	}
	for _, z := range states {
		if !z.Fresh() || z.Expired || z.Expires.Before(w.Now()) {
			t.Errorf("%s: %+v", z.View, z)
		}
	}
	if err := w.SetSpeed(1); err != nil {
		t.Fatal(err)
	}
	if r := ask(t, w, "resolver-a", "api.solvethenetwork.com.", dns.TypeA); !r.Reply.AuthenticatedData {
		t.Errorf("after the jump: %s", simulator.SummaryOf(r.Reply))
	}
}

// In a world that stands still a question that must wait ends with its context, and what needs no waiting is answered.
func TestLiveWorldPaused(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{Live: true, Speed: 1000})
	ask(t, w, "resolver-a", "api.solvethenetwork.com.", dns.TypeA)
	if err := w.SetSpeed(0); err != nil {
		t.Fatal(err)
	}
	stood := w.Now()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan simulator.Result)
	go func() {
		r, _ := w.Query(ctx, scenarios.QueryStep{Name: "www.solvethenetwork.com.", Type: dns.TypeA, Via: "resolver-a"})
		done <- r
	}()
	select {
	case r := <-done:
		t.Errorf("answered while time stood still: %+v", r)
	default:
	}
	cancel()
	if r := <-done; r.Reply != nil || r.Err == nil {
		t.Errorf("after the cancellation: %+v", r)
	}
	if !w.Now().Equal(stood) {
		t.Errorf("time went on by %v", w.Now().Sub(stood))
	}
	r, err := w.Resolver("resolver-a")
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := r.Cached("api.solvethenetwork.com.", dns.TypeA); !ok {
		t.Errorf("%+v", e)
	}
}

// Questions that come while the world jumps are answered, at some moment of the jump.
func TestLiveWorldAnswersDuringAJump(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{Live: true})
	before := w.Now()
	jumped := make(chan error)
	go func() { jumped <- w.Advance(5 * 24 * time.Hour) }()
	names := []string{"api.solvethenetwork.com.", "www.solvethenetwork.com.", "nowhere.solvethenetwork.com."}
	asked := 0
	for jumping := true; jumping || asked < len(names); asked++ {
		select {
		case err := <-jumped:
			if err != nil {
				t.Error(err)
			}
			jumping, jumped = false, nil
		default:
		}
		r := ask(t, w, "resolver-a", names[asked%len(names)], dns.TypeA)
		if r.Reply.Rcode == dns.RcodeServerFailure || r.Elapsed < 0 {
			t.Fatalf("question %d: %s after %v\n%v", asked, simulator.SummaryOf(r.Reply), r.Elapsed, w.Path(r))
		}
	}
	if jumped != nil {
		if err := <-jumped; err != nil {
			t.Error(err)
		}
	}
	if got := w.Now().Sub(before); got < 5*24*time.Hour || got > 5*24*time.Hour+time.Hour {
		t.Errorf("the world moved by %v", got)
	}
}

// Two jumps at once are two jumps, one after the other.
func TestLiveWorldJumpsTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t, base(t), simulator.Options{Live: true})
	if err := w.SetSpeed(0); err != nil {
		t.Fatal(err)
	}
	before := w.Now()
	errs := make(chan error)
	for range 2 {
		go func() { errs <- w.Advance(time.Hour) }()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := w.Now().Sub(before); got != 2*time.Hour {
		t.Errorf("the world moved by %v", got)
	}
}

// A live world closes in the middle of a question and of a wait.
func TestLiveWorldClosesInTheMiddle(t *testing.T) {
	t.Parallel()
	w, err := simulator.New(base(t), simulator.Options{Live: true, Speed: 1e-3})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := w.Query(context.Background(), scenarios.QueryStep{Name: "api.solvethenetwork.com.", Type: dns.TypeA, Client: "web-01"})
		ended <- err
	}()
	go func() { ended <- w.WaitUntil(context.Background(), simulator.Moment{At: w.Start().Add(time.Hour)}) }()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	<-ended
	<-ended
}
