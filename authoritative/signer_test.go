package authoritative

import (
	"errors"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// signedPair is pair with the primary signing.
func signedPair(t testing.TB) (l *lab, primary, secondary *Server) {
	l = newLab(t)
	primary = l.server(primaryAddr, Config{
		Keys: []TSIGKey{transferKey},
		Views: []View{{Zones: []Zone{{
			Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Signing: signing(t, "example.com."),
			Transfer: match(t, "key internal-transfer"),
			Notify:   []Primary{{Addr: at53(secondaryAddr), Key: "internal-transfer"}},
		}}}},
	})
	secondary = l.server(secondaryAddr, Config{
		Keys: []TSIGKey{transferKey},
		Views: []View{{Zones: []Zone{{
			Origin: "example.com.", Primaries: []Primary{{Addr: at53(primaryAddr), Key: "internal-transfer"}},
		}}}},
	})
	l.start(primary)
	l.start(secondary)
	l.advance(time.Second)
	return l, primary, secondary
}

// times are the validity of the signature over api.example.com A, as s serves it.
func times(t testing.TB, s *Server) (inception, expiration time.Time) {
	t.Helper()
	r := ask1(t, s, withEDNS(query("api.example.com.", dns.TypeA), 1232, true), from(clientAddr, "udp"))
	for _, rr := range r.Answer {
		if sig, ok := rr.(*dns.RRSIG); ok {
			return time.Unix(int64(sig.Inception), 0).UTC(), time.Unix(int64(sig.Expiration), 0).UTC()
		}
	}
	t.Fatalf("no signature:\n%s", r)
	return
}

func day(month time.Month, d, hour int) time.Time {
	return time.Date(2026, month, d, hour, 0, 0, 0, time.UTC)
}

func wantTimes(t testing.TB, s *Server, inception, expiration time.Time) {
	t.Helper()
	if from, to := times(t, s); !from.Equal(inception) || !to.Equal(expiration) {
		t.Fatalf("signatures from %s to %s, want %s to %s", from, to, inception, expiration)
	}
}

// TestRenewal: the signatures of the base world's calendar, renewed on the clock, with a new serial that reaches the
// secondary.
func TestRenewal(t *testing.T) {
	t.Parallel()
	l, primary, secondary := signedPair(t)
	for _, s := range []*Server{primary, secondary} {
		wantTimes(t, s, day(3, 26, 12), day(4, 10, 12))
	}
	st := status(t, primary)
	if !st.NextSigning.Equal(day(4, 5, 12)) || !st.SignaturesEnd.Equal(day(4, 10, 12)) || st.Serial != 2024040201 {
		t.Fatalf("status %+v", st)
	}
	l.advance(day(4, 5, 12).Sub(l.clock.Now()) - 1)
	wantTimes(t, primary, day(3, 26, 12), day(4, 10, 12))
	l.advance(1)
	wantTimes(t, primary, day(4, 5, 12), day(4, 20, 12))
	l.advance(time.Second)
	wantTimes(t, secondary, day(4, 5, 12), day(4, 20, 12))
	if st := status(t, secondary); st.Serial != 2024040202 {
		t.Fatalf("the secondary's serial is %d", st.Serial)
	}
	l.advance(30 * 24 * time.Hour)
	wantTimes(t, secondary, day(5, 5, 12), day(5, 20, 12))
}

// TestSigningStopped: signatures that nobody renews stay as they are, through edits too, until signing is resumed.
func TestSigningStopped(t *testing.T) {
	t.Parallel()
	l, primary, secondary := signedPair(t)
	err := primary.Resign("", "example.com.", Resigning{Inception: day(3, 26, 12), Expiration: day(4, 10, 12), Stop: true})
	if err != nil {
		t.Fatal(err)
	}
	if st := status(t, primary); !st.NextSigning.IsZero() || st.Serial != 2024040202 {
		t.Fatalf("status %+v", st)
	}
	l.advance(20 * 24 * time.Hour)
	add := zone.Change{Op: zone.Add, RRs: []dns.RR{rr(t, "new.example.com. 60 IN A 10.0.2.61")}}
	if err := primary.Edit("", "example.com.", add); err != nil {
		t.Fatal(err)
	}
	l.advance(time.Second)
	for _, s := range []*Server{primary, secondary} {
		wantTimes(t, s, day(3, 26, 12), day(4, 10, 12))
	}
	if got := firstA(ask1(t, secondary, query("new.example.com.", dns.TypeA), from(clientAddr, "udp"))); got != "10.0.2.61" {
		t.Fatalf("the edit did not arrive: %q", got)
	}
	if err := primary.ResumeSigning("", "example.com."); err != nil {
		t.Fatal(err)
	}
	l.advance(time.Second)
	for _, s := range []*Server{primary, secondary} {
		wantTimes(t, s, day(4, 15, 12), day(4, 30, 12))
	}
	if st := status(t, primary); st.NextSigning.IsZero() {
		t.Fatalf("status %+v", st)
	}
}

// TestResignAltered: what an operator's signer breaks stays broken through renewals, until it is told otherwise.
func TestResignAltered(t *testing.T) {
	t.Parallel()
	l, primary, _ := signedPair(t)
	drop := func(p sign.Product, rr dns.RR) []dns.RR {
		if p == sign.ProductRRSIG && rr.(*dns.RRSIG).TypeCovered == dns.TypeA {
			return nil
		}
		return []dns.RR{rr}
	}
	if err := primary.Resign("", "example.com.", Resigning{Alter: drop}); err != nil {
		t.Fatal(err)
	}
	q := withEDNS(query("api.example.com.", dns.TypeA), 1232, true)
	if r := ask1(t, primary, q, from(clientAddr, "udp")); len(r.Answer) != 1 {
		t.Fatalf("the signature is still there:\n%s", r)
	}
	l.advance(10 * 24 * time.Hour)
	if r := ask1(t, primary, q, from(clientAddr, "udp")); len(r.Answer) != 1 {
		t.Fatalf("the renewal healed it:\n%s", r)
	}
	if err := primary.ResumeSigning("", "example.com."); err != nil {
		t.Fatal(err)
	}
	wantTimes(t, primary, day(4, 5, 12), day(4, 20, 12))
}

// TestRenewalMissedWhileStopped: a process that was down at the renewal signs when it is started.
func TestRenewalMissedWhileStopped(t *testing.T) {
	t.Parallel()
	l, primary, _ := signedPair(t)
	ctx, stop := l.clock.WithTimeout(t.Context(), 0)
	primary.Start(ctx)
	stop()
	l.advance(5 * 24 * time.Hour)
	wantTimes(t, primary, day(3, 26, 12), day(4, 10, 12))
	l.start(primary)
	l.advance(time.Second)
	wantTimes(t, primary, day(4, 5, 12), day(4, 20, 12))
}

// TestResignFails: what cannot be signed leaves everything as it was.
func TestResignFails(t *testing.T) {
	t.Parallel()
	l, primary, _ := signedPair(t)
	if err := primary.Resign("", "example.com.", Resigning{Keys: []*sign.Key{}, Stop: true}); err == nil {
		t.Fatal("a zone was signed without keys")
	}
	if st := status(t, primary); st.NextSigning.IsZero() || st.Serial != 2024040201 {
		t.Fatalf("status %+v", st)
	}
	l.advance(5 * 24 * time.Hour)
	wantTimes(t, primary, day(4, 5, 12), day(4, 20, 12))
}

// TestPeriod: before the epoch too, the latest period that has begun counts.
func TestPeriod(t *testing.T) {
	t.Parallel()
	s := &Signing{Validity: 15 * 24 * time.Hour, Refresh: 5 * 24 * time.Hour, Epoch: day(3, 26, 12)}
	for _, c := range []struct{ now, begins time.Time }{
		{day(3, 26, 12), day(3, 26, 12)},
		{day(3, 26, 12).Add(-1), day(3, 16, 12)},
		{day(3, 16, 12), day(3, 16, 12)},
		{day(4, 5, 12).Add(-1), day(3, 26, 12)},
		{day(4, 5, 12), day(4, 5, 12)},
	} {
		inception, expiration, next := s.period(c.now)
		if !inception.Equal(c.begins) || expiration.Sub(inception) != s.Validity || next.Sub(inception) != 10*24*time.Hour {
			t.Errorf("at %s: from %s to %s, next %s", c.now, inception, expiration, next)
		}
	}
}

// TestInceptionOffset: signatures begin earlier for validators whose clocks are behind; nothing else changes.
func TestInceptionOffset(t *testing.T) {
	t.Parallel()
	s := &Signing{Validity: 15 * 24 * time.Hour, Refresh: 5 * 24 * time.Hour, Epoch: day(3, 26, 12), InceptionOffset: time.Hour}
	inception, expiration, next := s.period(day(4, 5, 12))
	if !inception.Equal(day(4, 5, 11)) || !expiration.Equal(day(4, 20, 12)) || !next.Equal(day(4, 15, 12)) {
		t.Errorf("from %s to %s, next %s", inception, expiration, next)
	}
}

func TestAdminErrors(t *testing.T) {
	t.Parallel()
	_, primary, secondary := pair(t, smallZone)
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"view", primary.SetMatch("x", nil), ErrNoView},
		{"zone", primary.NotifyNow("", "example.org."), ErrNoZone},
		{"refresh of a primary", primary.Refresh("", "example.com."), ErrNotSecondary},
		{"retransfer of a primary", primary.Retransfer("", "example.com."), ErrNotSecondary},
		{"edit of a secondary", secondary.Edit("", "example.com."), ErrNotPrimary},
		{"signing of a secondary", secondary.Resign("", "example.com.", Resigning{}), ErrNotPrimary},
		{"signing of an unsigned zone", primary.ResumeSigning("", "example.com."), ErrNotSigning},
		{"key", primary.SetTransfer("", "example.com.", match(t, "key x")), ErrNoKey},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.err, c.want)
		}
	}
	if err := primary.Edit("", "EXAMPLE.com"); err != nil {
		t.Errorf("no change: %v", err)
	}
	if got := primary.Zones(); len(got) != 1 || got[0] != (ZoneID{"", "example.com."}) {
		t.Errorf("Zones: %v", got)
	}
	if primary.Zone("", "example.com.").Serial() != 2024040201 {
		t.Error("an edit of nothing raised the serial")
	}
}

