package sign_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// The content of the zones in RFC 4035 appendix A and, with fewer and other delegations, RFC 5155 appendix A.
const rfcContent = `
$ORIGIN example.
$TTL 3600
@        SOA   ns1 bugs.x.w 1 3600 300 3600000 3600
@        NS    ns1
@        NS    ns2
@        MX    1 xx
a        NS    ns1.a
a        NS    ns2.a
a        DS    57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B
ns1.a    A     192.0.2.5
ns2.a    A     192.0.2.6
ai       A     192.0.2.9
ai       HINFO "KLH-10" "ITS"
ai       AAAA  2001:db8::f00:baa9
ns1      A     192.0.2.1
ns2      A     192.0.2.2
*.w      MX    1 ai
x.w      MX    1 xx
x.y.w    MX    1 xx
xx       A     192.0.2.10
xx       HINFO "KLH-10" "TOPS-20"
xx       AAAA  2001:db8::f00:baaa
`

func exampleZone(t testing.TB, extra string, p sign.Params) *zone.Zone {
	t.Helper()
	rrs, err := zone.Parse(strings.NewReader(rfcContent+extra), "example.", "rfc.zone")
	if err != nil {
		t.Fatal(err)
	}
	z, err := zone.New("example.", rrs)
	if err != nil {
		t.Fatal(err)
	}
	return signed(t, z, exampleParams(t, p))
}

func exampleParams(t testing.TB, p sign.Params) sign.Params {
	t.Helper()
	k, err := sign.DeriveKey("example.", sign.FlagsKSK, dns.ED25519, []byte("example"), "")
	if err != nil {
		t.Fatal(err)
	}
	p.Keys, p.Inception, p.Expiration = []*sign.Key{k}, inception, expiration
	return p
}

