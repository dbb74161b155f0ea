package validate

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// What can be wrong with one RRset's signatures, and the extended error (RFC 8914) that tells.
func TestSignedBroken(t *testing.T) {
	t.Parallel()
	k := newKey(t, "example.", 256, dns.ECDSAP256SHA256, 1)
	old := newKey(t, "example.", 256, dns.ECDSAP256SHA256, 2)
	noZone := newKey(t, "example.", 0, dns.ECDSAP256SHA256, 3)
	revoked := newKey(t, "example.", 256|dns.REVOKE, dns.ECDSAP256SHA256, 4)
	otherProtocol := newKey(t, "example.", 256, dns.ECDSAP256SHA256, 5)
	otherProtocol.Protocol = 4
	damaged := newKey(t, "example.", 256, dns.ECDSAP256SHA256, 6)
	sub := newKey(t, "sub.example.", 256, dns.ECDSAP256SHA256, 1)
	keys := dnskeys(k, noZone, revoked, otherProtocol)

	rrs := records(t, "www.example. 300 IN A 10.0.2.50", "www.example. 300 IN A 10.0.2.51")
	resign := func(k key, change ...func(*dns.RRSIG)) []*dns.RRSIG { return []*dns.RRSIG{k.sign(t, rrs, change...)} }
	after := func(sigs []*dns.RRSIG, change func(*dns.RRSIG)) []*dns.RRSIG {
		change(sigs[0])
		return sigs
	}
	times := func(from, to time.Time) func(*dns.RRSIG) {
		return func(s *dns.RRSIG) { s.Inception, s.Expiration = uint32(from.Unix()), uint32(to.Unix()) }
	}
	expired := times(inception.AddDate(0, 0, -30), now.Add(-time.Hour))
	garble := func(s *dns.RRSIG) { s.Signature = "AAAA" + s.Signature[4:] }

	for _, x := range []struct {
		name string
		sigs []*dns.RRSIG
		keys []dns.RR
		ede  uint16
		why  []string
	}{
		{"no signature", nil, keys, 10, []string{"www.example. A", "example."}},
		{"signature of another type alone", after(resign(k), func(s *dns.RRSIG) { s.TypeCovered = dns.TypeAAAA }), keys, 10, nil},
		{"signature of another name alone", after(resign(k), func(s *dns.RRSIG) { s.Hdr.Name = "www2.example." }), keys, 10, nil},
		{"expired", resign(k, expired), keys, 7, []string{"2026-04-02T08:00:00Z", "1h0m0s ago"}},
		{"not yet valid", resign(k, times(now.Add(time.Minute), expiration)), keys, 8, []string{"2026-04-02T09:01:00Z", "in 1m0s"}},
		{"expired before valid", resign(k, times(expiration, inception)), keys, 25, nil},
		{"no such key", resign(old), keys, 9, []string{"no such DNSKEY", "keys"}},
		{"no keys at all", resign(k), nil, 9, []string{"no keys"}},
		{"expired, and no such key", resign(old, expired), keys, 9, nil},
		{"zone key bit not set", resign(noZone), keys, 11, nil},
		{"revoked key (RFC 5011 2.1)", resign(revoked), keys, 11, nil},
		{"protocol not 3 (RFC 4034 2.1.2)", resign(otherProtocol), keys, 11, nil},
		{"algorithm not known", after(resign(k), func(s *dns.RRSIG) { s.Algorithm = dns.ED448 }), keys, 1, []string{"algorithm 16"}},
		{"algorithm retired (RFC 9905)", after(resign(k), func(s *dns.RRSIG) { s.Algorithm = dns.RSASHA1 }), keys, 1, nil},
		{"garbled", after(resign(k), garble), keys, 6, []string{"does not match"}},
		{"not base64", after(resign(k), func(s *dns.RRSIG) { s.Signature = "!" }), keys, 6, nil},
		{"too long (RFC 6605 4)", after(resign(k), lengthen), keys, 6, nil},
		{"empty", after(resign(k), func(s *dns.RRSIG) { s.Signature = "" }), keys, 6, nil},
		{"original TTL changed", after(resign(k), func(s *dns.RRSIG) { s.OrigTtl++ }), keys, 6, nil},
		{"another signer", resign(sub), keys, 6, []string{"sub.example."}},
		{"too many labels", after(resign(k), func(s *dns.RRSIG) { s.Labels = 3 }), keys, 6, nil},
		{"wildcard above the zone", after(resign(k), func(s *dns.RRSIG) { s.Labels = 0 }), keys, 6, nil},
		{"class of the signature", after(resign(k), func(s *dns.RRSIG) { s.Hdr.Class = dns.ClassCHAOS }), keys, 6, nil},
		{"public key cannot be read", resign(damaged), records(t, strings.Replace(damaged.DNSKEY.String(), damaged.PublicKey, "AAAA", 1)), 9, nil},
		{"expired one and garbled one: the better of the two tells", append(resign(k, expired), after(resign(k), garble)...), keys, 6, nil},
		{"unknown key and expired one", append(resign(old), resign(k, expired)...), keys, 7, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			check(t, Signed(RRset{RRs: rrs, Sigs: x.sigs}, "example.", x.keys, now, Policy{}), Bogus, x.ede, x.why...)
			// One good signature beside it is enough (RFC 6840 section 5.11).
			if len(x.keys) > 1 {
				both := RRset{RRs: rrs, Sigs: append(x.sigs[:len(x.sigs):len(x.sigs)], k.sign(t, rrs))}
				check(t, Signed(both, "example.", x.keys, now, Policy{}), Secure, 0)
			}
		})
	}
}

