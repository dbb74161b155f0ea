package validate

import (
	"testing"

	"github.com/miekg/dns"
)

func benchSigned(b *testing.B, algorithm uint8) {
	ksk, zsk := newKey(b, "example.", 257, algorithm, 1), newKey(b, "example.", 256, algorithm, 2)
	set, keys := zsk.set(b, "www.example. 300 IN A 10.0.2.50", "www.example. 300 IN A 10.0.2.51"), dnskeys(ksk, zsk)
	b.ReportAllocs()
	for b.Loop() {
		if v := Signed(set, "example.", keys, now, Policy{}); v.Status != Secure {
			b.Fatal(v)
		}
	}
}

func BenchmarkSignedP256(b *testing.B)    { benchSigned(b, dns.ECDSAP256SHA256) }
func BenchmarkSignedEd25519(b *testing.B) { benchSigned(b, dns.ED25519) }

// BenchmarkSignedWithoutCryptography is what a verdict costs beside the signature itself.
func BenchmarkSignedWithoutCryptography(b *testing.B) {
	k := newKey(b, "example.", 256, dns.ED25519, 1)
	set := k.set(b, "www.example. 300 IN A 10.0.2.50", "www.example. 300 IN A 10.0.2.51")
	set.Sigs[0].Signature = "AAAA"
	keys := dnskeys(k)
	b.ReportAllocs()
	for b.Loop() {
		Signed(set, "example.", keys, now, Policy{})
	}
}

func BenchmarkKeys(b *testing.B) {
	ksk, zsk := newKey(b, "example.", 257, dns.ECDSAP256SHA256, 1), newKey(b, "example.", 256, dns.ECDSAP256SHA256, 2)
	rrs := dnskeys(ksk, zsk)
	set, ds := RRset{RRs: rrs, Sigs: []*dns.RRSIG{ksk.sign(b, rrs)}}, []dns.RR{ksk.ToDS(dns.SHA256)}
	b.ReportAllocs()
	for b.Loop() {
		if v := Keys("example.", set, ds, now, Policy{}); v.Status != Secure {
			b.Fatal(v)
		}
	}
}

func BenchmarkNameErrorNSEC(b *testing.B) {
	benchNameError(b, "ml.example.", soaRecord, nsecB, nsecApex)
}
func BenchmarkNameErrorNSEC3(b *testing.B) {
	chain := chain5155(0)
	benchNameError(b, "a.c.x.w.example.", soaRecord, chain[hashApex], chain[hashXW], chain[hashA])
}

func benchNameError(b *testing.B, qname string, lines ...string) {
	k := newKey(b, "example.", 256, dns.ECDSAP256SHA256, 1)
	denial, keys := k.sets(b, lines...), dnskeys(k)
	b.ReportAllocs()
	for b.Loop() {
		if v := NameError(qname, "example.", denial, keys, now, Policy{}); v.Status != Secure {
			b.Fatal(v)
		}
	}
}