// brief is a section as "NAME TYPE, …", each RRset once, RRSIG(TYPE) for a signature.
func brief(rrs []dns.RR) string {
	var all []string
	for _, rr := range rrs {
		s := rr.Header().Name + " " + dns.TypeToString[rr.Header().Rrtype]
		if sig, ok := rr.(*dns.RRSIG); ok {
			s += "(" + dns.TypeToString[sig.TypeCovered] + ")"
		}
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return strings.Join(all, ", ")
}

// withSigs spells out "A, B" as A, RRSIG(A), B, RRSIG(B).
func withSigs(sets ...string) string {
	var all []string
	for _, s := range sets {
		name, rrtype, _ := strings.Cut(s, " ")
		all = append(all, s, name+" RRSIG("+rrtype+")")
	}
	return strings.Join(all, ", ")
}

// RFC 4035 appendix B, but for the apex's NS, which it adds to each positive answer and nobody needs.
func TestRFC4035Answers(t *testing.T) {
	t.Parallel()
	z := exampleZone(t, "b NS ns1.b\nb NS ns2.b\nns1.b A 192.0.2.7\nns2.b A 192.0.2.8\n", sign.Params{})
	for _, c := range []struct {
		section, qname, qtype string
		outcome               zone.Outcome
		answer, authority     string
		additional            string
	}{
		{"B.1", "x.w.example.", "MX", zone.Success, withSigs("x.w.example. MX"), "",
			withSigs("xx.example. A", "xx.example. AAAA")},
		{"B.2", "ml.example.", "A", zone.NXDOMAIN, "", withSigs("example. SOA", "b.example. NSEC", "example. NSEC"), ""},
		{"B.3", "ns1.example.", "MX", zone.NODATA, "", withSigs("example. SOA", "ns1.example. NSEC"), ""},
		{"B.4", "mc.a.example.", "MX", zone.Delegation, "", "a.example. NS, " + withSigs("a.example. DS"),
			"ns1.a.example. A, ns2.a.example. A"},
		{"B.5", "mc.b.example.", "MX", zone.Delegation, "", "b.example. NS, " + withSigs("b.example. NSEC"),
			"ns1.b.example. A, ns2.b.example. A"},
		{"B.6", "a.z.w.example.", "MX", zone.Success, withSigs("a.z.w.example. MX"), withSigs("x.y.w.example. NSEC"),
			withSigs("ai.example. A", "ai.example. AAAA")},
		{"B.7", "a.z.w.example.", "AAAA", zone.NODATA, "",
			withSigs("example. SOA", "x.y.w.example. NSEC", "*.w.example. NSEC"), ""},
		{"B.8", "example.", "DS", zone.NODATA, "", withSigs("example. SOA", "example. NSEC"), ""},
		// Section 3.1.3.1: an empty non-terminal has no NSEC; the one before it spans it.
		{"3.1.3.1", "y.w.example.", "MX", zone.NODATA, "", withSigs("example. SOA", "x.w.example. NSEC"), ""},
		{"3.1.4.1", "b.example.", "DS", zone.NODATA, "", withSigs("example. SOA", "b.example. NSEC"), ""},
		{"3.1.4.1", "a.example.", "DS", zone.Success, withSigs("a.example. DS"), "", ""},
	} {
		r := z.Lookup(c.qname, dns.StringToType[c.qtype], true)
		if r.Outcome != c.outcome || brief(r.Answer) != c.answer || brief(r.Authority) != c.authority || brief(r.Additional) != c.additional {
			t.Errorf("%s %s %s: %v\nanswer     %s\nauthority  %s\nadditional %s", c.section, c.qname, c.qtype, r.Outcome,
				brief(r.Answer), brief(r.Authority), brief(r.Additional))
		}
		// Without DO none of this is seen (RFC 4035 section 3.1).
		r = z.Lookup(c.qname, dns.StringToType[c.qtype], false)
		for _, section := range [][]dns.RR{r.Answer, r.Authority, r.Additional} {
			for _, rr := range section {
				if t1 := rr.Header().Rrtype; t1 == dns.TypeRRSIG || t1 == dns.TypeNSEC || t1 == dns.TypeDS && c.qtype != "DS" {
					t.Errorf("%s without DNSSEC: %s", c.section, rr)
				}
			}
		}
	}
}

// The owner hashes of RFC 5155 appendix A.
const (
	hApex    = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"
	hA       = "35mthgpgcu1qg68fab165klnsnk3dpvl"
	hAi      = "gjeqe526plbf1g8mklp59enfd789njgi"
	hNs1     = "2t7b4g4vsa5smi47k61mv5bv1a22bojr"
	hNs2     = "q04jkcevqvmu85r014c7dkba38o0ji5r"
	hW       = "k8udemvp1j2f7eg6jebps17vp3n8i58h"
	hStarW   = "r53bq7cc2uvmubfu5ocmm6pers9tk9en"
	hXW      = "b4um86eghhds6nea196smvmlo4ors995"
	hYW      = "ji6neoaepv8b5o6k4ev33abha8ht9fgc"
	hXYW     = "2vptu5timamqttgl4luu9kg21e0aor3s"
	hXx      = "t644ebqk9bibcna874givr6joj62mlhv"
	h2t7b    = "kohar7mbb8dc2ce8a9qvl8hon4k53uhi"
	hashZone = ".example."
)

// rfc5155 is the zone of RFC 5155 appendix A.
func rfc5155(t testing.TB) *zone.Zone {
	return exampleZone(t, "c NS ns1.c\nc NS ns2.c\nns1.c A 192.0.2.7\nns2.c A 192.0.2.8\n"+
		"2t7b4g4vsa5smi47k61mv5bv1a22bojr A 192.0.2.127\n",
		sign.Params{Denial: sign.NSEC3, NSEC3: sign.NSEC3Params{Iterations: 12, Salt: []byte{0xaa, 0xbb, 0xcc, 0xdd}, OptOut: true}})
}

func TestRFC5155Chain(t *testing.T) {
	t.Parallel()
	z := rfc5155(t)
	want := []string{hApex, hNs1, hXYW, hA, hXW, hAi, hYW, hW, h2t7b, hNs2, hStarW, hXx}
	var got []string
	for set := range z.RRsets() {
		if x, ok := set.RRs[0].(*dns.NSEC3); ok {
			got = append(got, strings.TrimSuffix(x.Hdr.Name, hashZone))
			next := want[len(got)%len(want)]
			if !strings.EqualFold(x.NextDomain, next) || x.Flags != 1 || x.Iterations != 12 || x.Salt != "aabbccdd" {
				t.Errorf("%s", x)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// RFC 5155 appendix B, with the NSEC3s in the order of section 7.2.
func TestRFC5155Answers(t *testing.T) {
	t.Parallel()
	z := rfc5155(t)
	n3 := func(hash string) string { return hash + ".example. NSEC3" }
	for _, c := range []struct {
		section, qname, qtype string
		outcome               zone.Outcome
		answer, authority     string
	}{
		{"B.1", "a.c.x.w.example.", "A", zone.NXDOMAIN, "", withSigs("example. SOA", n3(hXW), n3(hApex), n3(hA))},
		{"B.2", "ns1.example.", "MX", zone.NODATA, "", withSigs("example. SOA", n3(hNs1))},
		{"B.2.1", "y.w.example.", "A", zone.NODATA, "", withSigs("example. SOA", n3(hYW))},
		{"B.3", "mc.c.example.", "MX", zone.Delegation, "", "c.example. NS, " + withSigs(n3(hApex), n3(hA))},
		{"B.4", "a.z.w.example.", "MX", zone.Success, withSigs("a.z.w.example. MX"), withSigs(n3(hNs2))},
		{"B.5", "a.z.w.example.", "AAAA", zone.NODATA, "", withSigs("example. SOA", n3(hW), n3(hNs2), n3(hStarW))},
		{"B.6", "example.", "DS", zone.NODATA, "", withSigs("example. SOA", n3(hApex))},
		{"7.2.4", "c.example.", "DS", zone.NODATA, "", withSigs("example. SOA", n3(hApex), n3(hA))},
		// Section 7.2.8: an NSEC3's owner is a name only where it is one otherwise.
		{"7.2.8", hNs1 + ".example.", "NSEC3", zone.NODATA, "", withSigs("example. SOA", n3(h2t7b))},
		{"7.2.8", hXx + ".example.", "NSEC3", zone.NXDOMAIN, "", ""},
	} {
		r := z.Lookup(c.qname, dns.StringToType[c.qtype], true)
		if r.Outcome != c.outcome || brief(r.Answer) != c.answer || c.authority != "" && brief(r.Authority) != c.authority {
			t.Errorf("%s %s %s: %v\nanswer    %s\nauthority %s\nnot       %s", c.section, c.qname, c.qtype, r.Outcome,
				brief(r.Answer), brief(r.Authority), c.authority)
		}
	}
}

// A zone that lacks some of its signing records answers what it can, as it does when its operator lost them.
func TestLookupInADamagedZone(t *testing.T) {
	t.Parallel()
	for product, denial := range map[sign.Product]sign.Denial{sign.ProductDenial: sign.NSEC, sign.ProductRRSIG: sign.NSEC3} {
		for keep := range 3 {
			n := 0
			z := exampleZone(t, "", sign.Params{Denial: denial, Alter: func(p sign.Product, rr dns.RR) []dns.RR {
				if n++; p == product && n%3 >= keep {
					return nil
				}
				return []dns.RR{rr}
			}})
			for _, qname := range []string{"example.", "a.a.example.", "a.b.example.", "y.w.example.", "q.w.example.", "0.example."} {
				for _, qtype := range []uint16{dns.TypeA, dns.TypeMX, dns.TypeDS, dns.TypeNSEC, dns.TypeRRSIG, dns.TypeANY} {
					z.Lookup(qname, qtype, true)
				}
			}
		}
	}
}

// For any zone and any question, the outcome is what the zone's records say by the words of RFC 4592 and RFC 1034, and
// the denial proves it.
func TestLookupProperty(t *testing.T) {
	t.Parallel()
	label := rapid.SampledFrom([]string{"a", "b", "c", "*", "ab", "B"})
	name := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(append(rapid.SliceOfN(label, 0, 4).Draw(t, "labels"), "example."), ".")
	})
	types := []uint16{dns.TypeA, dns.TypeTXT, dns.TypeNS, dns.TypeDS}
	key := exampleParams(t, sign.Params{})
	memo := new(sign.Memo)
	rapid.Check(t, func(t *rapid.T) {
		text := "$TTL 60\n@ SOA ns.elsewhere. h 1 2 3 4 5\n@ NS ns.elsewhere.\n"
		for range rapid.IntRange(0, 8).Draw(t, "records") {
			owner := name.Draw(t, "owner")
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0, 1:
				text += owner + " A 192.0.2.1\n"
			case 2:
				text += owner + " TXT x\n"
			case 3:
				if !strings.HasPrefix(owner, "*") && owner != "example." {
					text += owner + " NS ns.elsewhere.\n"
				}
			case 4:
				if !strings.HasPrefix(owner, "*") && owner != "example." {
					text += owner + " NS ns.elsewhere.\n" + owner + " DS 1 13 2 AABB\n"
				}
			}
		}
		rrs, err := zone.Parse(strings.NewReader(text), "example.", "")
		if err != nil {
			t.Fatal(err)
		}
		z, err := zone.New("example.", rrs)
		if err != nil {
			t.Fatal(err)
		}
		p := sign.Params{Keys: key.Keys, Inception: inception, Expiration: expiration, Memo: memo}
		p.Denial = sign.Denial(rapid.IntRange(0, 1).Draw(t, "denial"))
		p.NSEC3.OptOut = rapid.Bool().Draw(t, "opt-out")
		s, err := sign.Sign(z, p)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			qname, qtype := name.Draw(t, "qname"), rapid.SampledFrom(types).Draw(t, "qtype")
			r := s.Lookup(qname, qtype, true)
			want, source := model(rrs, qname, qtype)
			if r.Outcome != want {
				t.Fatalf("%s %s: %v, not %v\n%s", qname, dns.Type(qtype), r.Outcome, want, text)
			}
			if complaint := proves(r, p, qname, qtype, source); complaint != "" {
				t.Fatalf("%s %s: %s\n%s\n%v", qname, dns.Type(qtype), complaint, text, r.Authority)
			}
		}
	})
}

// model answers from the bare list of records. source is the wildcard that answers, if one does.
func model(rrs []dns.RR, qname string, qtype uint16) (outcome zone.Outcome, source string) {
	qname = dns.CanonicalName(qname)
	has := func(name string, rrtype uint16) bool {
		return slices.ContainsFunc(rrs, func(rr dns.RR) bool {
			return dns.CanonicalName(rr.Header().Name) == name && rr.Header().Rrtype == rrtype
		})
	}
	exists := func(name string) bool {
		return slices.ContainsFunc(rrs, func(rr dns.RR) bool { return dns.IsSubDomain(name, rr.Header().Name) })
	}
	ends := func(name, source string) (zone.Outcome, string) {
		if has(name, qtype) {
			return zone.Success, source
		}
		return zone.NODATA, source
	}
	// From the top down, the first delegation ends it, but for DS at that very name.
	for _, i := range slices.Backward(dns.Split(qname)) {
		if up := qname[i:]; up != "example." && has(up, dns.TypeNS) && (up != qname || qtype != dns.TypeDS) {
			return zone.Delegation, up
		} else if up != "example." && has(up, dns.TypeNS) {
			break
		}
	}
	if exists(qname) {
		return ends(qname, "")
	}
	encloser := qname
	for !exists(encloser) {
		i, _ := dns.NextLabel(encloser, 0)
		encloser = encloser[i:]
	}
	if exists("*." + encloser) {
		return ends("*."+encloser, "*."+encloser)
	}
	return zone.NXDOMAIN, encloser
}

// proves checks the denial in r by its own reading of RFC 4035 section 5.4 and RFC 5155 section 8. source is
// model's: the cut, the wildcard, or the closest encloser.
func proves(r zone.Result, p sign.Params, qname string, qtype uint16, source string) string {
	d := denials{}
	for _, rr := range r.Authority {
		switch x := rr.(type) {
		case *dns.NSEC:
			d.nsecs = append(d.nsecs, x)
		case *dns.NSEC3:
			d.nsec3s = append(d.nsec3s, x)
		}
	}
	var ok bool
	switch r.Outcome {
	case zone.NXDOMAIN:
		ok = d.noName(qname) && d.noName("*."+source)
	case zone.NODATA:
		if source == "" {
			// In an opt-out span neither insecure delegations nor empty non-terminals need have an NSEC3.
			ok = d.lacks(qname, qtype) || p.NSEC3.OptOut && d.noName(qname)
		} else {
			ok = d.noName(qname) && (d.lacks(source, qtype) || p.NSEC3.OptOut)
		}
	case zone.Success:
		ok = source == "" && len(r.Authority) == 0 || source != "" && d.noName(qname)
	case zone.Delegation:
		secure := slices.ContainsFunc(r.Authority, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeDS })
		ok = secure || d.lacks(source, dns.TypeDS) || p.NSEC3.OptOut && d.noName(source)
	}
	if !ok {
		return fmt.Sprintf("%v is not proven (%s)", r.Outcome, source)
	}
	return ""
}

