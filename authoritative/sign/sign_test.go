package sign_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

var (
	inception  = time.Date(2026, 3, 26, 12, 0, 0, 0, time.UTC)
	expiration = inception.Add(15 * 24 * time.Hour)
)

// content has one of everything that a signer treats in its own way.
const content = `
$ORIGIN solvethenetwork.com.
$TTL 3600
@            SOA   ns1 hostmaster 2026032601 3600 900 604800 300
             NS    ns1
             NS    NS2.Provider.Example.
             MX    10 Mail
ns1          A     10.0.1.20
mail     300 A     10.0.2.25
         300 AAAA  fd00:2::25
WWW          CNAME web.Farm
web.farm     A     10.0.2.80
             A     10.0.2.9
             A     10.0.2.10
_ldap._tcp   SRV   0 100 389 Mail
*.apps    60 A     10.0.2.90
*.alias      CNAME mail
moved        DNAME elsewhere.example.
secure       NS    ns.secure
secure       DS    12345 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.secure    A     10.0.9.1
insecure     NS    ns.insecure
ns.insecure  A     10.0.9.2
insecure     A     10.0.9.3
a.b.deep     NS    ns.provider.example.
odd\.dot     TXT   "a \"quoted\" text" "two"
\001.z       TXT   "low"
`

