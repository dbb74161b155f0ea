package authoritative

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// TestSecondaryLife follows a secondary through everything that RFC 1034 section 4.3.5 and RFC 1996 have in store for
// it.
func TestSecondaryLife(t *testing.T) {
	t.Parallel()
	l, primary, secondary := pair(t, smallZone)
	api := withEDNS(query("api.example.com.", dns.TypeA), 1232, false)

	// Before the first transfer it has nothing to say, and says so.
	m := ask1(t, secondary, api, from(clientAddr, "udp"))
	wantRcode(t, m, dns.RcodeServerFailure)
	if got := ede(m); got != 24 {
		t.Fatalf("EDE %d, want 24 (Invalid Data)", got)
	}
	if st := status(t, secondary); st.Loaded || st.Expired || st.Primary {
		t.Fatalf("status before loading: %+v", st)
	}

	// The first transfer comes at once, under TSIG.
	l.start(primary)
	stop := l.start(secondary)
	l.advance(time.Second)
	if !l.heard(EventTransfer) || !strings.Contains(l.event(EventTransferOut), "internal-transfer") {
		t.Fatalf("no transfer under the key:\n%s", l.dump())
	}
	m = ask1(t, secondary, api, from(clientAddr, "udp"))
	if firstA(m) != "10.0.2.50" || !m.Authoritative {
		t.Fatalf("after the transfer:\n%s", m)
	}
	st := status(t, secondary)
	if !st.Loaded || st.Serial != 2024040201 || st.LastResult != "successful" {
		t.Fatalf("status after loading: %+v", st)
	}
	if got := st.NextRefresh.Sub(st.LastRefresh); got != time.Hour {
		t.Errorf("next refresh after %s, want the SOA's 1h", got)
	}
	if got := st.Expires.Sub(st.LastRefresh); got != 7*24*time.Hour {
		t.Errorf("expires after %s, want the SOA's 168h", got)
	}

	// The refresh timer finds it current; expiry counts anew.
	l.forget()
	l.advance(time.Hour)
	if !strings.Contains(l.event(EventRefresh), "is current") {
		t.Fatalf("no refresh after an hour:\n%s", l.dump())
	}
	if again := status(t, secondary); !again.LastRefresh.After(st.LastRefresh) || !again.Expires.After(st.Expires) {
		t.Fatalf("the refresh did not count: %+v", again)
	}

	// An edit reaches it by NOTIFY, without any timer.
	edit := zone.Change{Op: zone.ReplaceRRset, Name: "api.example.com.", Type: dns.TypeA, RRs: []dns.RR{rr(t, "api.example.com. 60 IN A 10.0.2.60")}}
	if err := primary.Edit("", "example.com.", edit); err != nil {
		t.Fatal(err)
	}
	l.advance(time.Second)
	if !l.heard(EventNotify) || !l.heard(EventNotifySent) {
		t.Fatalf("no NOTIFY:\n%s", l.dump())
	}
	if got := firstA(ask1(t, secondary, api, from(clientAddr, "udp"))); got != "10.0.2.60" {
		t.Fatalf("after NOTIFY the secondary says %s", got)
	}
	if st := status(t, secondary); st.Serial != 2024040202 {
		t.Fatalf("serial %d after the edit", st.Serial)
	}

	// With the primary gone it goes on answering, and retries.
	lastGood := status(t, secondary).LastRefresh
	l.cut(primaryAddr, errTimeout)
	l.forget()
	l.advance(lastGood.Add(time.Hour + time.Minute).Sub(l.clock.Now()))
	st = status(t, secondary)
	if !l.heard(EventRefreshFailed) || st.LastResult == "successful" || !st.LastRefresh.Equal(lastGood) {
		t.Fatalf("the lost primary was not noticed: %+v\n%s", st, l.dump())
	}
	if want := lastGood.Add(time.Hour + 15*time.Minute); !st.NextRefresh.Equal(want) {
		t.Errorf("next try at %s, want the SOA's retry after the last began: %s", st.NextRefresh, want)
	}

	// It expires at exactly the last good check + expire: an instant before, it still answers.
	expires := lastGood.Add(7 * 24 * time.Hour)
	if !st.Expires.Equal(expires) {
		t.Fatalf("expires at %s, want %s", st.Expires, expires)
	}
	l.advance(expires.Sub(l.clock.Now()) - 1)
	m = ask1(t, secondary, api, from(clientAddr, "udp"))
	if firstA(m) != "10.0.2.60" {
		t.Fatalf("a nanosecond before its expiry:\n%s", m)
	}
	l.advance(1)
	m = ask1(t, secondary, api, from(clientAddr, "udp"))
	wantRcode(t, m, dns.RcodeServerFailure)
	if ede(m) != 24 || m.Authoritative || len(m.Answer) > 0 {
		t.Fatalf("at its expiry:\n%s", m)
	}
	if st := status(t, secondary); !st.Expired || st.Loaded || !l.heard(EventExpired) {
		t.Fatalf("status after expiry: %+v", st)
	}
	if at := expires.Format("01-02T15:04:05 "); !strings.HasPrefix(l.event(EventExpired), at) {
		t.Errorf("the expiry was told as %q, want it at %s", l.event(EventExpired), at)
	}
	if secondary.Zone("", "example.com.") != nil {
		t.Error("Zone gives an expired zone")
	}

	// The primary comes back; retransfer heals at once, before the next retry.
	l.cut(primaryAddr, nil)
	if err := secondary.Retransfer("", "example.com."); err != nil {
		t.Fatal(err)
	}
	l.advance(time.Minute)
	if got := firstA(ask1(t, secondary, api, from(clientAddr, "udp"))); got != "10.0.2.60" {
		t.Fatalf("after retransfer the secondary says %q\n%s", got, l.dump())
	}

	// A stopped process does nothing; started again it checks at once.
	stop()
	l.forget()
	l.advance(3 * time.Hour)
	if l.heard(EventRefresh) {
		t.Fatalf("a stopped server refreshed:\n%s", l.dump())
	}
	l.start(secondary)
	l.advance(time.Second)
	if !l.heard(EventRefresh) {
		t.Fatal("no refresh at the new start")
	}
}

