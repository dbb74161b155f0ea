package sign_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"runtime"
	"sync"
	"testing"
	"time"

	"faultzone/authoritative/sign"
	"faultzone/authoritative/zone"

	"github.com/miekg/dns"
)

// BenchmarkSign10000 signs a zone of 10,000 names. sigs/s are the signatures of the whole signing, from records to a zone
// that answers; ratio is that to what the bare key does on the same cores (1: nothing but the key's own work).
func BenchmarkSign10000(b *testing.B) {
	ed := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	p256, _ := ecdsa.ParseRawPrivateKey(elliptic.P256(), append(make([]byte, 31), 7))
	for name, c := range map[string]struct {
		algorithm uint8
		bare      func(digest []byte) error
	}{
		"P-256": {dns.ECDSAP256SHA256, func(digest []byte) error {
			_, err := p256.Sign(nil, digest, crypto.SHA256)
			return err
		}},
		"Ed25519": {dns.ED25519, func(digest []byte) error {
			ed25519.Sign(ed, digest)
			return nil
		}},
	} {
		b.Run(name, func(b *testing.B) {
			z, p := zoneOf(b, 10_000), params(b)
			p.Keys = pair(b, c.algorithm)
			var signed *zone.Zone
			var whole, bare time.Duration
			b.ReportAllocs()
			// In turns, so that what else the machine does falls on both.
			for b.Loop() {
				whole += elapsed(b, func() {
					var err error
					if signed, err = sign.Sign(z, p); err != nil {
						b.Fatal(err)
					}
				})
				bare += elapsed(b, func() { bareKey(b, countSigs(signed), c.bare) })
			}
			n := float64(b.N * countSigs(signed))
			b.ReportMetric(n/whole.Seconds(), "sigs/s")
			b.ReportMetric(bare.Seconds()/whole.Seconds(), "ratio")
		})
	}
}

// elapsed takes the benchmark's own clock.
func elapsed(b *testing.B, f func()) time.Duration {
	before := b.Elapsed()
	f()
	return b.Elapsed() - before
}

func countSigs(z *zone.Zone) int {
	n := 0
	for set := range z.RRsets() {
		n += len(set.Sigs)
	}
	return n
}

// bareKey makes n signatures on all cores.
func bareKey(b *testing.B, n int, sign func([]byte) error) {
	digest := sha256.Sum256(nil)
	cores := runtime.GOMAXPROCS(0)
	var working sync.WaitGroup
	for range cores {
		working.Go(func() {
			for range n / cores {
				if err := sign(digest[:]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	working.Wait()
}