func lengthen(s *dns.RRSIG) {
	raw, _ := base64.StdEncoding.DecodeString(s.Signature)
	half := len(raw) / 2
	long := append([]byte{0}, raw[:half]...)
	long = append(append(long, 0), raw[half:]...)
	s.Signature = base64.StdEncoding.EncodeToString(long)
}

// RFC 4034 section 3.1.5 and RFC 4035 section 5.3.1: both ends belong to the period, and seconds are whole.
func TestVerySecond(t *testing.T) {
	t.Parallel()
	k := newKey(t, "example.", 256, dns.ED25519, 1)
	set := k.set(t, "www.example. 300 IN A 10.0.2.50")
	for _, x := range []struct {
		name string
		at   time.Time
		skew time.Duration
		ede  uint16
	}{
		{"a second before its inception", inception.Add(-time.Second), 0, 8},
		{"a nanosecond before its inception", inception.Add(-1), 0, 8},
		{"at its inception", inception, 0, 0},
		{"at its expiration", expiration, 0, 0},
		{"within the second of its expiration", expiration.Add(time.Second - 1), 0, 0},
		{"a second after its expiration", expiration.Add(time.Second), 0, 7},
		{"skew before", inception.Add(-time.Hour), time.Hour, 0},
		{"beyond skew before", inception.Add(-time.Hour - time.Second), time.Hour, 8},
		{"skew after", expiration.Add(time.Hour), time.Hour, 0},
		{"beyond skew after", expiration.Add(time.Hour + time.Second), time.Hour, 7},
		{"in another time zone", expiration.In(time.FixedZone("", 7200)), 0, 0},
	} {
		v := Signed(set, "example.", dnskeys(k), x.at, Policy{Skew: x.skew})
		if v.EDE != x.ede || (v.Status == Secure) != (x.ede == 0) {
			t.Errorf("%s: %v, EDE %d (%s)", x.name, v.Status, v.EDE, v.Why)
		}
		if x.ede == 0 && !v.Until.Equal(expiration.Add(x.skew)) {
			t.Errorf("%s: until %v", x.name, v.Until)
		}
	}
}

// The 32-bit times wrap in 2106; what counts is the distance (RFC 1982).
func TestTimesBeyond2106(t *testing.T) {
	t.Parallel()
	k := newKey(t, "example.", 256, dns.ED25519, 1)
	rrs := records(t, "www.example. 300 IN A 10.0.2.50")
	wrap := time.Unix(1<<32, 0).UTC()
	sig := k.sign(t, rrs, func(s *dns.RRSIG) {
		s.Inception, s.Expiration = uint32(wrap.Add(-24*time.Hour).Unix()&0xffffffff), 24*3600
	})
	set := RRset{RRs: rrs, Sigs: []*dns.RRSIG{sig}}
	for at, ede := range map[time.Time]uint16{
		wrap.Add(-25 * time.Hour): 8, wrap.Add(-time.Hour): 0, wrap: 0, wrap.Add(24 * time.Hour): 0, wrap.Add(25 * time.Hour): 7,
	} {
		if v := Signed(set, "example.", dnskeys(k), at, Policy{}); v.EDE != ede {
			t.Errorf("%v: %v, EDE %d (%s), want %d", at, v.Status, v.EDE, v.Why, ede)
		} else if ede == 0 && !v.Until.Equal(wrap.Add(24*time.Hour)) {
			t.Errorf("%v: until %v", at, v.Until)
		}
	}
}

func TestSignedOdd(t *testing.T) {
	t.Parallel()
	k := newKey(t, "example.", 256, dns.ED25519, 1)
	good := k.set(t, "www.example. 300 IN A 10.0.2.50")
	for _, x := range []struct {
		name string
		set  RRset
		zone string
	}{
		{"no records", RRset{Sigs: good.Sigs}, "example."},
		{"records of two names", RRset{RRs: append(records(t, "w.example. 300 IN A 10.0.0.1"), good.RRs...), Sigs: good.Sigs}, "example."},
		{"records of two types", RRset{RRs: append(records(t, "www.example. 300 IN TXT x"), good.RRs...), Sigs: good.Sigs}, "example."},
		{"not in the zone", good, "sub.example."},
		{"a zone whose name merely ends alike", k.set(t, "www.notexample. 300 IN A 10.0.2.50"), "example."},
		{"a child's own DS", k.set(t, "example. 300 IN DS 1 13 2 00"), "example."},
		{"no zone name", good, strings.Repeat("a", 64) + "."},
		{"a record that cannot be packed", RRset{RRs: []dns.RR{&dns.A{Hdr: *good.RRs[0].Header(), A: []byte{1}}}, Sigs: good.Sigs}, "example."},
	} {
		t.Run(x.name, func(t *testing.T) { check(t, Signed(x.set, x.zone, dnskeys(k), now, Policy{}), Bogus, 6) })
	}
}

