package validate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var (
	inception  = time.Date(2026, 3, 26, 12, 0, 0, 0, time.UTC)
	expiration = time.Date(2026, 4, 10, 12, 0, 0, 0, time.UTC)
	now        = time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC)
)

// key is a zone's key pair, made from a seed, so that each run has the same keys, tags and signatures.
type key struct {
	*dns.DNSKEY
	crypto.Signer
}

// Sign leaves out the randomness (RFC 6979).
func (k key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.Signer.Sign(nil, digest, opts)
}

func newKey(t testing.TB, zone string, flags uint16, algorithm uint8, seed byte) key {
	t.Helper()
	k := key{DNSKEY: &dns.DNSKEY{Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: flags, Protocol: 3, Algorithm: algorithm}}
	var public []byte
	curve, size := elliptic.P256(), 32
	switch algorithm {
	case dns.ED25519:
		private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
		k.Signer, public = private, private.Public().(ed25519.PublicKey)
	case dns.ECDSAP384SHA384:
		curve, size = elliptic.P384(), 48
		fallthrough
	default:
		private, err := ecdsa.ParseRawPrivateKey(curve, bytes.Repeat([]byte{seed}, size))
		if err != nil {
			t.Fatal(err)
		}
		point, err := private.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		k.Signer, public = private, point[1:]
	}
	k.PublicKey = base64.StdEncoding.EncodeToString(public)
	return k
}

// sign makes the RRSIG of an RRset; change may alter its fields before it is signed.
func (k key) sign(t testing.TB, rrs []dns.RR, change ...func(*dns.RRSIG)) *dns.RRSIG {
	t.Helper()
	sig := &dns.RRSIG{Hdr: dns.RR_Header{Ttl: rrs[0].Header().Ttl}, Algorithm: k.Algorithm, KeyTag: k.KeyTag(), SignerName: k.Hdr.Name,
		Inception: uint32(inception.Unix()), Expiration: uint32(expiration.Unix())}
	for _, f := range change {
		f(sig)
	}
	if err := sig.Sign(k, rrs); err != nil {
		t.Fatal(err)
	}
	return sig
}

// signRaw signs with the fields of sig just as they are, which miekg/dns does not always allow.
func (k key) signRaw(t testing.TB, set RRset, sig *dns.RRSIG) {
	t.Helper()
	canonical, err := canonicalise(set.RRs)
	if err != nil {
		t.Fatal(err)
	}
	signer, ok := parseName(sig.SignerName)
	if !ok {
		t.Fatal(sig.SignerName)
	}
	signature, err := k.Signer.Sign(nil, canonical.signedData(sig, signer), crypto.Hash(0)) // as Ed25519 wants it
	if err != nil {
		t.Fatal(err)
	}
	sig.Signature = base64.StdEncoding.EncodeToString(signature)
}

func (k key) set(t testing.TB, lines ...string) RRset {
	t.Helper()
	rrs := records(t, lines...)
	return RRset{RRs: rrs, Sigs: []*dns.RRSIG{k.sign(t, rrs)}}
}

// sets makes one signed RRset from each line.
func (k key) sets(t testing.TB, lines ...string) []RRset {
	t.Helper()
	var sets []RRset
	for _, line := range lines {
		sets = append(sets, k.set(t, line))
	}
	return sets
}

func records(t testing.TB, lines ...string) []dns.RR {
	t.Helper()
	var rrs []dns.RR
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		rrs = append(rrs, rr)
	}
	return rrs
}

func record[T dns.RR](t testing.TB, line string) T {
	t.Helper()
	return records(t, line)[0].(T)
}

func dnskeys(keys ...key) []dns.RR {
	var rrs []dns.RR
	for _, k := range keys {
		rrs = append(rrs, k.DNSKEY)
	}
	return rrs
}

// check compares a verdict's status and extended error, and wants words in its reason.
func check(t *testing.T, v Verdict, status Status, ede uint16, why ...string) {
	t.Helper()
	if v.Status != status || v.EDE != ede {
		t.Errorf("%v, EDE %d (%s); want %v, EDE %d", v.Status, v.EDE, v.Why, status, ede)
	}
	for _, word := range why {
		if !strings.Contains(v.Why, word) {
			t.Errorf("the reason %q does not mention %q", v.Why, word)
		}
	}
	if (v.Why == "") != (v.Status == Secure) {
		t.Errorf("%v with the reason %q", v.Status, v.Why)
	}
}
