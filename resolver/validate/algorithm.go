package validate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"math/big"

	"github.com/miekg/dns"
)

// knownAlgorithm says whether signatures of this DNSSEC algorithm are checked here. The SHA-1 ones (5, 7) count as unknown
// unless sha1 is set: RFC 9905 section 2 has retired them.
func knownAlgorithm(algorithm uint8, sha1 bool) bool {
	switch algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1:
		return sha1
	case dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519:
		return true
	}
	return false
}

func knownDigest(digest uint8) bool {
	switch digest {
	case dns.SHA1, dns.SHA256, dns.SHA384:
		return true
	}
	return false
}

// digestOf is the DS digest of a key: over its owner and RDATA (RFC 4034 section 5.1.4).
func digestOf(digest uint8, owner name, rdata []byte) []byte {
	data := append(append(make([]byte, 0, len(owner)+len(rdata)), owner...), rdata...)
	switch digest {
	case dns.SHA1:
		sum := sha1.Sum(data)
		return sum[:]
	case dns.SHA256:
		sum := sha256.Sum256(data)
		return sum[:]
	case dns.SHA384:
		sum := sha512.Sum384(data)
		return sum[:]
	}
	return nil
}

// keyTag is the checksum of RFC 4034 appendix B over a DNSKEY's RDATA.
func keyTag(rdata []byte) uint16 {
	var sum uint32 // at most 65,535 octets: no overflow
	for i, b := range rdata {
		if i&1 == 0 {
			sum += uint32(b) << 8
		} else {
			sum += uint32(b)
		}
	}
	return uint16(sum + sum>>16)
}

// verifier checks signatures in wire form with one public key.
type verifier func(data, signature []byte) bool

// publicKey reads the public key field of a DNSKEY; nil when it is no key of that algorithm.
func publicKey(algorithm uint8, key []byte) verifier {
	switch algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
		return rsaKey(algorithm, key)
	case dns.ECDSAP256SHA256, dns.ECDSAP384SHA384:
		return ecdsaKey(algorithm, key)
	case dns.ED25519:
		return ed25519Key(key)
	}
	return nil
}

// rsaKey reads RFC 3110 section 2: the exponent's length in one octet, or in the two after a zero one; the exponent; the
// modulus. Exponents of 64 bits and moduli of 512 to 4096 are taken (RFC 5702 section 2).
func rsaKey(algorithm uint8, key []byte) verifier {
	if len(key) < 3 {
		return nil
	}
	size, key := int(key[0]), key[1:]
	if size == 0 {
		size, key = int(key[0])<<8|int(key[1]), key[2:]
	}
	if size == 0 || size > 8 || len(key) <= size || len(key)-size > 512 {
		return nil
	}
	e, n := new(big.Int).SetBytes(key[:size]), new(big.Int).SetBytes(key[size:])
	if e.BitLen() < 2 || n.BitLen() < 512 || n.Bit(0) == 0 {
		return nil
	}
	hash := crypto.SHA256
	switch algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1:
		hash = crypto.SHA1
	case dns.RSASHA512:
		hash = crypto.SHA512
	}
	public := &rsa.PublicKey{N: n, E: int(e.Int64())}
	odd := e.BitLen() > 31 || n.BitLen() < 1024 // which Go refuses
	return func(data, signature []byte) bool {
		h := hash.New()
		h.Write(data)
		if odd {
			return verifyPKCS1(n, e, hash, h.Sum(nil), signature)
		}
		return rsa.VerifyPKCS1v15(public, hash, h.Sum(nil), signature) == nil
	}
}

