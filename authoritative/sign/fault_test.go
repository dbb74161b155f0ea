package sign_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"
	"faultzone/resolver/validate"

	"github.com/miekg/dns"
)

// judge says what a validator makes of the answer to a question, with ds as what the parent vouches with.
func judge(z *zone.Zone, ds []dns.RR, qname string, qtype uint16, now time.Time) validate.Verdict {
	var p validate.Policy
	keys, _ := z.RRset(z.Origin(), dns.TypeDNSKEY)
	v := validate.Keys(z.Origin(), validate.RRset{RRs: keys.RRs, Sigs: keys.Sigs}, ds, now, p)
	if v.Status != validate.Secure {
		return v
	}
	r := z.Lookup(qname, qtype, true)
	authority := rrsets(r.Authority)
	switch r.Outcome {
	case zone.NXDOMAIN:
		return validate.NameError(qname, z.Origin(), authority, keys.RRs, now, p)
	case zone.NODATA:
		return validate.NoData(qname, qtype, z.Origin(), authority, keys.RRs, now, p)
	case zone.Delegation:
		return validate.NoDS(qname, z.Origin(), authority, keys.RRs, now, p)
	}
	for _, set := range rrsets(r.Answer) {
		if v = validate.Signed(set, z.Origin(), keys.RRs, now, p); v.Status != validate.Secure {
			return v
		}
		if v.Wildcard != "" {
			return validate.NoCloserMatch(qname, v.Wildcard, z.Origin(), authority, keys.RRs, now, p)
		}
	}
	return v
}

func rrsets(rrs []dns.RR) []validate.RRset {
	var sets []validate.RRset
	at := map[string]int{}
	place := func(name string, rrtype uint16) *validate.RRset {
		id := dns.CanonicalName(name) + " " + dns.Type(rrtype).String()
		if _, ok := at[id]; !ok {
			at[id] = len(sets)
			sets = append(sets, validate.RRset{})
		}
		return &sets[at[id]]
	}
	for _, rr := range rrs {
		if sig, ok := rr.(*dns.RRSIG); ok {
			set := place(sig.Hdr.Name, sig.TypeCovered)
			set.Sigs = append(set.Sigs, sig)
			continue
		}
		set := place(rr.Header().Name, rr.Header().Rrtype)
		set.RRs = append(set.RRs, rr)
	}
	return slices.DeleteFunc(sets, func(s validate.RRset) bool { return len(s.RRs) == 0 })
}

