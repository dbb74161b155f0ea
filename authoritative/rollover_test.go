package authoritative

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

const parentZone = `@ 3600 IN SOA ns1 hostmaster 1 3600 900 604800 300
@           86400 IN NS ns1
ns1         86400 IN A  10.0.1.20
example     3600  IN NS ns1.example
ns1.example 3600  IN A  10.0.1.20
`

// family is a signed zone, its parent, and what validators could see of both over time.
type family struct {
	*lab
	t      *testing.T
	server *Server
	follow bool // whether the parent does what CDS asks
	seen   []glimpse
}

// glimpse is what both zones said from a moment on.
type glimpse struct {
	at       time.Time
	ds, keys []dns.RR
	keySigs  []uint16 // key tags of the signatures over DNSKEY
	dataSigs []uint16 // of those over the rest
}

const (
	keyTTL  = 2 * time.Hour
	dsTTL   = 24 * time.Hour
	longest = 24 * time.Hour // of the data: the NS records
)

func newKey(t testing.TB, flags uint16, label string) *sign.Key {
	t.Helper()
	k, err := sign.DeriveKey("example.com.", flags, dns.ECDSAP256SHA256, []byte("seed"), label)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newFamily(t *testing.T) *family {
	f := &family{lab: newLab(t), t: t}
	sg := signing(t, "example.com.")
	sg.Params.DNSKEYTTL = uint32(keyTTL / time.Second)
	sg.ParentDS = func(origin string) []dns.RR {
		set, _ := f.server.Zone("", "com.").RRset(origin, dns.TypeDS)
		return set.RRs
	}
	f.server = f.lab.server(primaryAddr, Config{Views: []View{{Zones: []Zone{
		{Origin: "com.", Data: parseZone(t, "com.", parentZone)},
		{Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Signing: sg},
	}}}})
	f.setDS([]dns.RR{asDS(sg.Params.Keys[0].DS(dns.SHA256), "example.com.", uint32(dsTTL/time.Second))})
	f.start(f.server)
	f.look()
	return f
}

func (f *family) setDS(ds []dns.RR) {
	f.t.Helper()
	if err := f.server.Edit("", "com.", zone.Change{Op: zone.ReplaceRRset, Name: "example.com.", Type: dns.TypeDS, RRs: ds}); err != nil {
		f.t.Fatal(err)
	}
}

// pass lets time pass in steps; the parent looks for CDS at each.
func (f *family) pass(d, step time.Duration) {
	f.t.Helper()
	for end := f.clock.Now().Add(d); f.clock.Now().Before(end); {
		f.advance(step)
		if ds, ok := ParentWants(f.server.Zone("", "example.com."), uint32(dsTTL/time.Second)); ok && f.follow {
			f.setDS(ds)
		}
		f.look()
	}
}

func (f *family) look() {
	z := f.server.Zone("", "example.com.")
	s := glimpse{at: f.clock.Now()}
	ds, _ := f.server.Zone("", "com.").RRset("example.com.", dns.TypeDS)
	keys, _ := z.RRset("example.com.", dns.TypeDNSKEY)
	data, _ := z.RRset("api.example.com.", dns.TypeA)
	s.ds, s.keys = ds.RRs, keys.RRs
	for _, sig := range keys.Sigs {
		s.keySigs = append(s.keySigs, sig.KeyTag)
	}
	for _, sig := range data.Sigs {
		s.dataSigs = append(s.dataSigs, sig.KeyTag)
	}
	f.seen = append(f.seen, s)
}

// neverBogus checks that whatever a validator kept of what it saw, each for its TTL, always made a chain of trust: a DS
// of a key that signed the DNSKEY RRset, and in that a key that signed the data.
func (f *family) neverBogus() {
	f.t.Helper()
	until := func(i int, ttl time.Duration) time.Time {
		if i+1 < len(f.seen) {
			return f.seen[i+1].at.Add(ttl)
		}
		return f.clock.Now().Add(ttl)
	}
	together := func(i int, a time.Duration, j int, b time.Duration) bool {
		return f.seen[i].at.Before(until(j, b)) && f.seen[j].at.Before(until(i, a))
	}
	for i, a := range f.seen {
		for j, b := range f.seen {
			trusted := slices.ContainsFunc(b.keys, func(k dns.RR) bool {
				key := k.(*dns.DNSKEY)
				return hasDS(a.ds, &sign.Key{DNSKEY: key}) && slices.Contains(b.keySigs, key.KeyTag())
			})
			if together(i, dsTTL, j, keyTTL) && !trusted {
				f.t.Fatalf("the DS of %s and the DNSKEY of %s make no chain\n%s", a.at, b.at, f.dump())
			}
			valid := slices.ContainsFunc(b.keys, func(k dns.RR) bool { return slices.Contains(a.dataSigs, k.(*dns.DNSKEY).KeyTag()) })
			if together(i, longest, j, keyTTL) && !valid {
				f.t.Fatalf("the signatures of %s and the DNSKEY of %s do not match\n%s", a.at, b.at, f.dump())
			}
		}
	}
}

func (f *family) status() RollStatus {
	f.t.Helper()
	st, err := f.server.Rollover("", "example.com.")
	if err != nil {
		f.t.Fatal(err)
	}
	return st
}

func (f *family) wantPhase(p RollPhase) {
	f.t.Helper()
	if st := f.status(); st.Phase != p {
		f.t.Fatalf("at %s the phase is %q, want %q; %+v\n%s", f.clock.Now(), st.Phase, p, st, f.dump())
	}
}

func (f *family) types() string {
	s := f.seen[len(f.seen)-1]
	var keys []string
	for _, k := range s.keys {
		tag := k.(*dns.DNSKEY).KeyTag()
		role := ""
		if slices.Contains(s.keySigs, tag) {
			role += "K"
		}
		if slices.Contains(s.dataSigs, tag) {
			role += "Z"
		}
		keys = append(keys, fmt.Sprintf("%d%s", tag, role))
	}
	return strings.Join(keys, " ")
}

// TestRollZSK: pre-publication, with RFC 7583 section 3.2.1's times from the TTLs.
func TestRollZSK(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	key := newKey(t, sign.FlagsZSK, "next")
	if st := f.status(); st.Kind != 0 {
		t.Fatalf("before any: %+v", st)
	}
	serial := f.server.Zone("", "example.com.").Serial()
	if err := f.server.StartRollover("", "example.com.", Roll{Kind: RollZSK, Key: key, Spread: time.Hour}); err != nil {
		t.Fatal(err)
	}
	f.look()
	old := f.status().Old
	f.wantPhase(RollPublished)
	if got, want := f.types(), fmt.Sprintf("%dZ %d", old, key.DNSKEY.KeyTag()); !strings.HasSuffix(got, want) {
		t.Errorf("published: %s, want …%s", got, want)
	}
	if !errors.Is(f.server.StartRollover("", "example.com.", Roll{Kind: RollZSK, Key: newKey(t, sign.FlagsZSK, "other")}), ErrRolling) {
		t.Error("a second rollover began")
	}
	if got := f.status().Next.Sub(start); got != time.Hour+keyTTL {
		t.Errorf("the new key is published for %s", got)
	}
	f.pass(time.Hour+keyTTL-time.Minute, time.Minute)
	f.wantPhase(RollPublished)
	f.pass(time.Minute, time.Minute)
	f.wantPhase(RollSigning)
	if got, want := f.types(), fmt.Sprintf("%d %dZ", old, key.DNSKEY.KeyTag()); !strings.HasSuffix(got, want) {
		t.Errorf("signing: %s, want …%s", got, want)
	}
	if !errors.Is(f.server.CancelRollover("", "example.com."), ErrTooLate) {
		t.Error("cancelled though the new key signs")
	}
	f.pass(time.Hour+longest-time.Minute, time.Hour)
	f.pass(time.Hour, time.Minute)
	f.wantPhase(RollDone)
	if got, want := f.types(), fmt.Sprintf(" %dZ", key.DNSKEY.KeyTag()); !strings.HasSuffix(got, want) || strings.Contains(got, fmt.Sprint(old)) {
		t.Errorf("done: %s", got)
	}
	if got := f.server.Zone("", "example.com.").Serial() - serial; got != 3 {
		t.Errorf("the serial went up by %d", got)
	}
	f.pass(30*24*time.Hour, 12*time.Hour) // renewals keep to the new key
	if got, want := f.types(), fmt.Sprintf(" %dZ", key.DNSKEY.KeyTag()); !strings.HasSuffix(got, want) {
		t.Errorf("a month later: %s", got)
	}
	f.neverBogus()
}

// TestRollKSK: double DS, with a parent that follows CDS; and again from there.
func TestRollKSK(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	f.follow = true
	for _, label := range []string{"second", "third"} {
		key := newKey(t, sign.FlagsKSK, label)
		if err := f.server.StartRollover("", "example.com.", Roll{Kind: RollKSK, Key: key}); err != nil {
			t.Fatal(err)
		}
		f.look()
		z := f.server.Zone("", "example.com.")
		cds, _ := z.RRset("example.com.", dns.TypeCDS)
		cdnskey, _ := z.RRset("example.com.", dns.TypeCDNSKEY)
		if len(cds.RRs) != 2 || len(cdnskey.RRs) != 2 || len(cds.Sigs) != 1 || cds.Sigs[0].KeyTag != f.status().Old {
			t.Fatalf("CDS %v, CDNSKEY %v", cds, cdnskey)
		}
		for _, phase := range []RollPhase{RollAnnounced, RollParentHas, RollSwapped, RollWithdrawn, RollDone} {
			for range 200 {
				if f.status().Phase == phase {
					break
				}
				f.pass(10*time.Minute, 10*time.Minute)
			}
			f.wantPhase(phase)
		}
		z = f.server.Zone("", "example.com.")
		if _, there := z.RRset("example.com.", dns.TypeCDS); there {
			t.Error("CDS are still there")
		}
		ds, _ := f.server.Zone("", "com.").RRset("example.com.", dns.TypeDS)
		if len(ds.RRs) != 1 || !hasDS(ds.RRs, key) {
			t.Errorf("the parent has %v", ds.RRs)
		}
	}
	f.neverBogus()
}

// TestRollKSKParentDoesNotFollow: the old key stays in use however long the parent takes, while an operator may say what
// the parent has, and a parent that lost the old DS only does not stop it.
func TestRollKSKParentDoesNotFollow(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	key := newKey(t, sign.FlagsKSK, "second")
	if err := f.server.StartRollover("", "example.com.", Roll{Kind: RollKSK, Key: key}); err != nil {
		t.Fatal(err)
	}
	f.pass(60*24*time.Hour, 12*time.Hour)
	f.wantPhase(RollAnnounced)
	if st := f.status(); !st.Next.IsZero() || !st.Since.Equal(start) {
		t.Errorf("%+v", st)
	}
	f.neverBogus()
	if err := f.server.CancelRollover("", "example.com."); err != nil {
		t.Fatal(err)
	}
	f.pass(time.Hour, time.Hour)
	if _, there := f.server.Zone("", "example.com.").RRset("example.com.", dns.TypeCDS); there || f.status().Phase != RollCancelled {
		t.Errorf("after cancelling: %+v", f.status())
	}
	// By hand: nobody asks the parent, the operator tells.
	f.server.views[0].order[1].primary.signing.ParentDS = nil
	if err := f.server.StartRollover("", "example.com.", Roll{Kind: RollKSK, Key: key}); err != nil {
		t.Fatal(err)
	}
	if err := f.server.CheckParent("", "example.com."); err != nil {
		t.Fatal(err)
	}
	f.pass(time.Hour, time.Hour)
	f.wantPhase(RollAnnounced)
	old := f.server.views[0].order[1].primary.keys[0]
	both := []dns.RR{asDS(old.DS(2), "example.com.", 86400), asDS(key.DS(4), "example.com.", 86400)}
	f.setDS(both)
	if err := f.server.ParentHas("", "example.com.", both); err != nil {
		t.Fatal(err)
	}
	f.pass(time.Minute, time.Minute)
	f.wantPhase(RollParentHas)
	f.pass(48*time.Hour, time.Hour)
	f.wantPhase(RollWithdrawn)
	f.setDS(both[1:])
	if err := f.server.ParentHas("", "example.com.", both[1:]); err != nil {
		t.Fatal(err)
	}
	f.pass(time.Minute, time.Minute)
	f.wantPhase(RollDone)
	f.neverBogus()
}

// TestRollStopsWithSigning: a signer that has been stopped does not roll either, and goes on when it is resumed. A
// stopped process likewise.
func TestRollStopsWithSigning(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	if err := f.server.StartRollover("", "example.com.", Roll{Kind: RollZSK, Key: newKey(t, sign.FlagsZSK, "next")}); err != nil {
		t.Fatal(err)
	}
	if err := f.server.Resign("", "example.com.", Resigning{Stop: true}); err != nil {
		t.Fatal(err)
	}
	f.pass(10*24*time.Hour, 24*time.Hour)
	f.wantPhase(RollPublished)
	if err := f.server.ResumeSigning("", "example.com."); err != nil {
		t.Fatal(err)
	}
	f.pass(time.Minute, time.Minute)
	f.wantPhase(RollSigning)
	ctx, stop := f.clock.WithTimeout(t.Context(), 0)
	f.server.Start(ctx)
	stop()
	f.pass(10*24*time.Hour, 24*time.Hour)
	f.wantPhase(RollSigning)
	f.start(f.server)
	f.pass(time.Minute, time.Minute)
	f.wantPhase(RollDone)
}

func TestRollErrors(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	inUse := f.server.views[0].order[1].primary.keys[1]
	other, err := sign.DeriveKey("example.com.", sign.FlagsZSK, dns.ED25519, []byte("seed"), "x")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := sign.DeriveKey("example.org.", sign.FlagsZSK, dns.ECDSAP256SHA256, []byte("seed"), "x")
	if err != nil {
		t.Fatal(err)
	}
	good := newKey(t, sign.FlagsZSK, "next")
	for name, r := range map[string]Roll{
		"no kind": {Key: good}, "no key": {Kind: RollZSK}, "wrong flags": {Kind: RollKSK, Key: good}, "in use": {Kind: RollZSK, Key: inUse},
		"another algorithm": {Kind: RollZSK, Key: other}, "of another zone": {Kind: RollZSK, Key: elsewhere},
		"no private key": {Kind: RollZSK, Key: &sign.Key{DNSKEY: good.DNSKEY}},
	} {
		if err := f.server.StartRollover("", "example.com.", r); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := f.server.StartRollover("", "com.", Roll{Kind: RollZSK, Key: good}); !errors.Is(err, ErrNotSigning) {
		t.Errorf("an unsigned zone: %v", err)
	}
	for _, err := range []error{f.server.CancelRollover("", "example.com."), f.server.CheckParent("", "example.com.")} {
		if !errors.Is(err, ErrNotRolling) {
			t.Errorf("%v", err)
		}
	}
	if f.server.Zone("", "example.com.").Serial() != 2024040201 {
		t.Error("a refused rollover touched the zone")
	}
	csk := newLab(t)
	sg := signing(t, "example.com.")
	sg.Params.Keys = sg.Params.Keys[:1]
	s := csk.server(primaryAddr, Config{Views: []View{{Zones: []Zone{{Origin: "example.com.", Data: parseZone(t, "example.com.", smallZone), Signing: sg}}}}})
	if err := s.StartRollover("", "example.com.", Roll{Kind: RollKSK, Key: newKey(t, sign.FlagsKSK, "next")}); err == nil {
		t.Error("a single key was rolled")
	}
}

// TestParentWants: RFC 7344 section 6 and RFC 8078 section 4.
func TestParentWants(t *testing.T) {
	t.Parallel()
	k := newKey(t, sign.FlagsKSK, "x")
	cds := k.DS(2).ToCDS()
	cds.Hdr = dns.RR_Header{Name: "example.com.", Rrtype: dns.TypeCDS, Class: dns.ClassINET}
	cdnskey := &dns.CDNSKEY{DNSKEY: *k.DNSKEY}
	cdnskey.Hdr = dns.RR_Header{Name: "example.com.", Rrtype: dns.TypeCDNSKEY, Class: dns.ClassINET}
	for _, c := range []struct {
		name string
		rrs  []dns.RR
		n    int
		ok   bool
	}{
		{"nothing", nil, 0, false}, {"CDS", []dns.RR{cds}, 1, true}, {"CDNSKEY", []dns.RR{cdnskey}, 1, true}, {"both", []dns.RR{cds, cdnskey}, 1, true},
		{"none at all", []dns.RR{rr(t, "example.com. 0 IN CDS 0 0 0 00")}, 0, true},
		{"none at all, as CDNSKEY", []dns.RR{rr(t, "example.com. 0 IN CDNSKEY 0 3 0 AA==")}, 0, true},
		{"contradiction", []dns.RR{cds, rr(t, "example.com. 0 IN CDS 0 0 0 00")}, 0, false},
	} {
		z, err := parseZone(t, "example.com.", smallZone).Apply(zone.Change{Op: zone.Add, RRs: c.rrs})
		if err != nil {
			t.Fatal(err)
		}
		ds, ok := ParentWants(z, 60)
		if ok != c.ok || len(ds) != c.n || c.n > 0 && (!hasDS(ds, k) || ds[0].Header().Ttl != 60) {
			t.Errorf("%s: %v, %v", c.name, ds, ok)
		}
	}
}