func parsed(t testing.TB, text string) *zone.Zone {
	t.Helper()
	rrs, err := zone.Parse(strings.NewReader(text), "solvethenetwork.com.", "test.zone")
	if err != nil {
		t.Fatal(err)
	}
	z, err := zone.New("solvethenetwork.com.", rrs)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func key(t testing.TB, flags uint16, algorithm uint8, label string) *sign.Key {
	t.Helper()
	k, err := sign.DeriveKey("solvethenetwork.com.", flags, algorithm, []byte("a seed"), label)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func pair(t testing.TB, algorithm uint8) []*sign.Key {
	return []*sign.Key{key(t, sign.FlagsKSK, algorithm, ""), key(t, sign.FlagsZSK, algorithm, "")}
}

func params(t testing.TB) sign.Params {
	return sign.Params{Keys: pair(t, dns.ECDSAP256SHA256), Inception: inception, Expiration: expiration}
}

// announced adds the CDS of the first key, which checkers compare with the keys.
func announced(t testing.TB, z *zone.Zone, p sign.Params) *zone.Zone {
	t.Helper()
	cds := p.Keys[0].DS(dns.SHA256).ToCDS()
	cds.Hdr.Ttl = 3600
	z, err := z.Apply(zone.Change{Op: zone.Add, RRs: []dns.RR{cds}})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func signed(t testing.TB, z *zone.Zone, p sign.Params) *zone.Zone {
	t.Helper()
	s, err := sign.Sign(z, p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func text(t testing.TB, z *zone.Zone) string {
	t.Helper()
	var b bytes.Buffer
	if err := zone.Write(&b, z); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// variants are the ways of signing that every zone must survive.
func variants(t testing.TB) map[string]sign.Params {
	nsec3, optOut, csk, two, ed := params(t), params(t), params(t), params(t), params(t)
	nsec3.Denial = sign.NSEC3
	optOut.Denial = sign.NSEC3
	optOut.NSEC3 = sign.NSEC3Params{Iterations: 3, Salt: []byte{0xaa, 0xbb, 0xcc, 0xdd}, OptOut: true}
	csk.Keys = []*sign.Key{key(t, sign.FlagsKSK, dns.ECDSAP384SHA384, "csk")}
	two.Keys = append(pair(t, dns.ED25519), pair(t, dns.ECDSAP256SHA256)...)
	ed.Keys = append(pair(t, dns.ED25519), &sign.Key{DNSKEY: key(t, sign.FlagsZSK, dns.ED25519, "next").DNSKEY})
	return map[string]sign.Params{
		"NSEC": params(t), "NSEC3": nsec3, "opt-out": optOut, "one key": csk, "two algorithms": two, "standby": ed,
	}
}

// Every signature verifies with the key that it names, by code that is not this package's, and everything is signed
// that RFC 4035 section 2.2 wants signed and nothing else.
func TestSignaturesVerify(t *testing.T) {
	t.Parallel()
	for name, p := range variants(t) {
		t.Run(name, func(t *testing.T) {
			z := signed(t, announced(t, parsed(t, content), p), p)
			byTag := map[uint16]*dns.DNSKEY{}
			keys, _ := z.RRset(z.Origin(), dns.TypeDNSKEY)
			for _, rr := range keys.RRs {
				byTag[rr.(*dns.DNSKEY).KeyTag()] = rr.(*dns.DNSKEY)
			}
			for set := range z.RRsets() {
				place := z.Place(set.Name)
				want := place == zone.PlaceData || set.Type == dns.TypeNSEC3 ||
					place == zone.PlaceCut && (set.Type == dns.TypeDS || set.Type == dns.TypeNSEC)
				if got := len(set.Sigs) > 0; got != want {
					t.Errorf("%s %s, %v: signed %t", set.Name, dns.Type(set.Type), place, got)
				}
				for _, sig := range set.Sigs {
					k := byTag[sig.KeyTag]
					if k == nil {
						t.Fatalf("no key %d", sig.KeyTag)
					}
					if err := sig.Verify(k, set.RRs); err != nil {
						t.Errorf("%s %s: %v", set.Name, dns.Type(set.Type), err)
					}
					if !sig.ValidityPeriod(inception) || !sig.ValidityPeriod(expiration) || sig.Hdr.Ttl != set.RRs[0].Header().Ttl {
						t.Errorf("%s", sig)
					}
					if sep := k.Flags&dns.SEP != 0; name == "NSEC" &&
						sep != (set.Type == dns.TypeDNSKEY || set.Type == dns.TypeCDS) {
						t.Errorf("%s %s is signed by the wrong key", set.Name, dns.Type(set.Type))
					}
				}
			}
		})
	}
}

// The other implementations' checkers have the last word. They read the wall, so the period is around today's: it
// is taken from the shell's date.
func TestOtherCheckersAgree(t *testing.T) {
	t.Parallel()
	checks := map[string]func(file string) []string{
		"named-checkzone":  func(f string) []string { return []string{"-i", "local", "solvethenetwork.com", f} },
		"dnssec-verify":    func(f string) []string { return []string{"-o", "solvethenetwork.com", f} },
		"ldns-verify-zone": func(f string) []string { return []string{"-V", "3", f} },
	}
	for name, p := range variants(t) {
		p.Inception, p.Expiration = aroundToday(t)
		for tool, args := range checks {
			t.Run(name+"/"+tool, func(t *testing.T) {
				path := need(t, tool)
				file := filepath.Join(t.TempDir(), "zone")
				z := signed(t, announced(t, parsed(t, content), p), p)
				if err := os.WriteFile(file, []byte(text(t, z)), 0o600); err != nil {
					t.Fatal(err)
				}
				args := args(file)
				if tool == "dnssec-verify" && name == "one key" {
					args = append([]string{"-z"}, args...) // a key's SEP flag is not to limit what it signs
				}
				if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			})
		}
	}
}

// need finds a program, or ends the test: as skipped, unless the environment promises that all are there.
func need(t testing.TB, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err == nil {
		return path
	}
	if os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is required: %v", tool, err)
	}
	t.Skipf("%s is not installed", tool)
	return ""
}

// aroundToday reads the wall from outside, since no package here may.
func aroundToday(t testing.TB) (from, to time.Time) {
	t.Helper()
	out, err := exec.Command(need(t, "date"), "-u", "+%Y-%m-%dT%H:%M:%SZ").Output()
	if err != nil {
		t.Fatal(err)
	}
	now, err := time.Parse(time.RFC3339, strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return now.Add(-24 * time.Hour), now.Add(10 * 24 * time.Hour)
}

func TestSameArgumentsSameBytes(t *testing.T) {
	t.Parallel()
	for name, p := range variants(t) {
		first := text(t, signed(t, parsed(t, content), p))
		for range 3 {
			if again := text(t, signed(t, parsed(t, content), p)); again != first {
				t.Fatalf("%s: another signing gave other bytes", name)
			}
		}
		// Re-signing what is signed is signing it.
		if again := text(t, signed(t, signed(t, parsed(t, content), p).Unsigned(), p)); again != first {
			t.Errorf("%s: signing again gave other bytes", name)
		}
		p.Memo = new(sign.Memo)
		for range 2 {
			if again := text(t, signed(t, parsed(t, content), p)); again != first {
				t.Errorf("%s: signing with a memo gave other bytes", name)
			}
		}
	}
}

func TestUnsignedGivesBackTheContent(t *testing.T) {
	t.Parallel()
	z := parsed(t, content)
	for name, p := range variants(t) {
		if got := text(t, signed(t, z, p).Unsigned()); got != text(t, z) {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
}

func types(z *zone.Zone, name string, rrtype uint16) string {
	set, ok := z.RRset(name, rrtype)
	if !ok {
		return "none"
	}
	var bitmap []uint16
	switch x := set.RRs[0].(type) {
	case *dns.NSEC:
		bitmap = x.TypeBitMap
	case *dns.NSEC3:
		bitmap = x.TypeBitMap
	}
	var names []string
	for _, t := range bitmap {
		names = append(names, dns.TypeToString[t])
	}
	return strings.Join(names, " ")
}

// RFC 4034 section 4.1.2 and RFC 5155 section 7.1 on which types a denial lists.
func TestDenialTypes(t *testing.T) {
	t.Parallel()
	all := variants(t)
	nsec, nsec3, optOut := signed(t, parsed(t, content), all["NSEC"]), signed(t, parsed(t, content), all["NSEC3"]),
		signed(t, parsed(t, content), all["opt-out"])
	for _, c := range []struct{ name, nsec, nsec3, optOut string }{
		{"", "NS SOA MX RRSIG NSEC DNSKEY", "NS SOA MX RRSIG DNSKEY NSEC3PARAM", "NS SOA MX RRSIG DNSKEY NSEC3PARAM"},
		{"mail.", "A AAAA RRSIG NSEC", "A AAAA RRSIG", "A AAAA RRSIG"},
		{"secure.", "NS DS RRSIG NSEC", "NS DS RRSIG", "NS DS RRSIG"},
		{"insecure.", "NS RRSIG NSEC", "NS", "none"},
		{"ns.insecure.", "none", "none", "none"},
		{"farm.", "none", "", ""},
		{"b.deep.", "none", "", "none"},
		{"*.apps.", "A RRSIG NSEC", "A RRSIG", "A RRSIG"},
	} {
		name := c.name + "solvethenetwork.com."
		if got := types(nsec, name, dns.TypeNSEC); got != c.nsec {
			t.Errorf("%s NSEC: %q, not %q", name, got, c.nsec)
		}
		if got := types(nsec3, zone.HashName(name, 0, nil)+".solvethenetwork.com.", dns.TypeNSEC3); got != c.nsec3 {
			t.Errorf("%s NSEC3: %q, not %q", name, got, c.nsec3)
		}
		owner := zone.HashName(name, 3, []byte{0xaa, 0xbb, 0xcc, 0xdd}) + ".solvethenetwork.com."
		if got := types(optOut, owner, dns.TypeNSEC3); got != c.optOut {
			t.Errorf("%s NSEC3 with opt-out: %q, not %q", name, got, c.optOut)
		}
	}
}

// RFC 9077: the lesser of the SOA's TTL and its last field.
func TestDenialTTL(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]sign.Params{"NSEC": variants(t)["NSEC"], "NSEC3": variants(t)["NSEC3"]} {
		for set := range signed(t, parsed(t, content), p).RRsets() {
			if set.Type == dns.TypeNSEC || set.Type == dns.TypeNSEC3 {
				if ttl := set.RRs[0].Header().Ttl; ttl != 300 {
					t.Errorf("%s: %s has TTL %d", name, set.Name, ttl)
				}
			}
		}
	}
}

func TestAlter(t *testing.T) {
	t.Parallel()
	api := func(rr dns.RR) bool { return rr.Header().Name == "mail.solvethenetwork.com." }
	for _, c := range []struct {
		name  string
		alter func(sign.Product, dns.RR) []dns.RR
		check func(z *zone.Zone) string
	}{
		{"a signature left out", func(p sign.Product, rr dns.RR) []dns.RR {
			if p == sign.ProductRRSIG && api(rr) && rr.(*dns.RRSIG).TypeCovered == dns.TypeA {
				return nil
			}
			return []dns.RR{rr}
		}, func(z *zone.Zone) string {
			a, _ := z.RRset("mail.solvethenetwork.com.", dns.TypeA)
			aaaa, _ := z.RRset("mail.solvethenetwork.com.", dns.TypeAAAA)
			return fmt.Sprint(len(a.Sigs), len(aaaa.Sigs))
		}},
		{"a signature aged", func(p sign.Product, rr dns.RR) []dns.RR {
			if sig, ok := rr.(*dns.RRSIG); ok && api(rr) {
				sig.Expiration = sig.Inception - 1
			}
			return []dns.RR{rr}
		}, func(z *zone.Zone) string {
			a, _ := z.RRset("mail.solvethenetwork.com.", dns.TypeA)
			return fmt.Sprint(1, a.Sigs[0].Inception-a.Sigs[0].Expiration)
		}},
		{"all signatures left out", func(p sign.Product, rr dns.RR) []dns.RR {
			if p == sign.ProductRRSIG {
				return nil
			}
			return []dns.RR{rr}
		}, func(z *zone.Zone) string {
			n := 1
			for set := range z.RRsets() {
				n += len(set.Sigs)
			}
			return fmt.Sprint(n, 1)
		}},
		{"a denial left out", func(p sign.Product, rr dns.RR) []dns.RR {
			if p == sign.ProductDenial && api(rr) {
				return nil
			}
			return []dns.RR{rr}
		}, func(z *zone.Zone) string {
			_, has := z.RRset("mail.solvethenetwork.com.", dns.TypeNSEC)
			_, other := z.RRset("ns1.solvethenetwork.com.", dns.TypeNSEC)
			return strings.NewReplacer("true", "1", "false", "0").Replace(fmt.Sprint(has, other))
		}},
		{"a DNSKEY replaced, and signed as such", func(p sign.Product, rr dns.RR) []dns.RR {
			if k, ok := rr.(*dns.DNSKEY); ok && k.Flags&dns.SEP == 0 {
				k.Flags = 0
			}
			return []dns.RR{rr}
		}, func(z *zone.Zone) string {
			keys, _ := z.RRset(z.Origin(), dns.TypeDNSKEY)
			verified, cleared := 0, 0
			for _, rr := range keys.RRs {
				k := rr.(*dns.DNSKEY)
				if k.KeyTag() == keys.Sigs[0].KeyTag && keys.Sigs[0].Verify(k, keys.RRs) == nil {
					verified++
				}
				if k.Flags == 0 {
					cleared++
				}
			}
			return fmt.Sprint(verified-1, cleared)
		}},
		{"all DNSKEYs left out", func(p sign.Product, rr dns.RR) []dns.RR {
			if p == sign.ProductDNSKEY {
				return nil
			}
			return []dns.RR{rr}
		}, func(z *zone.Zone) string {
			_, has := z.RRset(z.Origin(), dns.TypeDNSKEY)
			listed := strings.Contains(types(z, z.Origin(), dns.TypeNSEC), "DNSKEY")
			return strings.NewReplacer("true", "1", "false", "0").Replace(fmt.Sprint(has, !listed))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := "0 1"
			if c.name == "a signature aged" || c.name == "all signatures left out" {
				want = "1 1"
			}
			z := parsed(t, content)
			before := text(t, z)
			p := params(t)
			tag := p.Keys[1].DNSKEY.KeyTag()
			p.Alter = c.alter
			if got := c.check(signed(t, z, p)); got != want {
				t.Errorf("got %s, not %s", got, want)
			}
			if text(t, z) != before || p.Keys[1].DNSKEY.KeyTag() != tag {
				t.Error("what was given was changed")
			}
		})
	}
}

// Alter may keep a state of its own, so it is called in one order, whatever the cores do.
func TestAlterIsCalledInOrder(t *testing.T) {
	t.Parallel()
	calls := func() string {
		var b strings.Builder
		p := params(t)
		p.Alter = func(product sign.Product, rr dns.RR) []dns.RR {
			fmt.Fprintln(&b, product, rr)
			return []dns.RR{rr}
		}
		signed(t, parsed(t, content), p)
		return b.String()
	}
	first := calls()
	for range 5 {
		if calls() != first {
			t.Fatal("the order differs")
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	z := parsed(t, content)
	other, err := sign.DeriveKey("example.org.", sign.FlagsKSK, dns.ED25519, []byte("x"), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]sign.Params{
		"no key to sign with": {Inception: inception, Expiration: expiration},
		"no validity":         {Keys: pair(t, dns.ED25519)},
		"is of example.org.":  {Keys: []*sign.Key{other}, Inception: inception, Expiration: expiration},
		"a key has no DNSKEY": {Keys: []*sign.Key{{}}, Inception: inception, Expiration: expiration},
		"is not known":        {Keys: pair(t, dns.ED25519), Inception: inception, Expiration: expiration, Denial: 7},
	} {
		if _, err := sign.Sign(z, p); err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "there is no key", "no key"), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDeriveKey(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, algorithm := range []uint8{dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519} {
		for _, flags := range []uint16{sign.FlagsKSK, sign.FlagsZSK} {
			for _, label := range []string{"", "next"} {
				k, again := key(t, flags, algorithm, label), key(t, flags, algorithm, label)
				if !dns.IsDuplicate(k.DNSKEY, again.DNSKEY) {
					t.Errorf("%d/%d/%q differs between two derivations", flags, algorithm, label)
				}
				if seen[k.DNSKEY.PublicKey] {
					t.Errorf("%d/%d/%q is another's key", flags, algorithm, label)
				}
				seen[k.DNSKEY.PublicKey] = true
				if ds := k.DS(dns.SHA256); ds == nil || ds.KeyTag != k.DNSKEY.KeyTag() {
					t.Errorf("DS: %v", ds)
				}
			}
		}
	}
	if _, err := sign.DeriveKey("a.", sign.FlagsKSK, dns.RSASHA256, []byte("x"), ""); err == nil {
		t.Error("an RSA key was derived")
	}
}

// zoneOf has n names with an address each.
func zoneOf(t testing.TB, n int) *zone.Zone {
	var b strings.Builder
	b.WriteString("$TTL 300\n@ SOA ns1 hostmaster 1 3600 900 604800 300\n@ NS ns1\nns1 A 10.0.0.1\n")
	for i := range n {
		fmt.Fprintf(&b, "host%d A 10.0.%d.%d\n", i, i/256, i%256)
	}
	return parsed(t, b.String())
}

func BenchmarkSign100(b *testing.B) {
	for name, p := range variants(b) {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			z := zoneOf(b, 100)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sign.Sign(z, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("remembered", func(b *testing.B) {
		z, p := zoneOf(b, 100), params(b)
		p.Memo = new(sign.Memo)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := sign.Sign(z, p); err != nil {
				b.Fatal(err)
			}
		}
	})
}