// verifyPKCS1 checks an RSASSA-PKCS1-v1_5 signature (RFC 8017 section 8.2.2) by keys that crypto/rsa does not take: of small
// moduli, and of exponents such as 2^32+1, which BIND's tools once made. There is nothing secret in it.
func verifyPKCS1(n, e *big.Int, hash crypto.Hash, digest, signature []byte) bool {
	s, size := new(big.Int).SetBytes(signature), (n.BitLen()+7)/8
	t := append(digestInfo(hash), digest...)
	if len(signature) != size || s.Cmp(n) >= 0 || size < len(t)+11 {
		return false
	}
	want := bytes.Repeat([]byte{0xff}, size)
	want[0], want[1], want[size-len(t)-1] = 0, 1, 0
	copy(want[size-len(t):], t)
	return bytes.Equal(s.Exp(s, e, n).FillBytes(make([]byte, size)), want)
}

// digestInfo is what stands before the digest: its ASN.1 head (RFC 8017 section 9.2, note 1).
func digestInfo(hash crypto.Hash) []byte {
	oid := []byte{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}
	switch hash {
	case crypto.SHA1:
		oid = []byte{0x2b, 0x0e, 0x03, 0x02, 0x1a}
	case crypto.SHA512:
		oid[8] = 3
	}
	inner, digest := len(oid)+4, hash.Size()
	head := []byte{0x30, byte(inner + digest + 4), 0x30, byte(inner), 0x06, byte(len(oid))}
	return append(append(head, oid...), 0x05, 0x00, 0x04, byte(digest))
}

// ecdsaKey reads RFC 6605 section 4: x | y; the signature is r | s.
func ecdsaKey(algorithm uint8, key []byte) verifier {
	curve, half := elliptic.P256(), 32
	if algorithm == dns.ECDSAP384SHA384 {
		curve, half = elliptic.P384(), 48
	}
	if len(key) != 2*half {
		return nil
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, append([]byte{4}, key...))
	if err != nil {
		return nil
	}
	return func(data, signature []byte) bool {
		if len(signature) != 2*half {
			return false
		}
		var digest []byte
		if half == 32 {
			sum := sha256.Sum256(data)
			digest = sum[:]
		} else {
			sum := sha512.Sum384(data)
			digest = sum[:]
		}
		r := new(big.Int).SetBytes(signature[:half])
		s := new(big.Int).SetBytes(signature[half:])
		return ecdsa.Verify(public, digest, r, s)
	}
}

// ed25519Key reads RFC 8080 section 3.
func ed25519Key(key []byte) verifier {
	if len(key) != ed25519.PublicKeySize {
		return nil
	}
	return func(data, signature []byte) bool {
		return len(signature) == ed25519.SignatureSize && ed25519.Verify(key, data, signature)
	}
}

// zoneKey is a DNSKEY with what is worked out from it once a call.
type zoneKey struct {
	*dns.DNSKEY
	rdata  []byte
	tag    uint16
	verify verifier // see verifier
	parsed bool
}

// newZoneKey returns nil for a key whose base64 cannot be read.
func newZoneKey(k *dns.DNSKEY) *zoneKey {
	rdata := make([]byte, 4, 4+base64.StdEncoding.DecodedLen(len(k.PublicKey)))
	rdata[0], rdata[1], rdata[2], rdata[3] = byte(k.Flags>>8), byte(k.Flags), k.Protocol, k.Algorithm
	rdata, err := base64.StdEncoding.AppendDecode(rdata, []byte(k.PublicKey))
	if err != nil || len(rdata) > 65535 {
		return nil
	}
	return &zoneKey{DNSKEY: k, rdata: rdata, tag: keyTag(rdata)}
}

// mayVerify says whether the key may check signatures over a zone's data: the Zone Key flag is set and the protocol is 3
// (RFC 4034 sections 2.1.1 and 2.1.2), and it is not revoked (RFC 5011 section 2.1).
func (k *zoneKey) mayVerify() bool {
	return k.Flags&dns.ZONE != 0 && k.Flags&dns.REVOKE == 0 && k.Protocol == 3
}

// verifier reads the public key when it is first needed: most keys of a set never are.
func (k *zoneKey) verifier() verifier {
	if !k.parsed {
		k.verify, k.parsed = publicKey(k.Algorithm, k.rdata[4:]), true
	}
	return k.verify
}