// TestExpiredHealsByRetry: once the primary is back, an expired zone comes back at the next retry by itself.
func TestExpiredHealsByRetry(t *testing.T) {
	t.Parallel()
	l, primary, secondary := pair(t, smallZone)
	l.start(primary)
	l.start(secondary)
	l.advance(time.Second)
	l.cut(primaryAddr, syscall.ECONNREFUSED)
	l.advance(8 * 24 * time.Hour)
	if !status(t, secondary).Expired {
		t.Fatalf("not expired:\n%s", l.dump())
	}
	l.cut(primaryAddr, nil)
	l.advance(15*time.Minute + time.Second)
	if st := status(t, secondary); !st.Loaded {
		t.Fatalf("not back after a retry: %+v", st)
	}
}

// TestTransferRefusedExpires: a primary that answers SOA checks but refuses the transfer of a newer zone does not keep
// the old copy alive.
func TestTransferRefusedExpires(t *testing.T) {
	t.Parallel()
	l, primary, secondary := pair(t, smallZone)
	l.start(primary)
	l.start(secondary)
	l.advance(time.Second)
	if err := primary.SetTransfer("", "example.com.", nil); err != nil {
		t.Fatal(err)
	}
	if err := primary.Edit("", "example.com.", zone.Change{Op: zone.Add, RRs: []dns.RR{rr(t, "new.example.com. 60 IN A 10.0.2.61")}}); err != nil {
		t.Fatal(err)
	}
	l.advance(time.Hour)
	if !strings.Contains(l.event(EventTransferFailed), "REFUSED") {
		t.Fatalf("no refused transfer:\n%s", l.dump())
	}
	l.advance(7 * 24 * time.Hour)
	if st := status(t, secondary); !st.Expired || !strings.Contains(st.LastResult, "REFUSED") {
		t.Fatalf("status: %+v", st)
	}
}

