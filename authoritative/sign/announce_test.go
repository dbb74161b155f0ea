package sign_test

import (
	"strings"
	"testing"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

func apexText(z *zone.Zone, rrtype uint16) string {
	set, _ := z.RRset(z.Origin(), rrtype)
	var all []string
	for _, rr := range set.RRs {
		all = append(all, strings.Join(strings.Fields(rr.String())[4:], " "))
	}
	return strings.Join(all, "; ")
}

// RFC 7344 sections 3 and 4.1: what the parent is to have, signed as the DNSKEY RRset is.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	p := params(t)
	p.Announce = sign.Announce{Digests: []uint8{dns.SHA256, dns.SHA384}, CDNSKEY: true}
	z := signed(t, parsed(t, content), p)
	ksk := p.Keys[0]
	fields := func(rr dns.RR) string { return strings.Join(strings.Fields(rr.String())[4:], " ") }
	if got, want := apexText(z, dns.TypeCDS), fields(ksk.DS(dns.SHA256))+"; "+fields(ksk.DS(dns.SHA384)); got != want {
		t.Errorf("CDS %s, not %s", got, want)
	}
	if got, want := apexText(z, dns.TypeCDNSKEY), fields(ksk.DNSKEY); got != want {
		t.Errorf("CDNSKEY %s, not %s", got, want)
	}
	for _, rrtype := range []uint16{dns.TypeCDS, dns.TypeCDNSKEY} {
		set, _ := z.RRset(z.Origin(), rrtype)
		if len(set.Sigs) != 1 || set.Sigs[0].KeyTag != ksk.DNSKEY.KeyTag() || set.Sigs[0].Verify(ksk.DNSKEY, set.RRs) != nil {
			t.Errorf("%s: %v", dns.Type(rrtype), set.Sigs)
		}
	}
	if got := types(z, z.Origin(), dns.TypeNSEC); got != "NS SOA MX RRSIG NSEC DNSKEY CDS CDNSKEY" {
		t.Error(got)
	}
	// Another announcement takes the first one's place, and none leaves what the zone has.
	p.Announce = sign.Announce{Digests: []uint8{dns.SHA256}, Keys: []*sign.Key{key(t, sign.FlagsKSK, dns.ED25519, "next")}}
	z = signed(t, z.Unsigned(), p)
	if got := apexText(z, dns.TypeCDS); !strings.Contains(got, " 15 2 ") || strings.Contains(got, ";") {
		t.Errorf("CDS %s", got)
	}
	before := apexText(z, dns.TypeCDS)
	p.Announce = sign.Announce{}
	if z = signed(t, z.Unsigned(), p); apexText(z, dns.TypeCDS) != before {
		t.Errorf("CDS %s", apexText(z, dns.TypeCDS))
	}
}

// RFC 8078 section 4, with the CDNSKEY of its erratum 5049.
func TestAnnounceDelete(t *testing.T) {
	t.Parallel()
	p := params(t)
	p.Announce.Delete = true
	z := signed(t, announced(t, parsed(t, content), p), p)
	if cds, cdnskey := apexText(z, dns.TypeCDS), apexText(z, dns.TypeCDNSKEY); cds != "0 0 0 00" || cdnskey != "0 3 0 AA==" {
		t.Errorf("CDS %s, CDNSKEY %s", cds, cdnskey)
	}
}

// RFC 8976 section 3: listed in the denial, signed, and over the signatures of all else.
func TestZONEMD(t *testing.T) {
	t.Parallel()
	for name, p := range variants(t) {
		p.ZONEMD = []uint8{zone.DigestSHA512, zone.DigestSHA384}
		z := signed(t, parsed(t, content), p)
		check := z.CheckDigest()
		if check.Status != zone.DigestOK || len(check.Reasons) != 2 || strings.Contains(strings.Join(check.Reasons, ""), "not") {
			t.Errorf("%s: %v %q", name, check.Status, check.Reasons)
		}
		set, _ := z.RRset(z.Origin(), dns.TypeZONEMD)
		if len(set.Sigs) == 0 {
			t.Errorf("%s: the digest is not signed", name)
		}
		if name == "NSEC" {
			if got := types(z, z.Origin(), dns.TypeNSEC); got != "NS SOA MX RRSIG NSEC DNSKEY ZONEMD" {
				t.Error(got)
			}
		}
		first := text(t, z)
		if text(t, signed(t, z.Unsigned(), p)) != first {
			t.Errorf("%s: signing again gave other bytes", name)
		}
		// A zone edited and not digested anew.
		z, err := z.Apply(zone.Change{Op: zone.DeleteName, Name: "mail.solvethenetwork.com."})
		if err != nil {
			t.Fatal(err)
		}
		if check := z.CheckDigest(); check.Status != zone.DigestMismatch {
			t.Errorf("%s: %v %q", name, check.Status, check.Reasons)
		}
	}
}

func TestAnnounceRefuses(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*sign.Params){
		"delete the DS and for others": func(p *sign.Params) { p.Announce = sign.Announce{Delete: true, CDNSKEY: true} },
		"digest type 3":                func(p *sign.Params) { p.Announce.Digests = []uint8{3} },
		"without DNSKEY":               func(p *sign.Params) { p.Announce.Keys = []*sign.Key{nil} },
		"hash algorithm 240":           func(p *sign.Params) { p.ZONEMD = []uint8{240} },
		"hash algorithm 1":             func(p *sign.Params) { p.ZONEMD = []uint8{1, 1} },
		"2501 NSEC3 iterations":        func(p *sign.Params) { p.NSEC3.Iterations = 2501 },
	} {
		p := params(t)
		change(&p)
		if _, err := sign.Sign(parsed(t, content), p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}