// The DNSSEC faults that the field knows (the names are those of the test bed of "Extended DNS Errors: Unlocking the
// Full Potential of DNS Troubleshooting", IMC 2023), each made by the signer's arguments alone, and what a validator
// says of it: its status and the extended error of RFC 8914.
func TestFaults(t *testing.T) {
	t.Parallel()
	const (
		bogus, insecure, secure = validate.Bogus, validate.Insecure, validate.Secure

		unknownKey, unknownDS                  = dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm, dns.ExtendedErrorCodeUnsupportedDSDigestType
		dnssecBogus, expired, early            = dns.ExtendedErrorCodeDNSBogus, dns.ExtendedErrorCodeSignatureExpired, dns.ExtendedErrorCodeSignatureNotYetValid
		noKey, noSig, noZoneBit, noNSEC        = dns.ExtendedErrorCodeDNSKEYMissing, dns.ExtendedErrorCodeRRSIGsMissing, dns.ExtendedErrorCodeNoZoneKeyBitSet, dns.ExtendedErrorCodeNSECMissing
		backwards                       uint16 = dns.ExtendedErrorCodeSignatureExpiredBeforeValid
		none, iterations                uint16 = 0, dns.ExtendedErrorCodeUnsupportedNSEC3IterValue
	)
	const month = 30 * 24 * time.Hour
	ksk, zsk := pair(t, dns.ECDSAP256SHA256)[0], pair(t, dns.ECDSAP256SHA256)[1]
	mail, ghost := "mail.solvethenetwork.com. A", "ghost.solvethenetwork.com. A"
	under := func(alter sign.Alteration) func(*sign.Params) { return func(p *sign.Params) { p.Alter = alter } }
	nsec3 := func(alter sign.Alteration) func(*sign.Params) {
		return func(p *sign.Params) { p.Alter, p.Denial = alter, sign.NSEC3 }
	}
	ds := func(change func(*dns.DS)) []dns.RR {
		d := ksk.DS(dns.SHA256)
		change(d)
		return []dns.RR{d}
	}
	pretend := func(algorithm uint8) (func(*sign.Params), []dns.RR) {
		return under(sign.Pretend(algorithm, sign.AnyKey, ksk, zsk)), []dns.RR{sign.PretendDS(ksk, algorithm, dns.SHA256)}
	}
	type fault struct {
		name     string
		params   func(*sign.Params)
		ds       []dns.RR // nil: the right one
		question string
		status   validate.Status
		ede      uint16
	}
	faults := []fault{
		{"healthy", under(nil), nil, mail, secure, none},
		{"healthy, a name that is not there", under(nil), nil, ghost, secure, none},
		{"healthy, NSEC3", nsec3(nil), nil, ghost, secure, none},
		{"healthy, wildcard", under(nil), nil, "x.apps.solvethenetwork.com. A", secure, none},

		{"rrsig-exp-all", under(sign.ShiftValidity(-month)), nil, mail, bogus, expired},
		{"rrsig-exp-a", under(sign.ShiftValidity(-month, dns.TypeA)), nil, mail, bogus, expired},
		{"rrsig-exp-a leaves AAAA alone", under(sign.ShiftValidity(-month, dns.TypeA)), nil, "mail.solvethenetwork.com. AAAA", secure, none},
		{"rrsig-exp at one name", under(sign.ShiftValidity(-month).At("MAIL.solvethenetwork.com.")), nil, mail, bogus, expired},
		{"rrsig-not-yet-all", under(sign.ShiftValidity(month)), nil, mail, bogus, early},
		{"rrsig-not-yet-a", under(sign.ShiftValidity(month, dns.TypeA)), nil, mail, bogus, early},
		{"rrsig-exp-before-all", under(sign.SwapValidity()), nil, mail, bogus, backwards},
		{"rrsig-exp-before-a", under(sign.SetValidity(expiration, inception, dns.TypeA)), nil, mail, bogus, backwards},
		{"rrsig-no-all", under(sign.DropSignatures()), nil, mail, bogus, noSig},
		{"rrsig-no-a", under(sign.DropSignatures(dns.TypeA)), nil, mail, bogus, noSig},
		{"a signature that does not verify", under(sign.CorruptSignature(dns.TypeA)), nil, mail, bogus, dnssecBogus},
		{"a signature of an unknown key", under(sign.WrongKeyTag(dns.TypeA)), nil, mail, bogus, noKey},
		{"a signature of another zone", under(sign.WrongSigner("example.", dns.TypeA)), nil, mail, bogus, dnssecBogus},
		{"a signature of a wildcard that was none", under(sign.WrongLabels(dns.TypeA)), nil, mail, bogus, dnssecBogus},

		{"no-rrsig-ksk", under(sign.DropSignatures(dns.TypeDNSKEY).By(ksk)), nil, mail, bogus, noSig},
		{"no-rrsig-dnskey", under(sign.DropSignatures(dns.TypeDNSKEY)), nil, mail, bogus, noSig},
		{"bad-rrsig-ksk", under(sign.CorruptSignature(dns.TypeDNSKEY).By(ksk)), nil, mail, bogus, dnssecBogus},
		{"bad-rrsig-dnskey", under(sign.CorruptSignature(dns.TypeDNSKEY)), nil, mail, bogus, dnssecBogus},
		{"no-ksk", under(sign.DropKeys(sign.KSKs)), nil, mail, bogus, noKey},
		{"no-zsk", under(sign.DropKeys(sign.ZSKs)), nil, mail, bogus, noKey},
		{"no-dnskey", under(sign.DropKeys(sign.AnyKey)), nil, mail, bogus, noKey},
		{"bad-ksk", under(sign.CorruptKeys(sign.KSKs)), nil, mail, bogus, noKey},
		{"bad-zsk", under(sign.CorruptKeys(sign.ZSKs)), nil, mail, bogus, noKey},
		{"no-dnskey-256", under(sign.ClearZoneFlag(sign.ZSKs)), nil, mail, bogus, noKey},
		{"no-dnskey-257", under(sign.ClearZoneFlag(sign.KSKs)), nil, mail, bogus, noKey},
		{"no-dnskey-256-257", under(sign.ClearZoneFlag(sign.AnyKey)), nil, mail, bogus, noZoneBit},
		{"bad-zsk-algo", under(sign.ChangeKeys(sign.ZSKs, func(k *dns.DNSKEY) { k.Algorithm = dns.ED25519 })), nil, mail, bogus, noKey},
		{"unassigned-zsk-algo", under(sign.Pretend(100, sign.ZSKs, ksk, zsk)), nil, mail, bogus, unknownKey},
		{"reserved-zsk-algo", under(sign.Pretend(200, sign.ZSKs, ksk, zsk)), nil, mail, bogus, unknownKey},

		{"no-ds", under(nil), []dns.RR{}, mail, validate.Indeterminate, dns.ExtendedErrorCodeDNSSECIndeterminate},
		{"ds-bad-tag", under(nil), ds(func(d *dns.DS) { d.KeyTag++ }), mail, bogus, noKey},
		{"ds-bad-key-algo", under(nil), ds(func(d *dns.DS) { d.Algorithm = dns.ED25519 }), mail, bogus, noKey},
		{"ds-unassigned-key-algo", under(nil), ds(func(d *dns.DS) { d.Algorithm = 100 }), mail, insecure, unknownKey},
		{"ds-reserved-key-algo", under(nil), ds(func(d *dns.DS) { d.Algorithm = 200 }), mail, insecure, unknownKey},
		{"ds-unassigned-digest-algo", under(nil), ds(func(d *dns.DS) { d.DigestType = 100 }), mail, insecure, unknownDS},
		{"ds-bogus-digest-value", under(nil), ds(func(d *dns.DS) { d.Digest = strings.Repeat("0", 64) }), mail, bogus, noKey},

		{"nsec3-missing", nsec3(sign.DropDenial()), nil, ghost, bogus, noNSEC},
		{"nsec-missing", under(sign.DropDenial()), nil, ghost, bogus, noNSEC},
		{"bad-nsec3-hash", nsec3(sign.WrongOwner()), nil, ghost, bogus, noNSEC},
		{"bad-nsec3-next", nsec3(sign.WrongSpan()), nil, ghost, bogus, noNSEC},
		{"bad-nsec-next", under(sign.WrongSpan()), nil, ghost, bogus, noNSEC},
		{"bad-nsec3-salt", nsec3(sign.WrongSalt("aabb")), nil, ghost, bogus, noNSEC},
		{"bad-nsec3-iterations", nsec3(sign.WrongIterations(1)), nil, ghost, bogus, noNSEC},
		{"bad-nsec3-rrsig", nsec3(sign.CorruptSignature(dns.TypeNSEC3)), nil, ghost, bogus, dnssecBogus},
		{"nsec3-rrsig-missing", nsec3(sign.DropSignatures(dns.TypeNSEC3)), nil, ghost, bogus, noSig},
		{"nsec3param-missing", nsec3(sign.DropNSEC3PARAM()), nil, ghost, bogus, noNSEC},
		{"no-nsec3param-nsec3", nsec3(sign.Alterations(sign.DropNSEC3PARAM(), sign.DropDenial())), nil, ghost, bogus, noNSEC},
		{"nsec-rrsig-exp", under(sign.ShiftValidity(-month, dns.TypeNSEC)), nil, ghost, bogus, expired},
		{"a wildcard without its denial", under(sign.DropDenial()), nil, "x.apps.solvethenetwork.com. A", bogus, noNSEC},
		{"a denial that claims the type", under(sign.ClaimTypes(dns.TypeTXT)), nil, "mail.solvethenetwork.com. TXT", bogus, dnssecBogus},
		{"no denial at all", func(p *sign.Params) { p.Denial = sign.NoDenial }, nil, ghost, bogus, noNSEC},

		{"a rollover that the parent was not told of", func(p *sign.Params) {
			p.Keys = []*sign.Key{key(t, sign.FlagsKSK, dns.ECDSAP256SHA256, "next"), zsk}
		}, nil, mail, bogus, noKey},
		{"a rollover to an algorithm that the parent was not told of", func(p *sign.Params) { p.Keys = pair(t, dns.ED25519) },
			nil, mail, bogus, noKey},
	}
	for _, n := range []uint16{1, 51, 101, 151, 200} {
		status, ede := secure, none
		if n > 100 { // RFC 9276 section 3.2: a limit of the validator
			status, ede = insecure, iterations
		}
		faults = append(faults, fault{fmt.Sprintf("nsec3-iter-%d", n), func(p *sign.Params) {
			p.Denial, p.NSEC3.Iterations = sign.NSEC3, n
		}, nil, ghost, status, ede})
	}
	for _, algorithm := range []uint8{dns.RSAMD5, dns.DSA, dns.DSANSEC3SHA1, dns.ED448, dns.ECCGOST, 100, 200} {
		params, parent := pretend(algorithm)
		faults = append(faults, fault{fmt.Sprintf("algorithm %d", algorithm), params, parent, mail, insecure, unknownKey})
	}
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) {
			p := params(t)
			c.params(&p)
			parent := c.ds
			if parent == nil {
				parent = []dns.RR{ksk.DS(dns.SHA256)}
			}
			name, rrtype, _ := strings.Cut(c.question, " ")
			v := judge(signed(t, parsed(t, content), p), parent, name, dns.StringToType[rrtype], inception.Add(time.Hour))
			if v.Status != c.status || v.EDE != c.ede {
				t.Errorf("%v, EDE %d (%s), not %v, EDE %d", v.Status, v.EDE, v.Why, c.status, c.ede)
			}
		})
	}
	// The validator's own clock, and signatures that a zone's expire outlives.
	z := signed(t, parsed(t, content), params(t))
	for at, ede := range map[time.Time]uint16{inception.Add(-time.Second): early, inception: none, expiration: none,
		expiration.Add(time.Second): expired} {
		if v := judge(z, []dns.RR{ksk.DS(dns.SHA256)}, "mail.solvethenetwork.com.", dns.TypeA, at); v.EDE != ede {
			t.Errorf("at %v: EDE %d (%s), not %d", at, v.EDE, v.Why, ede)
		}
	}
}

// Faults that a validator cannot see, or that are not for it to see.
func TestSilentFaults(t *testing.T) {
	t.Parallel()
	p := params(t)
	p.Alter = sign.DenyTypes(dns.TypeAAAA).At("mail.solvethenetwork.com.")
	z := signed(t, parsed(t, content), p)
	if got := types(z, "mail.solvethenetwork.com.", dns.TypeNSEC); got != "A RRSIG NSEC" {
		t.Error(got)
	}
	p = params(t)
	p.ZONEMD, p.Alter = []uint8{zone.DigestSHA384}, sign.CorruptDigest()
	z = signed(t, parsed(t, content), p)
	if check := z.CheckDigest(); check.Status != zone.DigestMismatch {
		t.Errorf("%v %q", check.Status, check.Reasons)
	}
	p = params(t)
	p.Alter = func(product sign.Product, rr dns.RR) []dns.RR {
		if product == sign.ProductRRSIGData {
			return []dns.RR{&dns.A{Hdr: *rr.Header()}}
		}
		return []dns.RR{rr}
	}
	if _, err := sign.Sign(parsed(t, content), p); err == nil || !strings.Contains(err.Error(), "only RRSIGs can be signed") {
		t.Error(err)
	}
}