// TestSerialRolledBack: an older serial at the primary is no good check and no transfer (RFC 1982 comparison).
func TestSerialRolledBack(t *testing.T) {
	t.Parallel()
	l, primary, secondary := pair(t, smallZone)
	l.start(primary)
	l.start(secondary)
	l.advance(time.Second)
	soa := rr(t, "example.com. 3600 IN SOA ns1.example.com. hostmaster.example.com. 2024040101 3600 900 604800 300")
	if err := primary.Edit("", "example.com.", zone.Change{Op: zone.ReplaceRRset, Name: "example.com.", Type: dns.TypeSOA, RRs: []dns.RR{soa}}); err != nil {
		t.Fatal(err)
	}
	l.advance(time.Hour + time.Minute)
	st := status(t, secondary)
	if st.Serial != 2024040201 || !strings.Contains(st.LastResult, "older") {
		t.Fatalf("status: %+v", st)
	}
	if err := secondary.Retransfer("", "example.com."); err != nil {
		t.Fatal(err)
	}
	l.advance(time.Minute)
	if st := status(t, secondary); st.Serial != 2024040101 {
		t.Fatalf("after retransfer: %+v", st)
	}
}

// TestNeverLoadedBacksOff: without a SOA the tries come after 1, 2, 4 … minutes, an hour at most.
func TestNeverLoadedBacksOff(t *testing.T) {
	t.Parallel()
	l, _, secondary := pair(t, smallZone)
	l.cut(primaryAddr, syscall.ECONNREFUSED)
	l.start(secondary)
	var gaps []time.Duration
	last := l.clock.Now()
	for range 9 {
		l.advance(time.Second)
		next := status(t, secondary).NextRefresh
		gaps = append(gaps, next.Sub(last).Round(time.Second))
		last = next
		l.advance(next.Sub(l.clock.Now()))
	}
	for i, want := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		if gaps[i] != time.Duration(want)*time.Minute {
			t.Fatalf("gap %d is %s, want %d minutes; all: %v", i, gaps[i], want, gaps)
		}
	}
}

// TestCopyFromDisk: the expiry of a kept copy counts from when it was last known to be current.
func TestCopyFromDisk(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	checked := start.Add(-7*24*time.Hour + time.Minute)
	s := l.server(secondaryAddr, Config{Views: []View{{Zones: []Zone{{
		Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Checked: checked,
		Primaries: []Primary{{Addr: at53(primaryAddr)}},
	}}}}})
	l.start(s)
	l.advance(time.Minute - 1)
	if !status(t, s).Loaded {
		t.Fatal("not loaded before its expiry")
	}
	l.advance(1)
	if !status(t, s).Expired {
		t.Fatal("not expired in time")
	}
}

// TestSecondPrimary: the primaries are asked in order, and one that does not answer costs only its timeouts.
func TestSecondPrimary(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	z := Zone{Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Transfer: Everybody()}
	l.server("10.0.1.21", Config{Views: []View{{Zones: []Zone{z}}}})
	s := l.server(secondaryAddr, Config{Views: []View{{Zones: []Zone{{
		Origin: "example.com.", Primaries: []Primary{{Addr: at53(primaryAddr)}, {Addr: at53("10.0.1.21")}},
	}}}}})
	l.start(s)
	l.advance(16 * time.Second)
	if !status(t, s).Loaded {
		t.Fatalf("not loaded from the second primary:\n%s", l.dump())
	}
}

// TestRunIsRepeatable: the same servers see the same events at the same times, twice.
func TestRunIsRepeatable(t *testing.T) {
	t.Parallel()
	run := func() string {
		l, primary, secondary := pair(t, smallZone)
		l.start(primary)
		l.start(secondary)
		l.advance(2 * time.Hour)
		l.cut(primaryAddr, errTimeout)
		l.advance(9 * 24 * time.Hour)
		l.cut(primaryAddr, nil)
		l.advance(2 * time.Hour)
		return l.dump()
	}
	if a, b := run(), run(); a != b {
		t.Fatalf("two runs differ:\n%s\n\n%s", a, b)
	}
}