// RFC 4035 section 5.3.2: the RRSIG's Labels field tells that an answer was synthesised, and from what.
func TestWildcards(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ zone, wildcard, owner, want string }{
		{"example.", "*.w.example.", "a.z.w.example.", "*.w.example."},
		{"example.", "*.example.", "www.example.", "*.example."},
		{"example.", "*.W.Example.", "*.w.example.", ""}, // asked for by its own name
	} {
		k := newKey(t, x.zone, 256, dns.ED25519, 1)
		set := k.set(t, x.wildcard+" 300 IN A 10.0.2.50")
		set.RRs[0].Header().Name, set.Sigs[0].Hdr.Name = x.owner, x.owner
		v := Signed(set, x.zone, dnskeys(k), now, Policy{})
		check(t, v, Secure, 0)
		if v.Wildcard != x.want {
			t.Errorf("%s from %s: wildcard %q, want %q", x.owner, x.wildcard, v.Wildcard, x.want)
		}
	}
}

// A wildcard right below the root, which miekg/dns cannot sign.
func TestWildcardOfTheRoot(t *testing.T) {
	t.Parallel()
	k := newKey(t, ".", 256, dns.ED25519, 1)
	set := k.set(t, "example. 300 IN A 10.0.2.50")
	sig := set.Sigs[0]
	sig.Labels = 0
	k.signRaw(t, set, sig)
	v := Signed(set, ".", dnskeys(k), now, Policy{})
	check(t, v, Secure, 0)
	if v.Wildcard != "*." {
		t.Errorf("wildcard %q", v.Wildcard)
	}
}

// Even if the key says yes: not more labels than the owner has, and no wildcard above the zone (RFC 4035 section 5.3.1).
func TestLabels(t *testing.T) {
	t.Parallel()
	k := newKey(t, "sub.example.", 256, dns.ED25519, 1)
	set := k.set(t, "www.sub.example. 300 IN A 10.0.2.50")
	for labels, status := range []Status{Bogus, Bogus, Secure, Secure, Bogus} {
		set.Sigs[0].Labels = uint8(labels)
		k.signRaw(t, set, set.Sigs[0])
		if v := Signed(set, "sub.example.", dnskeys(k), now, Policy{}); v.Status != status {
			t.Errorf("%d labels: %+v", labels, v)
		}
	}
}

// CVE-2023-50387, "KeyTrap": many keys of one tag, many signatures.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	k := newKey(t, "example.", 256, dns.ECDSAP256SHA256, 1)
	set := k.set(t, "www.example. 300 IN A 10.0.2.50")
	good := set.Sigs[0]
	bad := dns.Copy(good).(*dns.RRSIG)
	bad.Signature = "AAAA" + bad.Signature[4:]

	count := 0
	counting := func(tag uint16) *zoneKey {
		return &zoneKey{DNSKEY: k.DNSKEY, tag: tag, parsed: true, verify: func(_, _ []byte) bool { count++; return false }}
	}
	c, _ := newChecker("example.", nil, now, Policy{})
	for range 1000 {
		c.keys = append(c.keys, counting(good.KeyTag))
	}
	set.Sigs = nil
	for range 1000 {
		set.Sigs = append(set.Sigs, bad)
	}
	check(t, c.signed(set), Bogus, 6)
	if count != 16 {
		t.Errorf("%d signatures were checked, want 16", count)
	}
	count, c.signatures, set.Sigs = 0, 16, set.Sigs[:1]
	check(t, c.signed(set), Bogus, 6, "too many")
	if count != 4 {
		t.Errorf("%d keys were tried, want 4", count)
	}

	// What an honest zone in a rollover has stays within the bounds; what is beyond them is not Secure.
	set.Sigs = append(set.Sigs[:15:15], good)
	check(t, Signed(set, "example.", dnskeys(k), now, Policy{}), Secure, 0)
	set.Sigs = append(set.Sigs[:15:15], bad, good)
	check(t, Signed(set, "example.", dnskeys(k), now, Policy{}), Bogus, 6)
	set.Sigs = []*dns.RRSIG{bad, good}
	check(t, Signed(set, "example.", dnskeys(k), now, Policy{MaxSignatures: 1}), Bogus, 6)
	set.Sigs = []*dns.RRSIG{good}
	check(t, Signed(set, "example.", dnskeys(k, k, k, k, k, k), now, Policy{MaxKeys: 1}), Secure, 0)
}
