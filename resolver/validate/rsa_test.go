package validate

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	"encoding/base64"
	"math/big"
	"testing"

	"github.com/miekg/dns"
)

// rsaSigner signs with any exponent and modulus, by the definition alone (RFC 8017 sections 8.2.1 and 9.2).
type rsaSigner struct {
	n, e, d *big.Int
}

func newRSA(t *testing.T, bits int, e *big.Int) rsaSigner {
	t.Helper()
	for {
		p, err := rand.Prime(rand.Reader, bits/2)
		if err != nil {
			t.Fatal(err)
		}
		q, err := rand.Prime(rand.Reader, bits-bits/2)
		if err != nil {
			t.Fatal(err)
		}
		one := big.NewInt(1)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if n := new(big.Int).Mul(p, q); d != nil && n.BitLen() == bits {
			return rsaSigner{n, e, d}
		}
	}
}

func (s rsaSigner) sign(hash crypto.Hash, data []byte) []byte {
	h := hash.New()
	h.Write(data)
	info := append(digestInfo(hash), h.Sum(nil)...)
	size := (s.n.BitLen() + 7) / 8
	em := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, size-len(info)-3)...)
	em = append(append(em, 0), info...)
	return new(big.Int).Exp(new(big.Int).SetBytes(em), s.d, s.n).FillBytes(make([]byte, size))
}

// key is the public key field of RFC 3110 section 2.
func (s rsaSigner) key() []byte {
	e := s.e.Bytes()
	return append(append([]byte{byte(len(e))}, e...), s.n.Bytes()...)
}

// Exponents of more than 31 bits, which BIND's tools made (2^32+1), and moduli of less than 1024 (RFC 5702 section 2 has 512
// as the least), which crypto/rsa refuses; and usual keys by the same arithmetic as crypto/rsa's.
func TestRSAKeys(t *testing.T) {
	t.Parallel()
	big32 := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 32), big.NewInt(1))
	for _, x := range []struct {
		bits      int
		e         *big.Int
		algorithm uint8
		hash      crypto.Hash
	}{
		{1024, big.NewInt(65537), dns.RSASHA256, crypto.SHA256},
		{1024, big32, dns.RSASHA256, crypto.SHA256},
		{1024, big32, dns.RSASHA512, crypto.SHA512},
		{1025, big32, dns.RSASHA1, crypto.SHA1},
		{512, big.NewInt(65537), dns.RSASHA256, crypto.SHA256},
		{512, big.NewInt(3), dns.RSASHA1NSEC3SHA1, crypto.SHA1},
		{1024, big.NewInt(65537), dns.RSASHA1, crypto.SHA1},
	} {
		s := newRSA(t, x.bits, x.e)
		data := []byte("what is signed")
		signature := s.sign(x.hash, data)
		verify := publicKey(x.algorithm, s.key())
		if verify == nil || !verify(data, signature) {
			t.Errorf("%d bits, exponent %d, algorithm %d: a right signature does not stand", x.bits, x.e, x.algorithm)
			continue
		}
		if x.bits >= 1024 && x.e.BitLen() <= 31 { // our own arithmetic agrees with the library's
			h := x.hash.New()
			h.Write(data)
			if !verifyPKCS1(s.n, s.e, x.hash, h.Sum(nil), signature) {
				t.Errorf("algorithm %d: verifyPKCS1 does not take what crypto/rsa takes", x.algorithm)
			}
			if rsa.VerifyPKCS1v15(&rsa.PublicKey{N: s.n, E: int(s.e.Int64())}, x.hash, h.Sum(nil), signature) != nil {
				t.Error("crypto/rsa does not take it")
			}
		}
		for i, bad := range [][]byte{nil, signature[1:], append([]byte{0}, signature...), flipped(signature, 0), flipped(signature, len(signature)-1),
			new(big.Int).Add(new(big.Int).SetBytes(signature), s.n).Bytes()} {
			if verify(data, bad) {
				t.Errorf("%d bits, exponent %d: wrong signature %d stands", x.bits, x.e, i)
			}
		}
		if verify([]byte("something else"), signature) {
			t.Error("it stands for something else")
		}
	}
	for _, key := range [][]byte{{1, 1, 0xff}, append([]byte{9}, bytes.Repeat([]byte{0xff}, 140)...), append([]byte{1, 3}, bytes.Repeat([]byte{0xff}, 63)...),
		append([]byte{1, 3}, make([]byte, 128)...), append([]byte{1, 1}, bytes.Repeat([]byte{0xff}, 128)...)} {
		if publicKey(dns.RSASHA256, key) != nil {
			t.Errorf("key %x… is taken", key[:3])
		}
	}
}

func flipped(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// SHA-1 algorithms: a zone that has no others is Insecure, and with Policy.SHA1 Secure or Bogus as any (RFC 9905 section 2).
func TestSHA1Algorithms9905(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []uint8{dns.RSASHA1, dns.RSASHA1NSEC3SHA1} {
		s := newRSA(t, 1024, big.NewInt(65537))
		key := &dns.DNSKEY{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600}, Flags: 257,
			Protocol: 3, Algorithm: algorithm, PublicKey: base64.StdEncoding.EncodeToString(s.key())}
		set := func(line string) RRset {
			rrs := records(t, line)
			if line == "" {
				rrs = []dns.RR{key}
			}
			h := rrs[0].Header()
			sig := &dns.RRSIG{Hdr: dns.RR_Header{Name: h.Name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: h.Ttl}, TypeCovered: h.Rrtype,
				Algorithm: algorithm, Labels: uint8(dns.CountLabel(h.Name)), OrigTtl: h.Ttl, Inception: uint32(inception.Unix()),
				Expiration: uint32(expiration.Unix()), KeyTag: key.KeyTag(), SignerName: "example."}
			canonical, err := canonicalise(rrs)
			if err != nil {
				t.Fatal(err)
			}
			signer, _ := parseName("example.")
			sig.Signature = base64.StdEncoding.EncodeToString(s.sign(crypto.SHA1, canonical.signedData(sig, signer)))
			return RRset{RRs: rrs, Sigs: []*dns.RRSIG{sig}}
		}
		ds := []dns.RR{key.ToDS(dns.SHA256)}
		keys := set("")
		check(t, Keys("example.", keys, ds, now, Policy{}), Insecure, dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm)
		check(t, Keys("example.", keys, ds, now, Policy{SHA1: true}), Secure, 0)
		data := set("www.example. 300 IN A 192.0.2.1")
		check(t, Signed(data, "example.", keys.RRs, now, Policy{SHA1: true}), Secure, 0)
		data.RRs[0].(*dns.A).A[3]++
		check(t, Signed(data, "example.", keys.RRs, now, Policy{SHA1: true}), Bogus, dns.ExtendedErrorCodeDNSBogus)
	}
}