// TestConfigErrors: all mistakes are told at once, each with its place.
func TestConfigErrors(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	data := parseZone(t, "example.com.", smallZone)
	_, err := New(Config{
		Name: "ns1", Clock: l.clock,
		Keys: []TSIGKey{{Name: "short.", Algorithm: "hmac-sha256", Secret: []byte("x")}, {Name: "odd.", Algorithm: "hmac-md5", Secret: transferKey.Secret}},
		Views: []View{
			{Name: "a", Match: match(t, "key gone"), Zones: []Zone{
				{Origin: "example.com.", Data: data},
				{Origin: "Example.COM", Data: data},
				{Origin: "example.org.", Data: data},
				{Origin: "empty.example."},
				{Origin: "both.example.", Primaries: []Primary{{Addr: at53(primaryAddr), Key: "lost"}}, Signing: &Signing{}},
				{Origin: "a..b", Data: data},
			}},
			{Name: "a"},
		},
	})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		"server ns1", "short.", "hmac-md5", "key gone.", "example.com. is given twice", "example.org.", "empty.example.",
		"does not sign", "key lost", "Config.Exchanger", `"a..b"`, `view "a" is given twice`, "Refresh < Validity",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not tell of %q:\n%v", want, err)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("no clock, and no error")
	}
}
