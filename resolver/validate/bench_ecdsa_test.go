package validate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"testing"

	"github.com/miekg/dns"
)

// BenchmarkVerifyAlone is crypto/ecdsa's own part of BenchmarkSignedP256: the two are to be compared.
func BenchmarkVerifyAlone(b *testing.B) {
	k := newKey(b, "example.", 256, dns.ECDSAP256SHA256, 2)
	digest := sha256.Sum256([]byte("some data"))
	signature, err := k.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	public := k.Public().(*ecdsa.PublicKey)
	b.ReportAllocs()
	for b.Loop() {
		if !ecdsa.VerifyASN1(public, digest[:], signature) {
			b.Fatal("not verified")
		}
	}
}