type denials struct {
	nsecs  []*dns.NSEC
	nsec3s []*dns.NSEC3
}

// noName tells that the name is proven not to exist (or, with NSEC3, one between it and an encloser that does).
func (d denials) noName(name string) bool {
	for _, x := range d.nsecs {
		after := zone.CompareNames(name, x.Hdr.Name) > 0
		before := zone.CompareNames(name, x.NextDomain) < 0 || x.NextDomain == "example."
		if after && before && !dns.IsSubDomain(dns.CanonicalName(name), dns.CanonicalName(x.NextDomain)) {
			return true
		}
	}
	for closer := name; closer != "example."; {
		i, _ := dns.NextLabel(closer, 0)
		encloser := closer[i:]
		for _, x := range d.nsec3s {
			if x.Cover(closer) && slices.ContainsFunc(d.nsec3s, func(y *dns.NSEC3) bool { return y.Match(encloser) }) {
				return true
			}
			// A wildcard's signature shows its encloser (RFC 5155 section 8.8), which is then not sent.
			if len(d.nsec3s) == 1 && x.Cover(closer) {
				return true
			}
		}
		closer = encloser
	}
	return false
}

// lacks tells that the name is proven to exist without the type.
func (d denials) lacks(name string, rrtype uint16) bool {
	for _, x := range d.nsecs {
		if zone.CompareNames(x.Hdr.Name, name) == 0 {
			return !slices.Contains(x.TypeBitMap, rrtype)
		}
		if zone.CompareNames(x.Hdr.Name, name) < 0 && dns.IsSubDomain(dns.CanonicalName(name), dns.CanonicalName(x.NextDomain)) {
			return true // an empty non-terminal
		}
	}
	for _, x := range d.nsec3s {
		if x.Match(name) {
			return !slices.Contains(x.TypeBitMap, rrtype)
		}
	}
	return false
}

func BenchmarkLookupSigned(b *testing.B) {
	for _, d := range []sign.Denial{sign.NSEC, sign.NSEC3} {
		p := params(b)
		p.Denial = d
		z := signed(b, zoneOf(b, 1000), p)
		for _, qname := range []string{"host500", "nothere"} {
			b.Run(fmt.Sprintf("%v/%s", d, qname), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					z.Lookup(qname+".solvethenetwork.com.", dns.TypeA, true)
				}
			})
		}
	}
}
